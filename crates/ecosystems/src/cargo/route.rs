//! Addresses: the sparse index, downloads, and the web API (the Cargo book, "Running a registry").

use super::{hosting, name, search};
use crate::route::{Part, Route, View};
use http::{Method, StatusCode};
use lazaret_vocabulary::{PackageName, Reply, RequestHead};
use percent_encoding::percent_decode_str;

/// The one form an index file has.
pub(super) const INDEX_FORM: &str = "index";

/// Longest path looked at, in bytes. The longest meaningful one is well below.
const LONGEST_PATH: usize = 1024;

/// Told to whoever opens the page that `cargo login` names.
const LOGIN_HINT: &str = "Tokens of this registry are made with `lazaret token create`. \
    Store yours with `cargo login --registry lazaret`.\n";

/// What `request` asks for.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(segments) = segments(request.path) else { return Route::Unknown };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let reading = matches!(*request.method, Method::GET | Method::HEAD);
    match segments.as_slice() {
        ["config.json"] if reading => Route::Config,
        ["me"] if reading && request.header("authorization").is_empty() => {
            Route::Open(Reply::new(StatusCode::OK, "text/plain; charset=utf-8", LOGIN_HINT))
        }
        ["me"] if reading => Route::WhoAmI,
        ["api", "v1", "crates"] if reading => Route::Search(search::parse(request.query)),
        ["api", "v1", "crates", rest @ ..] => api(request.method, rest),
        [directory, crate_name] if reading => index(directory, crate_name),
        [first, second, crate_name] if reading => index(&format!("{first}/{second}"), crate_name),
        _ => Route::Unknown,
    }
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

fn index(directory: &str, crate_name: &str) -> Route {
    match name::parse(crate_name) {
        Ok(package) if directory.eq_ignore_ascii_case(&name::prefix(crate_name)) => {
            Route::Index { package, view: View { form: INDEX_FORM, version: None } }
        }
        _ => Route::Unknown,
    }
}

/// Everything below `/api/v1/crates/`.
fn api(method: &Method, rest: &[&str]) -> Route {
    if matches!(rest, ["new"]) && *method == Method::PUT {
        return Route::Submit {
            action: hosting::PUBLISH,
            package: None,
            limit_bytes: hosting::LARGEST_PUBLISH,
        };
    }
    let Some(package) = rest.first().and_then(|text| name::parse(text).ok()) else { return Route::Unknown };
    match (method.as_str(), rest) {
        ("GET" | "HEAD", [crate_name, version, "download"]) => download(package, crate_name, version),
        ("DELETE", [_, _, "yank"]) => submit(hosting::YANK, package),
        ("PUT", [_, _, "unyank"]) => submit(hosting::UNYANK, package),
        ("GET", [_, "owners"]) => submit(hosting::OWNERS_LIST, package),
        ("PUT", [_, "owners"]) => submit(hosting::OWNERS_ADD, package),
        ("DELETE", [_, "owners"]) => submit(hosting::OWNERS_REMOVE, package),
        _ => Route::Unknown,
    }
}

fn download(package: PackageName, crate_name: &str, version: &str) -> Route {
    match semver::Version::parse(version) {
        Ok(_) => Route::Artifact { package, file: artifact_file(crate_name, version), part: Part::Whole },
        Err(_) => Route::Unknown,
    }
}

fn submit(action: &'static str, package: PackageName) -> Route {
    Route::Submit { action, package: Some(package), limit_bytes: hosting::LARGEST_REQUEST }
}

/// The file name of a release, as cargo stores it.
pub(super) fn artifact_file(crate_name: &str, version: &str) -> String {
    format!("{crate_name}-{version}.crate")
}

/// The version in `…/{crate}/{version}/yank` and `…/unyank`, decoded.
pub(super) fn version_in(path: &str) -> Option<String> {
    let segments = segments(path)?;
    segments.get(4).filter(|version| semver::Version::parse(version).is_ok()).cloned()
}

/// Whether a request goes to the web API, whose errors are JSON. Downloads stand below the same path, but
/// cargo prints their body as it is.
pub(super) fn speaks_json(request: &RequestHead<'_>) -> bool {
    request.path.starts_with("/api/") && !request.path.ends_with("/download")
}
