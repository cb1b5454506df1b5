//! What a text means that names one licence: an SPDX identifier or full name in any spelling, a legacy
//! name, a trove classifier, or a way to say that there is none.

use spdx::identifiers::{EXCEPTIONS, LICENSES};
use std::collections::HashMap;
use std::sync::LazyLock;

/// See the head of the file for its columns.
const TABLE: &str = include_str!("../../data/licences.tsv");

/// What one name can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Just this identifier.
    One(String),
    /// One of these, and the text does not say which.
    Either(Vec<String>),
    /// No licence, or none that could be judged: why.
    None(&'static str),
}

/// Words that say nothing in a licence's name.
const EMPTY_WORDS: [&str; 7] = ["the", "license", "licensed", "licence", "under", "version", "v"];

/// What the whole of `text` means as one name; nothing if it is none, or an expression.
pub(super) fn meaning(text: &str) -> Option<Meaning> {
    let text = classified(text.trim());
    if let Some(reason) = no_licence(text) {
        return Some(Meaning::None(reason));
    }
    named(text).or_else(|| {
        let (name, abbreviation) = text.strip_suffix(')')?.rsplit_once('(')?;
        // Only an abbreviation of the same licence is read over: `MIT (non-commercial)` is not `MIT`.
        let meaning = named(name)?;
        named(abbreviation).is_some_and(|short| short.overlaps(&meaning)).then_some(meaning)
    })
}

/// What a name without an abbreviation means.
fn named(text: &str) -> Option<Meaning> {
    match id(text.trim()) {
        Some(id) => Some(Meaning::One(current(id))),
        None => KNOWN.get(&plain(text)).cloned().flatten(),
    }
}

impl Meaning {
    fn ids(&self) -> &[String] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Either(ids) => ids,
            Self::None(_) => &[],
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.ids().iter().any(|id| other.ids().contains(id))
    }
}

/// The last part of a trove classifier, any other text as it is.
fn classified(text: &str) -> &str {
    match text.strip_prefix("License ::") {
        Some(classifier) => classifier.rsplit("::").next().unwrap_or(classifier).trim(),
        None => text,
    }
}

fn no_licence(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let reason = match lower.as_str() {
        "unlicensed" | "proprietary" | "commercial" | "all rights reserved" | "other/proprietary license" => {
            "grants no licence that could be judged: all rights are reserved"
        }
        "none" | "no license" => "says that there is no licence",
        "noassertion" | "unknown" | "n/a" | "other" | "custom" => "says nothing about the licence",
        "osi approved" | "dfsg approved" => "names no licence",
        "public domain" => "is no licence, and not every country knows it",
        _ if lower.starts_with("see ") => "refers to a file instead of naming a licence",
        _ if lower.starts_with("https://") || lower.starts_with("http://") => {
            "refers to a page instead of naming a licence"
        }
        _ => return None,
    };
    Some(reason)
}

/// Every identifier, in lower case.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    IDS.keys().map(String::as_str)
}

/// The identifier as SPDX writes it.
pub(super) fn id(text: &str) -> Option<&'static str> {
    IDS.get(&text.to_ascii_lowercase()).copied()
}

/// The exception as SPDX writes it.
pub(super) fn exception(text: &str) -> Option<&'static str> {
    EXCEPTION_IDS.get(&text.to_ascii_lowercase()).copied()
}

static IDS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    LICENSES.iter().map(|licence| (licence.name.to_ascii_lowercase(), licence.name)).collect()
});

static EXCEPTION_IDS: LazyLock<HashMap<String, &'static str>> =
    LazyLock::new(|| EXCEPTIONS.iter().map(|entry| (entry.name.to_ascii_lowercase(), entry.name)).collect());

