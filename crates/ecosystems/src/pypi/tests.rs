//! What the adapter promises, table by table, and its laws.

mod archives;
mod clients;
mod hosting;
mod lockfile;
mod pages;

use super::documents::{self, PROJECT, ProjectIndex, SIMPLE};
use super::render::{Setting, Why};
use super::route::{PROJECT_JSON, SIMPLE_HTML, SIMPLE_JSON, SIMPLE_JSON_UV, SIMPLE_V1_HTML};
use super::{Pypi, name, refuse, route, version};
use crate::{Ecosystem, KeptExtra, Need, Part, Route, View, Wanted};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use lazaret_vocabulary::{BaseUrl, Document, Malformed, PackageName, Refusal, Reply, RequestHead, Timestamp};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const BASE: &str = "https://gate.example/pypi";
const PAGE: &str = "https://gate.example/p/pypi/six";

fn package(text: &str) -> PackageName {
    name(text).unwrap()
}

fn ask<T>(method: &Method, target: &str, accept: &str, use_it: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_str(accept).unwrap());
    use_it(&RequestHead { method, path, query, headers: &headers })
}

fn get(target: &str) -> Route {
    ask(&Method::GET, target, "", route::route)
}

fn simple(content_type: &str, body: &str) -> Document {
    Document {
        role: SIMPLE,
        body: body.to_owned().into(),
        content_type: content_type.to_owned(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn project(body: &str) -> Document {
    Document { role: PROJECT, ..simple("application/json", body) }
}

fn read(text: &str, documents: &[Document]) -> Result<ProjectIndex, Malformed> {
    documents::read(&package(text), documents)
}

/// A page of `files` in JSON, as a registry writes it.
fn json_page(project: &str, files: &[serde_json::Value]) -> Document {
    let page = serde_json::json!({
        "meta": { "api-version": "1.1", "_last-serial": 7 }, "name": project, "files": files,
        "versions": ["1.0"],
    });
    simple(route::JSON_TYPE, &page.to_string())
}

fn entry(file: &str, uploaded: &str) -> serde_json::Value {
    serde_json::json!({
        "filename": file, "url": format!("https://files.example/ab/{file}"), "hashes": { "sha256": SHA256 },
        "size": 7, "upload-time": uploaded, "requires-python": ">=3.8", "yanked": false,
    })
}

/// The reply of `form`, with the releases withheld for which `withheld` holds.
fn shown(
    index: &ProjectIndex,
    form: &'static str,
    version: Option<&str>,
    extras: &HashMap<Arc<str>, Vec<KeptExtra>>,
    withheld: impl Fn(usize) -> bool,
) -> Reply {
    let base = BaseUrl::new(BASE);
    let setting = Setting { base: &base, page: PAGE, extras };
    let why = |at: usize| {
        let sentence = "it is \"2 hours\" old, <30 days> & young";
        withheld(at).then_some(Why { code: "release-too-new", sentence, until: Some(Timestamp::EPOCH) })
    };
    let view = View { form, version: version.map(Into::into) };
    index.rendering(&package(&index.key), setting, &why).reply(&view).unwrap()
}

/// As uv sees it, to whom every withheld file is yanked.
fn shown_json(index: &ProjectIndex, withheld: impl Fn(usize) -> bool) -> serde_json::Value {
    serde_json::from_slice(&shown(index, SIMPLE_JSON_UV, None, &HashMap::new(), withheld).body).unwrap()
}

fn shown_html(index: &ProjectIndex, withheld: impl Fn(usize) -> bool) -> String {
    let reply = shown(index, SIMPLE_HTML, None, &HashMap::new(), withheld);
    String::from_utf8(reply.body.to_vec()).unwrap()
}

/// What a route comes to, in a word, so that tables stay readable.
fn told(route: Route) -> String {
    match route {
        Route::Index { package, view } => match view.version {
            Some(version) => format!("{} {} {version}", view.form, package.key()),
            None => format!("{} {}", view.form, package.key()),
        },
        Route::Artifact { package, file, part } => format!("{} {} {file}", part.as_str(), package.key()),
        Route::Submit { action, .. } => action.to_owned(),
        Route::Fixed(reply) => match reply.headers.iter().find(|(name, _)| name == "location") {
            Some((_, value)) => format!("{} {}", reply.status.as_u16(), value.to_str().unwrap()),
            None => format!("{}", reply.status.as_u16()),
        },
        Route::Search(search) => format!("search {} {} {}", search.text, search.from, search.size),
        Route::WhoAmI => "whoami".to_owned(),
        Route::Unknown => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn addresses_mean_one_thing_each() {
    for (target, wanted) in [
        ("/simple/six/", "simple-html six"),
        ("/simple/s%69x/", "simple-html six"),
        ("/simple/six", "308 six/"),
        ("/simple/Six/", "308 ../six/"),
        ("/simple/typing_extensions/", "308 ../typing-extensions/"),
        ("/simple/Typing..Extensions", "308 typing-extensions/"),
        ("/simple/", "200"),
        ("/simple", "308 simple/"),
        ("/files/six/six-1.0.tar.gz", "whole six six-1.0.tar.gz"),
        ("/files/Six/six-1.0%2Blocal.tar.gz", "whole six six-1.0+local.tar.gz"),
        ("/files/six/six-1.0-py3-none-any.whl.metadata", "metadata six six-1.0-py3-none-any.whl"),
        ("/files/six/.metadata", "whole six .metadata"),
        ("/pypi/Six/json", "project-json six"),
        ("/pypi/six/1.0.0-beta1/json", "project-json six 1.0.0b1"),
        ("/search?q=acme+tools&size=5", "search acme tools 0 5"),
        ("/search?q=", "unknown"),
        ("/whoami", "whoami"),
        ("/integrity/six/1.0/six-1.0.tar.gz/provenance", "unknown"),
        ("/files/six/..%2F..%2Fetc%2Fpasswd", "unknown"),
        ("/files/six/%2e%2e", "unknown"),
        ("/files/six/%252e%252e", "whole six %2e%2e"),
        ("/files/six/a%5Cb", "unknown"),
        ("/files/six/a%00b", "unknown"),
        ("/files/six/a%0d%0ab", "unknown"),
        ("/files/six/", "unknown"),
        ("/files/six/a/b", "unknown"),
        ("/simple/../six/", "unknown"),
        ("/simple/six//", "unknown"),
        ("/simple/-six/", "unknown"),
        ("/simple/six.", "unknown"),
        ("/simple/%ff/", "unknown"),
        ("/simple/s\u{131}x/", "unknown"),
        ("/legacy/", "unknown"),
        ("/", "unknown"),
        ("", "unknown"),
    ] {
        let found = told(get(target));
        assert_eq!(found, wanted, "{target}");
    }
    for target in ["/legacy/", "/legacy"] {
        assert_eq!(told(ask(&Method::POST, target, "", route::route)), "form", "{target}");
    }
    assert_eq!(told(ask(&Method::PUT, "/simple/six/", "", route::route)), "unknown");
    assert_eq!(told(ask(&Method::HEAD, "/simple/six/", "", route::route)), "simple-html six");
}

#[test]
fn pages_come_in_the_form_most_wanted() {
    let pip =
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
    let uv =
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";
    for (accept, wanted) in [
        (pip, SIMPLE_JSON),
        (uv, SIMPLE_JSON),
        ("", SIMPLE_HTML),
        ("*/*", SIMPLE_HTML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", SIMPLE_HTML),
        ("application/vnd.pypi.simple.v1+html", SIMPLE_V1_HTML),
        ("application/vnd.pypi.simple.latest+json", SIMPLE_JSON),
        ("application/vnd.pypi.simple.v1+json;q=0, text/html;q=0.1", SIMPLE_HTML),
        ("application/vnd.pypi.simple.v1+json;q=0.1, text/html;q=0.10", SIMPLE_JSON),
        ("application/vnd.pypi.simple.v1+json;q=0.2, text/html;q=0.9", SIMPLE_HTML),
        ("TEXT/HTML;Q=0.5, application/json;q=0.6", SIMPLE_JSON),
        ("application/vnd.pypi.simple.v2+json", SIMPLE_HTML),
        (";;;,q=,text/html;q=banana", SIMPLE_HTML),
    ] {
        let Route::Index { view, .. } = ask(&Method::GET, "/simple/six/", accept, route::route) else {
            panic!("{accept}")
        };
        assert_eq!(view.form, wanted, "{accept}");
    }
    let asked = "/simple/six/?format=application/vnd.pypi.simple.v1%2Bjson";
    assert_eq!(told(ask(&Method::GET, asked, "text/html", route::route)), "simple-json six");
}

#[test]
fn names_are_those_of_the_specification() {
    for (text, key) in [
        ("Six", "six"),
        ("zope.interface", "zope-interface"),
        ("a", "a"),
        ("A__b-.C", "a-b-c"),
        ("2to3", "2to3"),
    ] {
        let found = package(text);
        assert_eq!((found.as_str(), found.key()), (key, key), "{text}");
    }
    for wrong in ["", "-a", "a-", ".", "a b", "a/b", "é", "a\n", &"a".repeat(201)] {
        assert!(name(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn versions_are_read_from_file_names() {
    for (key, file, wanted) in [
        ("six", "six-1.16.0-py2.py3-none-any.whl", Some("1.16.0")),
        ("six", "six-1.16.0-1-py2.py3-none-any.whl", Some("1.16.0")),
        ("six", "six-1.16.0-x-py2.py3-none-any.whl", None),
        ("six", "six-1.16.0.tar.gz", Some("1.16.0")),
        ("six", "Six-1.16.0.zip", Some("1.16.0")),
        ("typing-extensions", "typing_extensions-4.0.0rc1-py3-none-any.whl", Some("4.0.0rc1")),
        ("zope-interface", "zope.interface-3.0.0b1.tar.gz", Some("3.0.0b1")),
        ("foo-bar", "foo-bar-1.0-beta1.tar.gz", Some("1.0-beta1")),
        ("torch", "torch-2.0.0+cu118-cp311-cp311-linux_x86_64.whl", Some("2.0.0+cu118")),
        ("torch", "torch-2.0.0%2Bcu118-cp311-cp311-linux_x86_64.whl", Some("2.0.0+cu118")),
        ("pkg", "pkg-1!2.0-py3-none-any.whl", Some("1!2.0")),
        ("pkg", "pkg-1.0-py2.7.egg", Some("1.0")),
        ("pkg", "pkg-1.0.win32-py2.7.exe", Some("1.0")),
        ("pkg", "pkg-1.0.win32.exe", Some("1.0")),
        ("pkg", "pkg-1.0-1.noarch.rpm", Some("1.0-1")),
        ("pkg", "pkg-1.0.linux-x86_64.tar.gz", Some("1.0")),
        ("pytz", "pytz-2004d.tar.gz", Some("2004d")),
        ("six", "seven-1.0.tar.gz", None),
        ("six", "six.tar.gz", None),
        ("six", "six-1.0.txt", None),
        ("six", ".whl", None),
        ("six", "", None),
    ] {
        assert_eq!(version::of_file(key, file).as_deref(), wanted, "{file}");
    }
}

#[test]
fn versions_order_as_pep_440_has_it() {
    let ascending = [
        "not a version",
        "x1",
        "1.0.dev456",
        "1.0a1",
        "1.0a2.dev456",
        "1.0b2",
        "1.0rc1",
        "1.0",
        "1.0+abc.5",
        "1.0+5",
        "1.0.post456.dev34",
        "1.0.post456",
        "1.0.15",
        "1.1.dev1",
        "1!0.1",
    ];
    for (at, left) in ascending.iter().enumerate() {
        for (other, right) in ascending.iter().enumerate() {
            assert_eq!(version::compare(left, right), at.cmp(&other), "{left} {right}");
        }
    }
    assert!(version::same("1.0", "1.0.0") && version::same("1.0-beta1", "1.0b1") && !version::same("1", "2"));
}

#[test]
fn documents_are_asked_for_as_needed() {
    let roles = |have: &[Document], details: bool, dates: bool| {
        let need = Need { details, dates_after: dates.then_some(Timestamp::EPOCH), roles: &[] };
        match Pypi.wanted(&package("six"), have, &need) {
            Wanted::Enough => String::new(),
            Wanted::Fetch(fetches) => {
                fetches.iter().map(|fetch| format!("{}{} ", fetch.upstream, fetch.path)).collect::<String>()
            }
        }
    };
    let dated = json_page("six", &[entry("six-1.0.tar.gz", "2020-01-01T00:00:00Z")]);
    let undated = simple("text/html", "<a href='six-1.0.tar.gz'>six</a>");
    let legacy = project("{}");
    assert_eq!(roles(&[], true, true), "simple/six/ json/six/json ");
    assert_eq!(roles(&[], false, true), "simple/six/ ");
    assert_eq!(roles(std::slice::from_ref(&dated), false, true), "");
    assert_eq!(roles(std::slice::from_ref(&dated), true, true), "json/six/json ");
    assert_eq!(roles(std::slice::from_ref(&undated), false, true), "json/six/json ");
    assert_eq!(roles(std::slice::from_ref(&undated), false, false), "");
    assert_eq!(roles(&[undated, legacy], true, true), "");
}

#[test]
fn refusals_take_the_status_whose_text_is_printed() {
    let refusal = Refusal {
        package: package("six"),
        version: Some("1.17.0".to_owned()),
        code: "release-too-new".to_owned(),
        sentence: "published 2 hours ago — too young".to_owned(),
        until: Some(Timestamp::EPOCH),
        newest_allowed: Some("1.16.0".to_owned()),
        page: PAGE.to_owned(),
    };
    for (target, status) in
        [("/simple/six/", 451), ("/files/six/six-1.17.0.tar.gz", 403), ("/pypi/six/json", 403)]
    {
        let reply = ask(&Method::GET, target, "", |request| refuse::refusal(&refusal, request));
        assert_eq!(reply.status.as_u16(), status, "{target}");
        let phrase = reply.phrase.unwrap();
        assert!(
            phrase.is_ascii() && phrase.contains("six@1.17.0 is held") && phrase.contains("1.16.0"),
            "{phrase}"
        );
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((&body["status"], &body["type"]), (&status.into(), &PAGE.into()));
        assert_eq!(body["title"], "held by policy (release-too-new)");
        assert!(body["detail"].as_str().unwrap().contains("too young"));
        assert_eq!(reply.headers[0].1, "application/problem+json");
    }
    let absent = |target: &str| {
        ask(&Method::GET, target, "", |request| Pypi.error(StatusCode::NOT_FOUND, "no such project", request))
    };
    assert_eq!(absent("/simple/nix/").headers[0].1, "text/plain; charset=utf-8");
    assert_eq!(absent("/files/nix/nix-1.tar.gz").headers[0].1, "application/problem+json");
}

#[test]
fn the_root_lists_nobody() {
    let reply = |accept: &str| match ask(&Method::GET, "/simple/", accept, route::route) {
        Route::Fixed(reply) => reply,
        other => panic!("{other:?}"),
    };
    let json: serde_json::Value = serde_json::from_slice(&reply(route::JSON_TYPE).body).unwrap();
    assert_eq!(json["projects"], serde_json::json!([]));
    assert!(!String::from_utf8_lossy(&reply("text/html").body).contains("<a "));
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(text in "[A-Za-z0-9._-]{0,40}") {
        let once = version::normalise(&text);
        prop_assert_eq!(version::normalise(&once), once.clone());
        if let Ok(found) = name(&text) {
            prop_assert_eq!(found.key(), once.as_str());
            prop_assert!(name(found.key()).is_ok());
        }
    }

    #[test]
    fn a_file_is_found_under_the_address_it_is_given(
        key in "[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}",
        file in "[ -~é€]{1,40}",
    ) {
        prop_assume!(route::is_file_name(&file));
        match get(&route::file_path(&key, &file)) {
            Route::Artifact { package, file: found, part } => {
                prop_assert_eq!(package.key(), key.as_str());
                match part {
                    Part::Whole => prop_assert_eq!(found, file),
                    Part::Metadata => prop_assert_eq!(format!("{found}.metadata"), file),
                    Part::Checksum(_) => prop_assert!(false, "no checksum is asked for here"),
                }
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_request_is_answered(path in "\\PC{0,60}", query in "\\PC{0,40}", accept in "[ -~]{0,60}") {
        let target = format!("/{path}?{query}");
        if let Route::Artifact { file, .. } = ask(&Method::GET, &target, &accept, route::route) {
            prop_assert!(route::is_file_name(&file));
        }
        let _ = ask(&Method::POST, &target, &accept, route::route);
    }

    #[test]
    fn the_order_of_versions_is_total(
        texts in prop::collection::vec(
            prop_oneof![
                "[0-9]{1,2}(\\.[0-9]{1,2}){0,3}((a|b|rc|\\.dev|\\.post)[0-9])?(\\+[a-z0-9]{1,3})?", "\\PC{0,8}",
            ],
            3,
        ),
    ) {
        let [a, b, c] = texts.as_slice() else { return Ok(()) };
        prop_assert_eq!(version::compare(a, b), version::compare(b, a).reverse());
        prop_assert_eq!(version::compare(a, a), Ordering::Equal);
        if version::compare(a, b).is_le() && version::compare(b, c).is_le() {
            prop_assert!(version::compare(a, c).is_le());
        }
    }

    #[test]
    fn any_file_name_is_read(key in "[a-z-]{1,6}", file in "\\PC{0,60}") {
        let _ = version::of_file(&key, &file);
        let _ = version::kind(&file).package_type(&file);
        let _ = version::of_file(&key, &format!("{key}-{file}.whl"));
        let _ = version::of_file(&key, &format!("{key}-{file}.tar.gz"));
    }
}
