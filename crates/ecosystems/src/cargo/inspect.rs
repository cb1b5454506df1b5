//! Looks into a crate file: a gzip'd tar whose members all stand below `{name}-{version}/` (the Cargo
//! book, "Packaging a crate"). Only `Cargo.toml` is read; of the rest only paths and kinds are looked at.

use super::dependencies::{hash_names, names_half};
use crate::{Inspection, ReadSeek};
use flate2::read::GzDecoder;
use lazaret_vocabulary::{Artifact, Malformed, PackageName, Release};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path};
use tar::{Archive, EntryType};

/// As cargo itself allows for an unpacked crate.
const LARGEST_UNPACKED: u64 = 512 << 20;
/// More members than any honest crate has.
const MOST_MEMBERS: usize = 100_000;
/// Largest manifest read, in bytes; generated ones with thousands of features stay below 1 MiB.
const LARGEST_MANIFEST: u64 = 4 << 20;
/// Disagreements told one by one; an archive that is wrong all over needs no more.
const MOST_DISAGREEMENTS: usize = 16;

/// What the archive holds, as far as it matters.
#[derive(Default)]
struct Contents {
    manifest: Option<Vec<u8>>,
    build_script: bool,
    wrong: Vec<String>,
}

/// What the crate says of itself, and where that is not what the index says.
pub(super) fn inspect(
    release: &Release,
    package: &PackageName,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    // The artifact's name carries the crate's own spelling, the request's package only its lower case.
    let root = match artifact.file.strip_suffix(".crate") {
        Some(root) => root.to_owned(),
        None => format!("{package}-{}", release.version),
    };
    let contents = contents(&root, file)?;
    let mut inspection = Inspection { disagreements: contents.wrong, ..Inspection::default() };
    let Some(manifest) = contents.manifest else {
        inspection.disagreements.push(format!("the crate has no {root}/Cargo.toml"));
        return Ok(inspection);
    };
    match manifest_table(&manifest) {
        Ok(manifest) => compare(&manifest, &root, release, contents.build_script, &mut inspection),
        Err(why) => inspection.disagreements.push(format!("the crate's Cargo.toml cannot be read: {why}")),
    }
    Ok(inspection)
}

fn contents(root: &str, file: &mut dyn ReadSeek) -> Result<Contents, Malformed> {
    file.rewind().map_err(broken)?;
    let mut archive = Archive::new(GzDecoder::new(file).take(LARGEST_UNPACKED));
    let mut contents = Contents::default();
    let mut unpacked = 0u64;
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        unpacked = unpacked.saturating_add(entry.size());
        if count >= MOST_MEMBERS || unpacked >= LARGEST_UNPACKED {
            return Err(Malformed::new(format!(
                "the crate has more than {MOST_MEMBERS} members or unpacks to more than {LARGEST_UNPACKED} bytes"
            )));
        }
        if contents.wrong.len() >= MOST_DISAGREEMENTS {
            break;
        }
        let kind = entry.header().entry_type();
        let path = entry.path().map_err(broken)?.into_owned();
        match member(root, &path) {
            // A global extended header has no place in the tree.
            _ if kind == EntryType::XGlobalHeader => {}
            None => contents.wrong.push(format!("the crate's member `{}` is outside {root}/", shown(&path))),
            Some(_) if !matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::Directory) => {
                contents.wrong.push(format!("the crate's member `{}` is no file", shown(&path)));
            }
            Some(inner) if inner.eq_ignore_ascii_case("cargo.toml") => {
                let bytes = manifest_bytes(&mut entry)?;
                // Some crates of 2015 hold the same manifest twice.
                if inner != "Cargo.toml" || contents.manifest.as_ref().is_some_and(|have| *have != bytes) {
                    contents.wrong.push("the crate has a second, different Cargo.toml".to_owned());
                } else {
                    contents.manifest = Some(bytes);
                }
            }
            Some(inner) => contents.build_script |= inner == "build.rs",
        }
    }
    Ok(contents)
}

