//! Tests of the adapter, by subject.

mod hosting;
mod inspecting;
mod locks;
mod reading;
mod rendering;
mod routing;

use super::name;
use super::render::{Rendering, Verdict};
use crate::{Route, View};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use lazaret_policy::{Action, Withheld};
use lazaret_vocabulary::{BaseUrl, Document, PackageName, Reply, RequestHead, Timestamp};
use serde_json::Value;

pub(super) const PAGE: &str = "https://gate.example/why/npm/left-pad";
pub(super) const BASE: &str = "https://gate.example/npm";

pub(super) fn package(text: &str) -> PackageName {
    name::parse(text).unwrap()
}

pub(super) fn headers(list: &[(&str, &str)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

pub(super) fn ask<T>(
    method: &str,
    target: &str,
    list: &[(&str, &str)],
    use_it: impl FnOnce(&RequestHead<'_>) -> T,
) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (method, headers) = (method.parse::<Method>().unwrap(), headers(list));
    use_it(&RequestHead { method: &method, path, query, headers: &headers })
}

pub(super) fn document(role: &'static str, body: impl Into<bytes::Bytes>) -> Document {
    Document {
        role,
        body: body.into(),
        content_type: String::new(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

pub(super) const NPM: [(&str, &str); 4] = [
    ("user-agent", "npm/11.19.1 node/v20.20.2 linux x64 workspaces/false"),
    ("accept", "application/json"),
    ("npm-command", "install"),
    ("pacote-req-type", "packument"),
];
pub(super) const PNPM: [(&str, &str); 2] = [
    ("user-agent", "pnpm/12.21.0 npm/? node/v20.20.2 linux x64"),
    ("accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"),
];
pub(super) const YARN_1: [(&str, &str); 2] = [
    ("user-agent", "yarn/1.22.22 npm/? node/v20.20.2 linux x64"),
    ("accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"),
];
pub(super) const YARN_4: [(&str, &str); 1] = [("user-agent", "got (https://github.com/sindresorhus/got)")];
pub(super) const CURL: [(&str, &str); 2] = [("user-agent", "curl/8.0"), ("accept", "*/*")];

/// A reason, as the firewall would give it.
pub(super) fn held(sentence: &str) -> Withheld {
    Withheld {
        action: Action::Hold,
        code: "release-too-new".into(),
        sentence: sentence.to_owned(),
        until: Some(Timestamp::parse("2026-12-01T00:00:00Z").unwrap()),
        codes: vec!["release-too-new".into()],
    }
}

/// What a client gets at `target` when the releases at `withheld` are.
pub(super) fn rendered(
    body: &str,
    target: &str,
    client: &[(&str, &str)],
    withheld: impl Fn(&str) -> bool,
) -> Reply {
    let Route::Index { package, view } = ask("GET", target, client, super::route::route) else {
        panic!("{target} is an index")
    };
    render(&package, body, &view, withheld)
}

pub(super) fn render(
    package: &PackageName,
    body: &str,
    view: &View,
    withheld: impl Fn(&str) -> bool,
) -> Reply {
    let index = super::documents::read(package, &[document("packument", body.to_owned())]).unwrap();
    let reason = held("it was published 2 hours ago, the policy waits for 30 days");
    let verdicts = index.releases.iter().map(|release| match withheld(&release.version) {
        true => Verdict::Withheld(&reason),
        false => Verdict::Admitted,
    });
    let base = BaseUrl::new(BASE);
    let verdicts = verdicts.collect();
    Rendering { index: &index, verdicts, package, base: &base, page: PAGE }.reply(view).unwrap()
}

pub(super) fn value(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&reply.body)))
}

pub(super) fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let found = reply.headers.iter().find(|(key, _)| key == name);
    found.and_then(|(_, value)| value.to_str().ok()).unwrap_or("")
}
