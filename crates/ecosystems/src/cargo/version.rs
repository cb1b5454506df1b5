//! Version order: Semantic Versioning 2.0.0 §11, as cargo applies it.

use semver::Version;
use std::cmp::Ordering;

/// Compares by precedence, then by build metadata, so that the order is total. Texts that are no versions
/// sort below all that are, by bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (Version::parse(left), Version::parse(right)) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Greater,
        (Err(_), Ok(_)) => Ordering::Less,
        (Err(_), Err(_)) => left.cmp(right),
    }
}
