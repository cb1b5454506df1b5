//! Refusals and errors in the forms that cargo prints: the raw body for the index and downloads, the
//! `detail` of a JSON body for the web API (the Cargo book, "Web API").

use super::route::speaks_json;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use lazaret_policy::RESERVED_NAME;
use lazaret_vocabulary::{Refusal, Reply, RequestHead};

const TEXT: &str = "text/plain; charset=utf-8";

/// Says in a version, the only text of an index that cargo shows, why there is no other.
const RESERVED_VERSION: &str = "0.0.0-reserved-name.nothing-of-this-name-is-published-here";

/// 403 in the form this request's reply has. Never 404, 410 or 451: cargo hides the text of those.
pub(super) fn refusal(refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
    if speaks_json(request) {
        let line = refusal.line();
        return detail(StatusCode::FORBIDDEN, &line).with_phrase(&line);
    }
    let is_index = !request.path.starts_with("/api/");
    if is_index && refusal.version.is_none() && refusal.code == RESERVED_NAME {
        return reserved(refusal);
    }
    text(refusal)
}

/// The index file of a reserved name. `cargo publish` reads it before it sends anything and gives up on a
/// 403, so the first release of such a crate could never be published; on a 404 everybody else would read
/// that there is no such crate. One version that no requirement matches tells the reason, and its download
/// is refused.
fn reserved(refusal: &Refusal) -> Reply {
    let line = serde_json::json!({
        "name": refusal.package.as_str(),
        "vers": RESERVED_VERSION,
        "deps": [],
        "cksum": "0".repeat(64),
        "features": {},
        "yanked": false,
        "lazaret": refusal.line(),
    });
    Reply::new(StatusCode::OK, TEXT, format!("{line}\n"))
}

/// 403 as plain text.
pub(super) fn text(refusal: &Refusal) -> Reply {
    let line = refusal.line();
    Reply::new(StatusCode::FORBIDDEN, TEXT, format!("{line}\n")).with_phrase(&line)
}

/// Any other error. A crate that does not exist has no body, as at the registry.
pub(super) fn error(status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
    let reply = if speaks_json(request) {
        detail(status, message)
    } else if status == StatusCode::NOT_FOUND {
        Reply::new(status, TEXT, "")
    } else {
        Reply::new(status, TEXT, format!("{message}\n")).with_phrase(message)
    };
    // RFC 9110 §15.5.2 demands a challenge; cargo's own scheme is the bare token.
    if status == StatusCode::UNAUTHORIZED { reply.with_header(WWW_AUTHENTICATE, "Cargo") } else { reply }
}

fn detail(status: StatusCode, message: &str) -> Reply {
    let body = serde_json::json!({ "errors": [{ "detail": message }] }).to_string();
    Reply { status, ..Reply::json(body) }
}
