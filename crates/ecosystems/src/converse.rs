use crate::{Need, Pointed};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use lazaret_vocabulary::{Malformed, PackageName, Release, RequestHead};
use std::borrow::Cow;

/// Questions with a body, whose answer upstream makes for this one client: git's smart protocol. Every release
/// that the answer would carry is judged before the question goes on.
pub trait Conversing: Sync {
    /// What is asked for. A question that is not understood is not passed on.
    fn hear(
        &self,
        kind: &'static str,
        package: &PackageName,
        request: &RequestHead<'_>,
        body: &Bytes,
        need: &Need<'_>,
    ) -> Result<Question, Malformed>;

    /// What the answer to a question that wants no release says of where names stand.
    fn overhear(&self, kind: &'static str, package: &PackageName, answer: &Bytes) -> Vec<Pointed>;

    /// Whether a name is meant to stay where it is, so that its having moved is worth telling.
    fn is_fixed(&self, _pointer: &str) -> bool {
        false
    }

    /// Whether an answer that carries releases is whole: it has come to its end and its own checksum fits.
    fn is_whole(&self, kind: &'static str, answer: &mut dyn crate::ReadSeek) -> Result<(), Malformed>;
}

/// A question that was understood.
#[derive(Debug, Clone)]
pub struct Question {
    /// The releases that the answer would carry; empty when it only tells names.
    pub wants: Vec<Release>,
    /// Which of the upstream's addresses it goes to.
    pub upstream: Cow<'static, str>,
    /// Encoded path below that address, with a leading slash.
    pub path: String,
    /// Headers to send; nothing of the client's goes on by itself.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body to send.
    pub body: Bytes,
    /// Media type of the answer.
    pub answer_type: &'static str,
}
