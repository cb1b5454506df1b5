//! Refusals and errors in the forms that npm's clients print.

use super::view::{Client, client};
use http::{HeaderName, StatusCode};
use lazaret_vocabulary::{Refusal, Reply, RequestHead};

/// Printed by npm as `npm notice …`, also where it goes on without the package (an optional dependency).
const NOTICE: HeaderName = HeaderName::from_static("npm-notice");

/// 403 with the reason in every channel that one of the clients shows: npm prints `error` of the body and
/// the notice; pnpm 10, yarn 4 and others the reason phrase. 404, 409, 410 and 451 would be retried, or
/// taken for "no such package". npm prints the phrase too, so there it stays short.
pub(super) fn refusal(refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
    let line = refusal.line();
    let reply = plain(StatusCode::FORBIDDEN, &line).with_header(NOTICE, &printable(&line));
    match client(request) {
        Client::Npm => {
            let state = if refusal.until.is_some() { "Held" } else { "Refused" };
            reply.with_phrase(&format!("{state} by Lazaret ({})", refusal.code))
        }
        _ => reply.with_phrase(&line),
    }
}

/// Any other error.
pub(super) fn error(status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
    let reply = plain(status, message);
    match client(request) {
        Client::Npm => reply,
        _ => reply.with_phrase(message),
    }
}

/// `{"error": …}`.
pub(super) fn plain(status: StatusCode, message: &str) -> Reply {
    let body = serde_json::json!({ "error": message }).to_string();
    Reply { status, ..Reply::json(body) }
}

/// A header holds visible ASCII only.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).take(800).collect()
}
