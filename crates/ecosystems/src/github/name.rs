//! Names: of repositories, of what points at a commit in them, and of commits.

use super::ID;
use lazaret_vocabulary::{InvalidName, PackageName, ReferenceKind, Release};
use std::borrow::Cow;

/// Longest owner or repository, in bytes. Hosts allow 39 to 255 and 100.
const LONGEST_PART: usize = 100;
/// Longest name of a branch or tag, in bytes.
const LONGEST_REF: usize = 256;
/// Longest path of a file in a repository, in bytes.
const LONGEST_PATH: usize = 1024;

/// Branches stand below this.
pub(super) const BRANCHES: &str = "refs/heads/";
/// Tags stand below this.
pub(super) const TAGS: &str = "refs/tags/";
/// Behind the name of a tag: the object that has its message.
pub(super) const OBJECT: &str = "^{tag}";
/// The branch that a repository opens with.
pub(super) const HEAD: &str = "HEAD";

/// `owner/repository`, with or without `.git`. Hosts do not tell upper and lower case apart.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    let (owner, repository) = text
        .split_once('/')
        .ok_or_else(|| InvalidName::new(text, "a repository is written as owner/repository"))?;
    pair(owner, repository).ok_or_else(|| {
        InvalidName::new(
            text,
            "owner and repository consist of ASCII letters, digits, `-`, `_` and `.`, at most 100 of them",
        )
    })
}

/// The same from two segments of an address.
pub(super) fn pair(owner: &str, repository: &str) -> Option<PackageName> {
    let repository = without_git(repository);
    let plain = |part: &str| {
        (1..=LONGEST_PART).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let valid = plain(owner)
        && !owner.starts_with(['-', '.'])
        && plain(repository)
        && !matches!(repository, "." | "..")
        && without_git(repository) == repository;
    if !valid {
        return None;
    }
    let name = format!("{owner}/{repository}");
    let key = name.to_ascii_lowercase();
    Some(PackageName::new(ID, &name, &key))
}

fn without_git(repository: &str) -> &str {
    let stem = repository.len().checked_sub(4).and_then(|at| repository.split_at_checked(at));
    match stem {
        Some((stem, end)) if end.eq_ignore_ascii_case(".git") => stem,
        _ => repository,
    }
}

/// A full commit id (SHA-1 or SHA-256) in lower case.
pub(super) fn commit(text: &str) -> Option<String> {
    let full = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    full.then(|| text.to_ascii_lowercase())
}

/// Whether git takes it for the name of a reference (`git-check-ref-format`), or of one below `refs/tags/`.
pub(super) fn is_ref(text: &str) -> bool {
    let barred = |byte: u8| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !text.is_empty()
        && text.len() <= LONGEST_REF
        && text != "@"
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && !text.bytes().any(barred)
        && text.split('/').all(part)
}

/// Whether it can be the path of a file in a repository, or the name of a release's file.
pub(super) fn is_path(text: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    text.len() <= LONGEST_PATH && !text.chars().any(char::is_control) && text.split('/').all(part)
}

/// Tags that are moved with each release, by what they are called.
const FLOATING: [&str; 12] = [
    "latest", "stable", "nightly", "edge", "canary", "dev", "beta", "lts", "current", "rolling", "main",
    "master",
];

/// What is promised of a reference, by its full name: a tag stays where it is, unless it is one of those that
/// follow the newest release by custom, such as `v4`.
pub(super) fn kind(reference: &str) -> ReferenceKind {
    let Some(tag) = reference.strip_prefix(TAGS) else { return ReferenceKind::Moving };
    let tag = tag.strip_suffix(OBJECT).unwrap_or(tag);
    let number = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let major = !number.is_empty() && number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    if major || FLOATING.contains(&tag) { ReferenceKind::Moving } else { ReferenceKind::Fixed }
}

/// Higher than every version that an advisory names.
const BEYOND: &str = "999999999";

/// Advisories name versions, which are tags. A commit that was asked for by one is looked up as that; of another
/// nothing is known but what is said of the repository as a whole, without an end.
pub(super) fn advised_as(release: &Release) -> Cow<'_, str> {
    if commit(&release.version).is_none() {
        return Cow::Borrowed(&release.version);
    }
    let tag = release.reference.as_ref().and_then(|reference| reference.name.strip_prefix(TAGS));
    Cow::Borrowed(tag.map_or(BEYOND, |tag| tag.strip_suffix(OBJECT).unwrap_or(tag)))
}
