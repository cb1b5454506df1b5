//! Refusals and errors. apt prints the reason phrase of HTTP/1.1 and nothing of a body, which is there for
//! whoever asks with another program.

use super::route;
use crate::{Listed, Route};
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use lazaret_vocabulary::{Refusal, Reply, RequestHead};

const TEXT: &str = "text/plain; charset=utf-8";

/// What to do where a pool's file is not known: it is listed by an index that never passed here, or the house
/// has a source package of that name.
const UNLISTED: &str = "no index that passed this gateway lists this file: run `apt-get update`. \
    What is published here hides packages of the same source name";

/// 403 with the reason in the phrase.
pub(super) fn refusal(refusal: &Refusal) -> Reply {
    let line = refusal.line();
    Reply::new(StatusCode::FORBIDDEN, TEXT, format!("{line}\n")).with_phrase(&line)
}

/// Any other error.
pub(super) fn error(status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
    let unlisted = status == StatusCode::NOT_FOUND && matches!(route::route(request), Route::Artifact { .. });
    let message = if unlisted { UNLISTED } else { message };
    let phrase = match status.canonical_reason() {
        Some(reason) if !message.is_empty() => format!("{reason}: {message}"),
        reason => reason.unwrap_or("Error").to_owned(),
    };
    let reply = Reply::new(status, TEXT, format!("{message}\n")).with_phrase(&phrase);
    if status == StatusCode::UNAUTHORIZED {
        return reply.with_header(WWW_AUTHENTICATE, "Basic realm=\"Lazaret\"");
    }
    reply
}

/// No client searches here: apt searches the indexes it has.
pub(super) fn listed(found: &[Listed]) -> Reply {
    let lines: String = found.iter().map(|hit| format!("{} {}\n", hit.package, hit.version)).collect();
    Reply::new(StatusCode::OK, TEXT, lines)
}
