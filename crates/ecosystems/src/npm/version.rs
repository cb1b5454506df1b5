//! npm's version order: Semantic Versioning 2.0.0 §11, read as loosely as npm reads it.

use semver::Version;
use std::cmp::Ordering;

/// Longer texts are no versions (node-semver's own bound).
const LONGEST: usize = 256;

/// Reads a version: blanks, `v` and `=` in front, leading zeros, and a pre-release without its hyphen are
/// forgiven, since old packages have them.
pub(super) fn parse(text: &str) -> Option<Version> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim().trim_start_matches(['v', 'V', '=', ' ']);
    Version::parse(text).ok().or_else(|| parse_loosely(text))
}

fn parse_loosely(text: &str) -> Option<Version> {
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (major, rest) = number(text)?;
    let (minor, rest) = number(rest.strip_prefix('.')?)?;
    let (patch, rest) = number(rest.strip_prefix('.')?)?;
    let pre: Vec<&str> = match rest.strip_prefix('-').unwrap_or(rest) {
        "" => Vec::new(),
        rest => rest.split('.').map(without_zeros).collect(),
    };
    Some(Version {
        major,
        minor,
        patch,
        pre: semver::Prerelease::new(&pre.join(".")).ok()?,
        build: semver::BuildMetadata::new(build).ok()?,
    })
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

fn without_zeros(identifier: &str) -> &str {
    if identifier.bytes().all(|byte| byte.is_ascii_digit()) && !identifier.is_empty() {
        let plain = identifier.trim_start_matches('0');
        if plain.is_empty() { "0" } else { plain }
    } else {
        identifier
    }
}

/// Orders two versions. Build metadata does not count (§10). Texts that are no versions sort below all that
/// are, by bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    compare_parsed((left, parse(left).as_ref()), (right, parse(right).as_ref()))
}

/// The same for versions that were parsed before.
pub(super) fn compare_parsed(left: (&str, Option<&Version>), right: (&str, Option<&Version>)) -> Ordering {
    match (left.1, right.1) {
        (Some(one), Some(other)) => one.cmp_precedence(other),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => left.0.cmp(right.0),
    }
}
