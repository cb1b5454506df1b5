//! Rendered replies, kept until anything that made them changes. The hot path of the gateway: one look-up,
//! one write.

use super::package::Lease;
use crate::wire::{Answer, Body, accepts_gzip, matches_etag};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use lazaret_ecosystems::View;
use lazaret_vocabulary::{BaseUrl, PackageName, PrincipalClass, Reply, Timestamp};
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

/// What makes two index requests the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ReplyKey {
    pub(crate) package: PackageName,
    /// Names that share a key may still be spelled differently in the reply.
    pub(crate) spelled: Arc<str>,
    pub(crate) view: View,
    pub(crate) base: BaseUrl,
    /// Set only where the policy tells classes apart.
    pub(crate) class: Option<PrincipalClass>,
    /// The moment as of which it is asked, if not the present.
    pub(crate) as_of: Option<Timestamp>,
}

/// A reply, ready to be sent.
pub(crate) struct Kept {
    pub(crate) epoch: u64,
    pub(crate) valid_until: Timestamp,
    pub(crate) lease: Arc<Lease>,
    /// Of a hosted package, which no upstream has to confirm.
    pub(crate) hosted: bool,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    phrase: Option<hyper::ext::ReasonPhrase>,
    tag: String,
    plain_tag: HeaderValue,
    gzip_tag: HeaderValue,
    body: Bytes,
    packed: OnceLock<Option<Bytes>>,
}

/// Below this many bytes compression costs more than it saves.
const WORTH_PACKING: usize = 1024;

/// Compresses the body of an answer that is sent once.
pub(crate) fn pack_response(response: &mut Answer, body: &Bytes) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(3));
    if encoder.write_all(body).is_ok()
        && let Ok(packed) = encoder.finish()
    {
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        *response.body_mut() = Body::whole(Bytes::from(packed));
    }
}

impl Kept {
    pub(crate) fn new(
        reply: Reply,
        epoch: u64,
        valid_until: Timestamp,
        lease: Arc<Lease>,
        hosted: bool,
    ) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, &reply.body);
        let tag: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let quoted = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"\""));
        let plain_tag = quoted(format!("\"{tag}\""));
        let gzip_tag = quoted(format!("\"{tag}-gzip\""));
        let phrase = reply.phrase.and_then(|text| hyper::ext::ReasonPhrase::try_from(text.into_bytes()).ok());
        Self {
            epoch,
            valid_until,
            lease,
            hosted,
            status: reply.status,
            // What replies vary by is said once, for all of them.
            headers: reply.headers.into_iter().filter(|(name, _)| name != header::VARY).collect(),
            phrase,
            tag,
            plain_tag,
            gzip_tag,
            body: reply.body,
            packed: OnceLock::new(),
        }
    }

    /// About how many bytes of memory it holds, its compressed form counted in advance.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.body.len() + self.body.len() / 4 + 600).unwrap_or(u32::MAX)
    }

    /// Whether compressing is still to be done for a client that takes gzip.
    pub(crate) fn wants_packing(&self, headers: &HeaderMap) -> bool {
        self.body.len() >= WORTH_PACKING && self.packed.get().is_none() && accepts_gzip(headers)
    }

    /// Compresses the body, once. CPU-bound: call it where blocking is allowed.
    pub(crate) fn pack(&self) {
        self.packed.get_or_init(|| {
            let level = if self.body.len() > 1 << 20 { 3 } else { 6 };
            let buffer = Vec::with_capacity(self.body.len() / 5);
            let mut encoder = flate2::write::GzEncoder::new(buffer, flate2::Compression::new(level));
            encoder.write_all(&self.body).ok()?;
            encoder.finish().ok().map(Bytes::from)
        });
    }

    /// The answer to one request. `stale` marks a document that upstream could not confirm.
    pub(crate) fn answer(&self, method: &Method, headers: &HeaderMap, stale: bool) -> Answer {
        let packed = match self.packed.get() {
            Some(Some(bytes)) if accepts_gzip(headers) => Some(bytes),
            _ => None,
        };
        let mut response = Response::new(Body::empty());
        let fields = response.headers_mut();
        fields.reserve(self.headers.len() + 6);
        fields.insert(
            header::ETAG,
            if packed.is_some() { self.gzip_tag.clone() } else { self.plain_tag.clone() },
        );
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        fields.insert(
            header::VARY,
            HeaderValue::from_static("accept, accept-encoding, authorization, user-agent"),
        );
        if stale {
            fields.insert("x-lazaret-stale", HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::OK && matches_etag(headers, &self.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        for (name, value) in &self.headers {
            fields.append(name.clone(), value.clone());
        }
        let body = match packed {
            Some(bytes) => {
                fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                bytes
            }
            None => &self.body,
        };
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        *response.status_mut() = self.status;
        if let Some(phrase) = &self.phrase {
            response.extensions_mut().insert(phrase.clone());
        }
        if method != Method::HEAD {
            *response.body_mut() = Body::whole(body.clone());
        }
        response
    }
}
