//! Any upstream document: it is read, judged and rendered, or passed on, or refused.
#![no_main]

use http::{HeaderMap, HeaderValue, Method, header};
use lazaret_ecosystems::{Need, Route, Shown};
use lazaret_fuzz::{answer_to, gather};
use lazaret_vocabulary::{BaseUrl, RequestHead, Timestamp};
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
    let body = lines.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let head = RequestHead { method: &Method::GET, path, query, headers: &headers };
    let roles = lazaret_fuzz::roles(ecosystem);
    let need = Need { dates_after: Some(Timestamp::EPOCH), details: true, roles: &roles };
    match ecosystem.route(&head) {
        Route::Index { package, view } => {
            let have = gather(|have| ecosystem.wanted(&package, have, &need), &content_type, body);
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
            if let (Some(details), Some(release)) = (ecosystem.details(), index.releases().first()) {
                let have = gather(|have| details.wanted(&package, release, have, &need), &content_type, body);
                let _ = details.read(&package, release, &have);
            }
        }
        Route::Artifact { package, file, .. } => {
            let Some(details) = ecosystem.details() else { return };
            let Some(release) = details.unlisted(&package, &file, &need) else { return };
            let have = gather(|have| details.wanted(&package, &release, have, &need), &content_type, body);
            let _ = details.read(&package, &release, &have);
        }
        Route::Pointer { package, pointer, wanted } => {
            let Some(pointers) = ecosystem.pointers() else { return };
            let document = answer_to(pointers.fetch(&package, &pointer, &need), &content_type, body);
            let _ = pointers.read(&package, &pointer, &wanted, &document, &need);
        }
        Route::Relay(relay) => {
            let Some(relaying) = ecosystem.relaying() else { return };
            let document = answer_to(relaying.fetch(&relay, &need), &content_type, body);
            let _ = relaying.reply(&relay, &document);
            if let Ok(relayed) = relaying.relay(&relay, &document) {
                assert!(relayed.reply.body == document.body, "what is signed passes untouched");
            }
        }
        Route::Search(search) => {
            let Some(fetch) = ecosystem.search_fetch(&search) else { return };
            if let Ok(found) = ecosystem.search_hits(&answer_to(fetch, &content_type, body)) {
                let _ = ecosystem.search_reply(&search, &found);
            }
        }
        _ => {}
    }
});
