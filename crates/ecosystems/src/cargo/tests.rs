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
    Document { role, body: body.into(), content_type: "text/plain".to_owned(), fetched: Timestamp::EPOCH }
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
    let need = crate::Need { dates_after: None, details: false };
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

fn crate_file(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in entries {
        let mut header = tar::Header::new_gnu();
        // Straight into the field: the builder would refuse the paths that are to be refused here.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if let Some(target) = content.strip_prefix("-> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_link_name(target).unwrap();
            header.set_size(0);
        }
        header.set_cksum();
        let body = if content.starts_with("-> ") { &[] } else { content.as_bytes() };
        archive.append(&header, body).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

const MANIFEST: &str = "[package]\nname = \"Demo\"\nversion = \"1.0.0\"\nlicense = \"MIT OR Apache-2.0\"\n\
    [dependencies]\nserde = \"1\"\nown = { path = \"..\" }\n[dev-dependencies]\nproptest = \"1\"\n\
    [target.'cfg(unix)'.build-dependencies.renamed]\nversion = \"1\"\npackage = \"cc\"\n";

fn demo() -> Release {
    let deps = r#"[{"name":"serde","req":"^1"},{"name":"renamed","package":"cc","req":"^1","kind":"build","target":"cfg(unix)"}]"#;
    read("demo", line("Demo", "1.0.0", "").replace("[]", deps).as_bytes()).unwrap().releases[0].clone()
}

fn inspect(bytes: &[u8]) -> Result<Inspection, Malformed> {
    let release = demo();
    Cargo.inspect(&release, &package("demo"), &release.artifacts[0], &mut Cursor::new(bytes))
}

#[test]
fn a_crate_that_agrees_with_the_index_tells_its_facts() {
    let found =
        inspect(&crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST), ("Demo-1.0.0/src/lib.rs", "")])).unwrap();
    assert_eq!(found.disagreements, Vec::<String>::new());
    assert_eq!((found.licence.as_deref(), found.install_script), (Some("MIT OR Apache-2.0"), Some(false)));
    let scripted = crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST), ("Demo-1.0.0/build.rs", "")]);
    assert_eq!(inspect(&scripted).unwrap().install_script, Some(true));
    let off = MANIFEST.replace("version = \"1.0.0\"", "version = \"1.0.0\"\nbuild = false");
    let switched_off = crate_file(&[("Demo-1.0.0/Cargo.toml", &off), ("Demo-1.0.0/build.rs", "")]);
    assert_eq!(inspect(&switched_off).unwrap().install_script, Some(false));
    let elsewhere = MANIFEST.replace("version = \"1.0.0\"", "version = \"1.0.0\"\nbuild = \"src/b.rs\"");
    assert_eq!(
        inspect(&crate_file(&[("Demo-1.0.0/Cargo.toml", &elsewhere)])).unwrap().install_script,
        Some(true)
    );
}

#[test]
fn a_crate_that_disagrees_with_the_index_is_found_out() {
    let manifest = ("Demo-1.0.0/Cargo.toml", MANIFEST);
    let renamed = MANIFEST.replace("\"Demo\"", "\"Other\"");
    let newer = MANIFEST.replace("1.0.0", "1.0.1");
    let more = MANIFEST.replace("serde = \"1\"", "serde = \"1\"\nevil = \"1\"");
    let fewer = MANIFEST.replace("serde = \"1\"", "");
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("Demo-1.0.0/Cargo.toml", &renamed)], "says Other 1.0.0"),
        (&[("Demo-1.0.0/Cargo.toml", &newer)], "says Demo 1.0.1"),
        (&[("Demo-1.0.0/Cargo.toml", &more)], "other dependencies than the index: cc, evil, own, serde"),
        (&[("Demo-1.0.0/Cargo.toml", &fewer)], "other dependencies"),
        (&[("Demo-1.0.0/Cargo.toml", "[package")], "cannot be read"),
        (&[("Demo-1.0.0/src/lib.rs", "")], "no Demo-1.0.0/Cargo.toml"),
        (&[manifest, ("Demo-1.0.0/../../etc/x", "")], "outside Demo-1.0.0/"),
        (&[manifest, ("/etc/x", "")], "outside"),
        (&[manifest, ("Other-1.0.0/x", "")], "outside"),
        (&[manifest, ("Demo-1.0.0/x", "-> /etc/passwd")], "is no file"),
        (&[manifest, ("Demo-1.0.0/Cargo.toml", "")], "second"),
        (&[manifest, ("Demo-1.0.0/cargo.toml", MANIFEST)], "second"),
    ];
    for (entries, expected) in table {
        let found = inspect(&crate_file(entries)).unwrap().disagreements;
        assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
    }
    let twice = inspect(&crate_file(&[manifest, manifest])).unwrap().disagreements;
    assert_eq!(twice, Vec::<String>::new(), "the same manifest twice, as in crates of 2015");
    let whole = crate_file(&[manifest]);
    assert!(inspect(&whole[..whole.len() / 2]).is_err());
    assert!(inspect(b"").is_err());
}

