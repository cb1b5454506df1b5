//! HTTP as the engine speaks it: bodies, conditional and partial answers, compression.

mod body;
mod conditional;
mod range;

pub(crate) use body::Body;
pub(crate) use conditional::{accepts_gzip, matches_etag, not_modified_since};
pub(crate) use range::{ByteRange, RangeAnswer, requested};

use http::{HeaderValue, Response, StatusCode, header};
use lazaret_vocabulary::Reply;

/// An answer on its way out.
pub(crate) type Answer = Response<Body>;

/// Turns an ecosystem's reply into an answer. Replies made here are about one request and are not kept by
/// anybody, unless the ecosystem says otherwise.
pub(crate) fn answer(reply: Reply) -> Answer {
    let mut response = Response::new(Body::whole(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value);
    }
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        let no_store = HeaderValue::from_static("no-store");
        let value = if reply.status.is_success() { HeaderValue::from_static("no-cache") } else { no_store };
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    if let Some(phrase) = reply.phrase
        && let Ok(phrase) = hyper::ext::ReasonPhrase::try_from(phrase.into_bytes())
    {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// A short plain text.
pub(crate) fn text(status: StatusCode, message: impl Into<String>) -> Answer {
    let mut message = message.into();
    message.push('\n');
    answer(Reply::new(status, "text/plain; charset=utf-8", message))
}
