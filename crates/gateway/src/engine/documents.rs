//! Upstream documents: in memory, on disk, from upstream, in this order; asked for once however many wait.

use super::Gateway;
use super::package::Package;
use crate::upstream::{Coding, Fetched, UpstreamError, Validators, Wanted as Asking, moment};
use http::StatusCode;
use lazaret_ecosystems::{Ecosystem, Fetch, FetchScope, Need, Wanted};
use lazaret_metadata::DocumentRow;
use lazaret_vocabulary::{Document, EcosystemId, PackageName, Span, Timestamp};
use std::sync::Arc;

/// Why there is no package to judge.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LoadError {
    /// Nobody has it.
    #[error("`{0}` does not exist at the upstream, and nothing of that name is published here")]
    Absent(String),
    /// The name belongs to the house and nothing is published under it.
    #[error("`{0}` is reserved for this company and nothing is published under it")]
    Reserved(String),
    /// Upstream cannot be asked and nothing usable is kept.
    #[error("`{package}` cannot be judged now: {cause}")]
    Unavailable { package: String, cause: UpstreamError },
    /// What upstream sent cannot be filtered, so it is not served.
    #[error("the upstream's document on `{package}` cannot be filtered and is not served: {why}")]
    Malformed { package: String, why: String },
    /// The store failed.
    #[error("the gateway's own store failed")]
    Store,
}

impl LoadError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Absent(_) | Self::Reserved(_) => StatusCode::NOT_FOUND,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Malformed { .. } => StatusCode::BAD_GATEWAY,
            Self::Store => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A package with how current it is.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) package: Arc<Package>,
    /// Upstream could not confirm it.
    pub(crate) stale: bool,
}

pub(crate) type LoadKey = (PackageName, Arc<str>);

/// Rounds of questions an ecosystem may ask about one package.
const MAX_ROUNDS: usize = 4;
/// Above this many bytes a document is read where blocking is allowed.
const BLOCKING_BYTES: usize = 128 << 10;

/// How a document is kept.
pub(crate) struct Keeping<'a> {
    /// Under which name beside its role.
    pub(crate) owner: &'a str,
    /// How long it is good without asking again.
    pub(crate) fresh: Span,
    /// Whether its bytes may be inflated.
    pub(crate) coding: Coding,
}

/// Documents gathered for one package.
struct Gathered {
    documents: Vec<Document>,
    /// The oldest confirmation among them.
    fetched: Timestamp,
    stale: bool,
    changed: bool,
    /// Something was asked for at all.
    asked: bool,
}

/// A fetch as the upstream client takes it.
pub(crate) fn ask<'a>(ecosystem: &dyn Ecosystem, fetch: &'a Fetch, coding: Coding) -> Asking<'a> {
    Asking {
        role: &fetch.upstream,
        path: &fetch.path,
        accept: fetch.accept,
        headers: ecosystem.fetch_headers(fetch.role),
        coding,
    }
}

impl Gateway {
    /// The package, current enough to be judged and served.
    pub(crate) async fn load(&self, name: &PackageName) -> Result<Loaded, LoadError> {
        let key: LoadKey = (name.clone(), name.as_str().into());
        let now = self.clock.now();
        if let Some(package) = self.packages.get(&key)
            && !package.lease().is_over()
        {
            let age = now.since(package.lease().fetched());
            if package.hosted || age < self.settings.fresh {
                return Ok(Loaded { package, stale: false });
            }
            if age.millis() < self.settings.fresh.millis().saturating_add(self.settings.renew_behind.millis())
            {
                self.renew_behind(key);
                return Ok(Loaded { package, stale: false });
            }
        }
        if let Some((error, until)) = self.absent.get(&key)
            && now < until
        {
            return Err(error);
        }
        self.load_once(key).await
    }

    /// Loads it anew, together with everybody else who asks for it now.
    pub(crate) async fn load_once(&self, key: LoadKey) -> Result<Loaded, LoadError> {
        let gateway = self.arc();
        let work_key = key.clone();
        self.loads
            .join(key, || async move { gateway.load_now(work_key).await })
            .await
            .unwrap_or(Err(LoadError::Store))
    }

    /// Starts to renew it and does not wait.
    pub(crate) fn renew_behind(&self, key: LoadKey) {
        let gateway = self.arc();
        tokio::spawn(async move {
            let _ = gateway.load_once(key).await;
        });
    }