/// A publication as cargo sends it.
fn publication(metadata: &str, file: &[u8]) -> Bytes {
    let mut body = Vec::new();
    for part in [metadata.as_bytes(), file] {
        body.write_all(&u32::try_from(part.len()).unwrap().to_le_bytes()).unwrap();
        body.write_all(part).unwrap();
    }
    body.into()
}

fn submit(
    action: &'static str,
    method: &Method,
    target: &str,
    body: &Bytes,
) -> Result<Change, (StatusCode, String)> {
    let named = Some(package("demo"));
    let hosting = Cargo.hosting().unwrap();
    ask(method, target, |head| hosting.read(action, named.as_ref(), head, body))
        .map_err(|error| (error.status, error.message))
}

fn publish(metadata: &str, file: &[u8]) -> Result<Change, (StatusCode, String)> {
    submit("publish", &Method::PUT, "/api/v1/crates/new", &publication(metadata, file))
}

const METADATA: &str = r#"{"name":"Demo","vers":"1.0.0","description":"A demo.","deps":[
    {"name":"serde","version_req":"^1","features":["derive"],"optional":true,"default_features":false,"target":null,"kind":"normal","registry":null},
    {"name":"cc","version_req":"^1","features":[],"optional":false,"default_features":true,"target":"cfg(unix)","kind":"build","explicit_name_in_toml":"renamed"}],
    "features":{"old":["x"],"new":["dep:serde"]},"links":"demo","rust_version":"1.80","authors":[],"badges":{}}"#;

fn stored(change: &Change) -> HostedPackage {
    let Change::Publish { package, version, manifest, files, .. } = change else { panic!("a publication") };
    let [HostedFile { file, .. }] = files.as_slice() else { panic!("one file") };
    let published = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let digest = Digest::from_hex(Algorithm::Sha256, CHECKSUM).unwrap();
    let release = HostedRelease {
        version: version.clone(),
        manifest: manifest.clone(),
        published,
        publisher: "alice".to_owned(),
        withdrawn: Some(String::new()),
        deprecated: None,
        files: vec![StoredFile {
            file: file.as_str().into(),
            digests: vec![digest],
            size_bytes: 1,
            published,
            metadata: String::new(),
        }],
    };
    HostedPackage { package: package.clone(), releases: vec![release], tags: Vec::new(), owners: Vec::new() }
}

