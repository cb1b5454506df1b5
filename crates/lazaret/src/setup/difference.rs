//! What a change does to a file, line by line, for the human who is asked.

/// More line pairs than this are not compared one by one.
const MOST_PAIRS: usize = 4_000_000;
/// Keys whose values are never shown.
const SECRET_KEYS: &[&str] = &["token", "password", "_auth", "secret"];

/// The lines that go (`-`) and that come (`+`), in order, secrets hidden.
pub(super) fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(left, right)| left == right).count();
    let (old, new) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(left, right)| left == right).count();
    let old = old.get(..old.len() - tail).unwrap_or_default();
    let new = new.get(..new.len() - tail).unwrap_or_default();
    let kept = if old.len().saturating_mul(new.len()) > MOST_PAIRS { Vec::new() } else { common(old, new) };
    let mut shown = Vec::new();
    let (mut left, mut right) = (0, 0);
    for (next_left, next_right) in kept.into_iter().chain([(old.len(), new.len())]) {
        let gone =
            old.get(left..next_left).unwrap_or_default().iter().map(|line| format!("- {}", masked(line)));
        let come =
            new.get(right..next_right).unwrap_or_default().iter().map(|line| format!("+ {}", masked(line)));
        shown.extend(gone);
        shown.extend(come);
        (left, right) = (next_left + 1, next_right + 1);
    }
    shown
}

/// The longest common subsequence, as pairs of places.
fn common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    let mut lengths = vec![0u32; (old.len() + 1) * width];
    let get =
        |lengths: &[u32], row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
    for (row, left) in old.iter().enumerate().rev() {
        for (column, right) in new.iter().enumerate().rev() {
            let length = if left == right {
                get(&lengths, row + 1, column + 1) + 1
            } else {
                get(&lengths, row + 1, column).max(get(&lengths, row, column + 1))
            };
            if let Some(slot) = lengths.get_mut(row * width + column) {
                *slot = length;
            }
        }
    }
    let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
    while row < old.len() && column < new.len() {
        if old.get(row) == new.get(column) {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if get(&lengths, row + 1, column) >= get(&lengths, row, column + 1) {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

/// The line without a secret it may hold.
fn masked(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let secret = SECRET_KEYS.iter().filter_map(|key| lower.find(key)).min();
    let value =
        secret.and_then(|at| line.get(at..).and_then(|rest| rest.find(['=', ':'])).map(|more| at + more + 1));
    let line = match value {
        Some(at) => format!("{} ***", line.get(..at).unwrap_or("")),
        None => line.to_owned(),
    };
    crate::adopt::without_secret(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_differs_is_shown() {
        let shown = difference("a\nb\nc\nd\n", "a\nx\nc\nd\ne\n");
        assert_eq!(shown, ["- b", "+ x", "+ e"]);
        assert_eq!(difference("", "a\n"), ["+ a"]);
        assert!(difference("a\n", "a\n").is_empty());
    }

    #[test]
    fn secrets_are_not_shown() {
        let after = "//gate.example/npm/:_authToken=lzt_secret\nindex-url = https://__token__:lzt_secret@gate.example/\n\
                     registry = { url = \"https://gate.example\", token = \"lzt_secret\" }\npassword: lzt_secret\n";
        let shown = difference("", after).join("\n");
        assert!(!shown.contains("lzt_secret"), "{shown}");
        assert!(shown.contains("gate.example"));
    }

    proptest! {
        #[test]
        fn every_line_is_accounted_for(
            before in prop::collection::vec("[abc]", 0..12), after in prop::collection::vec("[abc]", 0..12),
        ) {
            let shown = difference(&before.join("\n"), &after.join("\n"));
            let count = |sign: &str| shown.iter().filter(|line| line.starts_with(sign)).count();
            let (before, after) = (before.join("\n").lines().count(), after.join("\n").lines().count());
            prop_assert_eq!(before + count("+"), after + count("-"));
        }
    }
}
