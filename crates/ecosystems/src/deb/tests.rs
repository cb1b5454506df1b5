mod inspecting;
mod pointing;
mod publishing;
mod reading;
mod routing;

use super::{Deb, name, relay, route};
use crate::{Ecosystem, Member, Part, Route};
use http::{HeaderMap, Method};
use lazaret_vocabulary::{Document, PackageName, RequestHead, Timestamp};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn package(text: &str) -> PackageName {
    name::parse(text).unwrap()
}

fn ask<T>(method: &Method, target: &str, use_it: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    use_it(&RequestHead { method, path, query, headers: &HeaderMap::new() })
}

fn get(target: &str) -> Route {
    ask(&Method::GET, target, route::route)
}

fn corpus(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/src/deb/corpus/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn document(body: impl Into<bytes::Bytes>) -> Document {
    Document {
        role: route::INDEX,
        body: body.into(),
        content_type: String::new(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn members(text: &str) -> Vec<Member> {
    relay::members("debian", text.as_bytes()).unwrap()
}

/// What a route comes to, in a word, so that tables stay readable.
fn told(route: Route) -> String {
    match route {
        Route::Relay(relay) => {
            let kind = if relay.immutable { "immutable" } else { "relay" };
            format!("{kind} {} {} {}", relay.fetch.upstream, relay.fetch.path, relay.key)
        }
        Route::Artifact { package, file, part: Part::Whole } => format!("file {} {file}", package.key()),
        Route::Submit { action, package, .. } => format!("{action} {package:?}"),
        Route::Catalogue { name } => format!("catalogue {name}"),
        Route::Unknown => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_file_of_the_corpus_is_there() {
    for file in
        ["Packages", "Sources", "InRelease", "changelog", "copyright", "sources.list", "debian.sources"]
    {
        assert!(!corpus(file).is_empty());
    }
    assert_eq!(Deb.profile().osv_names, ["Debian"]);
}
