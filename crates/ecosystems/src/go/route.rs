//! Addresses: the GOPROXY protocol (Go Modules Reference, "GOPROXY protocol") and the checksum database behind
//! a proxy (proposal 25530, "Proxying a checksum database").

use super::{hosting, name, pointers, sumdb};
use crate::route::{Part, Route, View};
use http::Method;
use lazaret_vocabulary::{PackageName, RequestHead};
use percent_encoding::percent_decode_str;

/// The list of versions.
pub(super) const LIST: &str = "list";
/// The newest version alone.
pub(super) const LATEST: &str = "latest";

/// Longest path looked at, in bytes.
const LONGEST_PATH: usize = 2048;

/// A file of a release, by what stands behind its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Version and time, as JSON.
    Info,
    /// The `go.mod` file.
    Mod,
    /// The module itself.
    Zip,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Info, Self::Mod, Self::Zip];

    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Mod => "mod",
            Self::Zip => "zip",
        }
    }
}

/// What `request` asks for.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(segments) = segments(request.path) else { return Route::Unknown };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let reading = matches!(*request.method, Method::GET | Method::HEAD);
    match segments.as_slice() {
        ["sumdb", rest @ ..] if reading => sumdb::route(rest),
        [path @ .., "@latest"] if reading => index(path, LATEST),
        [path @ .., "@v", "list"] if reading => index(path, LIST),
        [path @ .., "@v", file] => match module(path) {
            Some(package) => of_release(request.method, package, file),
            None => Route::Unknown,
        },
        _ => Route::Unknown,
    }
}

/// The decoded segments of a path. Decoding comes after splitting, so that `%2F` cannot make a segment.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    path.strip_prefix('/')?
        .split('/')
        .map(|segment| {
            let decoded = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
            (!decoded.contains('/')).then_some(decoded)
        })
        .collect()
}

/// The module whose escaped path this is.
pub(super) fn module(path: &[&str]) -> Option<PackageName> {
    name::parse(&name::unescape(&path.join("/"))?).ok().filter(name::is_served)
}

fn index(path: &[&str], form: &'static str) -> Route {
    let Some(package) = module(path) else { return Route::Unknown };
    // That the newest version names one release only, its view says.
    let version = (form == LATEST).then(|| LATEST.into());
    Route::Index { package, view: View { form, version } }
}

fn of_release(method: &Method, package: PackageName, file: &str) -> Route {
    let Some((escaped, kind)) = split(file) else { return Route::Unknown };
    let Some(revision) = name::unescape(escaped) else { return Route::Unknown };
    match *method {
        Method::GET | Method::HEAD if name::fits(&package, &revision) => {
            Route::Artifact { package, file: file_name(&revision, kind), part: Part::Whole }
        }
        Method::GET | Method::HEAD if kind == Kind::Info && name::is_revision(&revision) => {
            Route::Pointer { package, pointer: revision, wanted: pointers::INFO.to_owned() }
        }
        Method::PUT if kind == Kind::Zip => Route::Submit {
            action: hosting::PUBLISH,
            package: Some(package),
            limit_bytes: hosting::LARGEST_PUBLISH,
        },
        Method::DELETE if kind == Kind::Zip => Route::Submit {
            action: hosting::REMOVE,
            package: Some(package),
            limit_bytes: hosting::LARGEST_REQUEST,
        },
        _ => Route::Unknown,
    }
}

/// Splits a file's name into what stands before its kind, and the kind.
pub(super) fn split(file: &str) -> Option<(&str, Kind)> {
    let (version, extension) = file.rsplit_once('.')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.extension() == extension)?;
    (!version.is_empty()).then_some((version, kind))
}

/// The name under which a release's file is kept: the version as it is, not as addresses spell it.
pub(super) fn file_name(version: &str, kind: Kind) -> String {
    format!("{version}.{}", kind.extension())
}

/// Where a proxy serves a release's file, below its address and without a leading slash.
pub(super) fn file_path(package: &PackageName, version: &str, kind: Kind) -> String {
    format!("{}/@v/{}", name::escape(package.as_str()), name::escape(&file_name(version, kind)))
}

/// The version in `…/@v/{version}.zip`, decoded.
pub(super) fn version_in(path: &str) -> Option<String> {
    let segments = segments(path)?;
    let (escaped, _) = split(segments.last()?)?;
    name::unescape(escaped)
}
