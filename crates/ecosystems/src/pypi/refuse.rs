//! Refusals and errors in the forms that pip, uv and twine print: the HTTP/1.1 reason phrase, and problem
//! details (RFC 9457), of which uv shows title and detail.

use super::route::is_simple;
use http::StatusCode;
use lazaret_vocabulary::{Refusal, Reply, RequestHead};
use serde_json::json;

/// Media type of problem details.
const PROBLEM: &str = "application/problem+json";

/// 403 for files and everything else: both clients print the reason then, and retry nothing. For a project's
/// page 451, the only kind of status there whose text uv prints; pip shows the same nothing for any.
pub(super) fn refusal(refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
    let status =
        if is_simple(request) { StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS } else { StatusCode::FORBIDDEN };
    problem(status, refusal)
}

/// The refusal under a given status.
pub(super) fn problem(status: StatusCode, refusal: &Refusal) -> Reply {
    let line = refusal.line();
    let state = if refusal.until.is_some() { "held" } else { "refused" };
    let title = format!("{state} by policy ({})", refusal.code);
    let mut body = json!({ "title": title, "detail": line, "status": status.as_u16() });
    if let Some(members) = body.as_object_mut() {
        // RFC 9457 §3.1.1: absent means `about:blank`.
        if !refusal.page.is_empty() {
            members.insert("type".to_owned(), refusal.page.as_str().into());
        }
        members.insert("code".to_owned(), refusal.code.as_str().into());
        members.insert("package".to_owned(), refusal.package.as_str().into());
        members.insert("version".to_owned(), json!(refusal.version));
        members.insert("until".to_owned(), json!(refusal.until.map(|until| until.to_string())));
        members.insert("newest_allowed".to_owned(), json!(refusal.newest_allowed));
    }
    Reply::new(status, PROBLEM, body.to_string()).with_phrase(&line)
}

/// Any other error. A project that does not exist answers as registries do.
pub(super) fn error(status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
    if status == StatusCode::NOT_FOUND && is_simple(request) {
        return Reply::new(status, "text/plain; charset=utf-8", format!("404 Not Found: {message}\n"))
            .with_phrase(&format!("Not Found: {message}"));
    }
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({ "title": title, "detail": message, "status": status.as_u16() });
    Reply::new(status, PROBLEM, body.to_string()).with_phrase(message)
}
