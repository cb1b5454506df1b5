//! Refusals and errors in the forms that cargo prints: the raw body for the index and downloads, the
//! `detail` of a JSON body for the web API (the Cargo book, "Web API").

use super::route::speaks_json;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use lazaret_vocabulary::{Refusal, Reply, RequestHead};

const TEXT: &str = "text/plain; charset=utf-8";

/// 403 in the form this request's reply has. Never 404, 410 or 451: cargo hides the text of those.
pub(super) fn refusal(refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
    if speaks_json(request) {
        let line = refusal.line();
        return detail(StatusCode::FORBIDDEN, &line).with_phrase(&line);
    }
    text(refusal)
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
