//! Addresses (OCI Distribution Specification 1.1, "Endpoints"). A repository's name may hold every word of the
//! protocol, so addresses are read from their end.

use super::{credentials, hosting, lists, manifest, name, refuse};
use crate::route::{Part, Route, UploadStep};
use http::{Method, StatusCode};
use lazaret_vocabulary::{Digest, PackageName, RequestHead};
use percent_encoding::percent_decode_str;

/// Longest path looked at, in bytes. The longest meaningful one is well below.
const LONGEST_PATH: usize = 2048;
/// Most parts of a query looked at.
const MOST_PARAMETERS: usize = 100;
/// Longest name of an upload's session, in bytes.
const LONGEST_SESSION: usize = 200;

/// A path, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The repository, not checked yet.
    pub name: String,
    pub what: What,
}

/// What of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// By tag or digest.
    Manifest(String),
    /// By digest.
    Blob(String),
    Uploads,
    Upload(String),
    Tags,
    /// Of the manifest with this digest.
    Referrers(String),
}

/// Takes a path apart; `None` where it has no meaning.
pub(super) fn asked(path: &str) -> Option<Asked> {
    let segments = segments(path)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (repository, what) = match segments.as_slice() {
        [repository @ .., "blobs", "uploads", ""] | [repository @ .., "blobs", "uploads"] => {
            (repository, What::Uploads)
        }
        [repository @ .., "blobs", "uploads", session] => (repository, What::Upload((*session).to_owned())),
        [repository @ .., "manifests", reference] => (repository, What::Manifest((*reference).to_owned())),
        [repository @ .., "blobs", digest] => (repository, What::Blob((*digest).to_owned())),
        [repository @ .., "tags", "list"] => (repository, What::Tags),
        [repository @ .., "referrers", digest] => (repository, What::Referrers((*digest).to_owned())),
        _ => return None,
    };
    (!repository.is_empty()).then(|| Asked { name: repository.join("/"), what })
}

