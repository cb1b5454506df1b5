//! What an address means (npm registry, "registry-api" and "package-metadata").

use super::view::{Form, MANIFEST, TAG, TAGS};
use super::{name, refuse, search};
use crate::{Part, Route, View};
use http::{Method, StatusCode};
use lazaret_vocabulary::{PackageName, Reply, RequestHead};
use percent_encoding::percent_decode_str;

/// Kinds of changes, told to [`super::hosting`].
pub(super) const PUBLISH: &str = "publish";
pub(super) const REPLACE: &str = "replace";
pub(super) const UNPUBLISH: &str = "unpublish";
pub(super) const REMOVE_FILE: &str = "remove-file";
pub(super) const TAG_SET: &str = "tag";
pub(super) const TAG_REMOVE: &str = "untag";

/// Kinds of audits, told to [`super::audit`].
pub(super) const BULK: &str = "bulk";
pub(super) const TREE: &str = "tree";

/// A tarball of 128 MiB in base64, with its manifest.
const PUBLISH_LIMIT: usize = 192 << 20;
/// A version, or a packument that is written back.
const DOCUMENT_LIMIT: usize = 64 << 20;
const TAG_LIMIT: usize = 4 << 10;

const MOST_SEGMENTS: usize = 12;
const LONGEST_SEGMENT: usize = 512;

pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(segments) = segments(request.path) else { return Route::Unknown };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] if is_read(request) => Route::Open(Reply::json("{}")),
        // There is a package that is called `-`.
        ["-", rest @ ..] if !matches!(rest, [] | ["-", _]) => service(request, rest),
        _ => {
            let route = take_name(&segments).map(|(package, rest)| of_package(request, package, rest));
            match route {
                None | Some(Route::Unknown) if is_read(request) => tarball(&segments),
                Some(route) => route,
                None => Route::Unknown,
            }
        }
    }
}

/// A tarball's address with something in front: npm 10, told to replace a lock file's host, puts the
/// registry's path before the path that is there, even where it is there already (`/npm/npm/left-pad/-/…`).
fn tarball(segments: &[&str]) -> Route {
    let (name, file) = match segments {
        [name @ .., "-", file] | [name @ .., "-", _, file] => (name, file),
        _ => return Route::Unknown,
    };
    let name = match name {
        [.., scope, bare] if scope.starts_with('@') => name::parse(&format!("{scope}/{bare}")),
        [.., bare] => name::parse(bare),
        [] => return Route::Unknown,
    };
    match name {
        Ok(package) if !file.starts_with('-') => {
            Route::Artifact { package, file: (*file).to_owned(), part: Part::Whole }
        }
        _ => Route::Unknown,
    }
}

fn is_read(request: &RequestHead<'_>) -> bool {
    matches!(*request.method, Method::GET | Method::HEAD)
}

/// The decoded segments. Each is decoded once, so `%252f` names no scope; one that decodes to a slash is the
/// encoded form of a scoped name and nothing else.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = Vec::new();
    for raw in path.split('/').filter(|_| !path.is_empty()) {
        let segment = percent_decode_str(raw).decode_utf8().ok()?;
        let odd = |c: char| c.is_control() || c == '\\';
        if segment.is_empty() || segment.len() > LONGEST_SEGMENT || segment.contains(odd) {
            return None;
        }
        match segment.split_once('/') {
            None => segments.push(segment.into_owned()),
            Some((scope, bare)) if scope.starts_with('@') && !bare.contains('/') => {
                segments.extend([scope.to_owned(), bare.to_owned()]);
            }
            Some(_) => return None,
        }
    }
    let traverses = segments.iter().any(|segment| segment.is_empty() || segment == "." || segment == "..");
    (segments.len() <= MOST_SEGMENTS && !traverses).then_some(segments)
}

/// The name in front, one segment or, with a scope, two.
fn take_name<'a, 'b>(segments: &'a [&'b str]) -> Option<(PackageName, &'a [&'b str])> {
    match segments {
        [scope, bare, rest @ ..] if scope.starts_with('@') => {
            Some((name::parse(&format!("{scope}/{bare}")).ok()?, rest))
        }
        [bare, rest @ ..] => Some((name::parse(bare).ok()?, rest)),
        [] => None,
    }
}

