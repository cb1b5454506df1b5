//! Documents that pass untouched, because they are signed or because nothing in them could be taken out. What
//! they vouch for is on record before they leave.

use super::Gateway;
use super::documents::{Keeping, LoadError};
use super::request::Asked;
use crate::upstream::{Coding, UpstreamError};
use crate::wire::{Answer, Body, accepts_gzip, answer, matches_etag, not_modified_since};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use lazaret_ecosystems::{Ecosystem, Fetch, Member, Pointed, Relay};
use lazaret_metadata::MemberRow;
use lazaret_vocabulary::{Digest, Document, EcosystemId, PackageName, Reply, Span, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Above this many bytes a document is read where blocking is allowed.
const BLOCKING_BYTES: usize = 64 << 10;
/// Documents above this many bytes are not kept in memory. Debian's largest index is below it: 9 MB of xz.
const IN_MEMORY: usize = 12 << 20;
/// A document whose address names its bytes is never asked for again.
const FOR_EVER: Span = Span::days(36_500);

/// A document that was relayed, ready to be sent again.
pub(crate) struct Relayed {
    reply: Reply,
    tag: String,
    fetched: Timestamp,
    stale: bool,
}

impl Relayed {
    /// About how many bytes of memory it holds.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.reply.body.len() + 1000).unwrap_or(u32::MAX)
    }
}

/// Which document: ecosystem and key.
pub(crate) type RelayKey = (EcosystemId, Arc<str>);

