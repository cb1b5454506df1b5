//! Lock files of pip, uv, poetry, pdm and pipenv, and the common one (PEP 751): the releases they pin.

use super::{name, version};
use crate::Locked;
use lazaret_vocabulary::{Malformed, PackageName};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Largest lock file read, in bytes.
const LARGEST: usize = 64 << 20;

/// Reads a lock file of one of the known names; `None` for any other file.
pub(super) fn read(file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
    let file = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let parse: fn(&str, &str) -> Result<Vec<Locked>, Malformed> = match file {
        "uv.lock" | "poetry.lock" | "pdm.lock" => package_tables,
        "Pipfile.lock" => pipfile,
        "pylock.toml" => common,
        _ if file.starts_with("pylock.") && file.ends_with(".toml") => common,
        _ if file.ends_with(".txt") && (file.contains("requirements") || file.contains("constraints")) => {
            requirements
        }
        _ => return None,
    };
    Some(check(file, text).and_then(|text| parse(file, text)))
}

fn check<'a>(file: &str, text: &'a [u8]) -> Result<&'a str, Malformed> {
    if text.len() > LARGEST {
        return Err(Malformed::new(format!("{file} is larger than 64 MiB")));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new(format!("{file} is not UTF-8")))?;
    Ok(text.trim_start_matches('\u{feff}'))
}

fn package(file: &str, line: usize, text: &str) -> Result<PackageName, Malformed> {
    name(text).map_err(|error| Malformed::new(format!("{file}, line {line}: {error}")))
}

/// Counts lines up to places that come in the order of the text.
struct Lines<'a> {
    text: &'a str,
    counted_to: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, counted_to: 0, line: 1 }
    }

    fn at(&mut self, place: usize) -> usize {
        match self.text.as_bytes().get(self.counted_to..place) {
            Some(stretch) => {
                self.line += stretch.iter().filter(|byte| **byte == b'\n').count();
                self.counted_to = place;
                self.line
            }
            // Tables out of order: count anew.
            None => 1 + self.text.bytes().take(place).filter(|byte| *byte == b'\n').count(),
        }
    }
}

/// `requirements.txt` (pip, "Requirements File Format"): what is pinned with `==`. Ranges pin nothing, and
/// files that it includes are read where they are given themselves.
fn requirements(file: &str, text: &str) -> Result<Vec<Locked>, Malformed> {
    let mut locked = Vec::new();
    let mut logical = String::new();
    let mut first = 1;
    for (at, line) in text.lines().enumerate() {
        if logical.is_empty() {
            first = at + 1;
        }
        // pip takes comments off before it joins lines: a line that is all comment ends no other.
        if let Some(open) = line.strip_suffix('\\').filter(|_| !line.trim_start().starts_with('#')) {
            logical.push_str(open);
            logical.push(' ');
            continue;
        }
        logical.push_str(line);
        let whole = std::mem::take(&mut logical);
        locked.extend(requirement(file, first, &whole)?);
    }
    if !logical.is_empty() {
        locked.extend(requirement(file, first, &logical)?);
    }
    Ok(locked)
}

/// One requirement (PEP 508), if it pins a release.
fn requirement(file: &str, line: usize, text: &str) -> Result<Option<Locked>, Malformed> {
    let text = match text.find(" #") {
        _ if text.trim_start().starts_with('#') => "",
        Some(comment) => text.get(..comment).unwrap_or(text),
        None => text,
    };
    // Options begin with a dash, per-requirement ones (`--hash`) behind a blank.
    let text = text.split(" --").next().unwrap_or("").trim();
    if text.is_empty() || text.starts_with('-') {
        return Ok(None);
    }
    let end = text.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
    let (named, rest) = text.split_at(end.unwrap_or(text.len()));
    let mut rest = rest.trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']').map_or("", |(_, behind)| behind).trim_start();
    }
    if let Some(address) = rest.strip_prefix('@') {
        let url = address.split(" ;").next().unwrap_or("").trim().to_owned();
        let package = package(file, line, named)?;
        let last = url.split(['#', '?']).next().and_then(|path| path.rsplit('/').next()).unwrap_or("");
        let pinned = version::of_file(package.key(), last);
        return Ok(pinned.map(|version| Locked {
            version: version::canonical(&version),
            package,
            line: Some(line),
            resolved: Some(url),
        }));
    }
    let clause = rest.split(';').next().unwrap_or("").trim().trim_start_matches('(').trim_end_matches(')');
    let pinned = clause.split(',').find_map(|part| {
        let part = part.trim();
        let exact = part.strip_prefix("===").or_else(|| part.strip_prefix("=="))?.trim();
        (!exact.is_empty() && !exact.ends_with(".*")).then_some(exact)
    });
    let Some(pinned) = pinned else { return Ok(None) };
    Ok(Some(Locked {
        package: package(file, line, named)?,
        version: version::canonical(pinned),
        line: Some(line),
        resolved: None,
    }))
}

