//! Lists: the tags of a repository, what refers to a manifest, the repositories there are (OCI Distribution
//! Specification 1.1, "Listing Tags", "Listing Referrers"). An upstream's pass untouched: they name what may be
//! asked for, and that is judged when it is.

use super::manifest::{self, OCI_INDEX};
use super::name::{self, Place};
use super::{refuse, route};
use crate::route::{Fetch, FetchScope, Relay, View};
use crate::{Catalogue, Need, Relayed, Relaying};
use http::StatusCode;
use http::header::{HeaderName, LINK};
use lazaret_vocabulary::{Digest, Document, DocumentRole, Malformed, PackageName, Reply};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::borrow::Cow;

/// An upstream's list of tags.
const TAGS: DocumentRole = "tags";
/// An upstream's list of what refers to a manifest.
const REFERRERS: DocumentRole = "referrers";
/// The list of repositories.
pub(super) const CATALOGUE: &str = "repositories";

/// The forms of a hosted repository.
pub(super) const TAGS_FORM: &str = "tags";
pub(super) const REFERRERS_FORM: &str = "referrers";

/// Most tags read of one answer.
const MOST_TAGS: usize = 500_000;
/// Longest `last` or `artifactType`, in bytes.
const LONGEST_PARAMETER: usize = 1024;
/// Registries that cut a list short, and say so in a header that is not kept, do so at a round number.
const ROUND: usize = 50;

const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// At most so many.
    pub n: Option<usize>,
    /// Those behind this one.
    pub last: Option<String>,
}

impl Page {
    /// Reads `n` and `last`; whatever else stands in the query has no say.
    pub(super) fn read(query: &str) -> Self {
        let value = |key| route::parameter(query, key).filter(|value| value.len() <= LONGEST_PARAMETER);
        Self {
            n: value("n").and_then(|text| text.parse().ok()),
            last: value("last").filter(|last| !last.is_empty()),
        }
    }

    /// As a query, the same for the same page; empty for all.
    pub(super) fn query(&self) -> String {
        let n = self.n.map(|n| format!("n={n}"));
        let last = self.last.as_deref().map(|last| format!("last={}", encoded(last)));
        n.into_iter().chain(last).collect::<Vec<_>>().join("&")
    }

    /// The page of a sorted list, and where the next begins.
    pub(super) fn cut<'t>(&self, sorted: &[&'t str]) -> (Vec<&'t str>, Option<Self>) {
        let behind = |text: &&&str| self.last.as_deref().is_none_or(|last| **text > last);
        let rest: Vec<&str> = sorted.iter().filter(behind).copied().collect();
        let page: Vec<&str> = rest.iter().take(self.n.unwrap_or(usize::MAX)).copied().collect();
        let next = page.last().filter(|_| page.len() < rest.len());
        let next = next.map(|last| Self { n: self.n, last: Some((*last).to_owned()) });
        (page, next)
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The reply with the address of the next page, if there is one.
pub(super) fn with_next(reply: Reply, path: &str, next: Option<&Page>) -> Reply {
    match next {
        Some(next) => reply.with_header(LINK, &format!("<{path}?{}>; rel=\"next\"", next.query())),
        None => reply,
    }
}

/// A list of tags, as asked for.
pub(super) fn tags(package: PackageName, query: &str) -> Relay {
    relay(package, TAGS, TAGS_FORM, "tags/list", Page::read(query).query(), "application/json")
}

/// A list of what refers to a manifest, as asked for.
pub(super) fn referrers(package: PackageName, subject: &Digest, query: &str) -> Relay {
    let kind = route::parameter(query, "artifactType").filter(|kind| kind.len() <= LONGEST_PARAMETER);
    let query = kind.map_or_else(String::new, |kind| format!("artifactType={}", encoded(&kind)));
    relay(package, REFERRERS, REFERRERS_FORM, &format!("referrers/{subject}"), query, OCI_INDEX)
}

fn relay(
    package: PackageName,
    role: DocumentRole,
    form: &'static str,
    place: &str,
    query: String,
    accept: &'static str,
) -> Relay {
    let place = if query.is_empty() { place.to_owned() } else { format!("{place}?{query}") };
    let path = format!("/v2/{package}/{place}");
    Relay {
        hosted_view: Some(View { form, version: Some(place.into()) }),
        key: path.clone(),
        fetch: Fetch { role, upstream: name::REGISTRY.into(), path, accept, scope: FetchScope::Package },
        package: Some(package),
        immutable: false,
    }
}

/// Upstream's lists.
#[derive(Debug)]
pub(super) struct Lists;

impl Relaying for Lists {
    fn fetch(&self, relay: &Relay, need: &Need<'_>) -> Fetch {
        let Some(package) = &relay.package else { return relay.fetch.clone() };
        let place = Place::of(package, need);
        let below = relay.fetch.path.strip_prefix(&format!("/v2/{package}")).unwrap_or_default();
        Fetch { upstream: place.upstream(), path: format!("{}{below}", place.path), ..relay.fetch.clone() }
    }

    /// Nothing refers to what nobody has. But where upstream does not know the question, clients look for a tag
    /// that is called as the digest, and must hear that they have to.
    fn absent(&self, relay: &Relay, asked: bool) -> Option<Reply> {
        let filtered = relay.fetch.path.contains('?');
        (relay.fetch.role == REFERRERS && !asked).then(|| index(&[], filtered))
    }

    fn relay(&self, relay: &Relay, document: &Document) -> Result<Relayed, Malformed> {
        if !manifest::is_object(&document.body) {
            return Err(Malformed::new("the list is no JSON object"));
        }
        let reply = match relay.fetch.role {
            TAGS => relayed_tags(relay, document)?,
            _ => relayed_referrers(relay, document)?,
        };
        Ok(Relayed { reply: refuse::with_version(reply), members: Vec::new(), pointers: Vec::new() })
    }
}

#[derive(Deserialize)]
struct TagList<'a> {
    #[serde(borrow, default)]
    tags: Option<Vec<Cow<'a, str>>>,
}

