//! Indexes on their way through: not a byte of them changes, and what they list is written down.

use super::compression::decompressed;
use super::stanza::{Stanza, Stanzas};
use super::{dates, name, route};
use crate::{Member, Relay, Relayed, Relaying};
use http::StatusCode;
use http::header::LAST_MODIFIED;
use lazaret_vocabulary::{Algorithm, Artifact, Digest, Document, Malformed, Reply};
use std::io::{BufRead, BufReader};
use std::sync::Arc;

/// Largest index, decompressed, in bytes. `Packages` of Debian's `main` has about 55 MB.
const LARGEST_INDEX: u64 = 300 << 20;
/// Most stanzas read of one index. Debian's `main` has about 65 000.
const MOST_STANZAS: usize = 300_000;
/// Longest version text accepted, in bytes.
const LONGEST_VERSION: usize = 256;

/// Signed indexes.
#[derive(Debug)]
pub(super) struct Signed;

impl Relaying for Signed {
    fn relay(&self, relay: &Relay, document: &Document) -> Result<Relayed, Malformed> {
        let segments: Vec<&str> = relay.key.split('/').collect();
        let (archive, path) = segments.split_first().ok_or_else(|| Malformed::new("there is no archive"))?;
        if let Some(expected) = route::digest_in(path) {
            verify(&expected, &document.body)?;
        }
        let members = if lists_packages(path) { members(archive, &document.body)? } else { Vec::new() };
        Ok(Relayed { reply: passed(document), members, pointers: Vec::new() })
    }

    /// Reading a whole distribution's index takes seconds, and every machine asks for it.
    fn reply(&self, _relay: &Relay, document: &Document) -> Option<Reply> {
        Some(passed(document))
    }
}

/// The document's own bytes, and when they last changed, by which apt asks again.
fn passed(document: &Document) -> Reply {
    let reply = Reply::new(StatusCode::OK, "application/octet-stream", document.body.clone());
    match document.modified.and_then(dates::print) {
        Some(modified) => reply.with_header(LAST_MODIFIED, &format!("{modified} GMT")),
        None => reply,
    }
}

/// What stands at an address that names its digest must have it, or it vouches for nothing.
fn verify(expected: &Digest, body: &[u8]) -> Result<(), Malformed> {
    let function = match expected.algorithm() {
        Algorithm::Sha512 => &ring::digest::SHA512,
        _ => &ring::digest::SHA256,
    };
    if ring::digest::digest(function, body).as_ref() == expected.bytes() {
        return Ok(());
    }
    Err(Malformed::new(format!("the bytes at this address are not those of {expected}")))
}

/// Whether a document can list files of a pool. A name of a digest does not tell, so its folder has to: a
/// flat archive has no folders, and there the text is read for what it is.
fn lists_packages(path: &[&str]) -> bool {
    match path {
        [folders @ .., "by-hash", _, _] => match folders.last() {
            Some(folder) if path.contains(&"dists") => folder.starts_with("binary-") || *folder == "source",
            _ => true,
        },
        [.., file] => file.starts_with("Packages") || file.starts_with("Sources"),
        [] => false,
    }
}

/// Fields of both kinds of index.
const FIELDS: [&str; 10] = [
    "Package",
    "Version",
    "Source",
    "Filename",
    "Size",
    "SHA256",
    "SHA512",
    "Directory",
    "Checksums-Sha256",
    "Checksums-Sha512",
];
const PACKAGE: usize = 0;
const VERSION: usize = 1;
const SOURCE: usize = 2;
const FILENAME: usize = 3;
const SIZE: usize = 4;
const SHA256: usize = 5;
const SHA512: usize = 6;
const DIRECTORY: usize = 7;
const CHECKSUMS_SHA256: usize = 8;
const CHECKSUMS_SHA512: usize = 9;

