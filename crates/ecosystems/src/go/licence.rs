//! Recognises licences by their texts. Go modules declare none, so that the files are all there is.
//!
//! The comparison is that of the `spdx` crate (word pairs, Sørensen–Dice, once askalono's), which cargo-deny uses
//! and keeps. Its own collection has six hundred texts and unpacks with a C library; the forty kept here are
//! what modules are published under. A text that is none of them is an unknown licence, for policy to decide on.

use flate2::read::GzDecoder;
use spdx::detection::{Store, TextData, scan::Scanner};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::LazyLock;

/// Largest text compared, in bytes; the longest licences have 35 KiB.
const LARGEST_TEXT: usize = 64 << 10;
/// Most lines within which several licences are looked for.
const MOST_LINES: usize = 1500;
/// Most licences found in one file.
const MOST_IN_FILE: usize = 4;
/// Longest stretch beside a licence that is taken for a remark on it, in bytes.
const LONGEST_REMARK: usize = 800;
/// Where an SPDX identifier is looked for, in lines.
const HEAD_LINES: usize = 10;
/// From here on two texts are the same licence.
const ALIKE: f32 = 0.93;

/// Texts, each behind a line `### {id}`, compressed with gzip.
static TEXTS: &[u8] = include_bytes!("licences.gz");

static STORE: LazyLock<Store> = LazyLock::new(|| {
    let mut all = String::new();
    let mut store = Store::new();
    if GzDecoder::new(TEXTS).read_to_string(&mut all).is_err() {
        return store;
    }
    for (id, text) in all.split("\n### ").filter_map(|part| part.split_once('\n')) {
        let id = id.trim_start_matches("### ").trim();
        store.add_license(id.to_owned(), TextData::new(text).without_text());
    }
    store
});

/// Whether a file in a module's root is one with a licence in it, by its name.
pub(crate) fn is_licence(path: &str) -> bool {
    let upper = path.to_ascii_uppercase();
    let (stem, extension) = upper.rsplit_once('.').unwrap_or((&upper, ""));
    let text = matches!(extension, "" | "MD" | "MARKDOWN" | "TXT" | "RST" | "LESSER")
        || extension.bytes().all(|byte| byte.is_ascii_digit());
    let named = ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"].iter().any(|word| stem.starts_with(word))
        || stem.ends_with("-LICENSE")
        || stem.ends_with("-LICENCE");
    let others = ["THIRD", "3RD", "HEADER"].iter().any(|word| stem.contains(word));
    !path.contains('/') && text && named && !others
}

/// The SPDX expression that holds for all texts together; `None` where one of them is not recognised, or there
/// are none.
pub(crate) fn recognise(texts: &[Vec<u8>]) -> Option<String> {
    let mut found = BTreeSet::new();
    for text in texts {
        found.extend(in_text(&String::from_utf8_lossy(text))?);
    }
    let found: Vec<String> = found.into_iter().collect();
    (!found.is_empty()).then(|| found.join(" AND "))
}

/// The licences in one file.
fn in_text(text: &str) -> Option<Vec<String>> {
    if let Some(declared) = declared(text) {
        return Some(vec![declared]);
    }
    if text.len() > LARGEST_TEXT {
        return None;
    }
    let mut found = Vec::new();
    let lines: Vec<&str> = text.split('\n').collect();
    in_lines(&lines, &mut found).then_some(())?;
    // Hung onto a whole licence it is too short to make the texts differ.
    if !found.is_empty() && text.to_ascii_lowercase().contains("commons clause") {
        found.push("LicenseRef-Commons-Clause".to_owned());
    }
    Some(found).filter(|found| !found.is_empty())
}

/// Adds the licences in these lines. False where a longer stretch of them is none, which may be anything.
fn in_lines(lines: &[&str], found: &mut Vec<String>) -> bool {
    let text = lines.join("\n");
    let beside = text.trim().len() <= LONGEST_REMARK;
    if text.trim().is_empty() || found.len() >= MOST_IN_FILE {
        return beside;
    }
    let several = lines.len() <= MOST_LINES;
    let scanner = Scanner::new(&STORE).confidence_threshold(ALIKE).optimize(several).max_passes(1);
    let read = TextData::new(&text);
    let result = scanner.scan(&read);
    if let Some(whole) = result.license {
        found.push(whole.name.to_owned());
        return true;
    }
    let Some(part) = result.containing.first() else { return beside };
    found.push(part.license.name.to_owned());
    // The scanner's own further passes blank out what was found, and then see too little of the rest.
    let (start, end) = part.line_range;
    let before = lines.get(..start).unwrap_or_default();
    let after = lines.get(end..).unwrap_or_default();
    (before.len() < lines.len() && in_lines(before, found))
        && (after.len() < lines.len() && in_lines(after, found))
}

/// What a line `SPDX-License-Identifier:` at the beginning says.
fn declared(text: &str) -> Option<String> {
    let line = text.lines().take(HEAD_LINES).find_map(|line| line.split_once("SPDX-License-Identifier:"))?.1;
    let line = line.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
    let parsed = spdx::Expression::parse(line).ok().filter(|_| line.len() <= 200)?;
    let several = line.contains(' ');
    Some(if several { format!("({parsed})") } else { parsed.to_string() })
}
