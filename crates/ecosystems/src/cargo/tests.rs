mod inspecting;
mod laws;
mod publishing;

use super::documents::{self, CONFIG, CrateIndex, INDEX};
use super::{Cargo, dependencies, name, route, setup, version};
use crate::hosting::{Change, HostedFile, HostedPackage, HostedRelease, StoredFile};
use crate::{Ecosystem, Index, Inspection, Listed, Part, ProbeOutput, Route, Search, Wanted};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use lazaret_vocabulary::{
    Algorithm, BaseUrl, Digest, Document, Malformed, PackageName, Refusal, Release, ReleaseKind, RequestHead,
    Timestamp,
};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::io::{Cursor, Write as _};

const CHECKSUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn package(name: &str) -> PackageName {
    name::parse(name).unwrap()
}

fn ask<T>(method: &Method, target: &str, use_it: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    use_it(&RequestHead { method, path, query, headers: &HeaderMap::new() })
}

fn get(target: &str) -> Route {
    ask(&Method::GET, target, route::route)
}

fn document(role: &'static str, body: impl Into<Bytes>) -> Document {
    Document {
        role,
        body: body.into(),
        content_type: "text/plain".to_owned(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn read_with(crate_name: &str, body: &[u8], dl: &str) -> Result<CrateIndex, Malformed> {
    let config = serde_json::json!({ "dl": dl }).to_string();
    documents::read(&package(crate_name), &[document(INDEX, body.to_vec()), document(CONFIG, config)])
}

fn read(crate_name: &str, body: &[u8]) -> Result<CrateIndex, Malformed> {
    read_with(crate_name, body, "https://dl.example/crates")
}

fn line(crate_name: &str, version: &str, rest: &str) -> String {
    format!(
        r#"{{"name":"{crate_name}","vers":"{version}","deps":[],"cksum":"{CHECKSUM}","features":{{}}{rest}}}"#
    )
}

/// What a route comes to, in a word, so that tables stay readable.
fn told(route: Route) -> String {
    match route {
        Route::Index { package, .. } => format!("index {package}"),
        Route::Artifact { package, file, part: Part::Whole } => format!("file {} {file}", package.key()),
        Route::Submit { action, package, .. } => format!("{action} {package:?}"),
        Route::Search(search) => format!("search {} {} {}", search.text, search.from, search.size),
        Route::Config => "config".to_owned(),
        Route::Open(_) => "open".to_owned(),
        Route::WhoAmI => "whoami".to_owned(),
        Route::Unknown => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn addresses_mean_what_the_cargo_book_says() {
    let table = [
        ("GET", "/config.json", "config"),
        ("GET", "/1/a", "index a"),
        ("GET", "/2/ab", "index ab"),
        ("HEAD", "/3/a/abc", "index abc"),
        ("GET", "/se/rd/serde", "index serde"),
        ("GET", "/%73e/rd/s%65rde", "index serde"),
        ("GET", "/Se/rd/Serde", "index Serde"),
        ("GET", "/se/rd/serde/", "unknown"),
        ("GET", "/se/rd/serdf-x", "index serdf-x"),
        ("GET", "/se/re/serde", "unknown"),
        ("GET", "/2/a", "unknown"),
        ("GET", "/3/b/abc", "unknown"),
        ("GET", "/se%2Frd/serde", "index serde"),
        ("GET", "/../rd/serde", "unknown"),
        ("GET", "/se/rd/se..rde", "unknown"),
        ("POST", "/se/rd/serde", "unknown"),
        ("GET", "/api/v1/crates/Serde/1.0.0+a/download", "file serde Serde-1.0.0+a.crate"),
        ("GET", "/api/v1/crates/serde/..%2f1/download", "unknown"),
        ("GET", "/api/v1/crates?q=a+b%26c&per_page=5&page=3&x=1", "search a b&c 10 5"),
        ("GET", "/api/v1/crates?per_page=0&page=0", "search  0 1"),
        ("PUT", "/api/v1/crates/new", "publish None"),
        ("GET", "/api/v1/crates/new", "unknown"),
        ("DELETE", "/api/v1/crates/a_b/1.0.0/yank", "yank Some(cargo:a_b)"),
        ("PUT", "/api/v1/crates/a_b/1.0.0/unyank", "unyank Some(cargo:a_b)"),
        ("GET", "/api/v1/crates/a/owners", "owners-list Some(cargo:a)"),
        ("PUT", "/api/v1/crates/a/owners", "owners-add Some(cargo:a)"),
        ("DELETE", "/api/v1/crates/a/owners", "owners-remove Some(cargo:a)"),
        ("GET", "/me", "open"),
        ("GET", "/", "unknown"),
        ("GET", "", "unknown"),
    ];
    for (method, target, expected) in table {
        let method: Method = method.parse().unwrap();
        assert_eq!(ask(&method, target, |head| told(route::route(head))), expected, "{method} {target}");
    }
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("token"));
    let head = RequestHead { method: &Method::GET, path: "/me", query: "", headers: &headers };
    assert_eq!(told(route::route(&head)), "whoami");
}

#[test]
fn names_that_differ_in_case_and_separator_alone_are_one() {
    assert_eq!(package("Foo_Bar"), package("foo-bar"));
    assert_ne!(package("foobar"), package("foo-bar"));
    for wrong in ["", "-a", "_a", "1a", "a/b", "a.b", "é", "a b", &"a".repeat(65)] {
        assert!(name::parse(wrong).is_err(), "{wrong}");
    }
    assert_eq!(name::index_path("Inflector"), "/in/fl/inflector");
}

#[test]
fn releases_state_what_their_lines_say() {
    let body = [
        line("Inflector", "0.1.0", r#","yanked":true,"pubtime":"2016-06-25T21:50:33Z""#),
        line("Inflector", "0.2.0-rc.1", r#", "yanked" : false , "pubtime" : null"#),
        line("Inflector", "0.2.0", ""),
    ]
    .join("\n");
    let index = read("inflector", body.as_bytes()).unwrap();
    let [first, second, third] = index.releases() else { panic!("three releases") };
    assert_eq!(first.published, Some(Timestamp::parse("2016-06-25T21:50:33Z").unwrap()));
    assert_eq!(
        (first.withdrawn.is_some(), second.withdrawn.is_some(), third.withdrawn.is_some()),
        (true, false, false)
    );
    assert_eq!((first.prerelease, second.prerelease), (false, true));
    assert_eq!((second.published, &third.licence, third.install_script), (None, &None, None));
    let [artifact] = third.artifacts.as_slice() else { panic!("one file") };
    assert_eq!(&*artifact.file, "Inflector-0.2.0.crate");
    assert_eq!(&*artifact.url, "https://dl.example/crates/Inflector/0.2.0/download");
    assert_eq!(artifact.digests, [Digest::from_hex(Algorithm::Sha256, CHECKSUM).unwrap()]);
    assert_eq!(index.standing().first_published, first.published);
    assert_eq!(index.standing().maintainers, None);
}

#[test]
fn download_addresses_follow_the_template() {
    let expand = |dl: &str| {
        read_with("AbCd", line("AbCd", "1.0.0+x", "").as_bytes(), dl).unwrap().releases[0].artifacts[0]
            .url
            .to_string()
    };
    assert_eq!(expand("http://dl.example/x/"), "http://dl.example/x/AbCd/1.0.0+x/download");
    assert_eq!(
        expand("https://dl.example/{prefix}/{crate}-{version}"),
        "https://dl.example/Ab/Cd/AbCd-1.0.0+x"
    );
    assert_eq!(
        expand("https://dl.example/{lowerprefix}/{sha256-checksum}"),
        format!("https://dl.example/ab/cd/{CHECKSUM}")
    );
    for wrong in ["", "ftp://dl.example", "/relative"] {
        assert!(read_with("a", line("a", "1.0.0", "").as_bytes(), wrong).is_err(), "{wrong}");
    }
    let without = documents::read(&package("a"), &[document(INDEX, line("a", "1.0.0", ""))]);
    assert!(without.is_err_and(|error| error.to_string().contains("config.json")));
}

#[test]
fn lines_that_cargo_cannot_use_are_left_out_and_nothing_else() {
    let good = line("a", "1.0.0", r#","yanked":false,"unheard-of":[1,{"yanked":true}]"#);
    let bad = [
        "not json".to_owned(),
        "[]".to_owned(),
        line("b", "1.0.0", ""),
        line("a", "1.0", ""),
        line("a", "2.0.0", r#","yanked":"no""#),
        line("a", "3.0.0", "").replace(CHECKSUM, "abc"),
        line("a", "4.0.0", r#","vers":"4.0.1""#),
    ];
    for bad in &bad {
        let index = read("a", format!("{bad}\n{good}\n\n").as_bytes()).unwrap();
        assert_eq!(index.filtered(|_| true).unwrap(), format!("{good}\n").into_bytes(), "{bad}");
    }
    assert!(
        read("a", bad.join("\n").as_bytes()).is_err(),
        "a document without one readable line is not served"
    );
    let twice = format!("{}\n{good}", line("a", "1.0.0", r#","links":"first""#));
    assert_eq!(
        read("a", twice.as_bytes()).unwrap().filtered(|_| true).unwrap(),
        format!("{good}\n").into_bytes()
    );
}

#[test]
fn an_escaped_key_is_still_the_flag() {
    let odd = line("a", "1.0.0", r#","yank\u0065d":false"#);
    let index = read("a", odd.as_bytes()).unwrap();
    assert_eq!(
        index.filtered(|_| false).unwrap(),
        format!("{}\n", odd.replace("false", "true")).into_bytes()
    );
    let without = line("a", "1.0.0", "");
    let patched = read("a", without.as_bytes()).unwrap().filtered(|_| false).unwrap();
    assert!(patched.starts_with(br#"{"yanked":true,"name""#));
}

#[test]
fn the_index_is_asked_for_first_and_the_configuration_once() {
    let need = crate::Need { dates_after: None, details: false, roles: &[] };
    let wanted = |have: &[Document]| match Cargo.wanted(&package("Serde"), have, &need) {
        Wanted::Fetch(fetches) => fetches.into_iter().map(|fetch| fetch.path).collect(),
        Wanted::Enough => Vec::new(),
    };
    let index = document(INDEX, "");
    assert_eq!(wanted(&[]), ["/se/rd/serde"]);
    assert_eq!(wanted(std::slice::from_ref(&index)), ["/config.json"]);
    assert!(wanted(&[index, document(CONFIG, "")]).is_empty());
}

#[test]
fn the_dependency_hash_sees_ranges_and_not_spacing() {
    let of = |deps: &str| {
        read("a", line("a", "1.0.0", "").replace("[]", deps).as_bytes()).unwrap().releases[0].dependencies
    };
    let base = of(r#"[{"name":"x","req":"^1","kind":"normal"},{"name":"y","req":"*","kind":"dev"}]"#);
    assert!(base.is_some());
    assert_eq!(base, of(r#"[ {"req" : "^1", "name" : "x"} ]"#));
    assert_ne!(base, of(r#"[{"name":"x","req":"^2"}]"#));
    let names = |fingerprint: Option<u64>| dependencies::names_half(fingerprint.unwrap());
    assert_eq!(names(base), names(of(r#"[{"name":"z","package":"x","req":"^2"}]"#)));
    assert_ne!(names(base), names(of(r#"[{"name":"x","package":"z","req":"^1"}]"#)));
    assert_eq!(of(r#"[{"name":1}]"#), None);
}

#[test]
fn versions_are_ordered_as_cargo_orders_them() {
    let rising = [
        "",
        "1.0",
        "v1",
        "0.0.1",
        "1.0.0-1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0",
        "1.0.0+1",
        "1.0.0+a",
        "1.0.1",
        "1.10.0",
    ];
    for pair in rising.windows(2) {
        assert_eq!(version::compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
    }
}

fn refusal() -> Refusal {
    Refusal {
        package: package("demo"),
        version: Some("1.0.0".to_owned()),
        code: "release-too-new".to_owned(),
        sentence: "published 2 hours ago".to_owned(),
        until: Some(Timestamp::from_seconds(1_800_000_000)),
        newest_allowed: Some("0.9.0".to_owned()),
        page: "https://gate.example/p/cargo/demo".to_owned(),
    }
}

#[test]
fn refusals_and_errors_have_the_form_that_cargo_prints() {
    let download =
        ask(&Method::GET, "/api/v1/crates/demo/1.0.0/download", |head| Cargo.refuse(&refusal(), head));
    assert_eq!(download.status, StatusCode::FORBIDDEN);
    assert_eq!(download.body, format!("{}\n", refusal().line()));
    assert!(download.phrase.unwrap().contains("release-too-new"));
    let api = ask(&Method::PUT, "/api/v1/crates/new", |head| Cargo.refuse(&refusal(), head));
    let body: serde_json::Value = serde_json::from_slice(&api.body).unwrap();
    assert_eq!(body["errors"][0]["detail"], refusal().line());
    let error = |status, target| ask(&Method::GET, target, |head| Cargo.error(status, "because", head));
    assert!(error(StatusCode::NOT_FOUND, "/de/mo/demo").body.is_empty());
    assert_eq!(error(StatusCode::SERVICE_UNAVAILABLE, "/de/mo/demo").body, "because\n");
    assert_eq!(error(StatusCode::NOT_FOUND, "/api/v1/crates").body, r#"{"errors":[{"detail":"because"}]}"#);
    assert!(
        error(StatusCode::UNAUTHORIZED, "/config.json")
            .headers
            .iter()
            .any(|(name, _)| name == "www-authenticate")
    );
}

#[test]
fn a_reserved_name_lets_its_first_publication_pass_and_tells_everybody_else() {
    let reserved = Refusal { code: "reserved-name".to_owned(), version: None, ..refusal() };
    let index = ask(&Method::GET, "/de/mo/demo", |head| Cargo.refuse(&reserved, head));
    assert_eq!(index.status, StatusCode::OK);
    let read = read("demo", &index.body).unwrap();
    let [release] = read.releases() else { panic!("one release") };
    assert!(release.prerelease && release.version.contains("reserved-name"));
    let download =
        ask(&Method::GET, "/api/v1/crates/demo/1.0.0/download", |head| Cargo.refuse(&reserved, head));
    assert_eq!(download.status, StatusCode::FORBIDDEN);
}

#[test]
fn the_gateways_own_description_asks_for_a_credential_only_when_needed() {
    let base = BaseUrl::new("https://gate.example/cargo/");
    let told = |auth| {
        serde_json::from_slice::<serde_json::Value>(&Cargo.client_config(&base, auth).unwrap().body).unwrap()
    };
    assert_eq!(
        told(false),
        serde_json::json!({"dl": "https://gate.example/cargo/api/v1/crates", "api": "https://gate.example/cargo"})
    );
    assert_eq!(told(true)["auth-required"], true);
}

#[test]
fn search_goes_both_ways() {
    let search = Search { text: "a b&c".to_owned(), from: 20, size: 10, form: "" };
    assert_eq!(Cargo.search_fetch(&search).unwrap().path, "/api/v1/crates?q=a%20b%26c&per_page=10&page=3");
    let upstream = br#"{"crates":[{"name":"a","max_version":"1.0.0","description":null},{"name":"b c"}],"meta":{"total":2}}"#;
    let hits = Cargo.search_hits(&document("search", &upstream[..])).unwrap();
    assert_eq!(hits.len(), 1);
    let shown = Listed { description: "x".to_owned(), ..hits[0].clone() };
    let reply = Cargo.search_reply(&search, &[shown]);
    let json: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"crates":[{"name":"a","max_version":"1.0.0","description":"x"}],"meta":{"total":1}})
    );
    assert!(Cargo.search_hits(&document("search", "[]")).is_err());
}

#[test]
fn lock_files_of_every_format_are_read() {
    let text = "# made by cargo\nversion = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n\
        [[package]]\nname = \"itoa\"\nversion = \"1.0.1\"\nsource = \"registry+https://git.example/crates.io-index\"\nchecksum = \"00\"\n\n\
        [[package]]\nname = \"forked\"\nversion = \"1.0.0\"\nsource = \"git+https://git.example/x#1\"\n\n\
        [[package]]\nname = \"acme\"\nversion = \"2.0.0\"\nsource = \"sparse+https://other.example/\"\n";
    let read = |text: &str| Cargo.lock_file("Cargo.lock", text.as_bytes()).unwrap();
    let locked = read(text).unwrap();
    let told: Vec<_> = locked
        .iter()
        .map(|one| (one.package.as_str(), one.version.as_str(), one.line, one.resolved.as_deref()))
        .collect();
    assert_eq!(
        told,
        [("itoa", "1.0.1", Some(9), None), ("acme", "2.0.0", Some(20), Some("https://other.example"))]
    );
    let first_format = "[root]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"libc\"\nversion = \"0.2.0\"\n\
        source = \"registry+https://git.example/crates.io-index\"\n\n[metadata]\n\"checksum libc 0.2.0\" = \"00\"\n";
    assert_eq!(read(first_format).unwrap()[0].line, Some(6));
    assert!(read("package = 1").is_err());
    assert!(Cargo.lock_file("package-lock.json", b"{}").is_none());
}

#[test]
fn the_index_of_this_machine_is_learned_from_cargo() {
    let adopt = |complaint: &str, kept: &str| {
        let outputs = [complaint, kept].map(|stdout| ProbeOutput { stdout: stdout.to_owned() });
        Cargo.adopt(&outputs).map(|adopted| adopted.addresses).map_err(|error| error.to_string())
    };
    let complaint = "error: failed to get `libc`\n\nCaused by:\n  download of config.json failed\n\nCaused by:\n  \
        failed to download from `https://index.example/a/config.json`\n";
    let kept = "index.example-0123456789abcdef\n{\"dl\": \"https://dl.example\", \"api\": \"https://api.example/\"}\n\
        127.0.0.1-0123456789abcdef\n{\"dl\":\"http://127.0.0.1\"}\n";
    let both = vec![
        ("index".into(), "https://index.example/a".to_owned()),
        ("api".into(), "https://api.example".to_owned()),
    ];
    assert_eq!(adopt(complaint, kept), Ok(both));
    assert_eq!(adopt(complaint, ""), Ok(vec![("index".into(), "https://index.example/a".to_owned())]));
    assert_eq!(adopt("", kept).unwrap()[0].1, "https://index.example");
    assert!(adopt("", "").unwrap_err().contains("kept none"));
    assert!(Cargo.adopt(&[]).is_err());
}

#[test]
fn the_wrapper_runs_the_real_cargo_with_our_configuration() {
    let scratch = tempfile::tempdir().unwrap();
    let base = BaseUrl::new("http://127.0.0.1:1/cargo");
    let pointing = setup::pointing(&base, Some("secret"), scratch.path().to_str().unwrap());
    for (path, content) in &pointing.files {
        let path = scratch.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        assert!(!content.contains("secret"), "the token stays in the environment");
    }
    let real = scratch.path().join("real");
    std::fs::create_dir(&real).unwrap();
    std::fs::write(real.join("cargo"), "#!/bin/sh\necho \"$CARGO_HOME|$*\"\n").unwrap();
    assert!(
        std::process::Command::new("chmod").arg("+x").arg(real.join("cargo")).status().unwrap().success()
    );
    let value =
        |wanted: &str| pointing.environment.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    let inherited = format!("{}:{}", real.display(), std::env::var("PATH").unwrap());
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new("sh")
            .arg(scratch.path().join("cargo/bin/cargo"))
            .args(arguments)
            .env("PATH", value("PATH").replace("{PATH}", &inherited))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let home = value("CARGO_HOME");
    assert_eq!(run(&["fetch", "a b"]), format!("{home}|--config {home}/config.toml fetch a b\n"));
    assert_eq!(run(&["+nightly", "fetch"]), format!("{home}|+nightly --config {home}/config.toml fetch\n"));
    let configuration: toml::Table = pointing.files[0].1.parse().unwrap();
    assert_eq!(
        configuration["source"]["lazaret"]["registry"].as_str(),
        Some("sparse+http://127.0.0.1:1/cargo/")
    );
}