#[test]
fn what_is_published_can_be_read_back() {
    let file = crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST)]);
    let change = publish(METADATA, &file).unwrap();
    let hosted = stored(&change);
    let hosting = Cargo.hosting().unwrap();
    let documents = hosting.documents(&hosted, Timestamp::EPOCH).unwrap();
    assert!(matches!(
        Cargo.wanted(&hosted.package, &documents, &crate::Need { dates_after: None, details: true }),
        Wanted::Enough
    ));
    let index = documents::read(&hosted.package, &documents).unwrap();
    let [release] = index.releases() else { panic!("one release") };
    assert_eq!((release.kind, &*release.artifacts[0].url), (ReleaseKind::Hosted, ""));
    assert_eq!(release.dependencies, demo().dependencies.map(|_| release.dependencies.unwrap()));
    assert!(release.withdrawn.is_some() && release.published.is_some());
    let line: serde_json::Value = serde_json::from_slice(&index.filtered(|_| true).unwrap()).unwrap();
    assert_eq!(line["deps"][1]["name"], "renamed");
    assert_eq!(line["deps"][1]["package"], "cc");
    assert_eq!(line["deps"][0]["req"], "^1");
    assert_eq!(
        (&line["v"], &line["features2"]["new"][0], &line["features"]["old"][0]),
        (&2.into(), &"dep:serde".into(), &"x".into())
    );
    assert_eq!(line["features"].get("new"), None);
    assert_eq!(
        (&line["cksum"], &line["yanked"], &line["links"]),
        (&CHECKSUM.into(), &true.into(), &"demo".into())
    );
    let done = hosting.done(&change);
    assert!(String::from_utf8_lossy(&done.body).contains("invalid_categories"));
}

#[test]
fn a_publication_that_cannot_stand_is_refused_with_the_reason() {
    let file = crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST)]);
    let table = [
        (METADATA.replace("\"Demo\"", "\"de mo\""), "not a valid package name"),
        (METADATA.replace("\"1.0.0\"", "\"1.0\""), "`vers` is not a version"),
        (METADATA.replace("\"1.0.0\"", "\"1.0.1\""), "disagree"),
        (METADATA.replace("\"serde\",\"version_req\"", "\"serdf\",\"version_req\""), "other dependencies"),
        (
            METADATA.replace("\"^1\",\"features\":[\"derive\"]", "\"no\",\"features\":[]"),
            "requirement on `serde`",
        ),
        (METADATA.replace("[\"x\"]", "\"x\""), "the feature `old`"),
        ("{}".to_owned(), "not what cargo publish sends"),
    ];
    for (metadata, expected) in table {
        let (status, message) = publish(&metadata, &file).unwrap_err();
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(message.contains(expected), "{expected}: {message}");
    }
    let mut long = publication(METADATA, &file).to_vec();
    long.push(0);
    assert!(submit("publish", &Method::PUT, "/api/v1/crates/new", &long.into()).is_err());
    assert!(publish(METADATA, b"no archive").is_err());
}

#[test]
fn what_the_real_cargo_sends_is_understood() {
    let body = Bytes::from_static(include_bytes!("corpus/publish.bin"));
    let change = submit("publish", &Method::PUT, "/api/v1/crates/new", &body).unwrap();
    let Change::Publish { package, version, manifest, .. } = &change else { panic!("a publication") };
    assert_eq!((package.as_str(), package.key(), version.as_str()), ("acme-Tools", "acme-tools", "1.2.3"));
    let line: serde_json::Value = serde_json::from_str(manifest).unwrap();
    let names: Vec<_> = line["deps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str(), one["package"].as_str()))
        .collect();
    assert_eq!(names, [(Some("it"), Some("itoa")), (Some("serde"), None), (Some("cc"), None)]);
    assert_eq!(line["features2"]["a"][0], "dep:serde");
}

#[test]
fn a_second_crate_or_version_too_near_to_the_first_is_refused() {
    let file = crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST)]);
    let change = publish(METADATA, &file).unwrap();
    let accepts = |name: &str, version: &str| {
        let Change::Publish { manifest, files, .. } = change.clone() else { panic!("a publication") };
        let further = Change::Publish {
            package: package(name),
            version: version.to_owned(),
            manifest,
            files,
            tags: Vec::new(),
            description: String::new(),
        };
        Cargo.hosting().unwrap().accepts(&stored(&change), &further).map_err(|error| error.status)
    };
    assert_eq!(accepts("Demo", "1.0.1"), Ok(()));
    assert_eq!(accepts("Demo", "1.0.0"), Err(StatusCode::CONFLICT));
    assert_eq!(accepts("Demo", "1.0.0+again"), Err(StatusCode::CONFLICT));
    assert_eq!(accepts("demo", "2.0.0"), Err(StatusCode::CONFLICT));
}

