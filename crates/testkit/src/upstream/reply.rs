//! What a registry answers, before the server applies conditions, ranges, compression and faults.

use crate::large::LargeFile;
use bytes::Bytes;

/// The body of a reply.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Bytes at hand.
    Bytes(Bytes),
    /// Generated while it is sent.
    Large(LargeFile),
}

/// A reply of a fake registry.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Payload,
    /// Validators and byte ranges apply (200 only); compression applies to documents only.
    pub kind: Kind,
}

/// How the server treats a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Metadata: compressed when asked for, with an ETag, no ranges.
    Document,
    /// A file: ranges, an ETag, never compressed.
    File,
    /// Neither: errors and the like.
    Plain,
}

impl Reply {
    /// A metadata document.
    pub fn document(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(200, content_type, body, Kind::Document)
    }

    /// A package file.
    pub fn file(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(200, content_type, body, Kind::File)
    }

    /// Any other answer.
    pub fn plain(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(status, content_type, body, Kind::Plain)
    }

    /// npm's and PyPI's "no such thing".
    pub fn not_found() -> Self {
        Self::plain(404, "application/json", r#"{"error":"Not found"}"#)
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::plain(status, "text/plain", "").header("location", location)
    }

    fn new(status: u16, content_type: &str, body: impl Into<Bytes>, kind: Kind) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: Payload::Bytes(body.into()),
            kind,
        }
    }

    /// With one more header, or another value of one.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(have, _)| have != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a generated body.
    pub fn large(content_type: &str, file: LargeFile) -> Self {
        let mut reply = Self::file(content_type, Bytes::new());
        reply.body = Payload::Large(file);
        reply
    }
}