/// Passes the list on. Whether more tags follow is said in a header that does not come so far, so it is taken
/// from their number; a page too many is empty.
fn relayed_tags(relay: &Relay, document: &Document) -> Result<Reply, Malformed> {
    let list: TagList<'_> = serde_json::from_slice(&document.body)
        .map_err(|error| Malformed::new(format!("the list of tags has no `tags`: {error}")))?;
    let tags = list.tags.unwrap_or_default();
    if tags.len() > MOST_TAGS {
        return Err(Malformed::new(format!("the list has more than {MOST_TAGS} tags")));
    }
    let (path, query) = relay.fetch.path.split_once('?').unwrap_or((&relay.fetch.path, ""));
    let page = Page::read(query);
    let ignored = page.n.is_some_and(|n| tags.len() > n)
        || page.last.as_deref().is_some_and(|last| tags.iter().any(|tag| tag == last));
    if ignored {
        return Ok(paged(relay, path, &page, &tags));
    }
    let more = page.n.is_some_and(|n| tags.len() >= n) || tags.len().is_multiple_of(ROUND);
    let next = tags.last().filter(|_| more).map(|last| Page { n: page.n, last: Some(last.to_string()) });
    Ok(with_next(Reply::json(document.body.clone()), path, next.as_ref()))
}

/// The page that was asked for, out of all tags: older registries send them all, whatever is asked, and a client
/// that goes from page to page would never come to the end.
fn paged(relay: &Relay, path: &str, page: &Page, tags: &[Cow<'_, str>]) -> Reply {
    let mut sorted: Vec<&str> = tags.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let (tags, next) = page.cut(&sorted);
    let name = relay.package.as_ref().map(PackageName::as_str);
    let reply = Reply::json(serde_json::json!({ "name": name, "tags": tags }).to_string());
    with_next(reply, path, next.as_ref())
}

#[derive(Deserialize)]
struct ReferrerList<'a> {
    #[serde(borrow, default)]
    manifests: Option<Vec<Referrer<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Referrer<'a> {
    #[serde(borrow, default)]
    artifact_type: Option<Cow<'a, str>>,
}

/// Whether upstream filtered is said in a header that does not come so far, but can be seen.
fn relayed_referrers(relay: &Relay, document: &Document) -> Result<Reply, Malformed> {
    let list: ReferrerList<'_> = serde_json::from_slice(&document.body)
        .map_err(|error| Malformed::new(format!("the list of referrers is no index: {error}")))?;
    let kind =
        relay.fetch.path.split_once('?').and_then(|(_, query)| route::parameter(query, "artifactType"));
    let list = list.manifests.unwrap_or_default();
    let filtered =
        kind.is_some_and(|kind| list.iter().all(|one| one.artifact_type.as_deref() == Some(&kind)));
    Ok(with_filter(Reply::new(StatusCode::OK, OCI_INDEX, document.body.clone()), filtered))
}

fn with_filter(reply: Reply, filtered: bool) -> Reply {
    if filtered { reply.with_header(FILTERS, "artifactType") } else { reply }
}

/// An index of descriptors.
pub(super) fn index(manifests: &[serde_json::Value], filtered: bool) -> Reply {
    let body = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
    refuse::with_version(with_filter(Reply::new(StatusCode::OK, OCI_INDEX, body.to_string()), filtered))
}

/// The repositories that are published here or of which something was let in.
pub(super) fn catalogue(catalogue: &Catalogue<'_>) -> Result<Reply, Malformed> {
    if catalogue.name != CATALOGUE {
        return Err(Malformed::new(format!("there is no list of {}", catalogue.name)));
    }
    let hosted = catalogue.packages.iter().map(|hosted| hosted.package.as_str());
    let mut names: Vec<&str> = hosted.chain(catalogue.admitted.iter().map(PackageName::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let (page, next) = Page::read(catalogue.query).cut(&names);
    let reply = Reply::json(serde_json::json!({ "repositories": page }).to_string());
    let path = format!("{}/_catalog", name::path_of(catalogue.base));
    Ok(refuse::with_version(with_next(reply, &path, next.as_ref())))
}
