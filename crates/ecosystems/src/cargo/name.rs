//! Crate names: what the registry accepts, what makes two of them one, and where they stand in the index.

use super::ID;
use lazaret_vocabulary::{InvalidName, PackageName};

/// Longest name the registry accepts, in bytes.
const LONGEST: usize = 64;

/// Checks a name by the registry's rule (the Cargo book, "Registry Index", "Name restrictions"). The key is
/// the canonical form by which the registry refuses a second `Foo_Bar` beside `foo-bar`.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(InvalidName::new(text, "a crate's name starts with an ASCII letter"));
    }
    if text.len() > LONGEST {
        return Err(InvalidName::new(text, "a crate's name has at most 64 characters"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(InvalidName::new(text, "a crate's name consists of ASCII letters, digits, `-` and `_`"));
    }
    Ok(PackageName::new(ID, text, &text.to_ascii_lowercase().replace('_', "-")))
}

/// The directory of a crate's index file (the Cargo book, "Index files"): `1`, `2`, `3/a` or `aa/bb`, in the
/// case of `name`. Empty for an empty name.
pub(super) fn prefix(name: &str) -> String {
    match name.len() {
        0 => String::new(),
        1 => "1".to_owned(),
        2 => "2".to_owned(),
        3 => format!("3/{}", name.get(..1).unwrap_or_default()),
        _ => format!("{}/{}", name.get(..2).unwrap_or_default(), name.get(2..4).unwrap_or_default()),
    }
}

/// Where a crate's index file stands below the index: `/se/rd/serde`. Always lower case, as cargo asks.
pub(super) fn index_path(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    format!("/{}/{lower}", prefix(&lower))
}
