//! Refusals and errors (OCI Distribution Specification 1.1, "Error Codes"): a JSON list of codes and messages,
//! of which clients print the message. For a HEAD, which has no body, some print the reason phrase.

use super::route::{What, asked};
use http::header::{HeaderName, LOCATION, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use lazaret_policy::RESERVED_NAME;
use lazaret_vocabulary::{Refusal, Reply, RequestHead};
use serde_json::{Value, json};

/// Tells old clients that this is the second version of the protocol.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Which credential is asked for. The token is the password; who the user is does not matter.
const CHALLENGE: &str = "Basic realm=\"Lazaret\", charset=\"UTF-8\"";

/// The reply with the header that says which protocol is spoken.
pub(super) fn with_version(reply: Reply) -> Reply {
    reply.with_header(API_VERSION, "registry/2.0")
}

/// 403 with the refusal as the message, and again as reason phrase.
///
/// What is reserved and not published yet is not there: a client that publishes asks first whether the registry
/// has a layer already, and gives up on anything but yes and no.
pub(super) fn refusal(refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
    let line = refusal.line();
    // Some clients print it behind the message.
    let detail = Value::from(refusal.code.as_str());
    let reply = if refusal.code == RESERVED_NAME {
        body(StatusCode::NOT_FOUND, code(StatusCode::NOT_FOUND, "", request), &line, &detail)
    } else {
        body(StatusCode::FORBIDDEN, "DENIED", &line, &detail)
    };
    reply.with_phrase(&line)
}

/// Any other error.
pub(super) fn error(status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
    let reply = body(status, code(status, message, request), message, &Value::Null).with_phrase(message);
    match status {
        // RFC 9110 §15.5.2 demands a challenge.
        StatusCode::UNAUTHORIZED => reply.with_header(WWW_AUTHENTICATE, CHALLENGE),
        // Where to ask how far the upload has come.
        StatusCode::RANGE_NOT_SATISFIABLE if matches!(what(request), Some(What::Upload(_))) => {
            reply.with_header(LOCATION, &format!("/v2{}", request.path))
        }
        _ => reply,
    }
}

/// 401 without a challenge.
pub(super) fn unauthorised(message: &str) -> Reply {
    body(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message, &Value::Null)
}

fn body(status: StatusCode, code: &str, message: &str, detail: &Value) -> Reply {
    let mut error = json!({ "code": code, "message": message });
    if let (false, Some(fields)) = (detail.is_null(), error.as_object_mut()) {
        fields.insert("detail".to_owned(), detail.clone());
    }
    with_version(Reply { status, ..Reply::json(json!({ "errors": [error] }).to_string()) })
}

fn what(request: &RequestHead<'_>) -> Option<What> {
    asked(request.path).map(|asked| asked.what)
}

/// Which of the specification's codes an error has. The status does not tell all: it depends on what was asked.
fn code(status: StatusCode, message: &str, request: &RequestHead<'_>) -> &'static str {
    let publishing = *request.method == Method::PUT;
    match (status.as_u16(), what(request)) {
        (401, _) => "UNAUTHORIZED",
        (403, _) => "DENIED",
        (405, _) => "UNSUPPORTED",
        (413, _) => "SIZE_INVALID",
        (429, _) => "TOOMANYREQUESTS",
        (502..=504, _) => "UNAVAILABLE",
        (500.., _) => "UNKNOWN",
        (416, _) => "BLOB_UPLOAD_INVALID",
        (404, Some(What::Manifest(_))) if publishing => "MANIFEST_BLOB_UNKNOWN",
        (404, Some(What::Manifest(_))) => "MANIFEST_UNKNOWN",
        (404, Some(What::Blob(_))) => "BLOB_UNKNOWN",
        (404, Some(What::Upload(_))) => "BLOB_UPLOAD_UNKNOWN",
        (404, _) => "NAME_UNKNOWN",
        (_, _) if message.starts_with("the digest") => "DIGEST_INVALID",
        (_, Some(What::Manifest(_))) if publishing => "MANIFEST_INVALID",
        (_, Some(What::Upload(_))) if message.contains("digest") => "DIGEST_INVALID",
        (_, Some(What::Upload(_) | What::Uploads)) => "BLOB_UPLOAD_INVALID",
        (_, Some(_)) => "NAME_INVALID",
        (_, None) => "UNSUPPORTED",
    }
}

/// A status and headers, and nothing to read.
pub(super) fn empty(status: StatusCode) -> Reply {
    with_version(Reply { status, headers: Vec::new(), body: bytes::Bytes::new(), phrase: None })
}