    async fn load_now(self: Arc<Self>, key: LoadKey) -> Result<Loaded, LoadError> {
        let (name, _) = &key;
        let result = if self.is_hosted(name) {
            self.load_hosted(name).await
        } else if self.state().firewall.is_reserved(name) {
            Err(LoadError::Reserved(name.to_string()))
        } else {
            self.load_upstream(&key).await
        };
        match &result {
            Ok(loaded) => {
                if let Some(before) = self.packages.get(&key)
                    && !Arc::ptr_eq(&before, &loaded.package)
                {
                    before.lease().end();
                }
                self.packages.insert(key.clone(), loaded.package.clone());
                self.absent.invalidate(&key);
            }
            Err(error @ (LoadError::Absent(_) | LoadError::Reserved(_))) => {
                if let Some(before) = self.packages.remove(&key) {
                    before.lease().end();
                }
                let until = self.clock.now() + self.settings.absent;
                self.absent.insert(key.clone(), (error.clone(), until));
            }
            Err(_) => {}
        }
        result
    }

    async fn load_hosted(&self, name: &PackageName) -> Result<Loaded, LoadError> {
        let ecosystem = self.ecosystem_of(name).ok_or_else(|| LoadError::Absent(name.to_string()))?;
        let hosting = ecosystem.hosting().ok_or_else(|| LoadError::Absent(name.to_string()))?;
        let stored =
            self.hosted_package(name).await.map_err(|error| self.store_failed("hosted package", &error))?;
        let Some(stored) = stored else { return Err(LoadError::Reserved(name.to_string())) };
        let documents = hosting
            .documents(&stored, self.clock.now())
            .map_err(|error| LoadError::Malformed { package: name.to_string(), why: error.to_string() })?;
        let package = self.read(ecosystem, name, true, documents, self.clock.now()).await?;
        Ok(Loaded { package: Arc::new(package), stale: false })
    }

    async fn load_upstream(&self, key: &LoadKey) -> Result<Loaded, LoadError> {
        let (name, _) = key;
        let ecosystem = self.ecosystem_of(name).ok_or_else(|| LoadError::Absent(name.to_string()))?;
        let gathered = self.gather(ecosystem, name).await?;
        let blank = gathered.asked && gathered.documents.is_empty();
        if blank && ecosystem.details().is_none() {
            return Err(LoadError::Absent(name.to_string()));
        }
        // Nothing new upstream: what was read before still stands, only its lease is longer.
        if !gathered.changed
            && gathered.asked
            && let Some(before) = self.packages.get(key)
            && !before.lease().is_over()
        {
            if !gathered.stale {
                before.lease().renew(gathered.fetched);
            }
            return Ok(Loaded { package: before, stale: gathered.stale });
        }
        let read = self.read(ecosystem, name, false, gathered.documents, gathered.fetched).await;
        if let Err(LoadError::Malformed { .. }) = &read {
            self.forget_documents(name).await;
        }
        let mut package = read?;
        package.blank = blank;
        Ok(Loaded { package: Arc::new(package), stale: gathered.stale })
    }

    async fn gather(
        &self,
        ecosystem: &'static dyn Ecosystem,
        name: &PackageName,
    ) -> Result<Gathered, LoadError> {
        let id = ecosystem.profile().id;
        let roles = self.roles(id);
        let need = self.need(name, &roles);
        let mut gathered = Gathered {
            documents: Vec::new(),
            fetched: self.clock.now(),
            stale: false,
            changed: false,
            asked: false,
        };
        let mut asked: Vec<&'static str> = Vec::new();
        let unavailable = |cause: UpstreamError| LoadError::Unavailable { package: name.to_string(), cause };
        if self.upstream(id).is_none() {
            return Err(unavailable(UpstreamError::NotConfigured(id.to_string())));
        }
        for _ in 0..MAX_ROUNDS {
            let fetches = match ecosystem.wanted(name, &gathered.documents, &need) {
                Wanted::Enough => return Ok(gathered),
                Wanted::Fetch(fetches) => fetches,
            };
            let fetches: Vec<Fetch> =
                fetches.into_iter().filter(|fetch| !asked.contains(&fetch.role)).collect();
            if fetches.is_empty() {
                return Ok(gathered);
            }
            asked.extend(fetches.iter().map(|fetch| fetch.role));
            gathered.asked = true;
            let results = futures_util::future::join_all(
                fetches.iter().map(|fetch| self.package_document(ecosystem, name, fetch)),
            )
            .await;
            for (fetch, result) in fetches.iter().zip(results) {
                match result {
                    Ok((document, stale, changed)) => {
                        gathered.stale |= stale;
                        gathered.changed |= changed;
                        gathered.fetched = gathered.fetched.min(document.fetched);
                        gathered.documents.push(document);
                    }
                    // A role that nobody configured is a document that upstream does not have.
                    Err(UpstreamError::Absent | UpstreamError::NotConfigured(_)) => {}
                    // Only the index itself is needed. What comes from elsewhere adds facts; without it they
                    // are unknown, and policy says what that leads to.
                    Err(cause) if !is_index(ecosystem, fetch) => {
                        tracing::warn!(package = %name, role = fetch.role, %cause, "a document of further facts is missing");
                    }
                    Err(cause) => return Err(unavailable(cause)),
                }
            }
        }
        Ok(gathered)
    }

