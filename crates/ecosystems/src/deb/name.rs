//! Names of packages (Debian Policy §5.6.1), and the source package that a file of a pool belongs to.

use super::ID;
use lazaret_vocabulary::{InvalidName, PackageName};

/// Longest name accepted, in bytes; the longest of Debian's own have about 80.
const LONGEST: usize = 128;
/// Longest name of an archive, in bytes.
const LONGEST_ARCHIVE: usize = 64;

const RULE: &str =
    "a package's name consists of letters, digits, `+`, `-` and `.`, and starts with a letter or digit";

/// Checks a name. A vendor in front of it, as package URLs have one (`debian/curl`), is read over. The policy
/// wants lower case and dpkg lets upper case pass; no two packages may differ in that alone.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    let plain = match text.split_once('/') {
        Some((vendor, plain)) if is_archive(vendor) => plain,
        Some(_) => return Err(InvalidName::new(text, RULE)),
        None => text,
    };
    if plain.len() > LONGEST {
        return Err(InvalidName::new(text, "a package's name has at most 128 characters"));
    }
    if !is_name(plain) {
        return Err(InvalidName::new(text, RULE));
    }
    Ok(PackageName::new(ID, plain, &plain.to_ascii_lowercase()))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Whether this can be what an operator calls an archive: the key of its address.
pub(super) fn is_archive(text: &str) -> bool {
    text.len() <= LONGEST_ARCHIVE
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        })
}

/// The folder of a pool that holds a source package's folder: `c` for `curl`, `libc` for `libcaca`.
pub(super) fn prefix(source: &str) -> &str {
    let length = if source.len() > 3 && source.starts_with("lib") { 4 } else { 1 };
    source.get(..length).unwrap_or(source)
}

/// The source package of a file, from its path alone, so that whoever asks for it and whatever index lists it
/// come to the same. Where the pool is laid out as Debian's (`…/c/curl/…`) it is the folder's name; elsewhere
/// it is what stands in front of the first `_` of the file's name, which for a binary package is its own name.
pub(super) fn of_file(path: &[&str]) -> Option<PackageName> {
    if let [.., initial, folder, _] = path
        && prefix(folder) == *initial
        && let Ok(package) = parse(known_as(folder))
    {
        return Some(package);
    }
    let file = path.last()?;
    parse(file.split(['_', '/']).next()?).ok()
}

/// What a source package is called by those who look after its security. Debian's signed kernels come from
/// sources of their own (`linux-signed-amd64`), with the binaries of `linux` in them, under its versions.
pub(super) fn known_as(source: &str) -> &str {
    if source.starts_with("linux-signed-") { "linux" } else { source }
}

/// Whether [`of_file`] takes the folder's name, so that the package is surely the source.
pub(super) fn is_by_source(path: &[&str]) -> bool {
    matches!(path, [.., initial, folder, _] if prefix(folder) == *initial && parse(folder).is_ok())
}

/// The binary package of a file, by whose name apt chooses it among all archives.
pub(super) fn binary(file: &str) -> Option<PackageName> {
    let file = file.rsplit('/').next()?;
    let binary = [".deb", ".udeb", ".ddeb"].iter().any(|ending| file.ends_with(ending));
    parse(file.split('_').next().filter(|_| binary)?).ok()
}

/// What the name of a binary package's file says: `<package>_<version without epoch>_<architecture>.deb`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    pub package: &'a str,
    pub version: &'a str,
    pub architecture: &'a str,
}

/// Reads a file's name; `None` for one that is called otherwise.
pub(super) fn file_name(file: &str) -> Option<FileName<'_>> {
    let file = file.rsplit('/').next()?;
    let (stem, _) = file.rsplit_once('.')?;
    let mut parts = stem.split('_');
    let named = FileName { package: parts.next()?, version: parts.next()?, architecture: parts.next()? };
    parts.next().is_none().then_some(named)
}
