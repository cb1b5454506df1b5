//! What projects pin: `packages.lock.json` and `project.assets.json`, which have the whole tree,
//! `packages.config`, and project files, in which a plain version is the lowest that will do and the one that is
//! taken.

use super::json::Members;
use super::xml::{self, Element};
use super::{name, version};
use crate::Locked;
use crate::client::line_of;
use lazaret_vocabulary::Malformed;
use std::collections::HashSet;

/// Largest lock file read, in bytes. `project.assets.json` lists every file of every package.
const LARGEST: usize = 64 << 20;
/// Most releases of one file.
const MOST_LOCKED: usize = 200_000;
/// Elements of a project that name packages with a version.
const REFERENCES: [&str; 4] =
    ["PackageReference", "PackageVersion", "GlobalPackageReference", "PackageDownload"];

/// Reads a file by its name; `None` for one that pins nothing.
pub(super) fn read(file: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
    let read: fn(&[u8]) -> Result<Vec<Locked>, Malformed> = match file {
        "packages.lock.json" => packages_lock,
        "project.assets.json" => assets,
        _ if file.eq_ignore_ascii_case("packages.config") => packages_config,
        _ if is_project(file) => project,
        _ => return None,
    };
    Some(read(text).map_err(|error| Malformed::new(format!("{file}: {error}"))))
}

/// Whether a file is an MSBuild project, or one of the files that all projects below it read.
pub(super) fn is_project(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    let ending = [".csproj", ".fsproj", ".vbproj"].iter().any(|ending| lower.ends_with(ending));
    let shared = ["directory.packages.props", "directory.build.props", "directory.build.targets"];
    ending || shared.contains(&lower.as_str())
}

fn checked(text: &[u8]) -> Result<&str, Malformed> {
    if text.len() > LARGEST {
        return Err(Malformed::new(format!("it is larger than {LARGEST} bytes")));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new("it is not UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}'))
}

/// Collects each release once, with the line that names it first.
#[derive(Default)]
struct Found {
    seen: HashSet<(String, String)>,
    locked: Vec<Locked>,
}

impl Found {
    fn add(&mut self, id: &str, version: &str, line: usize) -> Result<(), Malformed> {
        let package = name::parse(id).map_err(|error| Malformed::new(error.to_string()))?;
        let Some(normal) = version::normalise(version) else {
            let shown: String = version.chars().take(80).collect();
            return Err(Malformed::new(format!("`{}` of {package} is no version", shown.escape_debug())));
        };
        if !self.seen.insert((package.key().to_owned(), normal.clone())) {
            return Ok(());
        }
        if self.locked.len() >= MOST_LOCKED {
            return Err(Malformed::new(format!("it names more than {MOST_LOCKED} releases")));
        }
        self.locked.push(Locked { package, version: normal, line: Some(line), resolved: None });
        Ok(())
    }
}

/// `{"dependencies": {"net8.0": {"Id": {"type": "Direct", "resolved": "1.2.3", …}}}}`
fn packages_lock(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let text = checked(text)?;
    let wrong = || Malformed::new("it is not a lock file with `dependencies` by target");
    let root = Members::parse(text).ok_or_else(wrong)?;
    let targets = root.raw("dependencies").and_then(Members::parse).ok_or_else(wrong)?;
    let mut found = Found::default();
    let mut places = Places { text, at: 0, line: 1 };
    for (_, packages) in targets.0 {
        for (id, package) in Members::parse(packages.get()).ok_or_else(wrong)?.0 {
            let line = places.line_of(package.get());
            let package = Members::parse(package.get()).ok_or_else(wrong)?;
            if package.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("Project")) {
                continue;
            }
            if let Some(resolved) = package.text("resolved") {
                found.add(&id, &resolved, line)?;
            }
        }
    }
    Ok(found.locked)
}

/// `{"libraries": {"Id/1.2.3": {"type": "package", …}}}`
fn assets(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let text = checked(text)?;
    let wrong = || Malformed::new("it is not a list of assets with `libraries`");
    let root = Members::parse(text).ok_or_else(wrong)?;
    let mut found = Found::default();
    let mut places = Places { text, at: 0, line: 1 };
    for (library, about) in root.raw("libraries").and_then(Members::parse).ok_or_else(wrong)?.0 {
        let line = places.line_of(about.get());
        let about = Members::parse(about.get()).ok_or_else(wrong)?;
        let package = about.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("package"));
        if let (true, Some((id, version))) = (package, library.split_once('/')) {
            found.add(id, version, line)?;
        }
    }
    Ok(found.locked)
}

/// Tells lines of pieces that come in the order of the text, each stretch counted once.
struct Places<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Places<'_> {
    fn line_of(&mut self, piece: &str) -> usize {
        let start = piece.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        if let Some(stretch) = self.text.get(self.at..start) {
            self.line += line_of(stretch, stretch.len()) - 1;
            self.at = start;
        }
        self.line
    }
}

/// `<packages><package id="Id" version="1.2.3" /></packages>`
fn packages_config(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let root = xml::parse(text, "it")?;
    if !root.name.eq_ignore_ascii_case("packages") {
        return Err(Malformed::new("it is not a list of `packages`"));
    }
    let mut found = Found::default();
    for package in root.all("package") {
        let of = |attribute| package.attribute(attribute).unwrap_or_default();
        found.add(of("id"), of("version"), package.line)?;
    }
    Ok(found.locked)
}

/// The references of a project that say one version: ranges, floating versions and properties are settled
/// elsewhere.
fn project(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let root = xml::parse(text, "it")?;
    if !root.name.eq_ignore_ascii_case("Project") {
        return Err(Malformed::new("it is not a `Project`"));
    }
    let mut found = Found::default();
    for reference in root.walk() {
        if !REFERENCES.iter().any(|name| name.eq_ignore_ascii_case(&reference.name)) {
            continue;
        }
        let ids =
            reference.attribute("Include").or_else(|| reference.attribute("Update")).unwrap_or_default();
        let Some(wanted) = wanted(reference) else { continue };
        for version in wanted.split(';').filter_map(exact) {
            for id in
                ids.split(';').map(str::trim).filter(|id| !id.is_empty() && !id.contains(['$', '@', '%']))
            {
                found.add(id, version, reference.line)?;
            }
        }
    }
    Ok(found.locked)
}

fn wanted(reference: &Element) -> Option<&str> {
    ["VersionOverride", "Version"]
        .iter()
        .find_map(|name| reference.attribute(name).or_else(|| reference.text_of(name)))
}

/// `1.2.3` and `[1.2.3]`.
fn exact(text: &str) -> Option<&str> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).trim();
    version::normalise(inner).map(|_| inner)
}