    /// What policy needs to know of a package.
    pub(crate) fn need<'r>(&self, name: &PackageName, roles: &'r [Arc<str>]) -> Need<'r> {
        let needs = self.state().policy.needs(name, self.clock.now());
        Need { dates_after: needs.dates_after, details: needs.details, roles }
    }

    /// The roles for which an address is configured.
    pub(crate) fn roles(&self, id: EcosystemId) -> Vec<Arc<str>> {
        self.upstream(id).map(|upstream| upstream.roles()).unwrap_or_default()
    }

    async fn package_document(
        &self,
        ecosystem: &'static dyn Ecosystem,
        name: &PackageName,
        fetch: &Fetch,
    ) -> Result<(Document, bool, bool), UpstreamError> {
        let owner = match fetch.scope {
            FetchScope::Package => name.as_str(),
            FetchScope::Ecosystem => "",
        };
        let fresh = self.settings.fresh;
        self.current_document(ecosystem, &Keeping { owner, fresh, coding: Coding::Any }, fetch).await
    }

    /// One document: the kept one while it is fresh, else upstream's, else the kept one marked stale. Tells
    /// beside it whether it is stale and whether it differs from the kept one.
    pub(crate) async fn current_document(
        &self,
        ecosystem: &'static dyn Ecosystem,
        keeping: &Keeping<'_>,
        fetch: &Fetch,
    ) -> Result<(Document, bool, bool), UpstreamError> {
        let id = ecosystem.profile().id;
        let owner = keeping.owner;
        let upstream = self.upstream(id).ok_or_else(|| UpstreamError::NotConfigured(id.to_string()))?;
        let now = self.clock.now();
        let row = self.metadata.document(id.as_str(), owner, fetch.role).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a kept document's row could not be read");
            None
        });
        let kept = match &row {
            Some(row) => self.kept_document(row, fetch.role).await,
            None => None,
        };
        if let Some(kept) = &kept
            && now.since(kept.fetched) < keeping.fresh
        {
            return Ok((kept.clone(), false, false));
        }
        let validators = match (&row, &kept) {
            (Some(row), Some(_)) => {
                Validators { etag: row.etag.clone(), last_modified: row.last_modified.clone() }
            }
            _ => Validators::default(),
        };
        match upstream.document(&ask(ecosystem, fetch, keeping.coding), &validators).await {
            Ok(Fetched::Unchanged) => match kept {
                Some(mut kept) => {
                    kept.fetched = now;
                    if let Err(error) =
                        self.metadata.touch_document(id.as_str(), owner, fetch.role, now).await
                    {
                        tracing::warn!(%error, "a kept document's date could not be renewed");
                    }
                    Ok((kept, false, false))
                }
                None => {
                    Err(UpstreamError::Refused("it says `unchanged` of a document we do not have".into()))
                }
            },
            Ok(Fetched::Body { body, content_type, validators, modified }) => {
                let same = kept.as_ref().is_some_and(|kept| kept.body == body);
                let document = Document { role: fetch.role, body, content_type, fetched: now, modified };
                self.keep_document(id.as_str(), owner, &document, validators, row).await;
                Ok((document, false, !same))
            }
            Err(UpstreamError::Absent) => Err(UpstreamError::Absent),
            Err(UpstreamError::Status(status)) if ecosystem.means_absent(status) => {
                Err(UpstreamError::Absent)
            }
            Err(error) => match kept {
                Some(kept) if now.since(kept.fetched) < self.settings.max_stale => {
                    tracing::warn!(owner, %error, "upstream failed; a stale document is served");
                    metrics::counter!("lazaret_stale_total", "ecosystem" => id.as_str()).increment(1);
                    Ok((kept, true, false))
                }
                _ => Err(error),
            },
        }
    }

    async fn kept_document(&self, row: &DocumentRow, role: &'static str) -> Option<Document> {
        let body = match self.blobs.get_bytes(&row.digest, self.settings.document_limit_bytes as u64).await {
            Ok(body) => body?,
            Err(error) => {
                tracing::warn!(%error, "a kept document is damaged and will be fetched again");
                return None;
            }
        };
        Some(Document {
            role,
            body,
            content_type: row.content_type.clone(),
            fetched: row.fetched,
            modified: row.last_modified.as_deref().and_then(moment),
        })
    }

    /// Keeps a document for the next start. What fails here costs a fetch later, nothing more.
    async fn keep_document(
        &self,
        ecosystem: &str,
        owner: &str,
        document: &Document,
        validators: Validators,
        before: Option<DocumentRow>,
    ) {
        let stored = async {
            let digest = self.blobs.put_bytes(&document.body).await.map_err(|error| error.to_string())?;
            let replaced = before.filter(|row| row.digest != digest).map(|row| row.digest);
            let row = DocumentRow {
                ecosystem: ecosystem.to_owned(),
                name: owner.to_owned(),
                role: document.role.to_owned(),
                etag: validators.etag,
                last_modified: validators.last_modified,
                fetched: document.fetched,
                content_type: document.content_type.clone(),
                digest,
                size_bytes: document.body.len() as u64,
            };
            self.metadata.put_document(&row).await.map_err(|error| error.to_string())?;
            if let Some(digest) = replaced
                && !self.metadata.digest_used(&digest).await.map_err(|error| error.to_string())?
            {
                self.blobs.remove_idle(&digest).await.map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        };
        if let Err(error) = stored.await {
            tracing::warn!(%error, "an upstream document could not be kept");
        }
    }

    /// Drops the kept documents of a package that cannot be read. Kept, they would count as fresh for a while,
    /// and an upstream that confirms them by their tag would keep the package broken for good.
    async fn forget_documents(&self, name: &PackageName) {
        let id = name.ecosystem();
        let forgotten = async {
            for row in self.metadata.documents_of(id.as_str(), name.as_str()).await? {
                self.metadata.remove_document(id.as_str(), name.as_str(), &row.role).await?;
            }
            Ok::<(), lazaret_metadata::MetadataError>(())
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, package = %name, "unreadable documents could not be forgotten");
        }
    }

    /// Reads documents into a package, together with what the house remembers of it.
    async fn read(
        &self,
        ecosystem: &'static dyn Ecosystem,
        name: &PackageName,
        hosted: bool,
        documents: Vec<Document>,
        fetched: Timestamp,
    ) -> Result<Package, LoadError> {
        let size: usize = documents.iter().map(|document| document.body.len()).sum();
        let owned = name.clone();
        let work = move || ecosystem.read(&owned, &documents);
        let index = if size > BLOCKING_BYTES {
            tokio::task::spawn_blocking(work).await.map_err(|_| LoadError::Malformed {
                package: name.to_string(),
                why: "it could not be read".into(),
            })?
        } else {
            work()
        };
        let index = index
            .map_err(|error| LoadError::Malformed { package: name.to_string(), why: error.to_string() })?;
        let mut memory = self
            .remember(name, index.releases(), hosted)
            .await
            .map_err(|error| self.store_failed("memory", &error))?;
        let index = match super::vouched::releases_of(&memory, hosted) {
            Some(releases) if index.releases().is_empty() => {
                memory = self
                    .remember(name, &releases, hosted)
                    .await
                    .map_err(|error| self.store_failed("memory", &error))?;
                Box::new(super::vouched::Composed::new(index, releases))
            }
            _ => index,
        };
        Ok(Package::new(ecosystem, name.clone(), hosted, index, memory, fetched))
    }

    pub(crate) fn store_failed(&self, what: &str, error: &dyn std::fmt::Display) -> LoadError {
        tracing::error!(%error, what, "the store failed");
        LoadError::Store
    }
}

/// Whether a document comes from where the ecosystem's index is, the first of its upstreams.
fn is_index(ecosystem: &dyn Ecosystem, fetch: &Fetch) -> bool {
    ecosystem.profile().upstreams.first().is_none_or(|role| role.name == fetch.upstream)
}
