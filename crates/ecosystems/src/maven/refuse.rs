//! Refusals and errors. mvn and Gradle print the HTTP/1.1 reason phrase and nothing else; the body is for a person
//! who opens the address.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use lazaret_vocabulary::{Refusal, Reply};

const TEXT: &str = "text/plain; charset=utf-8";

/// 403 for everything: of a 404, mvn says that there is no such file and goes on.
pub(super) fn refusal(refusal: &Refusal) -> Reply {
    let line = refusal.line();
    Reply::new(StatusCode::FORBIDDEN, TEXT, format!("{line}\n")).with_phrase(&line)
}

/// Any other error.
pub(super) fn error(status: StatusCode, message: &str) -> Reply {
    let reply = Reply::new(status, TEXT, format!("{message}\n")).with_phrase(message);
    // RFC 9110 §15.5.2 demands a challenge, and mvn shows a user and a password only when it is asked.
    if status == StatusCode::UNAUTHORIZED {
        reply.with_header(WWW_AUTHENTICATE, "Basic realm=\"Lazaret\", charset=\"UTF-8\"")
    } else {
        reply
    }
}
