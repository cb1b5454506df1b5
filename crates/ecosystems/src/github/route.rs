//! Addresses. They are those of the host, so that a client is pointed here by replacing the beginning of its
//! address: git's smart protocol (`gitprotocol-http`), and what the web site, the host of archives, the host of
//! raw files and the REST API have to download. The last three also stand below `/-/`, where no owner can be.

use super::files::{Archive, File};
use super::name::{self, HEAD};
use super::{API_UPSTREAM, CODELOAD_UPSTREAM, RAW_UPSTREAM, WEB_UPSTREAM, refuse, relay};
use crate::route::{FetchScope, Part, Route, View};
use crate::{Fetch, Relay};
use http::Method;
use lazaret_vocabulary::{PackageName, RequestHead};
use percent_encoding::percent_decode_str;

/// Longest path looked at, in bytes.
const LONGEST_PATH: usize = 2048;

/// All releases with their files, as the API lists them.
pub(super) const LIST: &str = "releases";
/// One of them, by its tag.
pub(super) const ONE: &str = "release";
/// The newest of them.
pub(super) const LATEST: &str = "latest";
/// A redirect to the page of the newest.
pub(super) const LATEST_PAGE: &str = "latest-page";
/// A redirect to a file of the newest.
pub(super) const LATEST_FILE: &str = "latest-file";
/// Further pages of the list, which stay empty.
pub(super) const NO_MORE: &str = "no-more";

/// The one kind of question.
pub(super) const UPLOAD_PACK: &str = "upload-pack";
/// Largest question, in bytes, unpacked: more than 100 000 commits that a client says it has.
pub(super) const LARGEST_QUESTION: usize = 8 << 20;

/// The file of a release that a pointer is asked for: none in particular.
pub(super) const ANY: &str = "";
/// One file; the pointer has its path behind the reference.
pub(super) const RAW: &str = "raw";

/// What `request` asks for.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(segments) = segments(request.path) else { return Route::Unknown };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let reading = matches!(*request.method, Method::GET | Method::HEAD);
    match segments.as_slice() {
        ["-", RAW_UPSTREAM, owner, repository, rest @ ..] if reading => raw(owner, repository, rest),
        ["-", CODELOAD_UPSTREAM, owner, repository, form, rest @ ..] if reading => {
            packed(owner, repository, form, rest)
        }
        ["-", API_UPSTREAM, "repos", owner, repository, rest @ ..] if reading => {
            api(owner, repository, rest, request.query)
        }
        ["repos", owner, repository, rest @ ..] if reading && !rest.is_empty() => {
            api(owner, repository, rest, request.query)
        }
        [owner, repository, rest @ ..] => match name::pair(owner, repository) {
            Some(package) => repository_address(package, rest, request),
            None => Route::Unknown,
        },
        _ => Route::Unknown,
    }
}

/// Whether a request is git's own, and so answered in its words.
pub(super) fn is_question(request: &RequestHead<'_>) -> bool {
    *request.method == Method::POST && request.path.ends_with("/git-upload-pack")
}

/// Whether a request goes to the API, whose errors are JSON.
pub(super) fn speaks_json(request: &RequestHead<'_>) -> bool {
    let below_api = ["/repos/", "/-/api/"].iter().any(|prefix| request.path.starts_with(prefix));
    below_api && !is_question(request)
}

/// The decoded segments of a path. Decoding comes after splitting, so that `%2F` cannot make a segment.
fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    path.strip_prefix('/')?
        .split('/')
        .map(|segment| Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned()))
        .collect()
}

/// Everything below `/{owner}/{repository}`.
fn repository_address(package: PackageName, rest: &[&str], request: &RequestHead<'_>) -> Route {
    let reading = matches!(*request.method, Method::GET | Method::HEAD);
    match rest {
        ["info", "refs"] if reading => advertisement(package, request),
        ["git-upload-pack"] if *request.method == Method::POST => {
            Route::Converse { package, kind: UPLOAD_PACK, limit_bytes: LARGEST_QUESTION }
        }
        ["git-receive-pack"] => Route::Open(refuse::pushing(request)),
        _ if !reading => Route::Unknown,
        ["releases", "latest"] => index(package, LATEST_PAGE, Some("")),
        ["releases", "latest", "download", file] => index(package, LATEST_FILE, Some(file)),
        ["releases", "tag", tag @ ..] => tagged(package, tag),
        ["releases", "download", rest @ ..] => match File::asset(&rest.join("/")) {
            Some(file) => artifact(package, &file),
            None => Route::Unknown,
        },
        ["archive", rest @ ..] => {
            let name = rest.join("/");
            let packed = |ending: &str, kind| Some((name.strip_suffix(ending)?, kind));
            match packed(".tar.gz", Archive::TarGz).or_else(|| packed(".zip", Archive::Zip)) {
                Some((at, kind)) => archive(package, at, kind),
                None => Route::Unknown,
            }
        }
        ["raw", rest @ ..] => raw_file(package, rest),
        [form @ ("tarball" | "zipball"), rest @ ..] => ball(package, form, rest),
        [form, rest @ ..] => match Archive::from_word(form) {
            Some(kind) => archive(package, &rest.join("/"), kind),
            None => Route::Unknown,
        },
        [] => Route::Unknown,
    }
}

