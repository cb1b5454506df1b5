//! The lock files in JSON: npm's (versions 1 to 3), and bun's, which has comments and trailing commas.

use super::{Pinned, split_spec};
use crate::npm::json::{Pairs, span, text};
use lazaret_vocabulary::Malformed;
use serde_json::value::RawValue;

/// Deeper than npm ever nests (`serde_json` bounds one parse, not these).
const DEEPEST: usize = 64;

fn wrong(error: &serde_json::Error) -> Malformed {
    Malformed::new(format!("the lock file cannot be read: {error}"))
}

fn object(raw: &str) -> Result<Pairs<'_>, Malformed> {
    serde_json::from_str(raw).map_err(|error| wrong(&error))
}

/// Tells the line of a piece of the file.
struct Lines<'a> {
    whole: &'a str,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(whole: &'a str) -> Self {
        Self { whole, ends: whole.match_indices('\n').map(|(at, _)| at).collect() }
    }

    fn of(&self, piece: &RawValue) -> usize {
        let at = span(self.whole, piece.get()).start;
        self.ends.partition_point(|end| *end < at) + 1
    }
}

/// The members of an entry that matter.
#[derive(Default)]
struct Entry<'a> {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    /// A link to a folder, or inside another package's tarball.
    apart: bool,
    dependencies: Option<&'a str>,
}

fn entry(raw: &str) -> Result<Entry<'_>, Malformed> {
    let mut entry = Entry::default();
    for (key, value) in object(raw)?.0 {
        let value = value.get();
        let said = || text(value).map(String::from);
        match text(key.get()).as_deref() {
            Some("name") => entry.name = said(),
            Some("version") => entry.version = said(),
            Some("resolved") => entry.resolved = said(),
            Some("link" | "inBundle" | "bundled") => entry.apart |= value == "true",
            Some("dependencies") => entry.dependencies = Some(value),
            _ => {}
        }
    }
    Ok(entry)
}

pub(super) fn package_lock(whole: &str, pinned: &mut Pinned) -> Result<(), Malformed> {
    let lines = Lines::new(whole);
    let members = object(whole)?;
    let find = |name: &str| {
        let found = members.0.iter().find(|(key, _)| text(key.get()).is_some_and(|key| key == name));
        found.map(|(_, value)| value.get())
    };
    if let Some(packages) = find("packages") {
        return by_folder(packages, &lines, pinned);
    }
    match find("dependencies") {
        Some(dependencies) => by_name(dependencies, &lines, pinned, 0),
        None => Ok(()),
    }
}

/// Versions 2 and 3: folder → entry. A folder that is not below `node_modules` is a part of the project.
fn by_folder(packages: &str, lines: &Lines<'_>, pinned: &mut Pinned) -> Result<(), Malformed> {
    for (key, value) in object(packages)?.0 {
        let Some(folder) = text(key.get()) else { continue };
        let Some((_, installed)) = folder.rsplit_once("node_modules/") else { continue };
        let entry = entry(value.get())?;
        let Some(version) = entry.version.filter(|_| !entry.apart) else { continue };
        // An alias has the package's own name in the entry.
        let package = entry.name.as_deref().unwrap_or(installed);
        pinned.add(package, &version, Some(lines.of(key)), entry.resolved.as_deref())?;
    }
    Ok(())
}

/// Version 1: name → entry, each with entries of its own.
fn by_name(
    dependencies: &str,
    lines: &Lines<'_>,
    pinned: &mut Pinned,
    depth: usize,
) -> Result<(), Malformed> {
    if depth > DEEPEST {
        return Err(Malformed::new("the lock file is nested too deeply"));
    }
    for (key, value) in object(dependencies)?.0 {
        let Some(installed) = text(key.get()) else { continue };
        let entry = entry(value.get())?;
        if let (Some(version), false) = (&entry.version, entry.apart) {
            let alias = version.strip_prefix("npm:").and_then(split_spec);
            let (package, version) = alias.unwrap_or((&installed, version));
            pinned.add(package, version, Some(lines.of(key)), entry.resolved.as_deref())?;
        }
        if let Some(inner) = entry.dependencies {
            by_name(inner, lines, pinned, depth + 1)?;
        }
    }
    Ok(())
}

/// bun's `packages`: where it stands → `["name@version", registry, …]`.
pub(super) fn bun(text_with_comments: &str, pinned: &mut Pinned) -> Result<(), Malformed> {
    let whole = plain(text_with_comments);
    let lines = Lines::new(&whole);
    let members = object(&whole)?;
    let packages = members.0.iter().find(|(key, _)| key.get() == "\"packages\"");
    let Some((_, packages)) = packages else { return Ok(()) };
    for (key, value) in object(packages.get())?.0 {
        let parts: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|error| wrong(&error))?;
        let said = |at: usize| parts.get(at).and_then(|part| text(part.get()));
        let Some(spec) = said(0) else { continue };
        let Some((package, version)) = split_spec(&spec) else { continue };
        pinned.add(package, version, Some(lines.of(key)), said(1).as_deref())?;
    }
    Ok(())
}

/// The text with blanks in place of comments and trailing commas, so that every line stays where it was.
fn plain(text: &str) -> String {
    #[derive(PartialEq)]
    enum In {
        Code,
        Text,
        Line,
        Block,
    }
    let mut bytes = text.as_bytes().to_vec();
    let (mut state, mut comma, mut at) = (In::Code, None, 0usize);
    let byte = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or(0);
    while at < bytes.len() {
        let (this, next) = (byte(&bytes, at), byte(&bytes, at + 1));
        let mut blank = 0;
        match (&state, this, next) {
            (In::Text, b'\\', _) => at += 1,
            (In::Text, b'"', _) => state = In::Code,
            (In::Code, b'"', _) => (state, comma) = (In::Text, None),
            (In::Code, b'/', b'/') => (state, blank) = (In::Line, 2),
            (In::Code, b'/', b'*') => (state, blank) = (In::Block, 2),
            (In::Code, b',', _) => comma = Some(at),
            (In::Code, b'}' | b']', _) => {
                if let Some(place) = comma.take().and_then(|at| bytes.get_mut(at)) {
                    *place = b' ';
                }
            }
            (In::Code, _, _) if !this.is_ascii_whitespace() => comma = None,
            (In::Line, b'\n', _) => state = In::Code,
            (In::Block, b'*', b'/') => (state, blank) = (In::Code, 2),
            (In::Line | In::Block, _, _) if this != b'\n' => blank = 1,
            _ => {}
        }
        for place in bytes.iter_mut().skip(at).take(blank) {
            *place = b' ';
        }
        at += blank.max(1);
    }
    String::from_utf8(bytes).unwrap_or_default()
}
