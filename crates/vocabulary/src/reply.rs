use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::fmt;
use std::sync::Arc;

/// What a client asked, without its body. The path is still percent-encoded and has the ecosystem's mount
/// taken off (`/left-pad`, not `/npm/left-pad`); it starts with `/`.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// Encoded path below the ecosystem's mount.
    pub path: &'a str,
    /// Everything after `?`, or empty.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
}

impl<'a> RequestHead<'a> {
    /// A header's text, or empty when it is absent or not ASCII.
    pub fn header(&self, name: &str) -> &'a str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// The address a client reaches an ecosystem's mount under, without a trailing slash:
/// `https://gate.example/npm`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Arc<str>);

impl BaseUrl {
    /// `text` must be absolute; a trailing slash is dropped.
    pub fn new(text: &str) -> Self {
        Self(text.trim_end_matches('/').into())
    }

    /// Without trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A whole answer, made by an ecosystem, sent by the engine, which adds what is common to all:
/// `ETag`, compression, conditional requests, `Date`.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// Headers, `content-type` among them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// One ASCII line that replaces the HTTP/1.1 reason phrase, where a client prints that and nothing else.
    pub phrase: Option<String>,
}

impl Reply {
    /// An answer with a body of this media type.
    pub fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))],
            body: body.into(),
            phrase: None,
        }
    }

    /// 200 with JSON.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, "application/json", body)
    }

    /// A permanent redirect to `location`, which must be a valid header value; otherwise 404.
    pub fn redirect(location: &str) -> Self {
        match HeaderValue::from_str(location) {
            Ok(value) => Self {
                status: StatusCode::PERMANENT_REDIRECT,
                headers: vec![(http::header::LOCATION, value)],
                body: Bytes::new(),
                phrase: None,
            },
            Err(_) => Self::new(StatusCode::NOT_FOUND, "text/plain", ""),
        }
    }

    /// Adds a header; a value that cannot stand in one is left out.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Sets the reason phrase: control and non-ASCII characters become blanks, and it is cut at 600.
    pub fn with_phrase(mut self, phrase: &str) -> Self {
        let clean: String =
            phrase.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).take(600).collect();
        self.phrase = Some(clean.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
        self
    }
}