#[test]
fn other_changes_are_read_from_address_and_body() {
    let none = Bytes::new();
    let yank = submit("yank", &Method::DELETE, "/api/v1/crates/demo/1.0.0%2Ba/yank", &none).unwrap();
    assert!(matches!(&yank, Change::Withdraw { version, .. } if version == "1.0.0+a"));
    assert!(submit("yank", &Method::DELETE, "/api/v1/crates/demo/x/yank", &none).is_err());
    let unyank = submit("unyank", &Method::PUT, "/api/v1/crates/demo/1.0.0/unyank", &none).unwrap();
    assert!(matches!(unyank, Change::Restore { .. }));
    let owners = Bytes::from_static(br#"{"users":["alice"]}"#);
    let added = submit("owners-add", &Method::PUT, "/api/v1/crates/demo/owners", &owners).unwrap();
    assert!(matches!(&added, Change::Owners { add, remove, .. } if add == &["alice"] && remove.is_empty()));
    assert!(submit("owners-remove", &Method::DELETE, "/api/v1/crates/demo/owners", &none).is_err());
    let hosting = Cargo.hosting().unwrap();
    let list: serde_json::Value =
        serde_json::from_slice(&hosting.owners(&["alice".to_owned()]).body).unwrap();
    assert_eq!((&list["users"][0]["login"], &list["users"][0]["id"]), (&"alice".into(), &1.into()));
    assert!(String::from_utf8_lossy(&hosting.done(&added).body).contains("alice may now publish demo"));
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
    let search = Search { text: "a b&c".to_owned(), from: 20, size: 10 };
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
    let both =
        vec![("index", "https://index.example/a".to_owned()), ("api", "https://api.example".to_owned())];
    assert_eq!(adopt(complaint, kept), Ok(both));
    assert_eq!(adopt(complaint, ""), Ok(vec![("index", "https://index.example/a".to_owned())]));
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

/// Lines as several registries write them: with and without blanks, the flag first, last or absent.
fn some_line() -> impl Strategy<Value = (String, bool)> {
    let form = prop_oneof![
        Just((r#"{"name":"a","vers":"V","deps":[],"cksum":"C","yanked":false}"#, false)),
        Just((
            r#"{"name": "a", "vers": "V", "cksum": "C", "features": {"yanked": ["x"]}, "yanked": true}"#,
            true
        )),
        Just((
            r#"  { "yanked" :true, "vers":"V","name":"a","cksum":"C","pubtime":"2020-01-01T00:00:00Z" }  "#,
            true
        )),
        Just((r#"{"cksum":"C","name":"a","vers":"V","links":"\"yanked\":false"}"#, false)),
        Just((r#"{"cksum":"C","name":"a","yanked":null,"vers":"V","rust_version":"1.0","v":3}"#, false)),
    ];
    (form, 0u64..1000).prop_map(|((form, yanked), number)| {
        (form.replace('C', CHECKSUM).replace('V', &format!("1.{number}.0")), yanked)
    })
}

proptest! {
    #[test]
    fn an_index_shows_only_what_is_allowed(lines in prop::collection::vec((some_line(), any::<bool>()), 1..12)) {
        let body = lines.iter().map(|((line, _), _)| line.as_str()).collect::<Vec<_>>().join("\n");
        let index = read("a", body.as_bytes()).unwrap();
        let admits: Vec<bool> = (0..index.releases.len()).map(|at| lines[at].1).collect();
        let shown = index.filtered(|at| admits[at]).unwrap();
        let shown: Vec<&[u8]> = shown.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        prop_assert_eq!(shown.len(), index.releases.len());
        for (at, line) in shown.iter().enumerate() {
            let json: serde_json::Value = serde_json::from_slice(line).unwrap();
            let release = &index.releases[at];
            prop_assert_eq!(json["vers"].as_str(), Some(&*release.version));
            let yanked = json["yanked"].as_bool().unwrap_or(false);
            prop_assert_eq!(yanked, !admits[at] || release.withdrawn.is_some());
            if admits[at] {
                prop_assert_eq!(*line, &body.as_bytes()[index.lines[at].line.clone()], "bytes are kept");
            } else {
                let mut before: serde_json::Value = serde_json::from_slice(&body.as_bytes()[index.lines[at].line.clone()]).unwrap();
                before["yanked"] = true.into();
                prop_assert_eq!(&json, &before, "nothing but the flag changes");
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let _ = read("a", &body);
        let _ = read("a", text.as_bytes());
        let _ = get(&text);
        let _ = get(&format!("/api/v1/crates/{text}"));
        let _ = inspect(&body);
        let _ = submit("publish", &Method::PUT, "/api/v1/crates/new", &body.clone().into());
        let _ = submit("yank", &Method::DELETE, &text, &body.clone().into());
        let _ = Cargo.lock_file("Cargo.lock", text.as_bytes());
        let _ = Cargo.adopt(&[ProbeOutput { stdout: text.clone() }, ProbeOutput { stdout: text }]);
        let _ = Cargo.search_hits(&document("search", body));
    }

    #[test]
    fn a_damaged_index_is_answered((line, _) in some_line(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = line.into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(index) = read("a", &body) {
            let shown = index.filtered(|_| false).unwrap();
            for line in shown.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let json: serde_json::Value = serde_json::from_slice(line).unwrap();
                prop_assert_eq!(json["yanked"].as_bool(), Some(true));
            }
        }
    }

    #[test]
    fn a_damaged_crate_is_answered(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut file = crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST), ("Demo-1.0.0/build.rs", "")]);
        let at = at.index(file.len());
        file[at] = byte;
        file.truncate(cut.index(file.len()));
        let _ = inspect(&file);
    }

    #[test]
    fn every_encoding_of_an_address_is_the_same_crate(
        name in "[A-Za-z][A-Za-z0-9_-]{0,20}",
        encoded in prop::collection::vec(any::<bool>(), 32),
    ) {
        let path = format!("/{}/{name}", name::prefix(&name));
        let mut target = String::new();
        for (at, character) in path.char_indices() {
            if character != '/' && encoded[at % encoded.len()] {
                target.push_str(&format!("%{:02x}", u32::from(character)));
            } else {
                target.push(character);
            }
        }
        let Route::Index { package: found, .. } = get(&target) else { panic!("{target}") };
        prop_assert_eq!(found.as_str(), name.as_str());
        prop_assert_eq!(&found, &package(&name.to_uppercase().replace('-', "_")));
        let Route::Artifact { file, package: of_file, .. } = get(&format!("/api/v1/crates/{name}/1.2.3-rc.1%2Bx/download")) else { panic!("{name}") };
        prop_assert_eq!(file, format!("{name}-1.2.3-rc.1+x.crate"));
        prop_assert_eq!(of_file, found);
    }

    #[test]
    fn the_version_order_is_total(
        left in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-z0-9.]{1,4})?(\\+[a-z0-9]{1,2})?|.{0,4}",
        middle in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-z0-9.]{1,4})?(\\+[a-z0-9]{1,2})?|.{0,4}",
        right in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-z0-9.]{1,4})?(\\+[a-z0-9]{1,2})?|.{0,4}",
    ) {
        let compare = version::compare;
        prop_assert_eq!(compare(&left, &left), Ordering::Equal);
        prop_assert_eq!(compare(&left, &right), compare(&right, &left).reverse());
        prop_assert_eq!(compare(&left, &right) == Ordering::Equal, left == right);
        if compare(&left, &middle) != Ordering::Greater && compare(&middle, &right) != Ordering::Greater {
            prop_assert_ne!(compare(&left, &right), Ordering::Greater);
        }
    }
}
