//! What a request's conditions make of a reply: validators, ranges and compression (RFC 9110 §8.8, §13,
//! §14).

use super::reply::{Kind, Payload, Reply};
use super::{Behaviour, State, lock};
use bytes::Bytes;
use flate2::{Compression, Crc, write::GzEncoder};
use http::HeaderMap;
use std::io::Write as _;
use std::sync::Mutex;

/// Compressed documents kept, so that a bench measures its subject and not this server.
const MAX_COMPRESSED: usize = 4096;

/// A reply with the part of its body that goes out.
pub(super) struct Conditioned {
    pub(super) reply: Reply,
    pub(super) start: u64,
    pub(super) length: u64,
}

fn size(reply: &Reply) -> u64 {
    match &reply.body {
        Payload::Bytes(bytes) => bytes.len() as u64,
        Payload::Large(file) => file.size_bytes(),
    }
}

/// Same bytes, same tag. Cheap, since it is made for every reply.
fn entity_tag(reply: &Reply) -> String {
    let mut sum = Crc::new();
    match &reply.body {
        Payload::Bytes(bytes) => sum.update(bytes),
        Payload::Large(file) => sum.update(format!("{file:?}").as_bytes()),
    }
    format!("\"{:08x}-{:x}\"", sum.sum(), size(reply))
}

/// Applies the request's conditions to a reply of 200.
pub(super) fn condition(
    reply: Reply,
    request: &HeaderMap,
    behaviour: &Behaviour,
    state: &Mutex<State>,
) -> Conditioned {
    if reply.status != 200 || reply.kind == Kind::Plain {
        let length = size(&reply);
        return Conditioned { reply, start: 0, length };
    }
    let tag = entity_tag(&reply);
    let mut reply = reply;
    if behaviour.validators {
        let fresh = is_fresh(&reply, &tag, request);
        reply = reply.header("etag", &tag);
        if fresh {
            reply.status = 304;
            reply.body = Payload::Bytes(Bytes::new());
            return Conditioned { reply, start: 0, length: 0 };
        }
    } else {
        reply.headers.retain(|(name, _)| name != "last-modified" && name != "cache-control");
    }
    if reply.kind == Kind::File {
        return ranged(reply, request, behaviour);
    }
    reply = reply.header("vary", "Accept, Accept-Encoding");
    let accepts = text(request, "accept-encoding").is_some_and(|value| value.contains("gzip"));
    if let (true, true, Payload::Bytes(bytes)) = (accepts, behaviour.compression, &reply.body) {
        reply.body = Payload::Bytes(compressed(&tag, bytes, state));
        reply = reply.header("content-encoding", "gzip");
    }
    let length = size(&reply);
    Conditioned { reply, start: 0, length }
}

fn text<'a>(request: &'a HeaderMap, name: &str) -> Option<&'a str> {
    request.get(name).and_then(|value| value.to_str().ok())
}

fn is_fresh(reply: &Reply, tag: &str, request: &HeaderMap) -> bool {
    if let Some(have) = text(request, "if-none-match") {
        return have == "*" || have.split(',').any(|item| item.trim().trim_start_matches("W/") == tag);
    }
    let modified = reply.headers.iter().find(|(name, _)| name == "last-modified").map(|(_, value)| value);
    let (Some(since), Some(modified)) = (text(request, "if-modified-since"), modified) else { return false };
    let pair = (httpdate::parse_http_date(since), httpdate::parse_http_date(modified));
    matches!(pair, (Ok(since), Ok(modified)) if modified <= since)
}

fn compressed(tag: &str, bytes: &Bytes, state: &Mutex<State>) -> Bytes {
    if let Some(known) = lock(state).compressed.get(tag) {
        return known.clone();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("writing into memory");
    let packed = Bytes::from(encoder.finish().expect("writing into memory"));
    let mut state = lock(state);
    if state.compressed.len() >= MAX_COMPRESSED {
        state.compressed.clear();
    }
    state.compressed.insert(tag.to_owned(), packed.clone());
    packed
}

fn ranged(reply: Reply, request: &HeaderMap, behaviour: &Behaviour) -> Conditioned {
    let total = size(&reply);
    if !behaviour.ranges {
        return Conditioned { reply, start: 0, length: total };
    }
    let reply = reply.header("accept-ranges", "bytes");
    let unchanged = text(request, "if-range").is_none_or(|value| {
        reply.headers.iter().any(|(name, have)| (name == "etag" || name == "last-modified") && have == value)
    });
    match text(request, "range").filter(|_| unchanged).and_then(|value| range(value, total)) {
        Some(Ok((start, end))) => {
            let mut reply = reply.header("content-range", &format!("bytes {start}-{end}/{total}"));
            reply.status = 206;
            Conditioned { reply, start, length: end - start + 1 }
        }
        Some(Err(())) => {
            let reply =
                Reply::plain(416, "text/plain", "").header("content-range", &format!("bytes */{total}"));
            Conditioned { reply, start: 0, length: 0 }
        }
        None => Conditioned { reply, start: 0, length: total },
    }
}

/// One byte range, inclusive; `None` when the header is to be ignored, `Some(Err)` when it cannot be met.
fn range(value: &str, total: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    if last.contains(',') {
        return None;
    }
    if first.is_empty() {
        let suffix: u64 = last.parse().ok()?;
        return Some(if suffix == 0 || total == 0 {
            Err(())
        } else {
            Ok((total.saturating_sub(suffix), total - 1))
        });
    }
    let start: u64 = first.parse().ok()?;
    let end = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    Some(if start >= total || end < start { Err(()) } else { Ok((start, end.min(total - 1))) })
}
