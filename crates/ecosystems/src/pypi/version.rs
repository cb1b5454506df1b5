//! Versions (PEP 440) and the names of files, from which alone the simple index lets one read a version.

use pep440_rs::Version;
use std::cmp::Ordering;
use std::str::FromStr as _;

/// Longest version text looked at, in bytes; the rest counts as no version.
const LONGEST_VERSION: usize = 256;

/// The version a text spells, if PEP 440 knows it.
pub(super) fn parse(text: &str) -> Option<Version> {
    if text.len() > LONGEST_VERSION { None } else { Version::from_str(text).ok() }
}

/// PEP 440's order; texts that are no versions sort below all that are, then by bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => left.as_bytes().cmp(right.as_bytes()),
    }
}

/// Whether two texts spell the same version: `1.0` and `1.0.0`, `1.0-beta1` and `1.0b1`.
pub(super) fn same(left: &str, right: &str) -> bool {
    compare(left, right) == Ordering::Equal
}

/// PEP 503: every run of `-`, `_` and `.` is one `-`, and letters are lower case.
pub(super) fn normalise(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut gap = false;
    for letter in name.chars() {
        if matches!(letter, '-' | '_' | '.') {
            gap = true;
            continue;
        }
        if gap {
            normal.push('-');
            gap = false;
        }
        normal.push(letter.to_ascii_lowercase());
    }
    if gap {
        normal.push('-');
    }
    normal
}

/// What kind of file a name says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A wheel (binary distribution format): a zip that is unpacked, never run.
    Wheel,
    /// A source distribution: installing it runs its build.
    Sdist,
    /// Eggs, installers and the other forms of the past, which today's clients pass over.
    Legacy,
}

impl FileKind {
    /// As in the `packagetype` of the JSON API.
    pub(super) fn package_type(self, file: &str) -> &'static str {
        match self {
            Self::Wheel => "bdist_wheel",
            Self::Sdist => "sdist",
            Self::Legacy => match extension(file) {
                "egg" => "bdist_egg",
                "exe" => "bdist_wininst",
                "msi" => "bdist_msi",
                "rpm" => "bdist_rpm",
                "dmg" => "bdist_dmg",
                _ => "bdist_dumb",
            },
        }
    }
}

/// Endings of source distributions: those in use (PEP 527) and those of the past.
const SDIST_ENDINGS: [&str; 7] = [".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.z", ".tar"];
const LEGACY_ENDINGS: [&str; 6] = [".egg", ".exe", ".msi", ".rpm", ".dmg", ".deb"];

/// What the name of a file alone says it is.
pub(super) fn kind(file: &str) -> FileKind {
    let lower = file.to_ascii_lowercase();
    if lower.ends_with(".whl") {
        FileKind::Wheel
    } else if SDIST_ENDINGS.iter().any(|ending| lower.ends_with(ending)) && !is_dumb(&lower) {
        FileKind::Sdist
    } else {
        FileKind::Legacy
    }
}

fn extension(file: &str) -> &str {
    file.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// `setup.py bdist_dumb` wrote `name-1.0.linux-x86_64.tar.gz`: binaries under an sdist's ending.
fn is_dumb(lower: &str) -> bool {
    [".linux-", ".macosx-", ".win32.", ".win-amd64."].iter().any(|platform| lower.contains(platform))
}

/// The version that a file name of package `key` carries, as written there; `None` when it names another
/// package or has no form that is known.
pub(super) fn of_file(key: &str, file: &str) -> Option<String> {
    let lower = file.to_ascii_lowercase();
    let found = if lower.ends_with(".whl") {
        of_wheel(key, file.get(..file.len().checked_sub(4)?)?)
    } else if let Some(ending) = SDIST_ENDINGS.iter().find(|ending| lower.ends_with(**ending)) {
        of_stem(key, file.get(..file.len().checked_sub(ending.len())?)?)
    } else {
        let ending = LEGACY_ENDINGS.iter().find(|ending| lower.ends_with(**ending))?;
        of_stem(key, file.get(..file.len().checked_sub(ending.len())?)?)
    }?;
    // Escaped as a local version was by older tools.
    let found = found.replace("%2B", "+").replace("%2b", "+");
    (!found.is_empty() && found.len() <= LONGEST_VERSION).then_some(found)
}

/// `{distribution}-{version}(-{build tag})?-{python}-{abi}-{platform}`.
fn of_wheel(key: &str, stem: &str) -> Option<String> {
    let parts: Vec<&str> = stem.split('-').collect();
    let (distribution, version) = match parts.as_slice() {
        [distribution, version, _, _, _] => (distribution, version),
        [distribution, version, build, _, _, _] if build.starts_with(|c: char| c.is_ascii_digit()) => {
            (distribution, version)
        }
        _ => return None,
    };
    if normalise(distribution) != key {
        return None;
    }
    // `-` cannot stand in a wheel's version, so `1.0+a-b` is written `1.0+a_b`, which PEP 440 reads alike.
    Some((*version).to_owned())
}

/// `{name}-{version}`, where older tools left `-` in both, and platform and Python behind the version.
fn of_stem(key: &str, stem: &str) -> Option<String> {
    let candidates = || {
        stem.match_indices('-').filter_map(|(at, _)| {
            let (name, version) = (stem.get(..at)?, stem.get(at + 1..)?);
            (normalise(name) == key && !version.is_empty()).then_some(version)
        })
    };
    if let Some(whole) = candidates().find(|text| parse(text).is_some()) {
        return Some(whole.to_owned());
    }
    let shortened = candidates().find_map(|text| {
        let cuts = text.match_indices(['-', '.']).map(|(at, _)| at);
        let cuts: Vec<usize> = cuts.take(16).collect();
        cuts.iter().rev().filter_map(|at| text.get(..*at)).find(|text| parse(text).is_some())
    });
    shortened.or_else(|| candidates().next()).map(str::to_owned)
}

/// The text under which a version is listed: PEP 440's normal form, or what is written where it has none.
pub(super) fn canonical(text: &str) -> String {
    parse(text).map_or_else(|| text.to_owned(), |version| version.to_string())
}
