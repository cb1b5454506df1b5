//! Debian's version order: deb-version(7), as dpkg compares.

use std::cmp::Ordering;

/// Longer texts are no versions, in bytes.
const LONGEST_VERSION: usize = 256;

/// What stands behind `~` in an upstream version that is still to be released.
const BEFORE_RELEASE: [&str; 7] = ["alpha", "beta", "rc", "pre", "dev", "git", "snapshot"];

#[derive(Debug)]
struct Version<'a> {
    epoch: u32,
    upstream: &'a str,
    /// Empty where there is none, which is the same as `0`.
    revision: &'a str,
}

/// Compares epoch, upstream version and revision. Texts that are no versions sort below all that are, then by
/// bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => left
            .epoch
            .cmp(&right.epoch)
            .then_with(|| compare_part(left.upstream, right.upstream))
            .then_with(|| compare_part(left.revision, right.revision)),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => left.cmp(right),
    }
}

/// Whether upstream has still to release it: `1.0~rc1-1`. A `~` of the revision (`1.0-1~bpo12+1`) and of a
/// rebuild (`1.0~deb12u1`) says nothing of the kind.
pub(super) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| {
        version.upstream.split('~').skip(1).any(|rest| {
            let word = rest.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
            let followed = word.len() < rest.len();
            let known = BEFORE_RELEASE.iter().any(|known| known.eq_ignore_ascii_case(word));
            known || (followed && ["a", "b"].iter().any(|known| known.eq_ignore_ascii_case(word)))
        })
    })
}

/// Whether this is a version at all, without blanks around it.
pub(super) fn is_version(text: &str) -> bool {
    text.trim_ascii() == text && parse(text).is_some()
}

fn parse(text: &str) -> Option<Version<'_>> {
    if text.len() > LONGEST_VERSION {
        return None;
    }
    let text = text.trim_ascii();
    let (epoch, rest) = match text.split_once(':') {
        Some((digits, rest)) => {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let epoch: u32 = digits.parse().ok().filter(|_| plain)?;
            (i32::try_from(epoch).is_ok().then_some(epoch)?, rest)
        }
        None => (0, text),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((upstream, revision)) => (upstream, (!revision.is_empty()).then_some(revision)?),
        None => (rest, ""),
    };
    let fits = |text: &str, marks: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
    };
    let valid = !upstream.is_empty() && fits(upstream, b".-+~:") && fits(revision, b".+~");
    valid.then_some(Version { epoch, upstream, revision })
}

/// By turns a run of other characters and a run of digits, until they differ.
fn compare_part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (one, left_rest) = split(left, |byte| !byte.is_ascii_digit());
        let (other, right_rest) = split(right, |byte| !byte.is_ascii_digit());
        let order = compare_marks(one, other);
        if order.is_ne() {
            return order;
        }
        let (one, left_rest) = split(left_rest, |byte| byte.is_ascii_digit());
        let (other, right_rest) = split(right_rest, |byte| byte.is_ascii_digit());
        let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
        let order = one.len().cmp(&other.len()).then_with(|| one.cmp(other));
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

/// The characters in front that are of one kind, and the rest.
fn split(text: &str, of_kind: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !of_kind(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `~` is below the end, the end below letters, and letters below all other marks.
fn compare_marks(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(mark) => i32::from(mark) + 256,
    };
    let (mut left, mut right) = (left.bytes(), right.bytes());
    loop {
        let (one, other) = (left.next(), right.next());
        let order = weight(one).cmp(&weight(other));
        if order.is_ne() || (one.is_none() && other.is_none()) {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_compares_so() {
        let rising = [
            "",
            "1.0-",
            "0~~",
            "0~",
            "0",
            "1.0~~a",
            "1.0~rc1-1",
            "1.0~rc2-1",
            "1.0",
            "1.0-0+b1",
            "1.0-1~bpo12+1",
            "1.0-1",
            "1.0-1+b1",
            "1.0a-1",
            "1.0+dfsg-1",
            "1.0.1",
            "1.9",
            "1.10",
            "1:0.1",
            "2:0",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (one, other) in [("1.0", "0:1.0-0"), ("1.00", "1.0"), ("1.0-00", "1.0"), ("1.a", "1.a0")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }

    #[test]
    fn what_upstream_has_still_to_release() {
        for text in ["1.0~rc1-1", "1:2.0~beta3", "1.0~a1", "0.1~git20200101.abc-1", "1.0~RC1"] {
            assert!(is_prerelease(text), "{text}");
        }
        for text in ["1.0-1", "1.0-1~bpo12+1", "20230311~deb12u1", "1.0rc1-1", "1.0~", "x y~rc1"] {
            assert!(!is_prerelease(text), "{text}");
        }
    }
}
