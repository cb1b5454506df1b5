//! Refusals and errors in the forms that git, curl and users of the API show. git prints the lines of a plain
//! text that comes instead of an advertisement, and for a question nothing but `HTTP 403`, whatever the body:
//! there its own protocol has a line for it (`gitprotocol-pack`, "error-line"), which it prints.

use super::converse::RESULT;
use super::pktline;
use super::route::{is_question, speaks_json};
use http::StatusCode;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use lazaret_vocabulary::{Refusal, Reply, RequestHead};

const TEXT: &str = "text/plain; charset=utf-8";

/// Told to whoever pushes.
const NO_PUSHING: &str = "pushing is not possible through Lazaret, which only reads: \
    set the remote's push address to the host's own (git remote set-url --push)";

/// 403, but for a question the line of git's protocol.
pub(super) fn refusal(refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
    if is_question(request) {
        let line = refusal.line();
        return error_line(&line).with_phrase(&line);
    }
    if speaks_json(request) { json(refusal) } else { text(refusal) }
}

/// 403 as plain text.
pub(super) fn text(refusal: &Refusal) -> Reply {
    let line = refusal.line();
    Reply::new(StatusCode::FORBIDDEN, TEXT, format!("{line}\n")).with_phrase(&line)
}

/// 403 as the API words its errors.
pub(super) fn json(refusal: &Refusal) -> Reply {
    let line = refusal.line();
    let body = serde_json::json!({ "message": line, "documentation_url": refusal.page }).to_string();
    Reply { status: StatusCode::FORBIDDEN, ..Reply::json(body) }.with_phrase(&line)
}

/// Any other error. A missing credential stays 401, since git asks its helpers for one then.
pub(super) fn error(status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
    let reply = if is_question(request) && status != StatusCode::UNAUTHORIZED {
        return error_line(message);
    } else if speaks_json(request) {
        let body = serde_json::json!({ "message": message }).to_string();
        Reply { status, ..Reply::json(body) }
    } else {
        Reply::new(status, TEXT, format!("{message}\n")).with_phrase(message)
    };
    if status == StatusCode::UNAUTHORIZED {
        reply.with_header(WWW_AUTHENTICATE, "Basic realm=\"Lazaret\"")
    } else {
        reply
    }
}

/// Nothing is pushed.
pub(super) fn pushing(request: &RequestHead<'_>) -> Reply {
    error(StatusCode::FORBIDDEN, NO_PUSHING, request)
}

/// `ERR` and a text, which git prints as `remote error`.
fn error_line(message: &str) -> Reply {
    let message: String =
        message.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut body = Vec::new();
    pktline::push(&mut body, format!("ERR {}", message.trim()).as_bytes());
    Reply::new(StatusCode::OK, RESULT, body).with_header(CACHE_CONTROL, "no-cache")
}
