//! The releases that lock files pin: npm's, pnpm's, both of yarn's, and bun's. What comes from a folder, a
//! repository or inside another package's tarball is of no registry and left out.

mod json;
mod lines;
mod yaml;

use super::{name, version};
use crate::Locked;
use lazaret_vocabulary::{Malformed, PackageName};
use std::collections::HashSet;

const LONGEST: usize = 128 << 20;
const MOST_ENTRIES: usize = 500_000;

/// `None` when `file_name` is none of our lock files.
pub(super) fn read(file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
    let reader: fn(&str, &mut Pinned) -> Result<(), Malformed> = match file_name {
        "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json" => json::package_lock,
        "bun.lock" => json::bun,
        "pnpm-lock.yaml" => yaml::pnpm,
        "yarn.lock" => yarn,
        _ => return None,
    };
    Some(whole(text).and_then(|text| {
        let mut pinned = Pinned::default();
        reader(text, &mut pinned)?;
        Ok(pinned.found)
    }))
}

fn whole(text: &[u8]) -> Result<&str, Malformed> {
    if text.len() > LONGEST {
        return Err(Malformed::new(format!("the lock file is longer than {} MiB", LONGEST >> 20)));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new("the lock file is not UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}'))
}

/// Yarn changed its format, but not the file's name.
fn yarn(text: &str, pinned: &mut Pinned) -> Result<(), Malformed> {
    let modern = text.lines().take(200).any(|line| line.starts_with("__metadata:"));
    if modern { yaml::yarn(text, pinned) } else { lines::yarn(text, pinned) }
}

/// What was found so far, each release once.
#[derive(Default)]
struct Pinned {
    found: Vec<Locked>,
    known: HashSet<(PackageName, String)>,
}

impl Pinned {
    /// Takes in a release, unless name or version show that it is of no registry.
    fn add(
        &mut self,
        package: &str,
        at: &str,
        line: Option<usize>,
        resolved: Option<&str>,
    ) -> Result<(), Malformed> {
        let (Ok(package), Some(_)) = (name::parse(package), version::parse(at)) else { return Ok(()) };
        let resolved = resolved.filter(|address| !address.is_empty());
        if resolved.is_some_and(|address| !address.starts_with("http://") && !address.starts_with("https://"))
        {
            return Ok(());
        }
        if !self.known.insert((package.clone(), at.to_owned())) {
            return Ok(());
        }
        if self.found.len() >= MOST_ENTRIES {
            return Err(Malformed::new(format!("the lock file pins more than {MOST_ENTRIES} releases")));
        }
        let resolved = resolved.map(str::to_owned);
        self.found.push(Locked { package, version: at.to_owned(), line, resolved });
        Ok(())
    }
}

/// `@scope/name@rest` → (`@scope/name`, `rest`), at the first `@` that opens no scope.
fn split_spec(text: &str) -> Option<(&str, &str)> {
    let from = usize::from(text.starts_with('@'));
    let at = text.get(from..)?.find('@')? + from;
    Some((text.get(..at)?, text.get(at + 1..)?))
}