/// Names in their plain form. Full names of the SPDX list that become alike in it mean none of them.
static KNOWN: LazyLock<HashMap<String, Option<Meaning>>> = LazyLock::new(|| {
    let mut known: HashMap<String, Option<Meaning>> = HashMap::new();
    for licence in LICENSES {
        let meaning = Some(Meaning::One(current(licence.name)));
        for name in [licence.full_name, licence.name] {
            known
                .entry(plain(name))
                .and_modify(|other| *other = other.take().filter(|other| Some(other) == meaning.as_ref()))
                .or_insert_with(|| meaning.clone());
        }
    }
    for line in TABLE.lines().filter(|line| !line.starts_with("# ")) {
        let Some((name, ids)) = line.split_once('\t') else { continue };
        let mut ids: Vec<String> = ids.split('|').map(current).collect();
        let meaning = if ids.len() == 1 { ids.pop().map(Meaning::One) } else { Some(Meaning::Either(ids)) };
        known.insert(plain(name), meaning);
    }
    known
});

/// A name without case, punctuation and the words that say nothing.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '.' | '+')));
    let words = words.map(|word| match word.strip_prefix('v') {
        Some(number) if number.starts_with(|digit: char| digit.is_ascii_digit()) => number,
        _ => word,
    });
    let kept: Vec<&str> = words
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.is_empty() && !EMPTY_WORDS.contains(word))
        .collect();
    kept.join(" ")
}

/// The identifier that took the place of a deprecated GNU one: `GPL-3.0` is `GPL-3.0-only`, `GPL-3.0+` is
/// `GPL-3.0-or-later`. Every other one is its own.
pub(super) fn current(id: &str) -> String {
    let (base, suffix) = id.strip_suffix('+').map_or((id, "-only"), |base| (base, "-or-later"));
    let heir = format!("{base}{suffix}");
    if spdx::license_id(&heir).is_some_and(|heir| heir.is_gnu()) { heir } else { id.to_owned() }
}

/// The identifiers, in lower case, that a pattern without `*` means: a GNU licence without suffix with and
/// without later versions.
pub(super) fn meant_by_pattern(pattern: &str) -> Option<Vec<String>> {
    let later = format!("{pattern}-or-later");
    let only = format!("{pattern}-only");
    if id(&later).is_some() && id(&only).is_some() {
        return Some(vec![only, later]);
    }
    if let Some(id) = id(pattern) {
        return Some(vec![current(id).to_ascii_lowercase()]);
    }
    let base = pattern.strip_suffix('+')?;
    id(&format!("{base}-or-later")).or_else(|| id(base)).map(|id| vec![id.to_ascii_lowercase()])
}

/// The same expression with identifiers, exceptions and operators written as SPDX writes them, since the
/// parser minds case and the specification does not.
pub(super) fn canonical(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for token in
        text.split_inclusive(|letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | '/' | '+'))
    {
        let end = token.trim_end_matches(|letter: char| {
            letter.is_whitespace() || matches!(letter, '(' | ')' | '/' | '+')
        });
        let (word, separator) = token.split_at(end.len());
        written.push_str(match word.to_ascii_lowercase().as_str() {
            "and" => "AND",
            "or" => "OR",
            "with" => "WITH",
            _ => id(word).or_else(|| exception(word)).unwrap_or(word),
        });
        written.push_str(separator);
    }
    written
}

/// The identifier that a mistyped pattern is most like, if one is near.
pub(super) fn nearest(pattern: &str) -> Option<String> {
    let pattern: String = pattern.chars().filter(|letter| *letter != '*').take(60).collect();
    let limit = (pattern.len() / 3).clamp(1, 4);
    let best = LICENSES
        .iter()
        .map(|licence| (distance(&pattern, &licence.name.to_ascii_lowercase()), licence))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, licence)| {
            (*distance, licence.flags & spdx::flags::IS_DEPRECATED, licence.name)
        })?;
    Some(best.1.name.to_owned())
}

/// Levenshtein's distance in bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, byte) in left.bytes().enumerate() {
        let mut diagonal = at;
        let mut before = at + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(right.bytes()) {
            let best = (diagonal + usize::from(byte != other)).min(before + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            before = best;
        }
    }
    row.last().copied().filter(|_| !left.is_empty()).unwrap_or(right.len())
}
