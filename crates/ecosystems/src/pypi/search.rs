//! Search. No Python index offers one to clients any more, so only this house's own packages are found, in a
//! form of its own: `GET /search?q=TEXT&from=0&size=20`.

use crate::{Listed, Search};
use lazaret_vocabulary::Reply;
use percent_encoding::percent_decode_str;
use serde_json::json;

/// Most results in one answer.
const MOST: usize = 250;
/// Longest text looked for, in bytes.
const LONGEST_TEXT: usize = 200;

/// Reads a query; `None` without a text.
pub(super) fn parse(query: &str) -> Option<Search> {
    let value = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let raw = pairs.into_iter().find(|(name, _)| *name == key)?.1.replace('+', " ");
        Some(percent_decode_str(&raw).decode_utf8().ok()?.into_owned())
    };
    let number = |key: &str| value(key).and_then(|text| text.parse::<usize>().ok());
    let text = value("q")?.trim().to_owned();
    let usable = !text.is_empty() && text.len() <= LONGEST_TEXT;
    usable.then(|| Search {
        text,
        from: number("from").unwrap_or(0),
        size: number("size").unwrap_or(20).min(MOST),
        form: "",
    })
}

/// The answer; `found` holds only what may be seen.
pub(super) fn reply(search: &Search, found: &[Listed]) -> Reply {
    let projects: Vec<_> = found
        .iter()
        .take(MOST)
        .map(|listed| {
            json!({
                "name": listed.package.as_str(), "version": listed.version, "summary": listed.description,
                "upload-time": listed.published.map(|moment| moment.to_string()),
            })
        })
        .collect();
    let body = json!({ "query": search.text, "from": search.from, "projects": projects });
    Reply::json(body.to_string())
}
