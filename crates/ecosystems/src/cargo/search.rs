//! Searching (the Cargo book, "Web API", "Search").

use super::name;
use crate::Listed;
use crate::route::{Fetch, FetchScope, Search};
use lazaret_vocabulary::{Document, Malformed, Reply};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;

/// The upstream address the web API stands below. Many mirrors have none.
pub(super) const API_UPSTREAM: &str = "api";

/// Results where the client does not say how many, and the most it gets.
const PAGE: usize = 10;
const LARGEST_PAGE: usize = 100;
/// Longest text searched for, in characters.
const LONGEST_TEXT: usize = 200;

/// Reads `q`, `per_page` and `page`; whatever else stands in the query has no say.
pub(super) fn parse(query: &str) -> Search {
    let (mut text, mut size, mut page) = (String::new(), PAGE, 1usize);
    for (key, value) in query.split('&').take(20).filter_map(|pair| pair.split_once('=')) {
        let value = value.replace('+', " ");
        let value = percent_decode_str(&value).decode_utf8_lossy();
        match key {
            "q" => text = value.chars().take(LONGEST_TEXT).collect(),
            "per_page" => size = value.parse().unwrap_or(PAGE),
            "page" => page = value.parse().unwrap_or(1),
            _ => {}
        }
    }
    let size = size.clamp(1, LARGEST_PAGE);
    Search { text, from: page.max(1).saturating_sub(1).saturating_mul(size), size, form: "" }
}

/// The same question for the upstream's web API.
pub(super) fn fetch(search: &Search) -> Fetch {
    let text = utf8_percent_encode(&search.text, NON_ALPHANUMERIC);
    let size = search.size.clamp(1, LARGEST_PAGE);
    let page = search.from / size + 1;
    Fetch {
        role: "search",
        upstream: API_UPSTREAM.into(),
        path: format!("/api/v1/crates?q={text}&per_page={size}&page={page}"),
        accept: "application/json",
        scope: FetchScope::Ecosystem,
    }
}

#[derive(Deserialize)]
struct Results {
    crates: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    name: String,
    #[serde(default)]
    max_version: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// The crates that an upstream's answer lists; those whose names are none are left out.
pub(super) fn hits(document: &Document) -> Result<Vec<Listed>, Malformed> {
    let results: Results = serde_json::from_slice(&document.body).map_err(|error| {
        Malformed::new(format!("the search result is not an object with `crates`: {error}"))
    })?;
    let listed = results.crates.into_iter().take(LARGEST_PAGE).filter_map(|hit| {
        Some(Listed {
            package: name::parse(&hit.name).ok()?,
            version: hit.max_version.unwrap_or_default(),
            description: hit.description.unwrap_or_default().chars().take(500).collect(),
            published: None,
        })
    });
    Ok(listed.collect())
}

/// What `cargo search` reads.
pub(super) fn reply(found: &[Listed]) -> Reply {
    let crates: Vec<_> = found
        .iter()
        .map(|listed| {
            serde_json::json!({
                "name": listed.package.as_str(),
                "max_version": listed.version,
                "description": listed.description,
            })
        })
        .collect();
    Reply::json(serde_json::json!({ "crates": crates, "meta": { "total": found.len() } }).to_string())
}
