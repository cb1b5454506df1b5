//! How clients come to show a credential (the distribution project's "Token Authentication Specification").
//!
//! docker, podman and skopeo decide by the answer to the first question alone whether they will show one at all,
//! and where anybody may read but not everybody publish, both answers to it would be wrong. So whoever shows none
//! is sent to fetch a token first: who has logged in gets back what they logged in with, everybody else a word that
//! stands for nobody.

use super::refuse;
use crate::route::Route;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use lazaret_vocabulary::{BaseUrl, Reply, RequestHead};

/// The token of who has none. The engine takes it for no credential.
const NOBODY: &str = "anonymous";
/// How long a client may keep a token, in seconds. It is as good as what it was fetched with.
const LIFETIME_SECONDS: u64 = 300;

/// The answer to the first question: yes, this is a registry; or where to fetch a token.
pub(super) fn greeting(request: &RequestHead<'_>) -> Route {
    if request.header("authorization").is_empty() {
        Route::Config
    } else {
        Route::Fixed(refuse::with_version(Reply::json("{}")))
    }
}

/// Where to fetch a token.
pub(super) fn challenge(base: &BaseUrl) -> Reply {
    refuse::unauthorised("fetch a token first")
        .with_header(WWW_AUTHENTICATE, &format!("Bearer realm=\"{base}/token\",service=\"lazaret\""))
}

/// The token for who asks. Whether the credential is good has been seen before this is sent.
pub(super) fn token(request: &RequestHead<'_>) -> Route {
    let token = shown(request.header("authorization")).unwrap_or_else(|| NOBODY.to_owned());
    let body = serde_json::json!({
        "token": token,
        "access_token": token,
        "expires_in": LIFETIME_SECONDS,
    });
    let reply = Reply { status: StatusCode::OK, ..Reply::json(body.to_string()) };
    Route::Fixed(refuse::with_version(reply.with_header(CACHE_CONTROL, "no-store")))
}

/// The password of a `Basic` credential, or the user where there is no password; or a `Bearer` token.
fn shown(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned()).filter(|token| !token.is_empty());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    let token = if password.is_empty() { user } else { password };
    (!token.is_empty()).then(|| token.to_owned())
}
