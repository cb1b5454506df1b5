//! A project's page in JSON (PEP 691, 700, 714, 792): read once, kept as the bytes upstream sent, with a
//! table that says which spans of them go through.

use super::route::is_file_name;
use super::version::normalise;
use lazaret_vocabulary::{Algorithm, Digest, Malformed, PackageName};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Most members a file's object may have; the specifications know about a dozen.
const MOST_MEMBERS: usize = 64;
/// Longest address accepted, in bytes.
const LONGEST_URL: usize = 4096;
/// Most files a page may list. The largest project known has a tenth of it.
const MOST_FILES: usize = 500_000;

/// Members that speak of files beside the file, which this house serves only where it says so itself:
/// core metadata in all its spellings (PEP 714), provenance (PEP 740), detached signatures (PEP 503).
const STRIPPED: [&str; 6] = [
    "core-metadata",
    "data-core-metadata",
    "dist-info-metadata",
    "data-dist-info-metadata",
    "provenance",
    "gpg-sig",
];

/// A page as read. Ranges are into its body.
pub(super) struct Page {
    /// Value of `meta`.
    pub meta: Range<usize>,
    /// Value of `versions` (PEP 700), empty where there is none.
    pub versions: Range<usize>,
    /// Value of `project-status` (PEP 792), empty where there is none.
    pub status: Range<usize>,
    /// The status itself and its reason.
    pub standing: Option<(String, String)>,
    /// Its files, in its order, each name once.
    pub files: Vec<PageFile>,
    /// What the files' objects are put together from.
    pub pieces: Vec<Piece>,
}

/// A file as its page lists it.
pub(super) struct PageFile {
    pub file: Arc<str>,
    /// Absolute, or relative to the upstream's base.
    pub url: Arc<str>,
    pub digests: Vec<Digest>,
    pub size_bytes: Option<u64>,
    /// `upload-time`, as written.
    pub uploaded: Option<Box<str>>,
    pub requires_python: Option<Arc<str>>,
    /// Yanked, with the reason, which may be empty (PEP 592).
    pub yanked: Option<Arc<str>>,
    /// Into [`Page::pieces`].
    pub pieces: Range<usize>,
}

/// Part of a file's object, between its braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// These bytes of the body.
    Keep(Range<usize>),
    /// The address under which this house serves the file, as a JSON string.
    Url,
    /// The value of `yanked`: these bytes for a file that is admitted.
    Yanked(Range<usize>),
}

#[derive(Deserialize)]
struct WirePage<'a> {
    #[serde(borrow)]
    meta: &'a RawValue,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    files: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    versions: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "project-status")]
    status: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireMeta<'a> {
    #[serde(borrow, rename = "api-version")]
    api_version: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireStatus<'a> {
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
}

