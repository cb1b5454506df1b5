//! An order of tags and digests. No specification has one: tags are compared as people read them.

use std::cmp::Ordering;

/// Longest tag (OCI Distribution Specification, *Pulling manifests*) and longest digest looked at, in bytes.
const LONGEST_TAG: usize = 128;
const LONGEST_DIGEST: usize = 256;

/// Words that say that a release is still to come.
const BEFORE_RELEASE: [&str; 11] =
    ["alpha", "beta", "rc", "pre", "preview", "prerelease", "dev", "nightly", "canary", "snapshot", "edge"];

/// A reference, in rising order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Neither,
    Digest,
    /// A tag that begins with no number, such as `latest`.
    Word,
    Version,
}

/// Neither tag nor digest < digests < tags without a version in front (`latest`) < versions. Numbers count
/// as numbers, wherever they stand; `1.2-rc1` < `1.2` < `1.2-alpine`. Only the same text is equal: `1.0` and
/// `v1.0` may be two images.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let class = class(left);
    let by_class = class.cmp(&self::class(right));
    by_class
        .then_with(|| match class {
            Class::Neither | Class::Digest => Ordering::Equal,
            Class::Word => compare_naturally(left, right),
            Class::Version => compare_versions(left, right),
        })
        .then_with(|| left.cmp(right))
}

/// Whether a word of the tag says so: `1.27.0-rc1`, `3.13.0b2-slim`, `nightly`.
pub(super) fn is_prerelease(text: &str) -> bool {
    match class(text) {
        Class::Neither | Class::Digest => false,
        Class::Word => has_word_before_release(text),
        Class::Version => says_prerelease(split_version(text).1),
    }
}

fn class(text: &str) -> Class {
    if is_digest(text) {
        Class::Digest
    } else if !is_tag(text) {
        Class::Neither
    } else if without_v(text).starts_with(|letter: char| letter.is_ascii_digit()) {
        Class::Version
    } else {
        Class::Word
    }
}

fn is_tag(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= LONGEST_TAG
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || matches!(byte, b'.' | b'-'))
}

/// `algorithm:encoded` (OCI Image Specification, *Digests*).
fn is_digest(text: &str) -> bool {
    text.len() <= LONGEST_DIGEST
        && text.split_once(':').is_some_and(|(algorithm, encoded)| {
            !algorithm.is_empty()
                && !encoded.is_empty()
                && algorithm
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+._-".contains(&byte))
                && encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte))
        })
}

fn without_v(text: &str) -> &str {
    text.strip_prefix(['v', 'V']).unwrap_or(text)
}

/// The numbers in front, as written, and what follows them.
fn split_version(text: &str) -> (&str, &str) {
    let text = without_v(text);
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (numbers.trim_end_matches('.'), rest)
}

fn compare_versions(left: &str, right: &str) -> Ordering {
    let ((left, left_rest), (right, right_rest)) = (split_version(left), split_version(right));
    let side = |rest: &str| match rest {
        "" => 1,
        _ if says_prerelease(rest) => 0,
        _ => 2,
    };
    compare_naturally(left, right)
        .then_with(|| side(left_rest).cmp(&side(right_rest)))
        .then_with(|| compare_naturally(left_rest, right_rest))
}

/// Whether what follows the numbers names a pre-release. `3.13.0b2` does, `3.13.0-b2` and `3.13.0b` do not.
fn says_prerelease(rest: &str) -> bool {
    let short =
        rest.strip_prefix(['a', 'b']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    short || has_word_before_release(rest)
}

fn has_word_before_release(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphabetic())
        .any(|word| BEFORE_RELEASE.iter().any(|known| known.eq_ignore_ascii_case(word)))
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
    fn tags_are_compared_as_people_read_them() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let rising = [
            "",
            "-x",
            "a b",
            &digest,
            "alpine3.9",
            "alpine3.10",
            "latest",
            "1",
            "v1",
            "1.2-alpha",
            "1.2-beta1",
            "1.2-rc1",
            "1.2-rc1-alpine",
            "1.2-rc10",
            "1.2",
            "1.2-alpine3.9",
            "1.2-alpine3.10",
            "1.2.0",
            "1.9",
            "1.10",
            "3.13.0a1",
            "3.13.0b2-slim",
            "3.13.0rc1",
            "3.13.0",
            "3.13.0-slim",
            "20240101",
        ];
        for (at, one) in rising.iter().enumerate() {
            for (place, other) in rising.iter().enumerate() {
                assert_eq!(compare(one, other), at.cmp(&place), "{one} {other}");
            }
        }
    }

    #[test]
    fn words_say_what_is_still_to_come() {
        for text in ["1.0-rc1", "v2.0.0-beta.3", "3.13.0b2-slim", "nightly", "2024.1-dev", "edge-alpine"] {
            assert!(is_prerelease(text), "{text}");
        }
        for text in
            ["latest", "1.0", "1.0-alpine", "3.13.0b", "1.0-b2", "sha256:dev", "bookworm-slim", "1.0-march"]
        {
            assert!(!is_prerelease(text), "{text}");
        }
    }
}