fn manifest_bytes(entry: &mut impl Read) -> Result<Vec<u8>, Malformed> {
    let mut bytes = Vec::new();
    let read = entry.take(LARGEST_MANIFEST + 1).read_to_end(&mut bytes).map_err(broken)?;
    if u64::try_from(read).is_ok_and(|read| read <= LARGEST_MANIFEST) {
        Ok(bytes)
    } else {
        Err(Malformed::new("the crate's Cargo.toml is larger than 4 MiB"))
    }
}

fn broken(error: std::io::Error) -> Malformed {
    Malformed::new(format!("the crate is not a whole gzip'd tar archive: {error}"))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().chars().take(100).collect()
}

/// The path below the root folder; `None` for one that is not purely below it.
fn member(root: &str, path: &Path) -> Option<String> {
    let mut parts = path.components();
    if parts.next()? != Component::Normal(root.as_ref()) {
        return None;
    }
    let inner: Option<Vec<&str>> = parts
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    Some(inner?.join("/"))
}

fn manifest_table(bytes: &[u8]) -> Result<toml::Table, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    text.parse::<toml::Table>().map_err(|error| error.message().to_owned())
}

fn compare(
    manifest: &toml::Table,
    root: &str,
    release: &Release,
    build_rs: bool,
    inspection: &mut Inspection,
) {
    let package = manifest.get("package").or_else(|| manifest.get("project")).and_then(toml::Value::as_table);
    let field = |key: &str| package.and_then(|package| package.get(key));
    let text = |key: &str| field(key).and_then(toml::Value::as_str).unwrap_or_default();
    let (name, version) = (text("name"), text("version"));
    if format!("{name}-{version}") != root || version != &*release.version {
        inspection.disagreements.push(format!(
            "the crate's Cargo.toml says {} {}, the index says {root}",
            name.chars().take(64).collect::<String>(),
            version.chars().take(64).collect::<String>(),
        ));
    }
    inspection.licence = Some(text("license")).filter(|licence| !licence.is_empty()).map(str::to_owned);
    inspection.install_script = Some(match field("build") {
        Some(toml::Value::Boolean(has_one)) => *has_one,
        Some(_) => true,
        None => build_rs,
    });
    if let Some(fingerprint) = release.dependencies {
        // Publishing leaves out a dependency without a version, but in 2014 it did not.
        let published = dependency_names(manifest, is_published);
        let any = dependency_names(manifest, |_| true);
        let agrees = |names: &BTreeSet<&str>| hash_names(names.iter().copied()) == names_half(fingerprint);
        if !agrees(&published) && !agrees(&any) {
            let list: Vec<&str> = any.into_iter().take(20).collect();
            inspection.disagreements.push(format!(
                "the crate's Cargo.toml names other dependencies than the index: {}",
                if list.is_empty() { "none".to_owned() } else { list.join(", ") }
            ));
        }
    }
}

/// The packages that a manifest's normal and build dependencies name, those of platforms among them.
fn dependency_names(manifest: &toml::Table, counts: impl Fn(&toml::Value) -> bool) -> BTreeSet<&str> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let platforms =
        platforms.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table);
    std::iter::once(manifest)
        .chain(platforms)
        .flat_map(|table| {
            ["dependencies", "build-dependencies", "build_dependencies"].map(|key| table.get(key))
        })
        .flatten()
        .filter_map(toml::Value::as_table)
        .flatten()
        .filter(|(_, dependency)| counts(dependency))
        .map(|(name, dependency)| dependency.get("package").and_then(toml::Value::as_str).unwrap_or(name))
        .collect()
}

/// A dependency without a version is a path or repository of the author's.
fn is_published(dependency: &toml::Value) -> bool {
    let local = ["path", "git"].iter().any(|key| dependency.get(key).is_some());
    dependency.get("version").is_some() || !local
}