fn of_package(request: &RequestHead<'_>, package: PackageName, rest: &[&str]) -> Route {
    let submit = |action, limit_bytes| Route::Submit { action, package: Some(package.clone()), limit_bytes };
    if is_read(request) {
        return match rest {
            [] => {
                let form = Form::of(request).name;
                Route::Index { package, view: View { form, version: None } }
            }
            // With one segment more: the address of a withheld file says why on its way (see `render`).
            ["-", file] | ["-", _, file] if !file.starts_with('-') || package.as_str().starts_with('-') => {
                Route::Artifact { package, file: (*file).to_owned(), part: Part::Whole }
            }
            [version] if !version.starts_with('-') => {
                Route::Index { package, view: View { form: MANIFEST, version: Some((*version).into()) } }
            }
            _ => Route::Unknown,
        };
    }
    match (request.method.as_str(), rest) {
        ("PUT", []) => submit(PUBLISH, PUBLISH_LIMIT),
        ("PUT", ["-rev", _]) => submit(REPLACE, DOCUMENT_LIMIT),
        ("DELETE", ["-rev", _]) => submit(UNPUBLISH, TAG_LIMIT),
        ("DELETE", ["-", _, "-rev", _]) => submit(REMOVE_FILE, TAG_LIMIT),
        _ => Route::Unknown,
    }
}

/// The file that the address of a `remove-file` names.
pub(super) fn file_in(path: &str) -> Option<String> {
    let segments = segments(path)?;
    let at = segments.iter().position(|segment| segment == "-rev")?;
    segments.get(at.checked_sub(1)?).cloned()
}

/// The tag that the address of a `tag` or `untag` names.
pub(super) fn tag_in(path: &str) -> Option<String> {
    let segments = segments(path)?;
    let at = segments.iter().rposition(|segment| segment == "dist-tags")?;
    segments.get(at.checked_add(1)?).cloned()
}

/// What stands below `/-/`.
fn service(request: &RequestHead<'_>, rest: &[&str]) -> Route {
    let read = is_read(request);
    match (request.method.as_str(), rest) {
        (_, ["ping"]) if read => Route::Open(Reply::json("{}")),
        (_, ["whoami"]) if read => Route::WhoAmI,
        (_, ["v1", "search"]) if read => Route::Search(search::parse(request.query)),
        ("POST", ["npm", "v1", "security", "advisories", "bulk"]) => Route::Audit { kind: BULK },
        ("POST", ["npm", "v1", "security", "audits"] | ["npm", "v1", "security", "audits", "quick"]) => {
            Route::Audit { kind: TREE }
        }
        (_, ["npm", "v1", "keys"]) if read => {
            Route::Fixed(refuse::plain(StatusCode::NOT_FOUND, "this registry signs nothing itself"))
        }
        (_, ["npm", "v1", "attestations", ..]) if read => {
            Route::Fixed(refuse::plain(StatusCode::NOT_FOUND, "no attestations are served here"))
        }
        (_, ["v1", "login" | "done", ..] | ["user" | "login", ..] | ["npm", "v1", "user" | "tokens", ..]) => {
            Route::Open(refuse::plain(StatusCode::METHOD_NOT_ALLOWED, NO_LOGIN))
        }
        (_, ["package", rest @ ..]) => tags(request, rest),
        _ => Route::Unknown,
    }
}

const NO_LOGIN: &str = "nobody logs in here with a password: ask the gateway's operator for a token and put \
                        it into .npmrc as //HOST/PATH/:_authToken=TOKEN";

fn tags(request: &RequestHead<'_>, rest: &[&str]) -> Route {
    let Some((package, rest)) = take_name(rest) else { return Route::Unknown };
    let submit = |action, package| Route::Submit { action, package: Some(package), limit_bytes: TAG_LIMIT };
    match (request.method.as_str(), rest) {
        ("GET" | "HEAD", ["dist-tags"]) => Route::Index { package, view: View { form: TAGS, version: None } },
        ("GET" | "HEAD", ["dist-tags", tag]) => {
            Route::Index { package, view: View { form: TAG, version: Some((*tag).into()) } }
        }
        ("PUT" | "POST", ["dist-tags", _]) => submit(TAG_SET, package),
        ("DELETE", ["dist-tags", _]) => submit(TAG_REMOVE, package),
        _ => Route::Unknown,
    }
}