/// What git asks first: where the names stand (protocol version 0 and 1), or what the server can do (2).
fn advertisement(package: PackageName, request: &RequestHead<'_>) -> Route {
    let service = request.query.split('&').find_map(|pair| pair.strip_prefix("service="));
    match service {
        Some("git-upload-pack") => {}
        Some("git-receive-pack") => return Route::Open(refuse::pushing(request)),
        // The older protocol reads the repository's files one by one.
        _ => return Route::Unknown,
    }
    let second = request.header("git-protocol").split(':').any(|word| word.trim() == "version=2");
    let fetch = if second { relay::capabilities(&package) } else { relay::refs(&package) };
    let key = format!("{}:{}", package.key(), fetch.role);
    Route::Relay(Relay { package: Some(package), hosted_view: None, fetch, key, immutable: false })
}

/// A document about a repository, from its web address.
pub(super) fn web(role: &'static str, path: String, accept: &'static str) -> Fetch {
    Fetch { role, upstream: WEB_UPSTREAM.into(), path, accept, scope: FetchScope::Package }
}

/// `/repos/{owner}/{repository}/…` of the REST API: releases and archives, nothing else.
fn api(owner: &str, repository: &str, rest: &[&str], query: &str) -> Route {
    let Some(package) = name::pair(owner, repository) else { return Route::Unknown };
    match rest {
        ["releases"] => {
            let page = query.split('&').find_map(|pair| pair.strip_prefix("page="));
            let first = page.is_none_or(|page| matches!(page, "" | "0" | "1"));
            if first { index(package, LIST, None) } else { index(package, NO_MORE, Some("")) }
        }
        ["releases", "latest"] => index(package, LATEST, Some("")),
        ["releases", "tags", tag @ ..] => tagged(package, tag),
        [form @ ("tarball" | "zipball"), rest @ ..] => ball(package, form, rest),
        _ => Route::Unknown,
    }
}

fn index(package: PackageName, form: &'static str, version: Option<&str>) -> Route {
    Route::Index { package, view: View { form, version: version.map(Into::into) } }
}

fn tagged(package: PackageName, tag: &[&str]) -> Route {
    let tag = tag.join("/");
    if name::is_ref(&tag) { index(package, ONE, Some(&tag)) } else { Route::Unknown }
}

fn artifact(package: PackageName, file: &File) -> Route {
    Route::Artifact { package, file: file.key(), part: Part::Whole }
}

/// `tarball` and `zipball`, of the first branch where nothing is named.
fn ball(package: PackageName, form: &str, rest: &[&str]) -> Route {
    let kind = if form == "tarball" { Archive::LegacyTarGz } else { Archive::LegacyZip };
    let at = rest.join("/");
    archive(package, if at.is_empty() { HEAD } else { &at }, kind)
}

fn packed(owner: &str, repository: &str, form: &str, rest: &[&str]) -> Route {
    match (name::pair(owner, repository), Archive::from_word(form)) {
        (Some(package), Some(kind)) => archive(package, &rest.join("/"), kind),
        _ => Route::Unknown,
    }
}

/// The sources at a commit, or at what a name stands for.
fn archive(package: PackageName, at: &str, kind: Archive) -> Route {
    if let Some(commit) = name::commit(at) {
        return artifact(package, &File::Archive { kind, commit, name: None });
    }
    if !name::is_ref(at) {
        return Route::Unknown;
    }
    Route::Pointer { package, pointer: at.to_owned(), wanted: kind.word().to_owned() }
}

fn raw(owner: &str, repository: &str, rest: &[&str]) -> Route {
    match name::pair(owner, repository) {
        Some(package) => raw_file(package, rest),
        None => Route::Unknown,
    }
}

/// A file at a commit, or at what a name stands for. Names may have slashes in them, so only who knows the
/// names can tell where the path begins.
fn raw_file(package: PackageName, rest: &[&str]) -> Route {
    let text = rest.join("/");
    if rest.len() < 2 || !name::is_path(&text) {
        return Route::Unknown;
    }
    if let Some((at, path)) = text.split_once('/')
        && let Some(commit) = name::commit(at)
    {
        return artifact(package, &File::Raw { commit, path: path.to_owned() });
    }
    Route::Pointer { package, pointer: text, wanted: RAW.to_owned() }
}
