//! One number for what a release depends on, comparable between the registry's manifest and the tarball's.

use super::json::{Pairs, text};
use ring::digest::{SHA256, digest};
use std::collections::{BTreeMap, BTreeSet};

/// The members of a manifest that name other packages, as JSON texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dependencies<'a> {
    pub plain: Option<&'a str>,
    pub optional: Option<&'a str>,
    pub peer: Option<&'a str>,
}

/// A hash of all dependencies and their ranges; equal means unchanged. `None` where one of the members is no
/// object, which very old manifests have.
///
/// The registry's manifest is not the tarball's word for word: optional dependencies may stand in both
/// members, and addresses of repositories are spelled out. Neither makes a difference here.
pub(super) fn fingerprint(dependencies: &Dependencies<'_>) -> Option<u64> {
    let plain = members(dependencies.plain)?;
    let optional = members(dependencies.optional)?;
    let peer = members(dependencies.peer)?;
    let mut canonical = String::new();
    let mut add = |kind: char, name: &str, range: &str| {
        canonical.extend([kind, ' ']);
        canonical.push_str(name);
        canonical.push(' ');
        canonical.push_str(range);
        canonical.push('\n');
    };
    for (name, range) in plain.iter().filter(|(name, _)| !optional.contains_key(*name)) {
        add('d', name, range);
    }
    for (name, range) in &optional {
        add('o', name, range);
    }
    for (name, range) in &peer {
        add('p', name, range);
    }
    let hash = digest(&SHA256, canonical.as_bytes());
    let first = hash.as_ref().first_chunk::<8>()?;
    Some(u64::from_be_bytes(*first))
}

fn members(object: Option<&str>) -> Option<BTreeMap<String, String>> {
    let Some(object) = object else { return Some(BTreeMap::new()) };
    if object == "null" {
        return Some(BTreeMap::new());
    }
    let pairs: Pairs<'_> = serde_json::from_str(object).ok()?;
    let ranges = pairs.0.iter().filter_map(|(name, range)| {
        // What is not text names no version; npm drops it too.
        Some((text(name.get())?.trim().to_owned(), canonical_range(&text(range.get())?)))
    });
    Some(ranges.collect())
}

/// A range as written, but for blanks; an address as its last two parts, whatever spells it.
fn canonical_range(range: &str) -> String {
    let range = range.trim();
    if range.is_empty() {
        return "*".to_owned();
    }
    if !range.contains('/') || range.starts_with("npm:") {
        return range.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let (address, fragment) = range.split_once('#').unwrap_or((range, ""));
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    let mut parts: Vec<&str> = address.rsplit(['/', ':']).filter(|part| !part.is_empty()).take(2).collect();
    parts.reverse();
    format!("@{}#{fragment}", parts.join("/"))
}

/// The names alone, for telling which of them differ.
pub(super) fn names(dependencies: &Dependencies<'_>) -> BTreeSet<String> {
    [dependencies.plain, dependencies.optional, dependencies.peer]
        .into_iter()
        .filter_map(members)
        .flat_map(BTreeMap::into_keys)
        .collect()
}
