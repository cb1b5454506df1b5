//! An order of a repository's refs: tags that are versions, other names, and commits.

use std::cmp::Ordering;

/// Longer texts are no refs, in bytes.
const LONGEST_REF: usize = 256;

/// Words that may follow the numbers without `-`: `v1.0rc1`.
const BEFORE_RELEASE: [&str; 8] = ["alpha", "beta", "rc", "pre", "preview", "dev", "a", "b"];

#[derive(Debug)]
enum Ref<'a> {
    /// Not the name of a ref.
    None,
    /// A full object name (SHA-1 or SHA-256).
    Commit,
    /// A branch, or a tag without a version in front.
    Name,
    Version {
        /// As written: digits and points.
        numbers: &'a str,
        /// What makes it a pre-release; empty for a release.
        labels: &'a str,
    },
}

impl Ref<'_> {
    fn rank(&self) -> u8 {
        match self {
            Ref::None => 0,
            Ref::Commit => 1,
            Ref::Name => 2,
            Ref::Version { .. } => 3,
        }
    }
}

/// No refs < commits < names < versions. Versions are compared as Semantic Versioning has it (numbers left
/// out are nought, the `v` and build metadata do not count), and numbers inside labels and names count as
/// numbers. Commits are equal in whatever case.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (Ref::Version { numbers: one, labels: left }, Ref::Version { numbers: other, labels: right }) => {
            compare_numbers(one, other)
                .then_with(|| left.is_empty().cmp(&right.is_empty()))
                .then_with(|| compare_naturally(left, right))
        }
        (Ref::Commit, Ref::Commit) => {
            let (one, other) = (left.bytes(), right.bytes());
            one.map(|byte| byte.to_ascii_lowercase()).cmp(other.map(|byte| byte.to_ascii_lowercase()))
        }
        (Ref::Name, Ref::Name) => compare_naturally(left, right).then_with(|| left.cmp(right)),
        (Ref::None, Ref::None) => left.cmp(right),
        (one, other) => one.rank().cmp(&other.rank()),
    }
}

/// Whether it is a tag whose version has labels behind `-`, or `rc1` and the like behind its numbers.
pub(super) fn is_prerelease(text: &str) -> bool {
    matches!(parse(text), Ref::Version { labels, .. } if !labels.is_empty())
}

fn parse(text: &str) -> Ref<'_> {
    let barred = |letter: char| letter.is_control() || " ~^:?*[\\".contains(letter);
    if text.is_empty() || text.len() > LONGEST_REF || text.contains(barred) {
        return Ref::None;
    }
    if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ref::Commit;
    }
    parse_version(text).unwrap_or(Ref::Name)
}

fn parse_version(text: &str) -> Option<Ref<'_>> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(text, _)| text);
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at_checked(end)?;
    // `1.0.rc1`
    let numbers = if rest.is_empty() { numbers } else { numbers.strip_suffix('.').unwrap_or(numbers) };
    if numbers.split('.').any(str::is_empty) {
        return None;
    }
    let labels = match rest.strip_prefix('-') {
        Some(labels) if !labels.is_empty() => labels,
        Some(_) => return None,
        None => {
            let word = rest.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
            let known = BEFORE_RELEASE.iter().any(|known| known.eq_ignore_ascii_case(word));
            (rest.is_empty() || known).then_some(rest)?
        }
    };
    Some(Ref::Version { numbers, labels })
}

fn compare_numbers(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let (one, other) = (left.next(), right.next());
        if one.is_none() && other.is_none() {
            return Ordering::Equal;
        }
        let one = one.unwrap_or_default().trim_start_matches('0');
        let other = other.unwrap_or_default().trim_start_matches('0');
        let order = one.len().cmp(&other.len()).then_with(|| one.cmp(other));
        if order.is_ne() {
            return order;
        }
    }
}

/// Letter by letter, a run of digits being one number, which is below every letter.
fn compare_naturally(mut left: &str, mut right: &str) -> Ordering {
    loop {
        let (one, other) = (next(&mut left), next(&mut right));
        let order = one.cmp(&other);
        if order.is_ne() || one.is_none() {
            return order;
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign<'a> {
    /// Length of the digits without leading zeros, and they.
    Number(usize, &'a str),
    Letter(char),
}

fn next<'a>(rest: &mut &'a str) -> Option<Sign<'a>> {
    let text = *rest;
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    if end > 0 {
        let (digits, tail) = text.split_at_checked(end)?;
        *rest = tail;
        let digits = digits.trim_start_matches('0');
        return Some(Sign::Number(digits.len(), digits));
    }
    let mut letters = text.chars();
    let letter = letters.next()?;
    *rest = letters.as_str();
    Some(Sign::Letter(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_have_an_order() {
        let commits = ["0".repeat(40), "f".repeat(64)];
        let rising = [
            "",
            "a b",
            &commits[0],
            &commits[1],
            "1.0_linux",
            "main",
            "pkg-v1.9",
            "pkg-v1.10",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta.2",
            "1.0.0-beta.11",
            "v1.0rc1",
            "v1.0.0-rc2",
            "v1",
            "v1.0.1",
            "1.9",
            "v1.10.0",
            "v4",
        ];
        for (at, one) in rising.iter().enumerate() {
            for (place, other) in rising.iter().enumerate() {
                assert_eq!(compare(one, other), at.cmp(&place), "{one} {other}");
            }
        }
        let commit = "abcdef0123456789abcdef0123456789abcdef01";
        for (one, other) in [("v1", "1.0.0"), ("V1.2+a", "v1.2.0+b"), (commit, &commit.to_uppercase())] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }

    #[test]
    fn labels_make_a_prerelease() {
        for text in ["v1.0.0-rc.1", "1.0rc1", "v2.0.0.beta2", "v1-alpha"] {
            assert!(is_prerelease(text), "{text}");
        }
        for text in ["v1", "v1.0.0+rc", "main", "rc1", &"a".repeat(40), ""] {
            assert!(!is_prerelease(text), "{text}");
        }
    }
}
