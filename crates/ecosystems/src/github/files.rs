//! Files by the key under which they are stored, judged and refused, and where upstream has them.

use super::name::{self, TAGS};
use super::{CODELOAD_UPSTREAM, RAW_UPSTREAM, version};
use crate::Need;
use http::{HeaderName, header};
use lazaret_vocabulary::{Artifact, PackageName, Reference, Release};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a segment of a path keeps unencoded (RFC 3986, "unreserved" and what is harmless beside).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b'+')
    .remove(b'=')
    .remove(b',')
    .remove(b'@');

/// How a source archive is packed, and how its one folder is called: `repository-ref`, or in the older form
/// `owner-repository-commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Archive {
    TarGz,
    Zip,
    LegacyTarGz,
    LegacyZip,
}

impl Archive {
    /// As in addresses and keys.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
            Self::LegacyTarGz => "legacy.tar.gz",
            Self::LegacyZip => "legacy.zip",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::TarGz, Self::Zip, Self::LegacyTarGz, Self::LegacyZip]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::TarGz | Self::Zip => "archive",
            Self::LegacyTarGz | Self::LegacyZip => "legacy",
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::TarGz | Self::LegacyTarGz => ".tar.gz",
            Self::Zip | Self::LegacyZip => ".zip",
        }
    }
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum File {
    /// The sources of a commit. With the name they were asked for by, if it was not the commit: it is the name
    /// of the folder in the archive, so the bytes differ.
    Archive { kind: Archive, commit: String, name: Option<String> },
    /// One file at a commit.
    Raw { commit: String, path: String },
    /// A file that a release carries.
    Asset { tag: String, file: String },
    /// The commit itself, for questions about it.
    Commit(String),
}

