//! Package ids: what is one, and what makes two of them one.

use super::ID;
use lazaret_vocabulary::{InvalidName, PackageName};

/// Longest id that NuGet takes, in characters.
const LONGEST: usize = 100;

/// Checks an id by NuGet's rule (`PackageIdValidator`: words with single `.` or `-` between them), of which
/// only ASCII is taken: ids in other scripts were let in long ago, and look like ones they are not. Case does
/// not count, and addresses are in lower case.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    if text.is_empty() || text.len() > LONGEST {
        return Err(InvalidName::new(text, "a package's id has 1 to 100 characters"));
    }
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !text.split(['.', '-']).all(is_word) {
        return Err(InvalidName::new(
            text,
            "a package's id consists of words of ASCII letters, digits and `_` with single `.` or `-` between them",
        ));
    }
    Ok(PackageName::new(ID, text, &text.to_ascii_lowercase()))
}

/// The same, in the lower case that addresses are written in, so that one package is kept once.
pub(super) fn in_address(text: &str) -> Option<PackageName> {
    parse(&text.to_ascii_lowercase()).ok()
}

/// The file of a release, in lower case as in the flat container. `version` is normalised.
pub(super) fn package_file(key: &str, version: &str) -> String {
    format!("{key}.{version}.nupkg")
}

/// The file with its symbols.
pub(super) fn symbols_file(key: &str, version: &str) -> String {
    format!("{key}.{version}.snupkg")
}
