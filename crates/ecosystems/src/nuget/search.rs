//! Searching (NuGet server API, "Search" and "Autocomplete").

use super::json::Members;
use super::name;
use crate::Listed;
use crate::route::{Fetch, FetchScope, Search};
use lazaret_vocabulary::{Document, Malformed, Reply};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

/// The upstream address of the search service. It may be left out.
pub(super) const SEARCH_UPSTREAM: &str = "search";

/// A search for packages.
pub(super) const PACKAGES: &str = "packages";
/// A search for ids that begin with a text.
pub(super) const COMPLETIONS: &str = "completions";

/// Results where the client does not say how many, and the most it gets.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;
/// Longest text searched for, in characters.
const LONGEST_TEXT: usize = 200;
/// Longest description kept, in characters.
const LONGEST_DESCRIPTION: usize = 500;
/// Most parameters of a query looked at.
const MOST_PARAMETERS: usize = 20;

/// A parameter's value, decoded; names count whatever their case.
pub(super) fn parameter(query: &str, wanted: &str) -> Option<String> {
    let mut pairs = query.split('&').take(MOST_PARAMETERS).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    let value = value.replace('+', " ");
    let value = percent_decode_str(&value).decode_utf8_lossy();
    Some(value.chars().take(LONGEST_TEXT).collect())
}

/// Reads `q`, `skip` and `take`.
pub(super) fn parse(query: &str, form: &'static str) -> Search {
    let number =
        |name, otherwise| parameter(query, name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    Search {
        text: parameter(query, "q").unwrap_or_default(),
        from: number("skip", 0),
        size: number("take", PAGE).clamp(1, LARGEST_PAGE),
        form,
    }
}

/// The same question for the upstream's search service, whose address ends before the query.
pub(super) fn fetch(search: &Search) -> Fetch {
    let text = utf8_percent_encode(&search.text, NON_ALPHANUMERIC);
    let (from, size) = (search.from, search.size.clamp(1, LARGEST_PAGE));
    Fetch {
        role: "search",
        upstream: SEARCH_UPSTREAM.into(),
        path: format!("?q={text}&skip={from}&take={size}&prerelease=true&semVerLevel=2.0.0"),
        accept: "application/json",
        scope: FetchScope::Ecosystem,
    }
}

/// The question who owns a package.
pub(super) fn owners_query(service: &str, key: &str) -> String {
    let joint = if service.contains('?') { '&' } else { '?' };
    format!("{service}{joint}q=packageid:{key}&skip=0&take=1&prerelease=true&semVerLevel=2.0.0")
}

fn results(document: &Document) -> Result<Vec<&serde_json::value::RawValue>, Malformed> {
    let wrong = |why: &str| Malformed::new(format!("the search result {why}"));
    let text = std::str::from_utf8(&document.body).map_err(|_| wrong("is not UTF-8"))?;
    let members = Members::parse(text.trim_start_matches('\u{feff}'));
    members
        .and_then(|members| members.list("data"))
        .ok_or_else(|| wrong("is not an object with a list `data`"))
}

/// The packages that an upstream's answer lists; those whose ids are none are left out.
pub(super) fn hits(document: &Document) -> Result<Vec<Listed>, Malformed> {
    let listed = results(document)?.into_iter().take(LARGEST_PAGE).filter_map(|hit| {
        let hit = Members::parse(hit.get())?;
        Some(Listed {
            package: name::parse(&hit.text("id")?).ok()?,
            version: hit.text("version").unwrap_or_default(),
            description: hit
                .text("description")
                .unwrap_or_default()
                .chars()
                .take(LONGEST_DESCRIPTION)
                .collect(),
            published: None,
        })
    });
    Ok(listed.collect())
}

/// Who owns the package, if the answer names it and says so.
pub(super) fn owners(document: &Document, key: &str) -> Option<Vec<String>> {
    let hits = results(document).ok()?;
    let hit = hits.into_iter().take(LARGEST_PAGE).find_map(|hit| {
        let hit = Members::parse(hit.get())?;
        hit.text("id").filter(|id| id.eq_ignore_ascii_case(key))?;
        Some(hit)
    })?;
    hit.texts("owners")
}

/// What the clients read. No addresses are in it: clients go by the service index.
pub(super) fn reply(search: &Search, found: &[Listed]) -> Reply {
    let data: Vec<Value> = if search.form == COMPLETIONS {
        found.iter().map(|listed| listed.package.as_str().into()).collect()
    } else {
        found.iter().map(hit).collect()
    };
    Reply::json(json!({"totalHits": found.len(), "data": data}).to_string())
}

fn hit(listed: &Listed) -> Value {
    let id = listed.package.as_str();
    json!({
        "@type": "Package",
        "id": id,
        "version": listed.version,
        "description": listed.description,
        "title": id,
        "authors": [],
        "tags": [],
        "versions": [{"version": listed.version, "downloads": 0}],
    })
}
