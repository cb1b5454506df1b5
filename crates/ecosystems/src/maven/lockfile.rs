//! Files that say which releases a build takes: `pom.xml`, the texts that Maven's dependency plugin writes, and
//! Gradle's lock files.

use super::{name, pom};
use crate::Locked;
use lazaret_vocabulary::{Malformed, PackageName};
use std::collections::HashSet;

/// Largest file read, in bytes.
const LARGEST: usize = 32 << 20;
/// Most releases of one file.
const MOST_RELEASES: usize = 100_000;

/// The releases that a file names; `None` where it is none of these.
pub(super) fn read(file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
    let bare = file_name.rsplit('/').next().unwrap_or(file_name);
    let parser: fn(&str) -> Vec<Found> = match bare {
        "pom.xml" => return Some(project(text)),
        "dependency-tree.txt" | "dependency-list.txt" => plugin,
        "gradle.lockfile" | "buildscript-gradle.lockfile" => gradle,
        _ if bare.ends_with(".lockfile") && file_name.contains("dependency-locks/") => gradle,
        _ => return None,
    };
    let text = match bounded(bare, text) {
        Ok(text) => text,
        Err(error) => return Some(Err(error)),
    };
    Some(Ok(locked(parser(text))))
}

fn bounded<'a>(name: &str, text: &'a [u8]) -> Result<&'a str, Malformed> {
    if text.len() > LARGEST {
        return Err(Malformed::new(format!("{name} is larger than 32 MiB")));
    }
    std::str::from_utf8(text).map_err(|_| Malformed::new(format!("{name} is not UTF-8")))
}

struct Found {
    package: PackageName,
    version: String,
    line: usize,
}

fn locked(found: Vec<Found>) -> Vec<Locked> {
    let mut seen = HashSet::new();
    let mut list = Vec::new();
    for Found { package, version, line } in found.into_iter().take(MOST_RELEASES) {
        if seen.insert((package.key().to_owned(), version.clone())) {
            list.push(Locked { package, version, line: Some(line), resolved: None });
        }
    }
    list
}

/// What a POM names with a literal version, or one from its own properties. What it takes over from parents and
/// imported lists stands in a resolved tree only.
fn project(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let pom = pom::read(text)?;
    let found = pom.named.iter().filter_map(|named| {
        let (package, version) = named.coordinates.release()?;
        Some(Found { package, version: version.to_owned(), line: named.line })
    });
    Ok(locked(found.collect()))
}

/// `group:artifact:type[:classifier]:version:scope`, drawn as a tree or in a list, with or without `[INFO]`. The
/// project itself has no scope.
fn plugin(text: &str) -> Vec<Found> {
    let scopes = ["compile", "runtime", "provided", "test", "system", "import"];
    let read = |(at, line): (usize, &str)| {
        let line = without_colour(line);
        let line = line.trim_start_matches("[INFO]").trim_start_matches([' ', '|', '+', '-', '\\']);
        let line = line.trim_start_matches('(');
        let word = line.split([' ', '\t', ')']).next().unwrap_or_default();
        let parts: Vec<&str> = word.split(':').collect();
        let (group, artifact, version, scope) = match parts.as_slice() {
            [group, artifact, _, version, scope] | [group, artifact, _, _, version, scope] => {
                (*group, *artifact, *version, *scope)
            }
            _ => return None,
        };
        let version = scopes.contains(&scope).then(|| pom::literal(version))??;
        Some(Found { package: name::join(group, artifact)?, version: version.to_owned(), line: at + 1 })
    };
    text.lines().enumerate().filter_map(read).collect()
}

/// A line without the sequences that colour it.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

/// `group:artifact:version=configuration,…` (the Gradle documentation, "Locking versions"); the older form, a
/// file a configuration, has no `=`.
fn gradle(text: &str) -> Vec<Found> {
    let read = |(at, line): (usize, &str)| {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let mut parts = line.split('=').next()?.split(':');
        let (group, artifact, version) = (parts.next()?, parts.next()?, parts.next()?);
        let package = name::join(group, artifact).filter(|_| parts.next().is_none())?;
        Some(Found { package, version: pom::literal(version)?.to_owned(), line: at + 1 })
    };
    text.lines().enumerate().filter_map(read).collect()
}
