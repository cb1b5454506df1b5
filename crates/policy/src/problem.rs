//! What is wrong with a policy file, said so that it can be put right without a manual.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// The file's name as it was given.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was expected and what was found.
    pub message: String,
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// Every mistake found in a file, in its order. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblems(pub Vec<PolicyProblem>);

impl fmt::Display for PolicyProblems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            if number > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyProblems {}

/// A file's text with the places of its lines, and the mistakes found so far.
pub(crate) struct Source<'a> {
    pub(crate) file: Arc<str>,
    text: &'a str,
    starts: Vec<usize>,
    problems: Vec<PolicyProblem>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str, file: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            file: file.into(),
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
            problems: Vec::new(),
        }
    }

    /// Line and column of a byte, from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        (line, column)
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.place(at).0
    }

    pub(crate) fn complain(&mut self, span: Range<usize>, message: impl Into<String>) {
        let (line, column) = self.place(span.start);
        self.problems.push(PolicyProblem { file: self.file.clone(), line, column, message: message.into() });
    }

    /// The result, unless something was wrong.
    pub(crate) fn finish<T>(mut self, result: T) -> Result<T, PolicyProblems> {
        if self.problems.is_empty() {
            return Ok(result);
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(PolicyProblems(self.problems))
    }
}

/// `; did you mean …?` with the nearest of `choices`, or nothing when none is near.
pub fn suggestion<'c>(found: &str, choices: impl IntoIterator<Item = &'c str>) -> String {
    let near = choices
        .into_iter()
        .map(|choice| (distance(found, choice), choice))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, choice)| *distance <= 1 + choice.len() / 4);
    near.map_or(String::new(), |(_, choice)| format!("; did you mean `{choice}`?"))
}

/// Insertions, deletions and replacements between two words; words over 64 characters are far from all.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len() > 64 || right.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (number, letter) in left.iter().enumerate() {
        let mut next = vec![number + 1];
        for (other, above_left, above) in right
            .iter()
            .zip(&row)
            .zip(row.iter().skip(1))
            .map(|((other, first), second)| (other, first, second))
        {
            let replaced = above_left + usize::from(letter.to_lowercase().ne(other.to_lowercase()));
            let inserted = next.last().copied().unwrap_or(0) + 1;
            next.push(replaced.min(above + 1).min(inserted));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near() {
        let choices = ["min_age", "frozen_after", "action"];
        assert_eq!(suggestion("min-age", choices), "; did you mean `min_age`?");
        assert_eq!(suggestion("frozenafter", choices), "; did you mean `frozen_after`?");
        assert_eq!(suggestion("colour", choices), "");
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn places_count_characters() {
        let mut source = Source::new("ä = 1\nb = ü2\n", "policy.toml");
        source.complain(13..14, "here");
        source.complain(0..1, "first");
        let problems = source.finish(()).unwrap_err();
        assert_eq!(problems.to_string(), "policy.toml:1:1: first\npolicy.toml:2:6: here");
    }
}