/// The files that an index vouches for. A stanza that does not say all that is needed vouches for nothing;
/// only a text that cannot be read to its end, or has no end, is an error.
pub(super) fn members(archive: &str, body: &[u8]) -> Result<Vec<Member>, Malformed> {
    let mut text = BufReader::with_capacity(64 << 10, decompressed(body, LARGEST_INDEX)?);
    // Contents, translations and pictures may stand at an address that tells only a digest.
    let head = text.fill_buf().map_err(|error| Malformed::new(format!("it cannot be read: {error}")))?;
    if !head.trim_ascii_start().get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"package:")) {
        return Ok(Vec::new());
    }
    let mut stanzas = Stanzas::new(text, &FIELDS);
    let mut found = Vec::new();
    let mut count = 0usize;
    while let Some(stanza) = stanzas.next()? {
        count += 1;
        if count > MOST_STANZAS {
            return Err(Malformed::new(format!("the index has more than {MOST_STANZAS} stanzas")));
        }
        if stanza.get(FILENAME).is_some() {
            found.extend(binary(archive, &stanza));
        } else if stanza.get(DIRECTORY).is_some() {
            source(archive, &stanza, &mut found);
        }
    }
    Ok(found)
}

/// The file of a binary package. Its release is that of the source: `Source: curl (7.88.1-10)` where that
/// has another version.
fn binary(archive: &str, stanza: &Stanza) -> Option<Member> {
    let path = route::listed_path(stanza.get(FILENAME)?)?;
    let own = stanza.get(VERSION)?;
    // Without a source's folder the package is the binary one, and so is the version.
    let version = match stanza.get(SOURCE).filter(|_| name::is_by_source(&path)) {
        Some(source) => version_of(source, own),
        None => own,
    };
    stanza.get(PACKAGE)?;
    let digests = [(SHA256, Algorithm::Sha256), (SHA512, Algorithm::Sha512)];
    let digests = digests.into_iter().filter_map(|(at, kind)| Digest::from_hex(kind, stanza.get(at)?));
    let size = stanza.get(SIZE).and_then(|size| size.parse().ok());
    member(archive, &path, version, digests.collect(), size)
}

/// The version in `name (version)`.
pub(super) fn source_version(source: &str) -> Option<&str> {
    Some(source.split_once('(')?.1.split_once(')')?.0.trim())
}

/// The version of the source that is written so, where a binary package of it has the version `own`.
pub(super) fn version_of<'s>(source: &'s str, own: &'s str) -> &'s str {
    let named = source_name(source);
    if name::known_as(named) == named { source_version(source).unwrap_or(own) } else { own }
}

/// The name in `name (version)`.
pub(super) fn source_name(source: &str) -> &str {
    source.split_once('(').map_or(source, |(name, _)| name).trim()
}

/// The files of a source package.
fn source(archive: &str, stanza: &Stanza, found: &mut Vec<Member>) {
    let (Some(directory), Some(version)) = (stanza.get(DIRECTORY), stanza.get(VERSION)) else { return };
    let strong = stanza.get(CHECKSUMS_SHA512).map_or("", |lines| lines);
    for line in stanza.get(CHECKSUMS_SHA256).unwrap_or_default().lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(hex), Some(size), Some(file)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Some(path) = route::listed_path(&format!("{directory}/{file}")).map(own) else { continue };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let other = strong.lines().find(|line| line.split_ascii_whitespace().nth(2) == Some(file));
        let other = other.and_then(|line| line.split_ascii_whitespace().next());
        let digests = [
            Digest::from_hex(Algorithm::Sha256, hex),
            other.and_then(|hex| Digest::from_hex(Algorithm::Sha512, hex)),
        ];
        found.extend(member(
            archive,
            &path,
            version,
            digests.into_iter().flatten().collect(),
            size.parse().ok(),
        ));
    }
}

fn own(path: Vec<&str>) -> Vec<String> {
    path.into_iter().map(str::to_owned).collect()
}

fn member(
    archive: &str,
    path: &[&str],
    version: &str,
    digests: Vec<Digest>,
    size_bytes: Option<u64>,
) -> Option<Member> {
    let is_version = !version.is_empty()
        && version.len() <= LONGEST_VERSION
        && version.bytes().all(|byte| byte.is_ascii_graphic());
    if digests.is_empty() || !is_version {
        return None;
    }
    Some(Member {
        package: name::of_file(path)?,
        version: Some(version.into()),
        artifact: Artifact {
            file: format!("{archive}/{}", path.join("/")).into(),
            url: format!("@{archive}{}", route::encoded(path)).into(),
            digests,
            size_bytes,
        },
        owner: Arc::from(""),
    })
}