/// The members of an object in their order, keys decoded, values as bytes.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "an object with at most {MOST_MEMBERS} members")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(10);
                while let Some(Key(key)) = map.next_key()? {
                    if members.len() == MOST_MEMBERS {
                        return Err(serde::de::Error::invalid_length(MOST_MEMBERS + 1, &self));
                    }
                    members.push((key, map.next_value::<&RawValue>()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a page. An entry that no client could use either, or that says one thing twice, is left out; a
/// page that is none, is of a later major version (PEP 629) or speaks of another project is an error.
pub(super) fn read(package: &PackageName, body: &[u8]) -> Result<Page, Malformed> {
    let wrong = |why: String| Malformed::new(format!("the simple page of `{package}`: {why}"));
    let wire: WirePage<'_> = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let meta: WireMeta<'_> = serde_json::from_str(wire.meta.get())
        .map_err(|error| wrong(format!("`meta` has no `api-version`: {error}")))?;
    if !is_version_one(&meta.api_version) {
        return Err(wrong("its `api-version` is not 1.x, the only one understood here".to_owned()));
    }
    if let Some(name) = &wire.name
        && normalise(name) != package.key()
    {
        return Err(wrong("it is about another project".to_owned()));
    }
    if wire.files.len() > MOST_FILES {
        return Err(wrong(format!("it lists more than {MOST_FILES} files")));
    }
    let optional = |raw: Option<&RawValue>| -> Result<Range<usize>, Malformed> {
        match raw.filter(|raw| raw.get() != "null") {
            Some(raw) => span(body, raw.get()).ok_or_else(|| wrong("a value is not where it was".to_owned())),
            None => Ok(0..0),
        }
    };
    let mut page = Page {
        meta: optional(Some(wire.meta))?,
        versions: optional(wire.versions.filter(|raw| is_text_list(raw)))?,
        status: optional(wire.status)?,
        standing: wire.status.and_then(|raw| standing(raw.get())),
        files: Vec::with_capacity(wire.files.len()),
        pieces: Vec::with_capacity(wire.files.len().saturating_mul(4)),
    };
    let mut seen = HashSet::with_capacity(wire.files.len());
    let mut shared = HashSet::new();
    for raw in wire.files {
        let start = page.pieces.len();
        match read_file(package, body, raw, &mut page.pieces, &mut shared) {
            Some(file) if seen.insert(file.file.clone()) => {
                page.files.push(PageFile { pieces: start..page.pieces.len(), ..file });
            }
            _ => page.pieces.truncate(start),
        }
    }
    Ok(page)
}

/// PEP 629: a client must not read a page of another major version.
pub(super) fn is_version_one(text: &str) -> bool {
    text.split('.').next().is_some_and(|major| major.trim() == "1")
}

fn is_text_list(raw: &RawValue) -> bool {
    serde_json::from_str::<Vec<Cow<'_, str>>>(raw.get()).is_ok()
}

fn standing(raw: &str) -> Option<(String, String)> {
    let wire: WireStatus<'_> = serde_json::from_str(raw).ok()?;
    Some((wire.status?.into_owned(), wire.reason.unwrap_or_default().into_owned()))
}

/// Where a text that was borrowed from `body` stands in it.
fn span(body: &[u8], text: &str) -> Option<Range<usize>> {
    let start = text.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    let end = start.checked_add(text.len())?;
    (end <= body.len()).then_some(start..end)
}

/// What is said of a file while its object is read.
#[derive(Default)]
struct Draft<'a> {
    file: Option<Cow<'a, str>>,
    url: Option<Cow<'a, str>>,
    hashes: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    size_bytes: Option<u64>,
    uploaded: Option<Cow<'a, str>>,
    requires_python: Option<Cow<'a, str>>,
    yanked: Option<Cow<'a, str>>,
}

fn read_file(
    package: &PackageName,
    body: &[u8],
    raw: &RawValue,
    pieces: &mut Vec<Piece>,
    shared: &mut HashSet<Arc<str>>,
) -> Option<PageFile> {
    let Members(members) = serde_json::from_str(raw.get()).ok()?;
    let mut keys = HashSet::with_capacity(members.len());
    let mut draft = Draft::default();
    let first = pieces.len();
    // Behind the opening brace.
    let mut end = span(body, raw.get())?.start.checked_add(1)?;
    for (key, value) in &members {
        if !keys.insert(key.as_ref()) {
            return None;
        }
        let place = span(body, value.get())?;
        let start = std::mem::replace(&mut end, place.end);
        // A time that is no text says nothing, and one may have to be put in its place.
        let no_time = key == "upload-time" && !value.get().starts_with('"');
        if no_time || STRIPPED.contains(&key.as_ref()) {
            continue;
        }
        draft.take(key, value)?;
        // What stands before the first member that is kept: blanks, and the comma behind one that is not.
        let start = if pieces.len() == first {
            start + body.get(start..place.start)?.iter().position(|byte| *byte == b'"')?
        } else {
            start
        };
        match key.as_ref() {
            "url" => {
                keep(pieces, first, start..place.start);
                pieces.push(Piece::Url);
            }
            "yanked" => {
                keep(pieces, first, start..place.start);
                pieces.push(Piece::Yanked(place));
            }
            _ => keep(pieces, first, start..place.end),
        }
    }
    draft.finish(package, shared)
}

fn keep(pieces: &mut Vec<Piece>, first: usize, range: Range<usize>) {
    if pieces.len() > first
        && let Some(Piece::Keep(last)) = pieces.last_mut()
        && last.end == range.start
    {
        last.end = range.end;
    } else {
        pieces.push(Piece::Keep(range));
    }
}

impl<'a> Draft<'a> {
    /// Takes a member's value; `None` when it has a type that clients cannot read either.
    fn take(&mut self, key: &str, value: &'a RawValue) -> Option<()> {
        let text = value.get();
        let string = || match text {
            "null" => Some(None),
            _ => serde_json::from_str::<Key<'_>>(text).ok().map(|Key(text)| Some(text)),
        };
        match key {
            "filename" => self.file = string()?,
            "url" => self.url = string()?,
            "requires-python" => self.requires_python = string()?,
            "upload-time" => self.uploaded = string().flatten(),
            "size" => self.size_bytes = serde_json::from_str(text).ok(),
            "hashes" => {
                self.hashes = serde_json::from_str::<BTreeMap<Key<'_>, Key<'_>>>(text)
                    .ok()
                    .map(|hashes| hashes.into_iter().map(|(Key(name), Key(hash))| (name, hash)).collect())?;
            }
            "yanked" => {
                self.yanked = match text {
                    "false" | "null" => None,
                    "true" => Some(Cow::Borrowed("")),
                    _ => string()?,
                }
            }
            _ => {}
        }
        Some(())
    }

    fn finish(self, package: &PackageName, shared: &mut HashSet<Arc<str>>) -> Option<PageFile> {
        let file = self.file.filter(|file| is_file_name(file))?;
        let url = resolve(package.key(), None, &self.url?)?;
        let digests = self.hashes.iter().filter_map(|(name, hash)| digest(name, hash)).collect();
        let mut share = |text: Option<Cow<'_, str>>| -> Option<Arc<str>> {
            let text = text?;
            if let Some(known) = shared.get(text.as_ref()) {
                return Some(known.clone());
            }
            let new: Arc<str> = text.into();
            shared.insert(new.clone());
            Some(new)
        };
        Some(PageFile {
            file: file.as_ref().into(),
            url: url.into(),
            digests,
            size_bytes: self.size_bytes,
            uploaded: self.uploaded.map(|text| text.as_ref().into()),
            requires_python: share(self.requires_python),
            yanked: share(self.yanked),
            pieces: 0..0,
        })
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key<'_> {}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// A hash by its name in Python's `hashlib`.
pub(super) fn digest(name: &str, hash: &str) -> Option<Digest> {
    let algorithm = match name {
        "sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        "sha1" => Algorithm::Sha1,
        "md5" => Algorithm::Md5,
        _ => return None,
    };
    Digest::from_hex(algorithm, hash)
}

/// Where upstream serves a file: absolute, or relative to the upstream's base, below which the page of `key`
/// stands. `base` is the page's own `<base>`, if it is absolute. `None` for an address that is not http.
pub(super) fn resolve(key: &str, base: Option<&str>, address: &str) -> Option<String> {
    let address = address.trim().split('#').next()?;
    if address.is_empty() || address.len() > LONGEST_URL || address.chars().any(char::is_control) {
        return None;
    }
    let scheme = address.find(':').filter(|at| address.find(['/', '?']).is_none_or(|slash| *at < slash));
    if let Some(at) = scheme {
        let scheme = address.get(..at)?;
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        return web.then(|| address.to_owned());
    }
    let Some(base) = base else {
        return Some(if address.starts_with('/') { address.to_owned() } else { format!("{key}/{address}") });
    };
    let host = base.find("://")?.checked_add(3)?;
    let path = base.get(host..)?.find('/').map_or(base.len(), |slash| host + slash);
    Some(if address.starts_with("//") {
        format!("{}{address}", base.get(..host.checked_sub(2)?)?)
    } else if address.starts_with('/') {
        format!("{}{address}", base.get(..path)?)
    } else {
        let folder = base.rfind('/').filter(|at| *at >= path).unwrap_or(path);
        format!("{}/{address}", base.get(..folder)?)
    })
}