impl File {
    /// The key: `archive/<commit>.tar.gz`, `archive/<commit>/<ref>.zip`, `legacy/…`, `raw/<commit>/<path>`,
    /// `download/<tag>/<file>`, `<commit>`.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Archive { kind, commit, name } => {
                let name = name.as_ref().map_or_else(String::new, |name| format!("/{name}"));
                format!("{}/{commit}{name}{}", kind.folder(), kind.ending())
            }
            Self::Raw { commit, path } => format!("raw/{commit}/{path}"),
            Self::Asset { tag, file } => format!("download/{tag}/{file}"),
            Self::Commit(commit) => commit.clone(),
        }
    }

    /// Reads a key; whatever is none of a file is refused.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let Some((folder, rest)) = key.split_once('/') else { return name::commit(key).map(Self::Commit) };
        match folder {
            "archive" => Self::archive(rest, Archive::TarGz, Archive::Zip),
            "legacy" => Self::archive(rest, Archive::LegacyTarGz, Archive::LegacyZip),
            "raw" => {
                let (commit, path) = rest.split_once('/')?;
                name::is_path(path).then_some(())?;
                Some(Self::Raw { commit: name::commit(commit)?, path: path.to_owned() })
            }
            "download" => Self::asset(rest),
            _ => None,
        }
    }

    fn archive(rest: &str, tar: Archive, zip: Archive) -> Option<Self> {
        let (kind, stem) = [tar, zip]
            .into_iter()
            .find_map(|kind| rest.strip_suffix(kind.ending()).map(|stem| (kind, stem)))?;
        let (commit, name) = stem.split_once('/').map_or((stem, None), |(commit, name)| (commit, Some(name)));
        if !name.is_none_or(name::is_ref) {
            return None;
        }
        Some(Self::Archive { kind, commit: name::commit(commit)?, name: name.map(str::to_owned) })
    }

    /// `<tag>/<file>`; tags may have slashes, files may not.
    pub(super) fn asset(text: &str) -> Option<Self> {
        let (tag, file) = text.rsplit_once('/')?;
        let valid = name::is_ref(tag) && name::is_path(file);
        valid.then(|| Self::Asset { tag: tag.to_owned(), file: file.to_owned() })
    }

    /// Below which address upstream has it. Everything can be asked of the first role.
    fn url(&self, package: &PackageName, need: &Need<'_>) -> String {
        match self {
            Self::Archive { kind, commit, name } => {
                let at = encoded(name.as_deref().unwrap_or(commit));
                match kind {
                    _ if need.has(CODELOAD_UPSTREAM) => {
                        format!("@{CODELOAD_UPSTREAM}/{package}/{}/{at}", kind.word())
                    }
                    Archive::TarGz | Archive::Zip => format!("{package}/archive/{at}{}", kind.ending()),
                    Archive::LegacyTarGz => format!("{package}/tarball/{at}"),
                    Archive::LegacyZip => format!("{package}/zipball/{at}"),
                }
            }
            Self::Raw { commit, path } if need.has(RAW_UPSTREAM) => {
                format!("@{RAW_UPSTREAM}/{package}/{commit}/{}", encoded(path))
            }
            Self::Raw { commit, path } => format!("{package}/raw/{commit}/{}", encoded(path)),
            Self::Asset { tag, file } => {
                format!("{package}/releases/download/{}/{}", encoded(tag), encoded(file))
            }
            Self::Commit(_) => String::new(),
        }
    }

    /// As it stands in a release.
    pub(super) fn artifact(&self, package: &PackageName, need: &Need<'_>) -> Artifact {
        Artifact {
            file: self.key().into(),
            url: self.url(package, need).into(),
            digests: Vec::new(),
            size_bytes: None,
        }
    }

    /// The release it belongs to, as far as its key tells. Whatever is asked of a commit, the commit itself stands
    /// beside it, so that all of it is as old here as the first thing of it that was asked for. Files of a release
    /// page stand alone, since each can be exchanged by itself.
    pub(super) fn release(&self, package: &PackageName, need: &Need<'_>) -> Release {
        let (version, reference) = match self {
            Self::Archive { commit, name, .. } => (commit, name.as_deref().map(reference)),
            Self::Raw { commit, .. } | Self::Commit(commit) => (commit, None),
            Self::Asset { tag, .. } => (tag, None),
        };
        let mut artifacts = vec![self.artifact(package, need)];
        if let Self::Archive { commit, .. } | Self::Raw { commit, .. } = self {
            artifacts.push(Self::Commit(commit.clone()).artifact(package, need));
        }
        Release {
            version: version.as_str().into(),
            prerelease: version::is_prerelease(version),
            reference,
            artifacts,
            ..Release::default()
        }
    }
}

/// A name as somebody wrote it, before it was looked up.
fn reference(written: &str) -> Reference {
    let full = if written.starts_with("refs/") || written == name::HEAD {
        written.to_owned()
    } else {
        format!("{TAGS}{written}")
    };
    named(&full)
}

/// A name in full.
pub(super) fn named(full: &str) -> Reference {
    Reference { name: full.into(), kind: name::kind(full), moved_from: None }
}

/// A path's segments, each encoded.
pub(super) fn encoded(path: &str) -> String {
    let segments: Vec<String> =
        path.split('/').map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect();
    segments.join("/")
}

/// By the key: archives as what they are, single files as text so that no browser runs them, everything else
/// as bytes.
pub(super) fn media_type(key: &str) -> &'static str {
    match File::parse(key) {
        Some(File::Archive { kind: Archive::TarGz | Archive::LegacyTarGz, .. }) => "application/gzip",
        Some(File::Archive { .. }) => "application/zip",
        Some(File::Raw { .. }) => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// No browser guesses, and files of releases keep their name.
pub(super) fn headers(key: &str) -> Vec<(HeaderName, String)> {
    let mut headers = vec![(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned())];
    if let Some(File::Asset { file, .. }) = File::parse(key) {
        let plain: String = file
            .chars()
            .filter(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\'))
            .collect();
        headers.push((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\"")));
    }
    headers
}
