//! Words that a squat puts before or after a popular name to pass for it.

use std::sync::LazyLock;

/// Where an affix stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// One affix and how far down the list a name must be too popular to be dressed up with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Affix {
    pub(super) text: String,
    pub(super) side: Side,
    /// Only as a word of its own, set off by a separator.
    pub(super) word: bool,
    /// It resembles names up to this rank.
    pub(super) down_to: u32,
}

/// See the head of the file for its columns.
const TABLE: &str = include_str!("../../data/affixes.tsv");

/// The table that is built in.
pub(super) fn all() -> &'static [Affix] {
    static ALL: LazyLock<Vec<Affix>> = LazyLock::new(|| TABLE.lines().filter_map(read).collect());
    &ALL
}

fn read(line: &str) -> Option<Affix> {
    let mut columns = line.split('\t');
    let side = match columns.next()? {
        "before" => Side::Before,
        "after" => Side::After,
        _ => return None,
    };
    let text = columns.next()?.to_owned();
    let word = columns.next()? == "word";
    let down_to = columns.next()?.parse().ok()?;
    Some(Affix { text, side, word, down_to })
}
