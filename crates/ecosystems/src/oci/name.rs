//! Names of repositories, tags and digests (OCI Distribution Specification 1.1, "Pulling manifests"), and where
//! they stand upstream.

use super::ID;
use crate::Need;
use lazaret_vocabulary::{Algorithm, BaseUrl, Digest, InvalidName, PackageName};
use std::borrow::Cow;

/// The upstream of every name whose first part names no other one.
pub(super) const REGISTRY: &str = "registry";

/// Longest name, in bytes. Many clients limit host and name together to this.
const LONGEST_NAME: usize = 255;
/// Longest tag, in bytes.
const LONGEST_TAG: usize = 128;

/// Checks a repository's name. Names differ as soon as their bytes do: there are no capitals in them.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    if text.len() > LONGEST_NAME {
        return Err(InvalidName::new(text, "a repository's name has at most 255 characters"));
    }
    if !text.split('/').all(is_component) {
        return Err(InvalidName::new(
            text,
            "a repository's name consists of lower-case letters and digits, with `.`, `_`, `__` or dashes \
             between them, in parts divided by `/`",
        ));
    }
    Ok(PackageName::new(ID, text, text))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()].into_iter().all(|end| end.is_some_and(plain));
    let separator =
        |run: &[u8]| matches!(run, [] | b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-');
    ends && bytes.split(plain).all(separator)
}

/// Whether a reference is a tag.
pub(super) fn is_tag(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= LONGEST_TAG
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || matches!(byte, b'.' | b'-'))
}

/// Reads a digest in the one spelling it has. Only algorithms that prove something and that the specification
/// registers.
pub(super) fn digest(text: &str) -> Option<Digest> {
    let digest: Digest = text.parse().ok()?;
    let registered = matches!(digest.algorithm(), Algorithm::Sha256 | Algorithm::Sha512);
    (registered && digest.to_string() == text).then_some(digest)
}

/// The digest of some bytes.
pub(super) fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Option<Digest> {
    let ring = match algorithm {
        Algorithm::Sha256 => &ring::digest::SHA256,
        Algorithm::Sha512 => &ring::digest::SHA512,
        _ => return None,
    };
    Digest::from_bytes(algorithm, ring::digest::digest(ring, bytes).as_ref())
}

/// Whether the bytes have this digest.
pub(super) fn fits(digest: &Digest, bytes: &[u8]) -> bool {
    digest_of(digest.algorithm(), bytes).as_ref() == Some(digest)
}

/// A file of a repository. A digest alone does not tell which of the two it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum File {
    Manifest(Digest),
    Blob(Digest),
}

impl File {
    /// Reads the key under which a file is kept.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let (kind, text) = key.split_once('/')?;
        match kind {
            "manifests" => Some(Self::Manifest(digest(text)?)),
            "blobs" => Some(Self::Blob(digest(text)?)),
            _ => None,
        }
    }

    /// The key, which is also where the file stands below its repository.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Manifest(digest) => format!("manifests/{digest}"),
            Self::Blob(digest) => format!("blobs/{digest}"),
        }
    }

    pub(super) fn digest(&self) -> &Digest {
        match self {
            Self::Manifest(digest) | Self::Blob(digest) => digest,
        }
    }
}

/// Where a repository stands upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub role: String,
    /// Its path below the address of the role: `/v2/library/debian`.
    pub path: String,
}

impl Place {
    /// The first part of a name is a role where an address is configured for it.
    pub(super) fn of(package: &PackageName, need: &Need<'_>) -> Self {
        let name = package.as_str();
        let (role, repository) =
            name.split_once('/').filter(|(first, _)| need.has(first)).unwrap_or((REGISTRY, name));
        Self { role: role.to_owned(), path: format!("/v2/{repository}") }
    }

    /// Reads it out of the address of one of its files.
    pub(super) fn of_file(url: &str, file: &File) -> Option<Self> {
        let (role, rest) = url.strip_prefix('@')?.split_once('/')?;
        let repository = rest.strip_suffix(&file.key())?.strip_suffix('/')?;
        repository.starts_with("v2/").then(|| Self { role: role.to_owned(), path: format!("/{repository}") })
    }

    /// Address of a file, as in [`lazaret_vocabulary::Artifact::url`].
    pub(super) fn url(&self, file: &File) -> String {
        format!("@{}{}/{}", self.role, self.path, file.key())
    }

    pub(super) fn upstream(&self) -> Cow<'static, str> {
        if self.role == REGISTRY { REGISTRY.into() } else { self.role.clone().into() }
    }
}

/// The path of an address: `/v2` of `https://gate.example/v2`. Answers name no host, since a client may reach
/// the gateway by several.
pub(super) fn path_of(base: &BaseUrl) -> &str {
    let rest = base.as_str().split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("")
}
