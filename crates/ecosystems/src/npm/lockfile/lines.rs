//! `yarn.lock` of yarn 1, a format of its own: blocks whose first line lists what was asked for, and whose
//! indented lines say what was found.

use super::{Pinned, split_spec};
use lazaret_vocabulary::Malformed;

#[derive(Default)]
struct Block<'a> {
    package: &'a str,
    line: usize,
    version: &'a str,
    resolved: Option<&'a str>,
}

pub(super) fn yarn(text: &str, pinned: &mut Pinned) -> Result<(), Malformed> {
    let mut block: Option<Block<'_>> = None;
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            finish(block.take(), pinned)?;
            block = head(line).map(|package| Block { package, line: number + 1, ..Block::default() });
            continue;
        }
        let Some(open) = block.as_mut().filter(|_| indent == 2) else { continue };
        match line.trim().split_once(' ') {
            Some(("version", value)) => open.version = unquoted(value),
            Some(("resolved", value)) => {
                open.resolved = Some(unquoted(value).split('#').next().unwrap_or_default());
            }
            _ => {}
        }
    }
    finish(block, pinned)
}

fn finish(block: Option<Block<'_>>, pinned: &mut Pinned) -> Result<(), Malformed> {
    match block {
        Some(block) => pinned.add(block.package, block.version, Some(block.line), block.resolved),
        None => Ok(()),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// The package of `left-pad@^1.0.0, "left-pad@^1.3.0":`. `None` when it is no registry's.
fn head(line: &str) -> Option<&str> {
    let first = line.trim_end().strip_suffix(':')?.split(", ").next()?;
    let (package, range) = split_spec(unquoted(first))?;
    match range.strip_prefix("npm:") {
        Some(alias) => Some(split_spec(alias).map_or(alias, |(package, _)| package)),
        None if range.contains([':', '/']) => None,
        None => Some(package),
    }
}
