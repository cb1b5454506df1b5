//! Addresses of a repository (the Maven documentation, "Repository layout"). A path says by its last segment
//! what it is: metadata, a file of a release, or the checksum of one of them.

use super::{hosting, name, pointers, relay};
use crate::route::{Part, Route, View};
use http::Method;
use lazaret_vocabulary::{Algorithm, PackageName, RequestHead};
use percent_encoding::percent_decode_str;

/// Longest path looked at, in bytes.
const LONGEST_PATH: usize = 2048;
/// Most segments of a path.
const MOST_SEGMENTS: usize = 64;

/// The name of the documents that list versions, or the builds of a snapshot.
pub(super) const METADATA_FILE: &str = "maven-metadata.xml";
/// The document that lists project templates.
pub(super) const ARCHETYPES_FILE: &str = "archetype-catalog.xml";

/// The form of an index that is the document itself.
pub(super) const METADATA: &str = "metadata";

/// The other forms, its checksums.
const CHECKSUMS: [(&str, &str, Algorithm); 4] = [
    (".md5", "metadata.md5", Algorithm::Md5),
    (".sha1", "metadata.sha1", Algorithm::Sha1),
    (".sha256", "metadata.sha256", Algorithm::Sha256),
    (".sha512", "metadata.sha512", Algorithm::Sha512),
];

/// The algorithm of a form that is a checksum.
pub(super) fn checksum_of_form(form: &str) -> Option<Algorithm> {
    CHECKSUMS.iter().find(|(_, name, _)| *name == form).map(|(.., algorithm)| *algorithm)
}

/// A path, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// The document on a package, or a group's list of plugins: the path alone does not tell.
    Metadata { package: PackageName, form: &'static str },
    /// The document on a version that is still being worked on.
    Snapshot { package: PackageName, version: String, form: &'static str },
    /// The list of plugins of a group of one word.
    Group { path: String },
    /// The list of project templates.
    Archetypes { path: String },
    /// A file of a release: its key, `version/name`, and the release.
    File { package: PackageName, file: String, version: String, checksum: Option<Algorithm> },
}

/// What `request` asks for.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(address) = read(request.path) else { return Route::Unknown };
    match request.method.as_str() {
        "GET" | "HEAD" => reading(address),
        "PUT" | "DELETE" => writing(request.method, address),
        _ => Route::Unknown,
    }
}

fn reading(address: Address) -> Route {
    match address {
        Address::Metadata { package, form } => Route::Index { package, view: View { form, version: None } },
        Address::Snapshot { package, version, form } => {
            Route::Relay(relay::snapshot(package, &version, form))
        }
        Address::Group { path } | Address::Archetypes { path } => Route::Relay(relay::plain(path)),
        Address::File { package, file, version, checksum: None } if name::is_snapshot(&version) => {
            match pointers::wanted(&package, &file) {
                Some(wanted) => Route::Pointer { package, pointer: version, wanted },
                None => Route::Unknown,
            }
        }
        Address::File { version, .. } if name::is_snapshot(&version) => Route::Unknown,
        Address::File { package, file, checksum, .. } => {
            Route::Artifact { package, file, part: checksum.map_or(Part::Whole, Part::Checksum) }
        }
    }
}

/// Metadata names no package here: a group's list of plugins stands at the same kind of address, and whoever may
/// publish a plugin need not be allowed to publish what that address would be the package of. Nothing is done
/// with it anyway.
fn writing(method: &Method, address: Address) -> Route {
    let submit = |action, package, limit_bytes| Route::Submit { action, package: Some(package), limit_bytes };
    match (method.as_str(), address) {
        ("PUT", Address::File { package, checksum: None, .. }) => {
            submit(hosting::FILE, package, hosting::LARGEST_FILE)
        }
        ("PUT", Address::File { package, .. }) => {
            submit(hosting::CHECKSUM, package, hosting::LARGEST_DOCUMENT)
        }
        ("PUT", Address::Metadata { .. } | Address::Snapshot { .. }) => {
            Route::Submit { action: hosting::METADATA, package: None, limit_bytes: hosting::LARGEST_DOCUMENT }
        }
        ("DELETE", Address::File { package, checksum: None, .. }) => {
            submit(hosting::REMOVE, package, hosting::LARGEST_DOCUMENT)
        }
        _ => Route::Unknown,
    }
}

/// Reads a path below the mount.
pub(super) fn read(path: &str) -> Option<Address> {
    let segments = segments(path)?;
    let (last, folders) = segments.split_last()?;
    let (plain, checksum) = checksum(last);
    let form = checksum.map_or(METADATA, |(form, _)| form);
    if plain == ARCHETYPES_FILE && folders.is_empty() {
        return Some(Address::Archetypes { path: format!("/{last}") });
    }
    if plain != METADATA_FILE {
        let [group @ .., artifact, directory] = folders else { return None };
        let package = package(group, artifact)?;
        let version = name::read_file(artifact, directory, plain)?.version;
        let checksum = checksum.map(|(_, algorithm)| algorithm);
        return Some(Address::File { package, file: format!("{directory}/{plain}"), version, checksum });
    }
    match folders {
        [group @ .., artifact, version] if name::is_snapshot(version) && !group.is_empty() => {
            let package = package(group, artifact)?;
            name::is_segment(version).then(|| Address::Snapshot { package, version: version.clone(), form })
        }
        [group @ .., artifact] if !group.is_empty() => {
            Some(Address::Metadata { package: package(group, artifact)?, form })
        }
        [group] => {
            package(std::slice::from_ref(group), group)?;
            Some(Address::Group { path: format!("/{group}/{last}") })
        }
        _ => None,
    }
}

/// A file's name without the suffix of its checksum.
fn checksum(file: &str) -> (&str, Option<(&'static str, Algorithm)>) {
    let found = CHECKSUMS
        .iter()
        .find_map(|(suffix, form, algorithm)| Some((file.strip_suffix(suffix)?, (*form, *algorithm))));
    match found {
        Some((plain, kind)) if !plain.is_empty() => (plain, Some(kind)),
        _ => (file, None),
    }
}

/// The decoded segments of a path. Decoding comes after splitting, so that `%2F` cannot make a segment.
fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    let segments: Vec<String> = path
        .strip_prefix('/')?
        .split('/')
        .take(MOST_SEGMENTS + 1)
        .map(|segment| Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned()))
        .collect::<Option<_>>()?;
    (segments.len() <= MOST_SEGMENTS).then_some(segments)
}

/// The package of a folder. A group's words have no dots of their own, or two paths would lead to one package.
fn package(group: &[String], artifact: &str) -> Option<PackageName> {
    let plain = group.iter().all(|word| !word.contains('.'));
    if plain { name::join(&group.join("."), artifact) } else { None }
}
