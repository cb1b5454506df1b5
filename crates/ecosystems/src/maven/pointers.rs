//! Files of a snapshot by its own name, `tools-1.0-SNAPSHOT.jar`: a name for the newest upload. mvn and Gradle look
//! into the metadata themselves and ask for the upload; others leave it to the repository.

use super::documents::{REPOSITORY, artifact};
use super::xml::{self, Element};
use super::{details, name, route};
use crate::{Fetch, FetchScope, Need, Pointers, Target};
use lazaret_vocabulary::{Document, Malformed, PackageName, Reference, ReferenceKind};

/// The names of snapshots.
#[derive(Debug)]
pub(super) struct Snapshots;

/// What is wanted of the release: what follows artifact and version in the file's name.
pub(super) fn wanted(package: &PackageName, file: &str) -> Option<String> {
    let (directory, file_name) = file.split_once('/')?;
    Some(name::read_file(name::halves(package).1, directory, file_name)?.rest.to_owned())
}

fn target(package: &PackageName, pointer: &str, rest: &str, version: &str) -> Option<Target> {
    if !name::is_segment(version) || name::snapshot_of(version)?.0 != *pointer {
        return None;
    }
    let file = name::file_key(package, version, rest);
    let mut artifacts = details::files(package, version);
    if artifacts.iter().all(|known| *known.file != *file) {
        artifacts.push(artifact(package, &file));
    }
    let mut release = details::release(version.to_owned(), artifacts);
    release.reference =
        Some(Reference { name: pointer.into(), kind: ReferenceKind::Moving, moved_from: None });
    Some(Target { release, file })
}

/// The newest upload by the document on a snapshot.
pub(super) fn newest(root: &Element, pointer: &str) -> Option<String> {
    let newest = root.find(&["versioning", "snapshot"]).into_iter().next()?;
    let (moment, number) = (newest.text_of("timestamp")?, newest.text_of("buildNumber")?);
    let version = format!("{}{moment}-{number}", pointer.strip_suffix(name::SNAPSHOT)?);
    (name::snapshot_of(&version)?.0 == *pointer).then_some(version)
}

impl Pointers for Snapshots {
    fn fetch(&self, package: &PackageName, pointer: &str, _need: &Need<'_>) -> Fetch {
        let file = format!("{pointer}/{}", route::METADATA_FILE);
        Fetch {
            role: "snapshot",
            upstream: REPOSITORY.into(),
            path: format!("/{}", name::address(package, &file)),
            accept: "*/*",
            scope: FetchScope::Package,
        }
    }

    /// The upload that the document names for this kind of file, else the newest.
    fn read(
        &self,
        package: &PackageName,
        pointer: &str,
        wanted: &str,
        document: &Document,
        _need: &Need<'_>,
    ) -> Result<Option<Target>, Malformed> {
        let root = xml::parse(xml::text(&document.body)?)?;
        let kind = name::FileName { version: String::new(), rest: wanted };
        let (classifier, extension) = kind.kind();
        let uploads = root.find(&["versioning", "snapshotVersions", "snapshotVersion"]);
        let named = uploads.into_iter().find(|upload| {
            upload.text_of("extension") == Some(extension)
                && upload.text_of("classifier").unwrap_or_default() == classifier
        });
        let version = named
            .and_then(|upload| upload.text_of("value"))
            .map(str::to_owned)
            .or_else(|| newest(&root, pointer));
        Ok(version.and_then(|version| target(package, pointer, wanted, &version)))
    }

    fn earlier(
        &self,
        package: &PackageName,
        pointer: &str,
        wanted: &str,
        version: &str,
        _need: &Need<'_>,
    ) -> Option<Target> {
        target(package, pointer, wanted, version)
    }

    /// It is meant to move, and whoever wants one upload names it.
    fn falls_back(&self) -> bool {
        true
    }
}
