//! The versions that a project builds: `go.sum` and `go.work.sum` by their hashes of whole modules, `go.mod` by
//! its requirements.

use super::gomod::GoMod;
use super::{name, version};
use crate::Locked;
use lazaret_vocabulary::Malformed;
use std::collections::HashSet;

/// Largest file of sums read, in bytes.
const LARGEST: usize = 64 << 20;

/// What a file of this name pins; `None` for other files.
pub(super) fn read(file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
    match file_name {
        "go.sum" | "go.work.sum" => Some(sums(text)),
        "go.mod" => Some(requirements(text)),
        _ => None,
    }
}

/// `{module} {version} h1:{hash}`. Lines for `{version}/go.mod` belong to modules whose requirements alone were
/// read.
fn sums(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    if text.len() > LARGEST {
        return Err(Malformed::new("go.sum is larger than 64 MiB"));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new("go.sum is not UTF-8"))?;
    let mut locked = Vec::new();
    let mut seen = HashSet::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: &str| Malformed::new(format!("go.sum, line {number}: {why}"));
        let mut words = line.split_ascii_whitespace();
        let (Some(path), Some(version), Some(_), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong("expected a module, a version and a hash"));
        };
        if version.ends_with("/go.mod") || !seen.insert((path, version)) {
            continue;
        }
        locked.push(pin(path, version, number).ok_or_else(|| wrong("expected a module and a version"))?);
    }
    Ok(locked)
}

/// What a `go.mod` requires, as its `replace` directives change that. Folders are not ours to judge.
fn requirements(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let go_mod = GoMod::parse(text)?;
    let mut locked = Vec::new();
    for require in &go_mod.requires {
        let fits =
            |version: &Option<String>| version.as_deref().is_none_or(|version| version == require.version);
        let replaced = || go_mod.replaces.iter().filter(|replace| replace.path == require.path);
        // One for the very version wins over one for all.
        let replace = replaced()
            .filter(|replace| fits(&replace.version))
            .max_by_key(|replace| replace.version.is_some());
        let (path, version, line) = match replace {
            Some(replace) => match &replace.with_version {
                Some(version) => (&replace.with, version, replace.line),
                None => continue,
            },
            None => (&require.path, &require.version, require.line),
        };
        let pinned = pin(path, version, line).ok_or_else(|| {
            Malformed::new(format!("go.mod, line {line}: expected a module and a version such as v1.2.3"))
        })?;
        locked.push(pinned);
    }
    Ok(locked)
}

fn pin(path: &str, text: &str, line: usize) -> Option<Locked> {
    let package = name::parse(path).ok()?;
    version::is_canonical(text).then(|| Locked {
        package,
        version: text.to_owned(),
        line: Some(line),
        resolved: None,
    })
}
