//! NuGet's version order: Semantic Versioning 2.0.0 with an optional fourth number, as `NuGetVersion` reads it.

use std::cmp::Ordering;

/// Longer texts are no versions, in bytes.
const LONGEST_VERSION: usize = 256;

/// Numbers of a version, at the most.
const NUMBERS: usize = 4;

#[derive(Debug)]
struct Version<'a> {
    /// Digits without leading zeros; empty for nought and for what is not there.
    numbers: [&'a str; NUMBERS],
    /// What stands behind `-`, without build metadata; empty for a release.
    labels: &'a str,
}

/// Compares as NuGet's clients do: case does not count, nor do metadata and missing numbers. Texts that are no
/// versions sort below all that are, then by bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => {
            let numbers =
                left.numbers.iter().zip(&right.numbers).map(|(one, other)| compare_digits(one, other));
            let mut orders = numbers.filter(|order| order.is_ne());
            orders.next().unwrap_or_else(|| compare_labels(left.labels, right.labels))
        }
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => left.cmp(right),
    }
}

/// Whether it has labels behind `-`.
pub(super) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| !version.labels.is_empty())
}

/// The version as the flat container spells it: three numbers or four, no leading zeros, no metadata, lower
/// case. `None` for what is no version.
pub(super) fn normalise(text: &str) -> Option<String> {
    let version = parse(text)?;
    let mut normal = String::with_capacity(text.len() + 4);
    for (at, digits) in version.numbers.iter().enumerate() {
        if at + 1 == NUMBERS && digits.is_empty() {
            continue;
        }
        if at > 0 {
            normal.push('.');
        }
        normal.push_str(if digits.is_empty() { "0" } else { digits });
    }
    if !version.labels.is_empty() {
        normal.push('-');
        normal.extend(version.labels.chars().map(|letter| letter.to_ascii_lowercase()));
    }
    Some(normal)
}

fn parse(text: &str) -> Option<Version<'_>> {
    if text.len() > LONGEST_VERSION {
        return None;
    }
    let text = text.trim();
    let (text, metadata) =
        text.split_once('+').map_or((text, None), |(text, metadata)| (text, Some(metadata)));
    let (core, labels) = text.split_once('-').map_or((text, None), |(core, labels)| (core, Some(labels)));
    if ![labels, metadata].into_iter().flatten().all(are_identifiers) {
        return None;
    }
    let mut numbers = [""; NUMBERS];
    let mut places = numbers.iter_mut();
    for part in core.split('.') {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *places.next().filter(|_| digits)? = part.trim_start_matches('0');
    }
    Some(Version { numbers, labels: labels.unwrap_or_default() })
}

fn are_identifiers(text: &str) -> bool {
    text.split('.').all(|identifier| {
        !identifier.is_empty() && identifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn compare_digits(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// A release is above its pre-releases; then label by label, the longer row being the later.
fn compare_labels(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) => compare_label(one, other),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// What fits into 32 bits is a number to NuGet (`-1` too) and below everything else, which is text.
fn compare_label(left: &str, right: &str) -> Ordering {
    match (left.parse::<i32>(), right.parse::<i32>()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => {
            let (one, other) = (left.bytes(), right.bytes());
            one.map(|byte| byte.to_ascii_lowercase()).cmp(other.map(|byte| byte.to_ascii_lowercase()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_numbers_and_labels() {
        let rising = [
            "1.0.0-",
            "x",
            "0.9.9.1",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-a",
            "1.0.0-Alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-BETA",
            "1.0.0-beta2",
            "1.0.0",
            "1.0.0.1-pre",
            "1.0.0.1",
            "1.0.01.2",
            "2",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (one, other) in [("1.0", "1.0.0.0+a"), ("1.0.0-BETA+x", "1.0.0-beta"), ("01.2", "1.02.0")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }

    #[test]
    fn the_flat_container_spells_one_way() {
        for (text, normal) in [
            ("1.0", "1.0.0"),
            ("1", "1.0.0"),
            ("1.00.01.0", "1.0.1"),
            ("1.0.0.4", "1.0.0.4"),
            ("1.0.0-RC.1+Meta", "1.0.0-rc.1"),
            (" 1.2.3 ", "1.2.3"),
        ] {
            assert_eq!(normalise(text).as_deref(), Some(normal), "{text}");
        }
        for text in ["", "v1.0", "1.0.0.0.0", "1..0", "1.0-", "1.0+", "1.0-a..b", "1.0-ä", "1.x"] {
            assert_eq!(normalise(text), None, "{text}");
        }
        assert!(is_prerelease("1.0-rc") && !is_prerelease("1.0+rc") && !is_prerelease("rc"));
    }
}
