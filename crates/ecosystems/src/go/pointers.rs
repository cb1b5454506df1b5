//! Branches, tags and commits, which a proxy resolves to a version: `@v/main.info`.

use super::{details, name, route, version};
use crate::route::{Fetch, FetchScope};
use crate::{Need, Pointers, Target};
use lazaret_vocabulary::{Document, DocumentRole, Malformed, PackageName, Reference, ReferenceKind, Release};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The one file that a revision is asked for.
pub(super) const INFO: &str = "info";
/// What a revision stands for now.
const QUERY: DocumentRole = "query";

/// What stays as it is in an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'!');

/// Digits that a pseudo-version tells of a commit, and those of a whole commit id.
const SHORT_COMMIT: usize = 12;
const WHOLE_COMMIT: usize = 40;

/// Revisions that are no versions.
#[derive(Debug)]
pub(super) struct Revisions;

impl Pointers for Revisions {
    fn fetch(&self, package: &PackageName, pointer: &str, _need: &Need<'_>) -> Fetch {
        let revision = name::escape(pointer);
        Fetch {
            role: QUERY,
            upstream: details::PROXY.into(),
            path: format!(
                "/{}/@v/{}.info",
                name::escape(package.as_str()),
                utf8_percent_encode(&revision, PLAIN)
            ),
            accept: "application/json",
            scope: FetchScope::Package,
        }
    }

    fn read(
        &self,
        package: &PackageName,
        pointer: &str,
        _wanted: &str,
        document: &Document,
        _need: &Need<'_>,
    ) -> Result<Option<Target>, Malformed> {
        let info = details::Info::parse(&document.body)?;
        if !name::fits(package, &info.version) {
            return Err(Malformed::new(format!(
                "`{pointer}` of `{package}` stands for a version that the module cannot have"
            )));
        }
        Ok(target(package, pointer, &info.version))
    }

    fn earlier(
        &self,
        package: &PackageName,
        pointer: &str,
        _wanted: &str,
        version: &str,
        _need: &Need<'_>,
    ) -> Option<Target> {
        target(package, pointer, version)
    }

    /// Who asks for a branch gets what stands there, or is told why not: an older commit would be written into
    /// `go.mod` without a word.
    fn falls_back(&self) -> bool {
        false
    }
}

fn target(package: &PackageName, pointer: &str, version: &str) -> Option<Target> {
    let file = route::file_name(version, route::Kind::Info);
    let release = details::release(package, version)?;
    let reference = (!names_commit(pointer, version)).then(|| Reference {
        name: pointer.into(),
        kind: if is_tag(pointer) { ReferenceKind::Fixed } else { ReferenceKind::Moving },
        moved_from: None,
    });
    Some(Target { release: Release { reference, ..release }, file })
}

/// Whether a revision is the id of the very commit that the version is of, and so cannot be moved.
fn names_commit(pointer: &str, found: &str) -> bool {
    let hex = pointer.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    let plain = found.split('+').next().unwrap_or(found);
    let commit = plain.rsplit_once('-').map(|(_, commit)| commit).filter(|_| version::is_pseudo(found));
    hex && match commit {
        Some(commit) if pointer.len() >= SHORT_COMMIT => pointer.starts_with(commit),
        Some(commit) => pointer.len() >= 7 && commit.starts_with(pointer),
        // A tagged commit is answered with its version, which does not tell the id.
        None => pointer.len() == WHOLE_COMMIT,
    }
}

/// Whether a name looks like a tag with a version in it.
fn is_tag(pointer: &str) -> bool {
    version::major(pointer).is_some()
}
