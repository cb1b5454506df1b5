//! Refusals and errors. NuGet's clients print the reason phrase of an answer that is no success, and the text
//! of an `X-NuGet-Warning` header with whatever answer it comes; they never print a body. Seen with nuget.exe
//! 5.8; `dotnet` is built of the same libraries.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderName, StatusCode};
use lazaret_vocabulary::{Refusal, Reply, RequestHead};

const TEXT: &str = "text/plain; charset=utf-8";
/// Printed by clients as a warning.
const WARNING: HeaderName = HeaderName::from_static("x-nuget-warning");
/// Longest warning, in characters.
const LONGEST_WARNING: usize = 1_500;

/// 403 by phrase, warning and body.
pub(super) fn refusal(refusal: &Refusal) -> Reply {
    let line = refusal.line();
    warn(Reply::new(StatusCode::FORBIDDEN, TEXT, format!("{line}\n")).with_phrase(&line), &line)
}

/// Adds a warning that the client prints.
pub(super) fn warn(reply: Reply, text: &str) -> Reply {
    let text: String = text
        .chars()
        .map(|letter| if letter.is_ascii_graphic() { letter } else { ' ' })
        .take(LONGEST_WARNING)
        .collect();
    reply.with_header(WARNING, &text)
}

/// Any other error. Clients show a credential only after they were asked for one in this way.
pub(super) fn error(status: StatusCode, message: &str, _request: &RequestHead<'_>) -> Reply {
    let reply = Reply::new(status, TEXT, format!("{message}\n")).with_phrase(message);
    if status == StatusCode::UNAUTHORIZED {
        reply.with_header(WWW_AUTHENTICATE, "Basic realm=\"Lazaret\"")
    } else {
        reply
    }
}
