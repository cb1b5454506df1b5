//! Module paths and versions, and how addresses spell them (Go Modules Reference, "Module paths" and "Module
//! proxy"; package `golang.org/x/mod/module`).

use super::{ID, version};
use lazaret_vocabulary::{InvalidName, PackageName};

/// Longest module path read, in bytes.
const LONGEST_PATH: usize = 500;
/// Longest version or revision read, in bytes.
const LONGEST_REVISION: usize = 255;

/// Checks a module path. Case counts, and the key is the path itself: two paths that differ in case are two
/// modules, and there is one way to write each. The dot that the first element of a real module's path has is
/// not asked for here, so that patterns (`corp*`) and the names that advisories give to Go itself can be read.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    match check_path(text) {
        Ok(()) => Ok(PackageName::new(ID, text, text)),
        Err(why) => Err(InvalidName::new(text, why)),
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > LONGEST_PATH {
        return Err("a module path has between 1 and 500 characters");
    }
    let first = path.split('/').next().unwrap_or_default();
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if first.starts_with('-') || !first.bytes().all(lower) {
        return Err("a module path begins with a host's name in lower case");
    }
    if !path.split('/').all(is_element) {
        return Err("elements of a module path consist of ASCII letters, digits and -._~, without a dot at \
                    either end, and are no reserved file names");
    }
    split_major(path).map(|_| ()).ok_or("a module path ends in a major version from /v2 on, or in none")
}

/// Whether a path can be a module's at a proxy.
pub(super) fn is_served(package: &PackageName) -> bool {
    package.as_str().split('/').next().is_some_and(|host| host.contains('.'))
}

fn is_element(element: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let stem = element.split('.').next().unwrap_or_default();
    !element.is_empty()
        && !element.starts_with('.')
        && !element.ends_with('.')
        && element.bytes().all(allowed)
        && !is_device(stem)
        && !is_short_name(stem)
}

/// File names that Windows keeps for devices.
pub(super) fn is_device(stem: &str) -> bool {
    let upper = stem.to_ascii_uppercase();
    let numbered = upper.strip_prefix("COM").or_else(|| upper.strip_prefix("LPT"));
    matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || numbered.is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']))
}

/// Windows' short names: a tilde and digits at the end.
fn is_short_name(stem: &str) -> bool {
    stem.rsplit_once('~')
        .is_some_and(|(_, tail)| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The major version at a path's end, without its separator: `v2` of `…/v2`, `v1` of `gopkg.in/yaml.v1`, empty
/// for none. `None` for an end that is no major version but looks like one.
fn split_major(path: &str) -> Option<&str> {
    if path.starts_with("gopkg.in/") {
        let plain = path.strip_suffix("-unstable").unwrap_or(path);
        let (_, number) = plain.rsplit_once(".v")?;
        let valid = number == "0" || (!number.starts_with('0') && is_digits(number));
        return valid.then(|| plain.get(plain.len() - number.len() - 1..)).flatten();
    }
    let Some((_, last)) = path.rsplit_once('/') else { return Some("") };
    match last.strip_prefix('v') {
        Some(number)
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            (is_digits(number) && !number.starts_with('0') && number != "1").then_some(last)
        }
        _ => Some(""),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a version is one that a release of this module can have: canonical, and of the major number that the
/// path says.
pub(super) fn fits(package: &PackageName, text: &str) -> bool {
    if !version::is_canonical(text) || text.len() > LONGEST_REVISION {
        return false;
    }
    let (Some(wanted), Some(major)) = (split_major(package.as_str()), version::major(text)) else {
        return false;
    };
    match wanted.strip_prefix('v') {
        // The go command of old made such pseudo-versions for gopkg.in.
        Some("1") if text.starts_with("v0.0.0-") => true,
        Some(number) => number == major,
        None => matches!(major, "0" | "1") || version::is_incompatible(text),
    }
}

/// Whether a text can name a revision in an address: a version, a branch, a tag, a commit.
pub(super) fn is_revision(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"#$%&()+,-.=@[]^_{}~ ".contains(&byte);
    !text.is_empty()
        && text.len() <= LONGEST_REVISION
        && text.bytes().all(allowed)
        && !text.bytes().all(|byte| byte == b'.')
        && !text.ends_with('.')
}

/// A path or revision as addresses spell it: `!a` for `A`, since some servers do not tell case.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if letter.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(letter.to_ascii_lowercase());
    }
    escaped
}

/// What [`escape`] made; `None` for what it makes of nothing, so that each text has one spelling.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '!' => plain.push(letters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            'A'..='Z' => return None,
            _ => plain.push(letter),
        }
    }
    Some(plain)
}
