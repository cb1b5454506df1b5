//! Things that go wrong between a registry and its client, switched on per path while the server runs.

use super::State;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One way to misbehave. Byte counts are of the body as it would have been sent.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with a short text instead of the answer; `retry_after` in seconds.
    Status {
        /// HTTP status.
        status: u16,
        /// Value of `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// The right answer, late.
    Delay(Duration),
    /// Never answers at all, and keeps the connection open.
    Silence,
    /// The right answer up to so many bytes; then nothing more, with the connection open.
    HangAfter(u64),
    /// `Content-Length` of the whole, so many bytes of it, and a closed connection.
    Truncate(u64),
    /// So many bytes of a chunked answer, and its end: shorter without any sign of it on the wire.
    CutQuietly(u64),
    /// Other bytes, with a fitting length and the same headers.
    WrongBytes(Bytes),
    /// The right answer with the lowest bit of the byte at this position flipped (the last byte, when
    /// the answer is shorter).
    FlipByte(u64),
    /// A redirect (302) to this address.
    Redirect(String),
    /// A redirect to the same address, for ever.
    RedirectLoop,
    /// A gzip-encoded body that unpacks to so many zero bytes.
    GzipBomb(u64),
    /// A JSON string that goes on for so many bytes, chunked.
    Endless(u64),
    /// The right body under another content type.
    ContentType(String),
    /// The right answer with one header added or replaced.
    Header(String, String),
    /// Connection reset before any byte of the answer.
    Reset,
    /// Connection reset after so many bytes of the body.
    ResetAfter(u64),
    /// So many headers of 1,000 bytes each before the right answer.
    HeaderFlood(usize),
    /// The right answer at so many bytes per second.
    Slow(u64),
    /// Bytes that are not HTTP, and a closed connection.
    NotHttp,
}

impl Fault {
    /// An error status such as 500.
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None }
    }

    /// 429 with `Retry-After`.
    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        Self::Status { status: 429, retry_after: Some(retry_after_seconds) }
    }

    /// A redirect to the address at which cloud machines keep their credentials.
    pub fn redirect_to_metadata_service() -> Self {
        Self::Redirect("http://169.254.169.254/latest/meta-data/".to_owned())
    }
}

/// A fault in force.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) id: u64,
    pub(super) pattern: String,
    pub(super) fault: Fault,
    /// Requests that still pass untouched.
    pub(super) skip: u32,
    /// Requests that still fail; `None` for all.
    pub(super) left: Option<u32>,
    /// Requests that failed so far.
    pub(super) hits: u32,
}

/// Whether `path` (with its query) falls under `pattern`: a text that it contains or, when the pattern
/// has a `*`, the whole path with `*` for any text.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return path.contains(pattern);
    }
    let pieces: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    for piece in pieces.iter().skip(1).take(pieces.len().saturating_sub(2)) {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// A fault switched on by [`super::FakeUpstream::fail`]; stays in force when this is dropped.
pub struct FaultHandle {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) id: u64,
}

impl FaultHandle {
    /// Only the next `count` matching requests fail, later ones pass.
    pub fn times(self, count: u32) -> Self {
        self.with(|rule| rule.left = Some(count));
        self
    }

    /// The first `count` matching requests pass, later ones fail.
    pub fn after(self, count: u32) -> Self {
        self.with(|rule| rule.skip = count);
        self
    }

    /// How many requests it has hit.
    pub fn hits(&self) -> u32 {
        let mut hits = 0;
        self.with(|rule| hits = rule.hits);
        hits
    }

    /// Switches it off.
    pub fn remove(self) {
        super::lock(&self.state).faults.retain(|rule| rule.id != self.id);
    }

    fn with(&self, change: impl FnOnce(&mut Rule)) {
        if let Some(rule) = super::lock(&self.state).faults.iter_mut().find(|rule| rule.id == self.id) {
            change(rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_by_content_or_as_a_whole() {
        for (pattern, path, expected) in [
            ("left-pad", "/npm/left-pad", true),
            ("/npm/*", "/npm/left-pad", true),
            ("/npm/*", "/pypi/simple/npm/x", false),
            ("*.tgz", "/npm/a/-/a-1.tgz", true),
            ("*.tgz", "/npm/a", false),
            ("/npm/*/-/*.tgz", "/npm/a/-/a-1.tgz", true),
            ("/npm/a*a", "/npm/a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
