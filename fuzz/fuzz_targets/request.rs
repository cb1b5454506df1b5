//! Any address, method and body: it is routed or refused, and what is published or asked is read or refused.
#![no_main]

use http::{HeaderMap, HeaderValue, Method, header};
use lazaret_ecosystems::{Need, Route};
use lazaret_vocabulary::RequestHead;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((ecosystem, rest)) = lazaret_fuzz::ecosystem(input) else { return };
    let Some((method, rest)) = rest.split_first() else { return };
    let methods = [Method::GET, Method::PUT, Method::POST, Method::DELETE];
    let Some(method) = methods.get(usize::from(*method) % methods.len()) else { return };
    let mut lines = rest.splitn(4, |byte| *byte == b'\n');
    let target = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut headers = HeaderMap::new();
    for name in [header::ACCEPT, header::CONTENT_TYPE] {
        if let Ok(value) = HeaderValue::from_bytes(lines.next().unwrap_or_default()) {
            headers.insert(name, value);
        }
    }
    let body = lines.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let head = RequestHead { method, path, query, headers: &headers };
    match ecosystem.route(&head) {
        Route::Search(search) => {
            let _ = ecosystem.search_fetch(&search);
        }
        Route::Submit { action, package, .. } => {
            if let Some(hosting) = ecosystem.hosting() {
                let _ = hosting.read(action, package.as_ref(), &head, &bytes::Bytes::copy_from_slice(body));
            }
        }
        Route::Converse { kind, package, limit_bytes } => {
            let Some(conversing) = ecosystem.conversing() else { return };
            let body = bytes::Bytes::copy_from_slice(body.get(..limit_bytes).unwrap_or(body));
            let roles = lazaret_fuzz::roles(ecosystem);
            let need = Need { dates_after: None, details: true, roles: &roles };
            let _ = conversing.hear(kind, &package, &head, &body, &need);
            // The same bytes as an answer: both sides are hostile.
            let _ = conversing.overhear(kind, &package, &body);
            let _ = conversing.is_whole(kind, &mut std::io::Cursor::new(&body[..]));
        }
        _ => {}
    }
});
