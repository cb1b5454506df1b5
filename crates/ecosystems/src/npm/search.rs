//! Search, in the form of the registry's `/-/v1/search`.

use super::documents::REGISTRY;
use super::name;
use crate::{Fetch, FetchScope, Listed, Search};
use lazaret_vocabulary::{Document, Malformed, Reply, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

const PAGE: usize = 20;
const LARGEST_PAGE: usize = 250;
const FARTHEST: usize = 10_000;
const LONGEST_TEXT: usize = 200;

pub(super) fn parse(query: &str) -> Search {
    let mut search = Search { text: String::new(), from: 0, size: PAGE, form: "" };
    for (key, value) in query.split('&').take(20).filter_map(|pair| pair.split_once('=')) {
        let value = value.replace('+', " ");
        let value = percent_decode_str(&value).decode_utf8_lossy();
        match key {
            "text" => search.text = value.chars().take(LONGEST_TEXT).collect(),
            "size" => search.size = value.parse().unwrap_or(PAGE),
            "from" => search.from = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    search.size = search.size.clamp(1, LARGEST_PAGE);
    search.from = search.from.min(FARTHEST);
    search
}

/// The same question for the upstream.
pub(super) fn fetch(search: &Search) -> Fetch {
    let text = utf8_percent_encode(&search.text, NON_ALPHANUMERIC);
    Fetch {
        role: "search",
        upstream: REGISTRY.into(),
        path: format!("/-/v1/search?text={text}&size={}&from={}", search.size, search.from),
        accept: "application/json",
        scope: FetchScope::Ecosystem,
    }
}

#[derive(Deserialize)]
struct Results {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    package: Hit,
}

#[derive(Deserialize)]
struct Hit {
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    date: Option<String>,
}

/// The packages that an upstream's answer lists; those whose names are none are left out.
pub(super) fn hits(document: &Document) -> Result<Vec<Listed>, Malformed> {
    let results: Results = serde_json::from_slice(&document.body).map_err(|error| {
        Malformed::new(format!("the search result is not an object with `objects`: {error}"))
    })?;
    let listed = results.objects.into_iter().take(LARGEST_PAGE).filter_map(|object| {
        let hit = object.package;
        Some(Listed {
            package: name::parse(&hit.name).ok()?,
            version: hit.version.unwrap_or_default(),
            description: hit.description.unwrap_or_default().chars().take(500).collect(),
            published: hit.date.and_then(|date| Timestamp::parse(&date).ok()),
        })
    });
    Ok(listed.collect())
}

/// What the clients' search commands read; npm fails without the lists.
pub(super) fn reply(found: &[Listed]) -> Reply {
    let objects: Vec<_> = found
        .iter()
        .map(|listed| {
            let name = listed.package.as_str();
            let scope = name.strip_prefix('@').and_then(|name| name.split('/').next());
            let date = listed.published.map(|date| date.to_string());
            json!({
                "package": {
                    "name": name,
                    "scope": scope.unwrap_or("unscoped"),
                    "version": listed.version,
                    "description": listed.description,
                    "date": date,
                    "keywords": [],
                    "maintainers": [],
                    "publisher": { "username": "" },
                    "links": {},
                },
                "score": { "final": 1, "detail": { "quality": 1, "popularity": 1, "maintenance": 1 } },
                "searchScore": 1,
                "flags": {},
            })
        })
        .collect();
    Reply::json(json!({ "objects": objects, "total": found.len() }).to_string())
}
