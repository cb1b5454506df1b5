//! One edit between two names: finding the names one edit away, and saying which edit it was.

use super::shape::{drawn_alike, neighbouring_keys};

/// What registries allow in a name, separators aside.
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// How one name becomes another by a single slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Slip {
    /// Two neighbouring letters changed places.
    Transposed,
    /// A letter was doubled, or a double one is single.
    Repeated,
    /// One letter too many; a plural `s` and digits at the end are told apart.
    Inserted { at_end: bool, digit: bool },
    /// One letter missing.
    Omitted { at_end: bool, digit: bool },
    /// A letter replaced by one that is drawn alike.
    DrawnAlike,
    /// A letter replaced by its neighbour on the keyboard.
    Keyboard,
    /// A vowel replaced by another one.
    Vowel,
    /// A digit replaced by another digit: usually a version, not a slip.
    Number,
    /// Any other letter replaced.
    Replaced,
}

/// A single edit and where it is, counted in letters of the squashed name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) slip: Slip,
    pub(super) position: usize,
}

/// Which single edit makes `name` out of `target`; nothing if it takes none or more than one.
pub(super) fn between(name: &str, target: &str) -> Option<Edit> {
    let name: Vec<char> = name.chars().collect();
    let target: Vec<char> = target.chars().collect();
    let start = name.iter().zip(&target).take_while(|(left, right)| left == right).count();
    let tail = name.get(start..)?;
    let target_tail = target.get(start..)?;
    let edit = |slip| Some(Edit { slip, position: start });
    match (tail, target_tail) {
        ([], []) => None,
        ([extra, rest @ ..], wanted) if rest == wanted => {
            let doubled = start > 0 && name.get(start - 1) == Some(extra) || rest.first() == Some(extra);
            let at_end = rest.is_empty();
            edit(if doubled && !extra.is_ascii_digit() {
                Slip::Repeated
            } else {
                Slip::Inserted { at_end, digit: extra.is_ascii_digit() }
            })
        }
        (given, [missing, rest @ ..]) if given == rest => {
            let doubled =
                start > 0 && target.get(start - 1) == Some(missing) || rest.first() == Some(missing);
            let at_end = rest.is_empty();
            edit(if doubled && !missing.is_ascii_digit() {
                Slip::Repeated
            } else {
                Slip::Omitted { at_end, digit: missing.is_ascii_digit() }
            })
        }
        ([given, rest @ ..], [wanted, wanted_rest @ ..]) if rest == wanted_rest => {
            edit(replaced(*given, *wanted))
        }
        ([a, b, rest @ ..], [c, d, wanted_rest @ ..]) if a == d && b == c && rest == wanted_rest => {
            edit(Slip::Transposed)
        }
        _ => None,
    }
}

fn replaced(given: char, wanted: char) -> Slip {
    let vowel = |letter| matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    if given.is_ascii_digit() && wanted.is_ascii_digit() {
        Slip::Number
    } else if drawn_alike(given, wanted) {
        Slip::DrawnAlike
    } else if neighbouring_keys(given, wanted) {
        Slip::Keyboard
    } else if vowel(given) && vowel(wanted) {
        Slip::Vowel
    } else {
        Slip::Replaced
    }
}

/// Calls `visit` with every text one edit away from `text`. Bytes that are not ASCII are left alone, so
/// that what is visited need not be valid UTF-8 only where `text` was not ASCII.
pub(super) fn each_neighbour(text: &[u8], mut visit: impl FnMut(&[u8])) {
    let mut buffer = Vec::with_capacity(text.len() + 1);
    for at in 0..text.len() {
        let (head, tail) = text.split_at(at);
        let Some((first, after)) = tail.split_first() else { continue };
        buffer.clear();
        buffer.extend_from_slice(head);
        buffer.extend_from_slice(after);
        visit(&buffer);
        if let Some((second, rest)) = after.split_first()
            && second != first
        {
            buffer.truncate(at);
            buffer.extend_from_slice(&[*second, *first]);
            buffer.extend_from_slice(rest);
            visit(&buffer);
        }
        buffer.clear();
        buffer.extend_from_slice(text);
        for letter in ALPHABET.iter().filter(|letter| *letter != first) {
            if let Some(place) = buffer.get_mut(at) {
                *place = *letter;
            }
            visit(&buffer);
        }
    }
    for at in 0..=text.len() {
        let (head, tail) = text.split_at(at);
        buffer.clear();
        buffer.extend_from_slice(head);
        buffer.push(0);
        buffer.extend_from_slice(tail);
        for letter in ALPHABET {
            if let Some(place) = buffer.get_mut(at) {
                *place = *letter;
            }
            visit(&buffer);
        }
    }
}

/// Which letters occur, one bit each: what differs in them takes at least one slip per two bits.
pub(super) fn letters(text: &[u8]) -> u64 {
    text.iter().fold(0, |mask, byte| mask | 1_u64 << (byte & 63))
}

/// In how many letters two names differ.
pub(super) fn letters_apart(left: u64, right: u64) -> u32 {
    (left ^ right).count_ones()
}

/// Whether at most two slips (letters inserted, omitted, replaced, or neighbours transposed) lie between.
pub(super) fn at_most_two(left: &[u8], right: &[u8]) -> bool {
    if left.len().abs_diff(right.len()) > 2 {
        return false;
    }
    let mut older = vec![0_usize; right.len() + 1];
    let mut old: Vec<usize> = (0..=right.len()).collect();
    for (row, byte) in left.iter().enumerate() {
        let mut new = Vec::with_capacity(old.len());
        new.push(row + 1);
        for (column, other) in right.iter().enumerate() {
            let cost = |costs: &[usize], at: usize, more: usize| {
                costs.get(at).map_or(usize::MAX, |cost| cost + more)
            };
            let replaced = cost(&old, column, usize::from(byte != other));
            let mut best = replaced.min(cost(&old, column + 1, 1)).min(cost(&new, column, 1));
            let crossed = row > 0
                && column > 0
                && left.get(row - 1) == Some(other)
                && right.get(column - 1) == Some(byte);
            if crossed {
                best = best.min(cost(&older, column - 1, 1));
            }
            new.push(best);
        }
        if new.iter().all(|cost| *cost > 2) {
            return false;
        }
        older = std::mem::replace(&mut old, new);
    }
    old.last().is_some_and(|cost| *cost <= 2)
}
