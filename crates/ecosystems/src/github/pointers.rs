//! Branches and tags, for archives and single files that are asked for by them.

use super::files::{Archive, File, named};
use super::name::{self, BRANCHES, HEAD, TAGS};
use super::refs::{self, Advertisement, Ref};
use super::relay;
use super::route::{ANY, RAW};
use crate::{Fetch, Need, Pointers, Target};
use lazaret_vocabulary::{Document, Malformed, PackageName};

/// Parts of a path among which the name of a branch may end.
const MOST_PARTS: usize = 16;

/// A repository's names.
pub(super) struct Names;

impl Pointers for Names {
    fn fetch(&self, package: &PackageName, _pointer: &str, _need: &Need<'_>) -> Fetch {
        relay::refs(package)
    }

    fn read(
        &self,
        package: &PackageName,
        pointer: &str,
        wanted: &str,
        document: &Document,
        need: &Need<'_>,
    ) -> Result<Option<Target>, Malformed> {
        let Advertisement::Names { refs, .. } = refs::read(&document.body)? else {
            return Err(Malformed::new("the server tells its abilities where its names were asked for"));
        };
        let found = if wanted == RAW {
            split(pointer).take(MOST_PARTS).find_map(|(name, _)| Some((name, resolve(&refs, name)?)))
        } else {
            resolve(&refs, pointer).map(|found| (pointer, found))
        };
        let Some((name, found)) = found else { return Ok(None) };
        let Some(commit) = name::commit(found.commit()) else { return Ok(None) };
        Ok(target(package, pointer, name, wanted, commit, need).map(|mut target| {
            target.release.reference = Some(named(found.name));
            target
        }))
    }

    fn earlier(
        &self,
        package: &PackageName,
        pointer: &str,
        wanted: &str,
        version: &str,
        need: &Need<'_>,
    ) -> Option<Target> {
        let name = if wanted == RAW { split(pointer).next()?.0 } else { pointer };
        target(package, pointer, name, wanted, name::commit(version)?, need)
    }

    /// Whoever asks for a tag or a branch and gets an older commit builds something else than he believes.
    fn falls_back(&self) -> bool {
        false
    }
}

/// Each way of dividing `name/path`, the shortest name first.
fn split(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('/').filter_map(|(at, _)| Some((text.get(..at)?, text.get(at + 1..)?)))
}

/// The name in full, as git looks for it: itself, below `refs/`, a tag, a branch (`gitrevisions`).
fn resolve<'r>(refs: &'r [Ref<'_>], name: &str) -> Option<&'r Ref<'r>> {
    let exact = |full: &str| refs.iter().find(|found| found.name == full);
    if name == HEAD || name.starts_with("refs/") {
        return exact(name);
    }
    exact(&format!("{TAGS}{name}")).or_else(|| exact(&format!("{BRANCHES}{name}")))
}

/// The file that is wanted of a commit.
fn target(
    package: &PackageName,
    pointer: &str,
    name: &str,
    wanted: &str,
    commit: String,
    need: &Need<'_>,
) -> Option<Target> {
    let file = match wanted {
        ANY => File::Commit(commit),
        RAW => {
            let path = pointer.strip_prefix(name)?.strip_prefix('/')?.to_owned();
            File::Raw { commit, path }
        }
        word => File::Archive { kind: Archive::from_word(word)?, commit, name: Some(name.to_owned()) },
    };
    Some(Target { release: file.release(package, need), file: file.key() })
}