impl Gateway {
    pub(crate) async fn relay(&self, asked: &Asked<'_>, relay: Relay) -> Answer {
        let Some(relaying) = asked.ecosystem.relaying() else { return self.not_found(asked) };
        if let Some(package) = &relay.package {
            if self.is_hosted(package) {
                return match (&relay.hosted_view, relaying.absent(&relay, false)) {
                    (Some(view), _) => self.index(asked, package.clone(), view.clone()).await,
                    (None, Some(reply)) => answer(reply),
                    (None, None) => self.not_found(asked),
                };
            }
            if self.state().firewall.is_reserved(package) {
                return match relaying.absent(&relay, false) {
                    Some(reply) => answer(reply),
                    None => self.load_failed(asked, package, &LoadError::Reserved(package.to_string())),
                };
            }
        }
        let key: RelayKey = (asked.ecosystem.profile().id, relay.key.as_str().into());
        let good_for = if relay.immutable { FOR_EVER } else { self.settings.fresh };
        if let Some(kept) = self.relayed.get(&key)
            && self.clock.now().since(kept.fetched) < good_for
        {
            return send(asked, &kept, relay.immutable);
        }
        let roles = self.roles(asked.ecosystem.profile().id);
        let need = lazaret_ecosystems::Need { dates_after: None, details: false, roles: &roles };
        let fetch = relaying.fetch(&relay, &need);
        let gateway = self.arc();
        let (ecosystem, flight_key) = (asked.ecosystem, key.clone());
        let wanted = relay.clone();
        let result = self
            .relays
            .join(key, || async move { gateway.relay_now(ecosystem, wanted, fetch, flight_key).await })
            .await
            .unwrap_or(Err(UpstreamError::Unreachable("the request was given up".into())));
        match result {
            Ok(relayed) => send(asked, &relayed, relay.immutable),
            Err(UpstreamError::Absent) => match relaying.absent(&relay, true) {
                Some(reply) => answer(reply),
                None => self.not_found(asked),
            },
            Err(error) => {
                if matches!(error, UpstreamError::NotConfigured(_))
                    && let Some(reply) = relaying.absent(&relay, false)
                {
                    return answer(reply);
                }
                let status = match error {
                    UpstreamError::NotConfigured(_) => StatusCode::NOT_FOUND,
                    UpstreamError::Refused(_) => StatusCode::BAD_GATEWAY,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                let message = format!("`{}` could not be fetched: {error}", asked.head.path);
                answer(asked.ecosystem.error(status, &message, &asked.head))
            }
        }
    }

    async fn relay_now(
        self: Arc<Self>,
        ecosystem: &'static dyn Ecosystem,
        relay: Relay,
        fetch: Fetch,
        key: RelayKey,
    ) -> Result<Arc<Relayed>, UpstreamError> {
        let owner = format!("relay\n{}", relay.key);
        let fresh = if relay.immutable { FOR_EVER } else { self.settings.fresh };
        let keeping = Keeping { owner: &owner, fresh, coding: Coding::None };
        let (document, stale, _) = self.current_document(ecosystem, &keeping, &fetch).await?;
        let fetched = document.fetched;
        let large = document.body.len() > BLOCKING_BYTES;
        let body = document.body.clone();
        let digest = ring::digest::digest(&ring::digest::SHA256, &body);
        let tag = Digest::from_bytes(lazaret_vocabulary::Algorithm::Sha256, digest.as_ref())
            .map(|digest| digest.to_hex())
            .unwrap_or_default();
        // What these very bytes vouch for is on record already: they need not be read again.
        let recorded = self.taken_in.get(&key).is_some_and(|before| *before == *tag);
        let at_once = recorded.then(|| ecosystem.relaying()?.reply(&relay, &document)).flatten();
        let relayed = if let Some(reply) = at_once {
            Ok(lazaret_ecosystems::Relayed { reply, members: Vec::new(), pointers: Vec::new() })
        } else if large {
            tokio::task::spawn_blocking(move || read(ecosystem, &relay, &document))
                .await
                .map_err(|_| UpstreamError::Refused("it could not be read".into()))?
        } else {
            read(ecosystem, &relay, &document)
        }?;
        if !recorded {
            self.take_in(key.0, relayed.members, relayed.pointers).await.map_err(|error| {
                tracing::error!(%error, "what a document vouches for could not be recorded");
                UpstreamError::Refused("what it vouches for could not be recorded".into())
            })?;
        }
        self.taken_in.insert(key.clone(), tag.as_str().into());
        let made = Arc::new(Relayed { reply: relayed.reply, tag, fetched, stale });
        if made.reply.body.len() <= IN_MEMORY && !stale {
            self.relayed.insert(key, made.clone());
        }
        Ok(made)
    }

    /// Records what a document vouches for and where it says that names stand; what was read before of the
    /// packages it speaks of is read anew.
    pub(crate) async fn take_in(
        &self,
        ecosystem: EcosystemId,
        members: Vec<Member>,
        pointers: Vec<Pointed>,
    ) -> Result<(), lazaret_metadata::MetadataError> {
        let now = self.clock.now();
        let rows: Vec<MemberRow> = members.iter().map(|member| row(ecosystem, member, now)).collect();
        self.metadata.record_members(&rows).await?;
        let mut by_package: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut touched: HashSet<PackageName> = members.into_iter().map(|member| member.package).collect();
        for pointed in pointers {
            by_package
                .entry(pointed.package.key().to_owned())
                .or_default()
                .push((pointed.pointer, pointed.version));
            touched.insert(pointed.package);
        }
        for (key, stands) in by_package {
            self.metadata.record_pointers(ecosystem.as_str(), &key, &stands, now).await?;
        }
        if !touched.is_empty() {
            self.forget_packages(&touched);
        }
        Ok(())
    }
}

fn read(
    ecosystem: &'static dyn Ecosystem,
    relay: &Relay,
    document: &Document,
) -> Result<lazaret_ecosystems::Relayed, UpstreamError> {
    let Some(relaying) = ecosystem.relaying() else {
        return Err(UpstreamError::Refused("nothing is relayed here".into()));
    };
    relaying.relay(relay, document).map_err(|error| UpstreamError::Refused(error.to_string()))
}

fn row(ecosystem: EcosystemId, member: &Member, now: Timestamp) -> MemberRow {
    MemberRow {
        ecosystem: ecosystem.as_str().to_owned(),
        package_key: member.package.key().to_owned(),
        package: member.package.as_str().to_owned(),
        file: member.artifact.file.to_string(),
        owner: member.owner.to_string(),
        version: member.version.as_deref().unwrap_or_default().to_owned(),
        artifact: lazaret_ecosystems::artifact_text(&member.artifact),
        first_seen: now,
    }
}

/// The bytes as they came, or word that the client has them already.
fn send(asked: &Asked<'_>, relayed: &Relayed, immutable: bool) -> Answer {
    let headers = asked.head.headers;
    let mut response = answer(relayed.reply.clone());
    let set = |response: &mut Answer, name, value: &str| super::artifact::set(response, name, value);
    set(&mut response, header::ETAG, &format!("\"{}\"", relayed.tag));
    let caching = if immutable { "max-age=31536000, immutable" } else { "no-cache" };
    set(&mut response, header::CACHE_CONTROL, caching);
    if relayed.stale {
        response.headers_mut().insert("x-lazaret-stale", HeaderValue::from_static("1"));
    }
    let unchanged = if headers.contains_key(header::IF_NONE_MATCH) {
        matches_etag(headers, &relayed.tag)
    } else {
        not_modified_since(headers, response.headers())
    };
    if response.status() == StatusCode::OK && unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        return response;
    }
    let body: &Bytes = &relayed.reply.body;
    if asked.head.method == Method::HEAD {
        set(&mut response, header::CONTENT_LENGTH, &body.len().to_string());
        *response.body_mut() = Body::empty();
    } else if body.len() > 1024 && accepts_gzip(headers) && is_text(&response) {
        super::replies::pack_response(&mut response, body);
    }
    response
}

/// Whether compressing pays: texts and JSON, but nothing that is compressed already.
fn is_text(response: &Answer) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    !response.headers().contains_key(header::CONTENT_ENCODING)
        && kind.is_some_and(|kind| kind.starts_with("application/json") || kind.contains("+json"))
}