#[derive(Deserialize)]
struct PackageTables {
    #[serde(default)]
    package: Vec<PackageTable>,
}

#[derive(Deserialize)]
struct PackageTable {
    name: Spanned<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    source: Option<BTreeMap<String, toml::Value>>,
    #[serde(default)]
    sdist: Option<WithAddress>,
    #[serde(default)]
    wheels: Vec<WithAddress>,
    #[serde(default)]
    files: Vec<WithAddress>,
    // pdm: beside the version.
    #[serde(default)]
    git: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    url: Option<String>,
}

#[derive(Deserialize)]
struct WithAddress {
    #[serde(default)]
    url: Option<String>,
}

impl PackageTable {
    /// Whether it comes from an index, or at least as a file that one could have.
    fn is_release(&self) -> bool {
        const ELSEWHERE: [&str; 5] = ["git", "editable", "virtual", "directory", "path"];
        let source = self.source.as_ref();
        let kind = source.and_then(|source| source.get("type")).and_then(toml::Value::as_str);
        self.git.is_none()
            && self.path.is_none()
            && source.is_none_or(|source| !source.keys().any(|key| ELSEWHERE.contains(&key.as_str())))
            && kind.is_none_or(|kind| !["git", "directory", "file"].contains(&kind))
    }

    fn address(&self) -> Option<String> {
        let files = self.wheels.iter().chain(&self.sdist).chain(&self.files);
        let source = self.source.as_ref().and_then(|source| source.get("url")).and_then(toml::Value::as_str);
        self.url
            .clone()
            .or_else(|| files.into_iter().find_map(|file| file.url.clone()))
            .or_else(|| source.map(str::to_owned))
    }
}

/// `uv.lock`, `poetry.lock`, `pdm.lock`: a `[[package]]` each.
fn package_tables(file: &str, text: &str) -> Result<Vec<Locked>, Malformed> {
    let tables: PackageTables = from_toml(file, text)?;
    let mut lines = Lines::new(text);
    let mut locked = Vec::new();
    for table in tables.package {
        let line = lines.at(table.name.span().start);
        let (true, Some(version)) = (table.is_release(), &table.version) else { continue };
        locked.push(Locked {
            package: package(file, line, table.name.get_ref())?,
            version: version::canonical(version),
            line: Some(line),
            resolved: table.address(),
        });
    }
    Ok(locked)
}

fn from_toml<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<T, Malformed> {
    toml::from_str(text).map_err(|error| {
        Malformed::new(format!("{file} is not a lock file of its kind: {}", error.message()))
    })
}

#[derive(Deserialize)]
struct CommonLock {
    #[serde(default)]
    packages: Vec<CommonPackage>,
}

#[derive(Deserialize)]
struct CommonPackage {
    name: Spanned<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    vcs: Option<toml::Value>,
    #[serde(default)]
    directory: Option<toml::Value>,
    #[serde(default)]
    archive: Option<WithAddress>,
    #[serde(default)]
    sdist: Option<WithAddress>,
    #[serde(default)]
    wheels: Vec<WithAddress>,
}

/// `pylock.toml` (PEP 751).
fn common(file: &str, text: &str) -> Result<Vec<Locked>, Malformed> {
    let lock: CommonLock = from_toml(file, text)?;
    let mut lines = Lines::new(text);
    let mut locked = Vec::new();
    for entry in lock.packages {
        let line = lines.at(entry.name.span().start);
        let (None, None, Some(version)) = (&entry.vcs, &entry.directory, &entry.version) else { continue };
        let files = entry.wheels.iter().chain(&entry.sdist).chain(&entry.archive);
        locked.push(Locked {
            package: package(file, line, entry.name.get_ref())?,
            version: version::canonical(version),
            line: Some(line),
            resolved: files.into_iter().find_map(|file| file.url.clone()),
        });
    }
    Ok(locked)
}

#[derive(Deserialize)]
struct Pipfile {
    #[serde(flatten)]
    groups: BTreeMap<String, serde_json::Value>,
}

/// `Pipfile.lock`: groups of packages in JSON, `_meta` beside them.
fn pipfile(file: &str, text: &str) -> Result<Vec<Locked>, Malformed> {
    let lock: Pipfile = serde_json::from_str(text)
        .map_err(|error| Malformed::new(format!("{file} is not a lock file of its kind: {error}")))?;
    let mut locked = Vec::new();
    for (group, packages) in &lock.groups {
        let Some(packages) = packages.as_object().filter(|_| group != "_meta") else { continue };
        for (named, entry) in packages {
            let text = |key: &str| entry.get(key).and_then(serde_json::Value::as_str);
            let Some(version) = text("version").and_then(|pinned| pinned.strip_prefix("==")) else {
                continue;
            };
            locked.push(Locked {
                package: package(file, 1, named)?,
                version: version::canonical(version.trim_start_matches('=').trim()),
                line: None,
                resolved: text("file").map(str::to_owned),
            });
        }
    }
    Ok(locked)
}
