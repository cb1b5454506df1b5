//! Any upstream document: it is read, judged and rendered, or refused.
#![no_main]

use http::{HeaderMap, HeaderValue, Method, header};
use lazaret_ecosystems::{Fetch, Need, Route, Shown, Wanted};
use lazaret_vocabulary::{BaseUrl, Document, RequestHead, Timestamp};
use libfuzzer_sys::fuzz_target;
use std::collections::HashMap;

fuzz_target!(|input: &[u8]| {
    let Some((ecosystem, rest)) = lazaret_fuzz::ecosystem(input) else { return };
    // address, accepted media type, the document's own media type, the document
    let mut lines = rest.splitn(4, |byte| *byte == b'\n');
    let target = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(lines.next().unwrap_or_default()) {
        headers.insert(header::ACCEPT, value);
    }
    let content_type = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let body = lines.next().unwrap_or_default().to_vec();
    let head = RequestHead { method: &Method::GET, path: &target, query: "", headers: &headers };
    let Route::Index { package, view } = ecosystem.route(&head) else { return };
    let mut have: Vec<Document> = Vec::new();
    let need = Need { dates_after: Some(Timestamp::EPOCH), details: true };
    for _ in 0..4 {
        let Wanted::Fetch(fetches) = ecosystem.wanted(&package, &have, &need) else { break };
        let new: Vec<Fetch> =
            fetches.into_iter().filter(|fetch| have.iter().all(|one| one.role != fetch.role)).collect();
        if new.is_empty() {
            break;
        }
        have.extend(new.into_iter().map(|fetch| Document {
            role: fetch.role,
            body: body.clone().into(),
            content_type: content_type.clone(),
            fetched: Timestamp::EPOCH,
        }));
    }
    let Ok(index) = ecosystem.read(&package, &have) else { return };
    let allowed = lazaret_fuzz::judge(ecosystem, &package, &*index);
    let base = BaseUrl::new("http://localhost/mount");
    let shown = Shown {
        package: &package,
        allowed: &allowed,
        base: &base,
        page: "http://localhost/why",
        extras: &HashMap::new(),
    };
    let _ = index.render(&view, &shown);
});
