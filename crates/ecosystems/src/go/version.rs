//! Go's version order: that of `golang.org/x/mod/semver`, and the pseudo-versions of the Go Modules Reference.

use lazaret_vocabulary::Timestamp;
use std::cmp::Ordering;

/// Longer texts are no versions, in bytes.
const LONGEST_VERSION: usize = 256;

/// The only build metadata that versions of modules have.
const INCOMPATIBLE: &str = "+incompatible";

#[derive(Debug)]
struct Version<'a> {
    /// Without leading zeros by rule; those left out of `v1` and `v1.2` are `0`.
    numbers: [&'a str; 3],
    /// Behind `-`; empty for a release.
    labels: &'a str,
}

/// Compares by precedence: build metadata and `+incompatible` do not count. The `v` in front may be left
/// out, as advisories do. Texts that are no versions sort below all that are, then by bytes.
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

/// Whether it is a version in the one form that module proxies know: `v`, three numbers, perhaps labels, and
/// no build metadata but `+incompatible`.
pub(super) fn is_canonical(text: &str) -> bool {
    let plain = text.strip_suffix(INCOMPATIBLE).unwrap_or(text);
    let Some(Version { numbers: [major, minor, patch], labels }) = parse(plain) else { return false };
    let dash = if labels.is_empty() { "" } else { "-" };
    plain == format!("v{major}.{minor}.{patch}{dash}{labels}")
}

/// The major number of a version, such as `2`.
pub(super) fn major(text: &str) -> Option<&str> {
    parse(text).map(|Version { numbers: [major, ..], .. }| major)
}

/// Whether it says that its module knows nothing of modules.
pub(super) fn is_incompatible(text: &str) -> bool {
    text.ends_with(INCOMPATIBLE)
}

/// Whether it is a pre-release; pseudo-versions are, of a release that is still to come.
pub(super) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| !version.labels.is_empty())
}

/// Whether it stands for a commit: `v0.0.0-20191109021931-daa7c04131f5` and the like.
pub(super) fn is_pseudo(text: &str) -> bool {
    pseudo_digits(text).is_some()
}

/// The commit's time, which a pseudo-version names in UTC; `None` for any other text, and where the digits
/// are no time.
pub(super) fn pseudo_time(text: &str) -> Option<Timestamp> {
    let digits = pseudo_digits(text)?;
    let (date, time) = digits.split_at_checked(8)?;
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let (hour, minute, second) = (time.get(..2)?, time.get(2..4)?, time.get(4..)?);
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

/// The fourteen digits of the time. Three forms: `vX.0.0-T-R`, `vX.Y.Z-pre.0.T-R` and `vX.Y.Z-0.T-R`.
fn pseudo_digits(text: &str) -> Option<&str> {
    const LENGTH: usize = 14;
    let version = parse(text)?;
    let (rest, revision) = version.labels.rsplit_once('-')?;
    let (before, digits) = rest.split_at_checked(rest.len().checked_sub(LENGTH)?)?;
    let pseudo = !revision.is_empty()
        && revision.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let form = match before {
        "" => matches!(version.numbers, [_, "0", "0"]),
        "0." => true,
        _ => before.ends_with(".0."),
    };
    (pseudo && form).then_some(digits)
}

fn parse(text: &str) -> Option<Version<'_>> {
    if text.len() > LONGEST_VERSION {
        return None;
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, metadata) =
        text.split_once('+').map_or((text, None), |(text, metadata)| (text, Some(metadata)));
    let (core, labels) = text.split_once('-').map_or((text, None), |(core, labels)| (core, Some(labels)));
    let mut numbers = ["0"; 3];
    let (mut places, mut count) = (numbers.iter_mut(), 0);
    for part in core.split('.') {
        *places.next().filter(|_| is_number(part))? = part;
        count += 1;
    }
    let plain_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let valid = metadata.is_none_or(|text| text.split('.').all(is_identifier))
        && labels.is_none_or(|text| {
            text.split('.').all(|label| is_identifier(label) && (!plain_number(label) || is_number(label)))
        })
        && (count == 3 || (labels.is_none() && metadata.is_none()));
    valid.then(|| Version { numbers, labels: labels.unwrap_or_default() })
}

fn is_number(text: &str) -> bool {
    text == "0"
        || (!text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn compare_digits(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Semantic Versioning 2.0.0 §11.3 and §11.4.
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
            (Some(one), Some(other)) => match (is_number(one), is_number(other)) {
                (true, true) => compare_digits(one, other),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => one.cmp(other),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_that_of_the_go_command() {
        let rising = [
            "latest",
            "v01.0.0",
            "v1-rc",
            "v0.0.0-20191109021931-daa7c04131f5",
            "v0.0.0",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta.2",
            "v1.0.0-beta.11",
            "v1.0.0-rc.1",
            "v1.0.0",
            "v1.0.1-0.20191109021931-daa7c04131f5",
            "v1.0.1",
            "v1.10.0",
            "v2.0.0+incompatible",
            "v2.0.1",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (one, other) in [("v1", "v1.0.0"), ("1.2.3", "v1.2.3"), ("v2.0.0+incompatible", "v2.0.0")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
        assert!(is_prerelease("v1.0.0-rc.1") && !is_prerelease("v1.0.0+incompatible"));
    }

    #[test]
    fn one_form_is_canonical() {
        for text in ["v0.0.0", "v1.2.3-RC.1", "v2.0.0+incompatible", "v0.0.1-go1.26.1.linux-amd64"] {
            assert!(is_canonical(text), "{text}");
        }
        for text in [
            "1.2.3",
            "v1",
            "v1.2",
            "v1.2.3+meta",
            "v01.2.3",
            "v1.2.3-",
            "v1.2.3+incompatible+incompatible",
            "main",
            "",
        ] {
            assert!(!is_canonical(text), "{text}");
        }
        assert_eq!((major("v12.0.0+incompatible"), major("x")), (Some("12"), None));
    }

    #[test]
    fn pseudo_versions_name_their_time() {
        let moment = Timestamp::parse("2019-11-09T02:19:31Z").unwrap();
        for text in [
            "v0.0.0-20191109021931-daa7c04131f5",
            "v1.2.4-0.20191109021931-daa7c04131f5",
            "v1.2.3-pre.0.20191109021931-daa7c04131f5",
            "v2.0.0-20191109021931-daa7c04131f5+incompatible",
        ] {
            assert!(is_pseudo(text) && is_prerelease(text), "{text}");
            assert_eq!(pseudo_time(text), Some(moment), "{text}");
        }
        for text in [
            "v1.2.3",
            "v1.2.3-20191109021931-daa7c04131f5",
            "v0.0.0-20191109021931",
            "v0.0.0-2019110902193-daa7c04131f5",
            "v1.2.3-1.20191109021931-daa7c04131f5",
            "v0.0.0-20191109021931-",
            "",
        ] {
            assert!(!is_pseudo(text), "{text}");
            assert_eq!(pseudo_time(text), None, "{text}");
        }
        assert_eq!(pseudo_time("v0.0.0-20191399021931-daa7c04131f5"), None, "no such month");
    }
}
