//! Addresses (PEP 503, 658, 691; the legacy JSON and upload APIs).

use super::{hosting, name, search, version};
use crate::route::{Part, Route, View};
use http::{Method, StatusCode};
use lazaret_vocabulary::{Reply, RequestHead};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// PEP 691.
pub(super) const SIMPLE_JSON: &str = "simple-json";
/// The same for uv, which prints why a file is yanked (see `render::Rendering::reasons`).
pub(super) const SIMPLE_JSON_UV: &str = "simple-json-uv";
/// PEP 503, answered as `text/html`.
pub(super) const SIMPLE_HTML: &str = "simple-html";
/// The same under the media type that PEP 691 gave it, for those who ask for nothing else.
pub(super) const SIMPLE_V1_HTML: &str = "simple-v1-html";
/// The legacy JSON document of a project, or with a version of one release.
pub(super) const PROJECT_JSON: &str = "project-json";

/// Media type of [`SIMPLE_JSON`].
pub(super) const JSON_TYPE: &str = "application/vnd.pypi.simple.v1+json";
/// Media type of [`SIMPLE_V1_HTML`].
pub(super) const HTML_TYPE: &str = "application/vnd.pypi.simple.v1+html";

/// Longest path looked at, in bytes.
const LONGEST_PATH: usize = 1024;
/// Longest file name accepted, in bytes: what file systems take.
const LONGEST_FILE: usize = 255;

/// What may stand bare in one segment of a path (RFC 3986 §3.3, less than it allows).
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'+')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What `request` asks for.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(segments) = segments(request.path) else { return Route::Unknown };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if *request.method == Method::POST {
        return match segments.as_slice() {
            ["legacy"] | ["legacy", ""] => Route::Submit {
                action: hosting::FORM,
                package: None,
                limit_bytes: hosting::LARGEST_FORM_BYTES,
            },
            _ => Route::Unknown,
        };
    }
    if !matches!(*request.method, Method::GET | Method::HEAD) {
        return Route::Unknown;
    }
    match segments.as_slice() {
        ["simple"] => Route::Fixed(Reply::redirect("simple/")),
        ["simple", ""] => Route::Fixed(root(request)),
        ["simple", text] => page(text, "", request),
        ["simple", text, ""] => page(text, "../", request),
        ["files", text, file] => artifact(text, file),
        ["pypi", text, "json"] => project(text, None),
        ["pypi", text, release, "json"] => project(text, Some(release)),
        ["search"] | ["search", ""] => search::parse(request.query).map_or(Route::Unknown, Route::Search),
        ["whoami"] => Route::WhoAmI,
        _ => Route::Unknown,
    }
}

/// The decoded segments of a path. They are split first and decoded once, so that `%2F` makes no segment
/// and `%252e` no dot; a segment that then holds a separator, a control character or nothing but dots has no
/// meaning here.
fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    path.strip_prefix('/')?
        .split('/')
        .map(|segment| {
            let text = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
            (text.is_empty() || is_file_name(&text)).then_some(text)
        })
        .collect()
}

/// Whether a text can stand as one segment of an address and as a file's name anywhere.
pub(super) fn is_file_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_FILE
        && text.chars().any(|letter| letter != '.')
        && !text.chars().any(|letter| letter.is_control() || matches!(letter, '/' | '\\'))
}

/// Project pages stand under the normalised name with a slash behind it; everything else is sent there.
/// The address is relative, so that it is right under whatever name the client reaches the gateway.
fn page(text: &str, up: &str, request: &RequestHead<'_>) -> Route {
    let Ok(package) = name(text) else { return Route::Unknown };
    if up.is_empty() || text != package.key() {
        return Route::Fixed(Reply::redirect(&format!("{up}{}/", package.key())));
    }
    let form = match negotiate(request) {
        SIMPLE_JSON if request.header("user-agent").starts_with("uv/") => SIMPLE_JSON_UV,
        form => form,
    };
    Route::Index { package, view: View { form, version: None } }
}

fn artifact(text: &str, file: &str) -> Route {
    let Ok(package) = name(text) else { return Route::Unknown };
    match file.strip_suffix(".metadata") {
        Some(whole) if is_file_name(whole) => {
            Route::Artifact { package, file: whole.to_owned(), part: Part::Metadata }
        }
        _ if file.is_empty() => Route::Unknown,
        _ => Route::Artifact { package, file: file.to_owned(), part: Part::Whole },
    }
}

