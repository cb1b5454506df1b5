//! What is known of one commit, or of a release that is not among the newest: by its file's name alone, and by
//! the REST API where an address for it is configured.

use super::documents::{self, ApiRelease, COMMIT, RELEASE, REPOSITORY, Repository};
use super::files::{Archive, File, encoded};
use super::{API_UPSTREAM, name};
use crate::route::Wanted;
use crate::{Detail, Details, Need};
use lazaret_vocabulary::{Document, Malformed, PackageName, Release, Timestamp};
use serde::Deserialize;

/// Commits and releases, one by one.
pub(super) struct OneByOne;

impl Details for OneByOne {
    fn unlisted(&self, package: &PackageName, file: &str, need: &Need<'_>) -> Option<Release> {
        File::parse(file).map(|file| file.release(package, need))
    }

    /// The sources. Of a name nothing can be said before it is known what it stands for.
    fn main_file(&self, _package: &PackageName, version: &str) -> Option<String> {
        let commit = name::commit(version)?;
        Some(File::Archive { kind: Archive::TarGz, commit, name: None }.key())
    }

    fn wanted(&self, package: &PackageName, release: &Release, have: &[Document], need: &Need<'_>) -> Wanted {
        if !need.has(API_UPSTREAM) || !have.is_empty() {
            return Wanted::Enough;
        }
        let of_release = match name::commit(&release.version) {
            Some(commit) => documents::fetch(COMMIT, package, &format!("/git/commits/{commit}")),
            None if release.published.is_some() => return Wanted::Enough,
            None => {
                let below = format!("/releases/tags/{}", encoded(&release.version));
                documents::fetch(RELEASE, package, &below)
            }
        };
        let mut fetches = vec![of_release];
        if need.details {
            fetches.push(documents::fetch(REPOSITORY, package, ""));
        }
        Wanted::Fetch(fetches)
    }

    /// The API's silence proves nothing: it may see less than the web address, and a file that does not exist
    /// is found out when it is asked for.
    fn read(
        &self,
        package: &PackageName,
        release: &Release,
        have: &[Document],
    ) -> Result<Option<Detail>, Malformed> {
        let find = |role| have.iter().find(|document| document.role == role);
        let mut detail = Detail::default();
        if let Some(document) = find(REPOSITORY) {
            detail.licence = Repository::read(document)?.licence().map(str::to_owned);
        }
        if let Some(document) = find(COMMIT) {
            detail.claimed = committed(document, &release.version)?;
        }
        if let Some(document) = find(RELEASE) {
            about_release(document, package, release, &mut detail)?;
        }
        Ok(Some(detail))
    }

    fn for_listing(&self) -> bool {
        false
    }
}

/// What is read of a commit.
#[derive(Deserialize)]
struct Commit {
    sha: String,
    committer: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    date: Option<String>,
}

/// When the commit was made, in the word of whoever made it.
fn committed(document: &Document, version: &str) -> Result<Option<Timestamp>, Malformed> {
    let commit: Commit = serde_json::from_slice(&document.body)
        .map_err(|error| Malformed::new(format!("a commit of the API: {error}")))?;
    if !commit.sha.eq_ignore_ascii_case(version) {
        return Err(Malformed::new("the API answers with another commit"));
    }
    let date = commit.committer.and_then(|committer| committer.date);
    Ok(date.and_then(|date| Timestamp::parse(&date).ok()))
}

/// Who published a release, and when it or the file asked for came. What is kept of a release that is not listed
/// is kept for ever and serves all its files, each of which can be exchanged: so the date counts against them
/// alone, and no digest is kept.
fn about_release(
    document: &Document,
    package: &PackageName,
    release: &Release,
    detail: &mut Detail,
) -> Result<(), Malformed> {
    let text = std::str::from_utf8(&document.body).map_err(|_| Malformed::new("a release is no UTF-8"))?;
    let Some(told) = ApiRelease::parse(text)? else { return Ok(()) };
    if *told.tag() != *release.version {
        return Err(Malformed::new("the API answers with another release"));
    }
    detail.publisher = told.author().map(str::to_owned);
    let need = Need { dates_after: None, details: false, roles: &[] };
    let asked = |file: &str| release.artifacts.iter().any(|artifact| *artifact.file == *file);
    let files = told.attached(package, &need).into_iter();
    let came = files.filter(|file| asked(&file.artifact.file)).filter_map(|file| file.later).max();
    detail.claimed = told.published().max(came);
    Ok(())
}
