//! How popular a name must be before another one breaches by resembling it.
//!
//! The shorter a name and the more ordinary the difference, the more honest names differ just so from a
//! popular one, and the more popular that one must be. The figures were set by counting, for each kind of
//! difference and length, how many of all registered names that are not popular would breach; see
//! `docs/look-alikes.md`.

use super::edit::Slip;
use super::search::{Candidate, Way};

/// No limit: every name in the list.
const ALL: u32 = u32::MAX;

/// Whether the resemblance is close enough, given how popular its target is.
pub(super) fn breaches(candidate: &Candidate) -> bool {
    candidate.rank < down_to(candidate)
}

/// Down to which rank a name must be to be confusable in this way.
fn down_to(candidate: &Candidate) -> u32 {
    let length = candidate.length;
    match candidate.way {
        Way::Foreign => ALL,
        Way::Seen => by_length(length, [0, 300, 2_000, 10_000, ALL, ALL, ALL, ALL]),
        Way::Repeated => by_length(length, [0, 0, 500, 5_000, 10_000, ALL, ALL, ALL]),
        Way::Separators { scopes: false } => {
            by_length(length, [0, 1_000, 5_000, 5_000, 8_000, 10_000, 10_000, 10_000])
        }
        Way::Separators { scopes: true } => 5_000,
        Way::Scope { same_rest: true } => by_length(length, [0, 500, 5_000, 10_000, ALL, ALL, ALL, ALL]),
        Way::Scope { same_rest: false } => by_length(length, [0, 0, 0, 500, 1_000, 3_000, 3_000, 5_000]),
        Way::OwnScope => 2_000,
        Way::TwoSlips if candidate.real_word => 0,
        Way::TwoSlips => by_length(length, [0, 0, 0, 0, 10, 150, 150, 400]),
        Way::Words => by_length(length, [0, 0, 0, 0, 2_000, 2_500, 2_500, 2_500]),
        Way::Slip(slip) => down_to_by_slip(slip, candidate),
        Way::Affix(affix) => match length {
            0..=1 => 0,
            2 => affix.down_to.min(3_000),
            3 => affix.down_to.min(1_000),
            _ => affix.down_to,
        },
    }
}

fn down_to_by_slip(slip: Slip, candidate: &Candidate) -> u32 {
    let length = candidate.length;
    let rank = match slip {
        Slip::Transposed | Slip::Repeated => by_length(length, [0, 100, 2_000, 5_000, 15_000, ALL, ALL, ALL]),
        Slip::DrawnAlike => by_length(length, [0, 100, 1_000, 5_000, 10_000, 15_000, 15_000, ALL]),
        Slip::Keyboard | Slip::Vowel => by_length(length, [0, 0, 300, 1_500, 4_000, 8_000, 13_000, 15_000]),
        Slip::Inserted { digit: false, .. } | Slip::Omitted { digit: false, .. } => {
            by_length(length, [0, 0, 300, 1_500, 4_000, 8_000, 13_000, 15_000])
        }
        Slip::Inserted { digit: true, at_end: false } => {
            by_length(length, [0, 0, 100, 500, 1_000, 2_000, 2_000, 3_000])
        }
        Slip::Inserted { digit: true, at_end: true } => {
            by_length(length, [0, 0, 0, 300, 300, 500, 500, 1_000])
        }
        Slip::Omitted { digit: true, .. } => by_length(length, [0, 0, 0, 300, 500, 1_000, 1_000, 1_000]),
        Slip::Number => by_length(length, [0, 0, 0, 0, 0, 100, 100, 300]),
        Slip::Replaced => by_length(length, [0, 0, 100, 400, 1_500, 4_000, 4_000, 9_000]),
    };
    if candidate.real_word {
        return rank / 20;
    }
    if candidate.resplit {
        return rank / 5;
    }
    // People rarely slip at the first letter, and honest names often differ there: `docker`, `mocker`.
    match slip {
        Slip::Transposed | Slip::Repeated | Slip::DrawnAlike | Slip::Number => rank,
        _ if candidate.first => rank / 10,
        _ => rank,
    }
}

/// The entry for names of up to 2, 3, 4, 5, 6, 7, 8 and more letters and digits.
fn by_length(length: usize, [two, three, four, five, six, seven, eight, longer]: [u32; 8]) -> u32 {
    match length {
        0..=2 => two,
        3 => three,
        4 => four,
        5 => five,
        6 => six,
        7 => seven,
        8 => eight,
        _ => longer,
    }
}