fn project(text: &str, release: Option<&str>) -> Route {
    let Ok(package) = name(text) else { return Route::Unknown };
    let version = release.map(|release| version::canonical(release).into_boxed_str());
    Route::Index { package, view: View { form: PROJECT_JSON, version } }
}

/// The path of a file below the mount, encoded.
pub(super) fn file_path(key: &str, file: &str) -> String {
    format!("/files/{key}/{}", utf8_percent_encode(file, SEGMENT))
}

/// Whether a request asks for a project's page, where only some statuses let clients print a reason.
pub(super) fn is_simple(request: &RequestHead<'_>) -> bool {
    request.path.starts_with("/simple/")
}

/// The list of all projects would be one of hundreds of thousands that nobody judged; no installer reads it.
fn root(request: &RequestHead<'_>) -> Reply {
    const NOTE: &str = "This gateway does not list projects. Ask for one by name: simple/NAME/";
    let form = negotiate(request);
    if form == SIMPLE_JSON {
        let body = serde_json::json!({ "meta": { "api-version": "1.1", "_note": NOTE }, "projects": [] });
        return Reply::new(StatusCode::OK, JSON_TYPE, body.to_string());
    }
    let body = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.1\">\
         <title>Simple index</title></head><body>\n<!-- {NOTE} -->\n</body></html>\n"
    );
    Reply::new(StatusCode::OK, media_type(form), body)
}

/// Media type of a page form.
pub(super) fn media_type(form: &'static str) -> &'static str {
    match form {
        SIMPLE_JSON | SIMPLE_JSON_UV => JSON_TYPE,
        SIMPLE_V1_HTML => HTML_TYPE,
        _ => "text/html; charset=utf-8",
    }
}

/// The form of a page that a client wants most (RFC 9110 §12.5.1; PEP 691, "Version + Format Selection",
/// with its `?format=`). Who accepts none of them gets HTML, as PEP 691 allows.
fn negotiate(request: &RequestHead<'_>) -> &'static str {
    let asked = request.query.split('&').find_map(|pair| pair.strip_prefix("format="));
    if let Some(asked) = asked
        && let Ok(asked) = percent_decode_str(&asked.replace('+', "%2B")).decode_utf8()
        && let Some((form, _)) = form_of(asked.trim())
    {
        return form;
    }
    let mut best: Option<(u32, u32, &'static str)> = None;
    for item in request.header("accept").split(',').take(64) {
        let mut parts = item.split(';');
        let Some((form, precision)) = form_of(parts.next().unwrap_or("").trim()) else { continue };
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q=").or_else(|| part.trim().strip_prefix("Q=")))
            .map_or(1000, thousandths);
        if weight > 0 && best.is_none_or(|(most, exact, _)| (weight, precision) > (most, exact)) {
            best = Some((weight, precision, form));
        }
    }
    best.map_or(SIMPLE_HTML, |(_, _, form)| form)
}

/// The form that a media range means, and how exactly it means it.
fn form_of(range: &str) -> Option<(&'static str, u32)> {
    let lower = range.to_ascii_lowercase();
    Some(match lower.as_str() {
        "application/vnd.pypi.simple.v1+json" | "application/vnd.pypi.simple.latest+json" => (SIMPLE_JSON, 4),
        "application/vnd.pypi.simple.v1+html" | "application/vnd.pypi.simple.latest+html" => {
            (SIMPLE_V1_HTML, 3)
        }
        "text/html" => (SIMPLE_HTML, 3),
        "application/json" | "application/*" => (SIMPLE_JSON, 2),
        "text/*" => (SIMPLE_HTML, 2),
        "*/*" => (SIMPLE_HTML, 1),
        _ => return None,
    })
}

/// A quality value in thousandths; what is none counts as 1 (RFC 9110 §12.4.2).
fn thousandths(text: &str) -> u32 {
    match text.trim().split_once('.') {
        None => text.trim().parse::<u32>().map_or(1000, |whole| whole.min(1).saturating_mul(1000)),
        Some((whole, fraction)) => {
            let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
            let whole = whole.parse::<u32>().unwrap_or(1).min(1).saturating_mul(1000);
            digits.parse::<u32>().map_or(1000, |part| whole.saturating_add(part).min(1000))
        }
    }
}
