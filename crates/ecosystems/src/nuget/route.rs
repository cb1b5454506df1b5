//! Addresses (NuGet server API): the ones that the gateway's own service index names.

use super::{hosting, name, search, service, version};
use crate::route::{Part, Route, View};
use http::Method;
use lazaret_vocabulary::{PackageName, RequestHead};
use percent_encoding::percent_decode_str;

/// The version list of the flat container.
pub(super) const FLAT: &str = "flat";
/// Registrations in their three hives, and the leaf of one version in each. Only the last of the hives has
/// versions by SemVer 2.0.0.
pub(super) const HIVES: [(&str, &str); 3] = [
    ("registration", "registration-leaf"),
    ("registration-gz", "registration-gz-leaf"),
    ("registration-gz-semver2", "registration-gz-semver2-leaf"),
];
/// Versions of one package, for completion: stable ones, and all.
pub(super) const STABLE: &str = "versions-stable";
/// See [`STABLE`].
pub(super) const ALL: &str = "versions-all";

/// Longest path looked at, in bytes. Id and version stand in it twice.
const LONGEST_PATH: usize = 2_048;

/// What `request` asks for.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(segments) = segments(request.path) else { return Route::Unknown };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let reading = matches!(*request.method, Method::GET | Method::HEAD);
    match segments.as_slice() {
        ["v3", rest @ ..] if reading => resource(rest, request.query),
        ["api", "v2", rest @ ..] => publishing(request.method, rest),
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

fn resource(rest: &[&str], query: &str) -> Route {
    match rest {
        ["index.json"] => Route::Config,
        ["repository-signatures", "index.json"] => Route::Fixed(service::repository_signatures()),
        ["search"] => Route::Search(search::parse(query, search::PACKAGES)),
        ["autocomplete"] => completion(query),
        ["flat", id, "index.json"] => index(id, FLAT, None),
        ["flat", id, of, file] => file_of(id, of, file),
        [hive, id, document] => registration(hive, id, document),
        _ => Route::Unknown,
    }
}

fn index(id: &str, form: &'static str, version: Option<Box<str>>) -> Route {
    match name::in_address(id) {
        Some(package) => Route::Index { package, view: View { form, version } },
        None => Route::Unknown,
    }
}

fn registration(hive: &str, id: &str, document: &str) -> Route {
    let Some((all, leaf)) = HIVES.iter().find(|(form, _)| *form == hive) else { return Route::Unknown };
    if document == "index.json" {
        return index(id, all, None);
    }
    match document.strip_suffix(".json").and_then(version::normalise) {
        Some(version) => index(id, leaf, Some(version.into())),
        None => Route::Unknown,
    }
}

/// With an `id` the versions of that package are asked for, otherwise ids that begin so.
fn completion(query: &str) -> Route {
    let search = search::parse(query, search::COMPLETIONS);
    match search::parameter(query, "id") {
        Some(id) => {
            let prerelease = search::parameter(query, "prerelease");
            let all = prerelease.is_some_and(|value| value.eq_ignore_ascii_case("true"));
            index(&id, if all { ALL } else { STABLE }, None)
        }
        None => Route::Search(search),
    }
}

/// `{id}.{version}.nupkg`, its nuspec, or its symbols.
fn file_of(id: &str, of: &str, file: &str) -> Route {
    let (Some(package), Some(version)) = (name::in_address(id), version::normalise(of)) else {
        return Route::Unknown;
    };
    let (key, file) = (package.key().to_owned(), file.to_ascii_lowercase());
    let of = of.to_ascii_lowercase();
    let (file, part) = if file == format!("{key}.nuspec") {
        (name::package_file(&key, &version), Part::Metadata)
    } else if file == name::package_file(&key, &of) {
        (name::package_file(&key, &version), Part::Whole)
    } else if file == name::symbols_file(&key, &of) {
        (name::symbols_file(&key, &version), Part::Whole)
    } else {
        return Route::Unknown;
    };
    Route::Artifact { package, file, part }
}

/// Everything below `/api/v2/`. nuget.exe writes a slash behind the address that it sends packages to.
fn publishing(method: &Method, rest: &[&str]) -> Route {
    let submit =
        |action, package: Option<PackageName>, limit_bytes| Route::Submit { action, package, limit_bytes };
    match (method.as_str(), rest) {
        ("PUT", ["package"] | ["package", ""]) => submit(hosting::PUSH, None, hosting::LARGEST_PUSH),
        ("PUT", ["symbolpackage"] | ["symbolpackage", ""]) => {
            submit(hosting::SYMBOLS, None, hosting::LARGEST_PUSH)
        }
        ("DELETE" | "POST", ["package", id, of]) => {
            let action = if method == Method::DELETE { hosting::UNLIST } else { hosting::RELIST };
            match (name::parse(id), version::normalise(of)) {
                (Ok(package), Some(_)) => submit(action, Some(package), hosting::LARGEST_REQUEST),
                _ => Route::Unknown,
            }
        }
        _ => Route::Unknown,
    }
}

/// The version in `/api/v2/package/{id}/{version}`, normalised.
pub(super) fn version_in(path: &str) -> Option<String> {
    version::normalise(segments(path)?.get(4)?)
}

/// The address of a file below the mount.
pub(super) fn file_path(key: &str, version: &str) -> String {
    format!("/v3/flat/{key}/{version}/{}", name::package_file(key, version))
}