/// The decoded segments of a path. Decoding comes after splitting, so that `%2F` cannot make a segment.
fn segments(path: &str) -> Option<Vec<String>> {
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

/// The decoded parameters of a query. A `+` is one: nothing that is asked for here has blanks in it.
pub(super) fn parameters(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .take(MOST_PARAMETERS)
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// The first parameter of this name.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    parameters(query).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// What `request` asks for. A mirror's `ns` says which registry the client has in mind: it has no say, since
/// the operator decides what stands behind a name.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let reading = matches!(*request.method, Method::GET | Method::HEAD);
    match request.path {
        "/" | "" if reading => return credentials::greeting(request),
        "/token" if reading => return credentials::token(request),
        "/_catalog" if reading => return Route::Catalogue { name: lists::CATALOGUE.to_owned() },
        _ => {}
    }
    let Some(Asked { name, what }) = asked(request.path) else { return Route::Unknown };
    let package = match name::parse(&name) {
        Ok(package) => package,
        Err(error) => return wrong(request, &error.to_string()),
    };
    match what {
        What::Manifest(reference) => manifest(request, package, reference),
        What::Blob(text) => match name::digest(&text) {
            None => wrong(request, NO_DIGEST),
            Some(digest) if reading => artifact(package, name::File::Blob(digest)),
            Some(digest) if *request.method == Method::DELETE => {
                Route::Upload { package, step: UploadStep::Remove { digest } }
            }
            Some(_) => unsupported(request),
        },
        What::Uploads => match *request.method {
            Method::POST => begin(request, package),
            _ => unsupported(request),
        },
        What::Upload(session) => upload(request, package, session),
        What::Tags if reading => Route::Relay(lists::tags(package, request.query)),
        What::Referrers(text) if reading => match name::digest(&text) {
            Some(digest) => Route::Relay(lists::referrers(package, &digest, request.query)),
            None => wrong(request, NO_DIGEST),
        },
        What::Tags | What::Referrers(_) => unsupported(request),
    }
}

/// How a digest has to look. The words are also how an error is told from others of its status.
pub(super) const NO_DIGEST: &str =
    "the digest is not `sha256:` and 64, or `sha512:` and 128 digits from 0 to f";

fn wrong(request: &RequestHead<'_>, message: &str) -> Route {
    Route::Fixed(refuse::error(StatusCode::BAD_REQUEST, message, request))
}

fn unsupported(request: &RequestHead<'_>) -> Route {
    let message = format!("{} means nothing at this address", request.method);
    Route::Fixed(refuse::error(StatusCode::METHOD_NOT_ALLOWED, &message, request))
}

fn artifact(package: PackageName, file: name::File) -> Route {
    Route::Artifact { package, file: file.key(), part: Part::Whole }
}

fn manifest(request: &RequestHead<'_>, package: PackageName, reference: String) -> Route {
    let submit = |action, limit_bytes| Route::Submit { action, package: Some(package.clone()), limit_bytes };
    match *request.method {
        // A reference that is none is refused by whoever reads the body, so that the client has sent it.
        Method::PUT => submit(hosting::PUT, manifest::LARGEST),
        Method::GET | Method::HEAD | Method::DELETE => match name::digest(&reference) {
            None if !name::is_tag(&reference) => wrong(request, NO_DIGEST),
            _ if *request.method == Method::DELETE => submit(hosting::DELETE, 0),
            Some(digest) => artifact(package, name::File::Manifest(digest)),
            None => Route::Pointer { package, pointer: reference, wanted: String::new() },
        },
        _ => unsupported(request),
    }
}

fn begin(request: &RequestHead<'_>, package: PackageName) -> Route {
    let read = |key| match parameter(request.query, key) {
        Some(text) => name::digest(&text).map(Some).ok_or(()),
        None => Ok(None),
    };
    let (Ok(digest), Ok(mount)) = (read("digest"), read("mount")) else { return wrong(request, NO_DIGEST) };
    let from = parameter(request.query, "from").map(|from| name::parse(&from));
    let mount = match (mount, from) {
        // From a repository that cannot exist nothing can be taken over, but the client may go on and upload.
        (Some(_), Some(Err(_))) | (None, _) => None,
        (Some(digest), Some(Ok(from))) => Some((digest, Some(from))),
        (Some(digest), None) => Some((digest, None)),
    };
    Route::Upload { package, step: UploadStep::Begin { digest, mount } }
}

fn upload(request: &RequestHead<'_>, package: PackageName, session: String) -> Route {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=');
    if session.len() > LONGEST_SESSION || !session.bytes().all(plain) {
        return Route::Fixed(refuse::error(StatusCode::NOT_FOUND, "there is no such upload", request));
    }
    let Ok(range) = range(request.header("content-range")) else {
        return wrong(request, "the header Content-Range is not `<first byte>-<last byte>`");
    };
    let step = match *request.method {
        Method::GET | Method::HEAD => UploadStep::Status { session },
        Method::PATCH => UploadStep::Append { session, range },
        Method::DELETE => UploadStep::Cancel { session },
        Method::PUT => match finishing(request.query) {
            Some(digest) => UploadStep::Finish { session, digest, range },
            None => return wrong(request, NO_DIGEST),
        },
        _ => return unsupported(request),
    };
    Route::Upload { package, step }
}

fn finishing(query: &str) -> Option<Digest> {
    name::digest(&parameter(query, "digest")?)
}

/// `0-99`, and `bytes 0-99/1000` of clients that take RFC 9110 by the word.
fn range(header: &str) -> Result<Option<(u64, u64)>, ()> {
    let text = header.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let text = text.strip_prefix("bytes").unwrap_or(text).trim_start_matches([' ', '=']);
    let text = text.split('/').next().unwrap_or(text);
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let (first, last): (&str, &str) = text.split_once('-').ok_or(())?;
    let (first, last): (u64, u64) = (number(first).ok_or(())?, number(last).ok_or(())?);
    if first <= last { Ok(Some((first, last))) } else { Err(()) }
}
