//! Names of packages, `group:artifact`, and how files stand in a repository (the Maven documentation,
//! "Repository layout").

use super::ID;
use lazaret_vocabulary::{InvalidName, PackageName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest group and longest artifact name, in bytes each.
const LONGEST: usize = 200;
/// Longest version or file name, in bytes.
pub(super) const LONGEST_SEGMENT: usize = 240;

/// What a version that is still being worked on ends with.
pub(super) const SNAPSHOT: &str = "SNAPSHOT";

/// What a path's segment keeps unencoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// Checks a name. `group/artifact`, as package URLs have it, is the same package. Maven tells upper from lower
/// case, and so does this.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    let wrong = |why| InvalidName::new(text, why);
    let (group, artifact) =
        text.split_once([':', '/']).ok_or_else(|| wrong("a package is named `group:artifact`"))?;
    join(group, artifact)
        .ok_or_else(|| wrong("group and artifact consist of ASCII letters, digits, `.`, `-` and `_`"))
}

/// The package of a group and an artifact, where both are names.
pub(super) fn join(group: &str, artifact: &str) -> Option<PackageName> {
    let valid = is_id(artifact) && is_id(group) && group.split('.').all(|part| !part.is_empty());
    valid.then(|| {
        let name = format!("{group}:{artifact}");
        PackageName::new(ID, &name, &name)
    })
}

/// Maven's own rule for both halves, without what would lead out of a folder.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && !text.starts_with('.')
        && !text.contains("..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Group and artifact of a package.
pub(super) fn halves(package: &PackageName) -> (&str, &str) {
    package.as_str().split_once(':').unwrap_or((package.as_str(), ""))
}

/// Whether a text can be a version or the name of a file: what Maven forbids in them, and what would lead out of
/// a folder, is not in it.
pub(super) fn is_segment(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !br#"\/:"<>|?*%#"#.contains(&byte);
    !text.is_empty()
        && text.len() <= LONGEST_SEGMENT
        && !text.starts_with('.')
        && !text.contains("..")
        && text.bytes().all(allowed)
}

/// Where a package's folder stands below the repository, without slashes around it.
pub(super) fn folder(package: &PackageName) -> String {
    let (group, artifact) = halves(package);
    format!("{}/{artifact}", group.replace('.', "/"))
}

/// The encoded address of a file below the repository, without a slash in front. `file` is `folder/name`.
pub(super) fn address(package: &PackageName, file: &str) -> String {
    let mut address = folder(package);
    for segment in file.split('/') {
        address.push('/');
        address.extend(utf8_percent_encode(segment, SEGMENT));
    }
    address
}

/// What the name of a file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// The release: the folder's name, or of a snapshot the one upload, `1.0-20260123.101500-7`.
    pub version: String,
    /// What follows artifact and version: `.jar`, `-sources.jar`.
    pub rest: &'a str,
}

impl FileName<'_> {
    /// Classifier, which may be empty, and extension.
    pub(super) fn kind(&self) -> (&str, &str) {
        let signature = self.rest.strip_suffix(".asc").filter(|inner| inner.contains('.'));
        let plain = signature.unwrap_or(self.rest);
        let archive = [".tar.gz", ".tar.bz2", ".tar.xz"].into_iter().find(|end| plain.ends_with(end));
        let at = match archive {
            Some(end) => plain.len() - end.len(),
            None => plain.rfind('.').unwrap_or(plain.len()),
        };
        let (classifier, _) = plain.split_at_checked(at).unwrap_or((plain, ""));
        (classifier.trim_start_matches('-'), self.rest.get(at + 1..).unwrap_or_default())
    }
}

/// Reads the name of a file in the folder of a version; `None` where it does not begin with artifact and
/// version, as every file of Maven's and Gradle's does.
pub(super) fn read_file<'a>(artifact: &str, directory: &str, file: &'a str) -> Option<FileName<'a>> {
    if !is_segment(directory) || !is_segment(file) || snapshot_of(directory).is_some() {
        return None;
    }
    let named = file.strip_prefix(artifact)?.strip_prefix('-')?;
    let begins = |rest: &str| rest.starts_with(['.', '-']) && rest.len() > 1;
    if let Some(rest) = named.strip_prefix(directory).filter(|rest| begins(rest)) {
        return Some(FileName { version: directory.to_owned(), rest });
    }
    let base = directory.strip_suffix(SNAPSHOT)?;
    let upload = named.strip_prefix(base)?;
    let length = upload_length(upload)?;
    let (upload, rest) = upload.split_at_checked(length)?;
    begins(rest).then(|| FileName { version: format!("{base}{upload}"), rest })
}

/// Length of `20260123.101500-7` at the beginning of a text.
fn upload_length(text: &str) -> Option<usize> {
    let digits = |range: std::ops::Range<usize>| text.as_bytes().get(range).is_some_and(all_digits);
    let is = |at: usize, byte: u8| text.as_bytes().get(at) == Some(&byte);
    if !(digits(0..8) && is(8, b'.') && digits(9..15) && is(15, b'-')) {
        return None;
    }
    let number = text.get(16..)?.bytes().take_while(u8::is_ascii_digit).count();
    (1..=9).contains(&number).then_some(16 + number)
}

fn all_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

/// `1.0-SNAPSHOT` of one upload of it, `1.0-20260123.101500-7`; with the moment and the number.
pub(super) fn snapshot_of(version: &str) -> Option<(String, &str, &str)> {
    // The moment begins after the last `-` but one.
    let (front, number) = version.rsplit_once('-')?;
    let at = front.rfind('-').map_or(0, |at| at + 1);
    let upload = version.get(at..)?;
    if upload_length(upload)? != upload.len() {
        return None;
    }
    Some((format!("{}{SNAPSHOT}", version.get(..at)?), front.get(at..)?, number))
}

/// Whether it is a version that is still being worked on, not one upload of it.
pub(super) fn is_snapshot(version: &str) -> bool {
    version == SNAPSHOT || version.strip_suffix(SNAPSHOT).is_some_and(|base| base.ends_with('-'))
}

/// The folder that a release's files lie in.
pub(super) fn directory(version: &str) -> String {
    snapshot_of(version).map_or_else(|| version.to_owned(), |(base, ..)| base)
}

/// The key of a release's file: its folder and its name.
pub(super) fn file_key(package: &PackageName, version: &str, rest: &str) -> String {
    let (_, artifact) = halves(package);
    format!("{}/{artifact}-{version}{rest}", directory(version))
}
