//! The lock files in YAML: pnpm's (versions 5 to 9) and yarn's since 2. Only the parser's events are looked
//! at, so that no tree is built, and an alias, which no lock file has, stands for nothing.

use super::{Pinned, split_spec};
use crate::npm::{name, version};
use lazaret_vocabulary::Malformed;
use saphyr_parser::{Event, Parser};

/// Deeper than any lock file.
const DEEPEST: usize = 32;

/// A level of the document: the key under which the value stands that is being read.
struct Level {
    mapping: bool,
    key: Option<(String, usize)>,
}

/// Calls `leaf` with the keys that lead to each scalar (with their lines), and the scalar.
fn walk(
    text: &str,
    mut leaf: impl FnMut(&[(&str, usize)], &str) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut levels: Vec<Level> = Vec::new();
    for item in Parser::new_from_str(text) {
        let (event, span) =
            item.map_err(|error| Malformed::new(format!("the lock file is not YAML: {error}")))?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if levels.len() >= DEEPEST {
                    return Err(Malformed::new("the lock file is nested too deeply"));
                }
                levels.push(Level { mapping: matches!(event, Event::MappingStart(..)), key: None });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                levels.pop();
                done(&mut levels);
            }
            Event::Alias(_) => done(&mut levels),
            Event::Scalar(value, ..) => {
                if let Some(level) = levels.last_mut().filter(|level| level.mapping && level.key.is_none()) {
                    level.key = Some((value.into_owned(), span.start.line()));
                    continue;
                }
                let path: Vec<(&str, usize)> = levels
                    .iter()
                    .filter_map(|level| level.key.as_ref().map(|(key, line)| (key.as_str(), *line)))
                    .collect();
                leaf(&path, &value)?;
                done(&mut levels);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The value under the last key is complete.
fn done(levels: &mut [Level]) {
    if let Some(level) = levels.last_mut() {
        level.key = None;
    }
}

/// An entry whose members are being read.
#[derive(Default)]
struct Entry {
    key: String,
    line: usize,
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    elsewhere: bool,
}

/// pnpm's `packages`.
pub(super) fn pnpm(text: &str, pinned: &mut Pinned) -> Result<(), Malformed> {
    let mut entry: Option<Entry> = None;
    walk(text, |path, value| {
        let [("packages", _), (key, line), rest @ ..] = path else { return Ok(()) };
        if entry.as_ref().is_none_or(|entry| entry.key != *key) {
            let next = Entry { key: (*key).to_owned(), line: *line, ..Entry::default() };
            if let Some(done) = entry.replace(next) {
                add_pnpm(&done, pinned)?;
            }
        }
        let Some(entry) = entry.as_mut() else { return Ok(()) };
        match rest {
            [("name", _)] => entry.name = Some(value.to_owned()),
            [("version", _)] => entry.version = Some(value.to_owned()),
            [("resolution", _), ("tarball", _)] => entry.resolved = Some(value.to_owned()),
            [("resolution", _), ("directory" | "repo" | "commit", _)] => entry.elsewhere = true,
            _ => {}
        }
        Ok(())
    })?;
    entry.map_or(Ok(()), |entry| add_pnpm(&entry, pinned))
}

fn add_pnpm(entry: &Entry, pinned: &mut Pinned) -> Result<(), Malformed> {
    if entry.elsewhere {
        return Ok(());
    }
    let named = entry.name.as_deref().zip(entry.version.as_deref());
    let Some((package, at)) = pnpm_key(&entry.key).or(named) else { return Ok(()) };
    pinned.add(package, at, Some(entry.line), entry.resolved.as_deref())
}

/// `left-pad@1.3.0` (9), `/left-pad@1.3.0(peer@1.0.0)` (6), `/left-pad/1.3.0_peer@1.0.0` (5), the last two
/// with a registry's host in front where it is not the usual one.
fn pnpm_key(key: &str) -> Option<(&str, &str)> {
    let key = key.split('(').next()?;
    let bare = match key.split_once('/') {
        Some((host, rest)) if host.is_empty() || (!host.starts_with('@') && host.contains('.')) => rest,
        _ => key,
    };
    let is_version = |text: &str| version::parse(text).is_some();
    let is_release = |(package, at): &(&str, &str)| name::parse(package).is_ok() && is_version(at);
    if let Some(release) = split_spec(bare).filter(is_release) {
        return Some(release);
    }
    let (package, at) = bare.rsplit_once('/').filter(|(package, _)| !package.is_empty())?;
    // A peer's name may have a slash in it, which then is the last one.
    let (package, at) = match package.split_once('_') {
        Some((before, _)) if !is_version(at.split('_').next()?) => before.rsplit_once('/')?,
        _ => (package, at.split('_').next()?),
    };
    is_version(at).then_some((package, at))
}

/// Yarn's entries: `resolution: "left-pad@npm:1.3.0"`.
pub(super) fn yarn(text: &str, pinned: &mut Pinned) -> Result<(), Malformed> {
    walk(text, |path, value| {
        let [(_, line), ("resolution", _)] = path else { return Ok(()) };
        let Some((package, reference)) = split_spec(value) else { return Ok(()) };
        let Some(reference) = reference.strip_prefix("npm:") else { return Ok(()) };
        let (at, binding) = reference.split_once("::").unwrap_or((reference, ""));
        let address = binding
            .strip_prefix("__archiveUrl=")
            .map(|address| percent_encoding::percent_decode_str(address).decode_utf8_lossy().into_owned());
        pinned.add(package, at, Some(*line), address.as_deref())
    })
}
