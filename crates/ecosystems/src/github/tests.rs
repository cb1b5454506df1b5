//! The folder as a whole.

use super::Github;
use super::files::{Archive, File};
use super::refs;
use super::{name, pktline};
use crate::{Ecosystem, EditKind, Need, Part, ProbeOutput, Route, Wanted};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use lazaret_vocabulary::{BaseUrl, Document, PackageName, RequestHead, Timestamp};
use proptest::prelude::*;

mod protocol;

const COMMIT: &str = "1111111111111111111111111111111111111111";
const OTHER: &str = "2222222222222222222222222222222222222222";

fn package() -> PackageName {
    Github.name("acme/demo").unwrap()
}

fn need<'a>(roles: &'a [std::sync::Arc<str>]) -> Need<'a> {
    Need { dates_after: None, details: true, roles }
}

fn ask<T>(method: &Method, target: &str, work: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    work(&RequestHead { method, path, query, headers: &HeaderMap::new() })
}

fn get(target: &str) -> Route {
    ask(&Method::GET, target, |head| Github.route(head))
}

fn document(role: &'static str, body: impl Into<Bytes>) -> Document {
    Document {
        role,
        body: body.into(),
        content_type: String::new(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn lines(lines: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        match *line {
            "0000" | "0001" => out.extend_from_slice(line.as_bytes()),
            _ => pktline::push(&mut out, line.as_bytes()),
        }
    }
    out
}

#[test]
fn names_are_one_whatever_their_case() {
    let one = Github.name("Acme/Demo.GIT").unwrap();
    assert_eq!((one.as_str(), one.key()), ("Acme/Demo", "acme/demo"));
    assert_eq!(one, package());
    for wrong in [
        "acme",
        "/demo",
        "acme/",
        "acme/..",
        "acme/.",
        "-a/b",
        ".a/b",
        "a/b/c",
        "a/.git",
        "a/b.git.git",
        "a/ü",
    ] {
        assert!(Github.name(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn references_are_those_of_git() {
    for good in ["main", "v1.0.0", "feature/x", "refs/heads/main", "HEAD", "a@b", "ü", "a-"] {
        assert!(name::is_ref(good), "{good}");
    }
    for wrong in [
        "", "@", "-a", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\", "a\u{7f}", "/a", "a/",
        "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a@{1}",
    ] {
        assert!(!name::is_ref(wrong), "{wrong}");
    }
    assert!(!name::is_ref(&"a".repeat(257)));
}

#[test]
fn addresses_are_those_of_the_host() {
    let file = |target: &str| match get(target) {
        Route::Artifact { package, file, part: Part::Whole } => format!("{}: {file}", package.key()),
        Route::Pointer { package, pointer, wanted } => format!("{}: {wanted} at {pointer}", package.key()),
        Route::Index { package, view } => format!("{}: {} {:?}", package.key(), view.form, view.version),
        Route::Open(reply) => format!("{}", reply.status),
        other => format!("{other:?}").chars().take(7).collect(),
    };
    let commit = COMMIT;
    for (target, expected) in [
        (format!("/Acme/Demo/archive/{commit}.zip"), format!("acme/demo: archive/{commit}.zip")),
        ("/acme/demo/archive/v1.zip".into(), "acme/demo: zip at v1".into()),
        ("/acme/demo/archive/refs/heads/a/b.tar.gz".into(), "acme/demo: tar.gz at refs/heads/a/b".into()),
        ("/acme/demo/archive/v1.rar".into(), "Unknown".into()),
        ("/acme/demo/archive/a..b.zip".into(), "Unknown".into()),
        (format!("/acme/demo/legacy.tar.gz/{commit}"), format!("acme/demo: legacy/{commit}.tar.gz")),
        ("/acme/demo/zip/refs/tags/v1".into(), "acme/demo: zip at refs/tags/v1".into()),
        ("/-/codeload/acme/demo/legacy.zip/main".into(), "acme/demo: legacy.zip at main".into()),
        ("/repos/acme/demo/tarball".into(), "acme/demo: legacy.tar.gz at HEAD".into()),
        ("/-/api/repos/acme/demo/zipball/v1".into(), "acme/demo: legacy.zip at v1".into()),
        ("/acme/demo/tarball/v1".into(), "acme/demo: legacy.tar.gz at v1".into()),
        (format!("/acme/demo/raw/{commit}/a/b"), format!("acme/demo: raw/{commit}/a/b")),
        ("/acme/demo/raw/main/a".into(), "acme/demo: raw at main/a".into()),
        (format!("/acme/demo/raw/{commit}"), "Unknown".into()),
        ("/-/raw/acme/demo/refs/heads/main/a".into(), "acme/demo: raw at refs/heads/main/a".into()),
        ("/acme/demo/releases/download/v1/a%2Fb".into(), "acme/demo: download/v1/a/b".into()),
        ("/acme/demo/releases/download/v1".into(), "Unknown".into()),
        ("/acme/demo/releases/download/v1/..".into(), "Unknown".into()),
        ("/acme/demo/releases/tag/a/b".into(), "acme/demo: release Some(\"a/b\")".into()),
        ("/repos/acme/demo/releases?per_page=5&page=1".into(), "acme/demo: releases None".into()),
        ("/repos/acme/demo/releases?page=3".into(), "acme/demo: no-more Some(\"\")".into()),
        ("/repos/acme/demo/contents/x".into(), "Unknown".into()),
        ("/acme/demo/info/refs?service=git-receive-pack".into(), "403 Forbidden".into()),
        ("/acme/demo/info/refs".into(), "Unknown".into()),
        ("/acme/demo.git/objects/info/packs".into(), "Unknown".into()),
        ("/acme/demo".into(), "Unknown".into()),
        ("/".into(), "Unknown".into()),
        ("/-/raw/acme".into(), "Unknown".into()),
    ] {
        assert_eq!(file(&target), expected, "{target}");
    }
    let post = |target| ask(&Method::POST, target, |head| Github.route(head));
    assert!(matches!(post("/acme/demo/git-upload-pack"), Route::Converse { .. }));
    assert!(
        matches!(post("/acme/demo/git-receive-pack"), Route::Open(reply) if reply.status == StatusCode::FORBIDDEN)
    );
    assert!(matches!(post("/acme/demo/archive/v1.zip"), Route::Unknown));
    assert!(matches!(get("/acme/demo/git-upload-pack"), Route::Unknown));
}

#[test]
fn files_are_where_the_configured_addresses_have_them() {
    let all: Vec<std::sync::Arc<str>> = ["web", "raw", "codeload"].map(Into::into).into();
    let url = |key: &str, roles: &[std::sync::Arc<str>]| {
        File::parse(key).unwrap().artifact(&package(), &need(roles)).url.to_string()
    };
    for (key, alone, apart) in [
        (
            format!("archive/{COMMIT}.zip"),
            format!("acme/demo/archive/{COMMIT}.zip"),
            format!("@codeload/acme/demo/zip/{COMMIT}"),
        ),
        (
            format!("archive/{COMMIT}/a/b.tar.gz"),
            "acme/demo/archive/a/b.tar.gz".into(),
            "@codeload/acme/demo/tar.gz/a/b".into(),
        ),
        (
            format!("legacy/{COMMIT}.tar.gz"),
            format!("acme/demo/tarball/{COMMIT}"),
            format!("@codeload/acme/demo/legacy.tar.gz/{COMMIT}"),
        ),
        (
            format!("legacy/{COMMIT}/v1.zip"),
            "acme/demo/zipball/v1".into(),
            "@codeload/acme/demo/legacy.zip/v1".into(),
        ),
        (
            format!("raw/{COMMIT}/a b/ü?.c"),
            format!("acme/demo/raw/{COMMIT}/a%20b/%C3%BC%3F.c"),
            format!("@raw/acme/demo/{COMMIT}/a%20b/%C3%BC%3F.c"),
        ),
        (
            "download/a/v1/x#y".into(),
            "acme/demo/releases/download/a/v1/x%23y".into(),
            "acme/demo/releases/download/a/v1/x%23y".into(),
        ),
    ] {
        assert_eq!((url(&key, &[]), url(&key, &all)), (alone, apart), "{key}");
    }
    for wrong in [
        "",
        "x",
        "archive/x.zip",
        "archive/main.zip",
        "raw/main/x",
        "download/v1",
        "download/../x",
        "other/a/b",
    ] {
        assert_eq!(File::parse(wrong), None, "{wrong}");
    }
}

fn file() -> impl Strategy<Value = File> {
    let commit = prop_oneof![Just(COMMIT.to_owned()), Just("ab".repeat(32))];
    let part = "[a-z0-9][a-zA-Z0-9._ü+-]{0,6}[a-z0-9]";
    let name = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    let kind =
        prop::sample::select(vec![Archive::TarGz, Archive::Zip, Archive::LegacyTarGz, Archive::LegacyZip]);
    prop_oneof![
        (kind, commit.clone(), prop::option::of(name.clone()))
            .prop_map(|(kind, commit, name)| File::Archive { kind, commit, name }),
        (commit.clone(), name.clone()).prop_map(|(commit, path)| File::Raw { commit, path }),
        (name, part).prop_map(|(tag, file)| File::Asset { tag, file }),
        commit.prop_map(File::Commit),
    ]
    .prop_filter("git takes the name", |file| match file {
        File::Archive { name: Some(name), .. } | File::Asset { tag: name, .. } => name::is_ref(name),
        _ => true,
    })
}

proptest! {
    #[test]
    fn keys_are_read_as_they_are_written(file in file()) {
        prop_assert_eq!(File::parse(&file.key()), Some(file));
    }

    #[test]
    fn an_address_leads_to_its_file(file in file()) {
        let encoded = |text: &str| super::files::encoded(text);
        let target = match &file {
            File::Archive { kind, commit, name: None } => format!("/acme/demo/{}/{commit}", kind.word()),
            File::Raw { commit, path } => format!("/acme/demo/raw/{commit}/{}", encoded(path)),
            File::Asset { tag, file } => format!("/acme/demo/releases/download/{}/{}", encoded(tag), encoded(file)),
            _ => return Ok(()),
        };
        match get(&target) {
            Route::Artifact { file: key, .. } => prop_assert_eq!(key, file.key()),
            other => prop_assert!(false, "{} {:?}", target, other),
        }
    }

    #[test]
    fn any_advertisement_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..200) {
        let good = include_bytes!("corpus/advertisement.bin");
        let mut damaged = good.to_vec();
        damaged.truncate(good.len() - at);
        damaged.extend_from_slice(&bytes);
        for text in [&bytes, &damaged] {
            if let Ok(advertisement) = refs::read(text) {
                let narrowed = refs::narrowed(&advertisement);
                prop_assert!(refs::read(&narrowed).is_ok(), "what is passed on can be read");
            }
            let _ = refs::listed(text);
        }
    }
}

#[test]
fn the_api_is_asked_where_there_is_one() {
    let api: Vec<std::sync::Arc<str>> = vec!["web".into(), "api".into()];
    let asked = |wanted: Wanted| match wanted {
        Wanted::Fetch(fetches) => {
            fetches.into_iter().map(|fetch| (fetch.upstream.into_owned(), fetch.path)).collect()
        }
        Wanted::Enough => Vec::new(),
    };
    assert!(asked(Github.wanted(&package(), &[], &need(&[]))).is_empty());
    assert_eq!(
        asked(Github.wanted(&package(), &[], &need(&api))),
        [
            ("api".to_owned(), "/repos/acme/demo".to_owned()),
            ("api".to_owned(), "/repos/acme/demo/releases?per_page=100".to_owned())
        ]
    );
    assert!(asked(Github.wanted(&package(), &[document("repository", "{}")], &need(&api))).is_empty());
    let page = |count: usize| {
        let list: Vec<String> = (0..count).map(|at| format!("{{\"tag_name\":\"v{at}\"}}")).collect();
        document("releases", format!("[{}]", list.join(",")))
    };
    assert!(asked(Github.wanted(&package(), &[page(99)], &need(&api))).is_empty());
    let further = asked(Github.wanted(&package(), &[page(100)], &need(&api)));
    assert_eq!(further[1].1, "/repos/acme/demo/releases?per_page=100&page=3");
    let third = document("releases3", r#"[{"tag_name":"v0"},{"tag_name":"old"}]"#);
    assert!(asked(Github.wanted(&package(), &[page(100), third.clone()], &need(&api))).is_empty());
    assert_eq!(Github.read(&package(), &[page(100), third]).unwrap().releases().len(), 101);
    let details = Github.details().unwrap();
    let of = |file: &str, roles: &[std::sync::Arc<str>]| {
        let release = details.unlisted(&package(), file, &need(roles)).unwrap();
        asked(details.wanted(&package(), &release, &[], &need(roles)))
            .into_iter()
            .map(|(_, path)| path)
            .collect::<Vec<_>>()
    };
    let archive = format!("archive/{COMMIT}.zip");
    assert!(of(&archive, &[]).is_empty());
    assert_eq!(
        of(&archive, &api),
        [format!("/repos/acme/demo/git/commits/{COMMIT}"), "/repos/acme/demo".to_owned()]
    );
    assert_eq!(of("download/a/v1/x", &api)[0], "/repos/acme/demo/releases/tags/a/v1");
    assert!(details.unlisted(&package(), "archive/main.zip", &need(&[])).is_none());
}

#[test]
fn what_the_api_says_of_releases_is_read() {
    let repository =
        r#"{"archived":true,"created_at":"2019-01-01T00:00:00Z","license":{"spdx_id":"NOASSERTION"}}"#;
    let list = include_bytes!("corpus/releases.json");
    let index = Github
        .read(&package(), &[document("repository", repository), document("releases", &list[..])])
        .unwrap();
    let standing = index.standing();
    assert_eq!(standing.retired.as_deref(), Some("archived by its owners"));
    assert_eq!(standing.first_published, Timestamp::parse("2019-01-01T00:00:00Z").ok());
    let told: Vec<_> = index
        .releases()
        .iter()
        .map(|release| {
            (
                &*release.version,
                release.prerelease,
                release.artifacts.iter().map(|one| &*one.file).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("v1.2.0", false, vec!["download/v1.2.0/demo.tar.gz"]),
            ("v1.1.0", false, vec!["download/v1.1.0/demo.tar.gz"]),
            ("v1.1.0", false, vec!["download/v1.1.0/notes.txt"]),
            ("v1.1.0-rc.1", true, vec!["download/v1.1.0-rc.1/demo.tar.gz"]),
            ("v0.9.0", false, vec![]),
        ]
    );
    assert_eq!(index.releases()[2].published, Timestamp::parse("2026-11-19T00:00:00Z").ok());
    assert_eq!(index.releases()[0].licence, None);
    let odd = r#"[{"tag_name":"v1","assets":[{"name":"../x"},{"name":"a/b"},{"name":"ok","digest":"sha256:zz","state":"starter"}],"published_at":"soon"},
        {"tag_name":"a..b"},{"tag_name":"v1"}]"#;
    let index = Github.read(&package(), &[document("releases", odd)]).unwrap();
    assert_eq!(index.releases().len(), 1);
    assert!(index.releases()[0].artifacts.is_empty() && index.releases()[0].published.is_none());
    for wrong in ["", "{}", "[1]", "[{}]", "[{\"tag_name\":1}]"] {
        assert!(Github.read(&package(), &[document("releases", wrong)]).is_err(), "{wrong}");
    }
    assert!(Github.read(&package(), &[document("repository", "1")]).is_err());
    assert!(Github.read(&package(), &[]).unwrap().releases().is_empty());
}

#[test]
fn what_the_api_says_of_one_release_or_commit_is_read() {
    let details = Github.details().unwrap();
    let release = |file: &str| details.unlisted(&package(), file, &need(&[])).unwrap();
    let read = |file: &str, have: &[Document]| details.read(&package(), &release(file), have);
    let asset = r#"{"tag_name":"v1","published_at":"2020-01-01T00:00:00Z","author":{"login":"alice"},"assets":[
        {"name":"x","size":5,"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","updated_at":"2021-01-01T00:00:00Z"},
        {"name":"y","updated_at":"2025-01-01T00:00:00Z"}]}"#;
    let detail = read("download/v1/x", &[document("release", asset)]).unwrap().unwrap();
    assert_eq!(detail.claimed, Timestamp::parse("2021-01-01T00:00:00Z").ok(), "the file came a year later");
    assert_eq!((detail.publisher.as_deref(), detail.published), (Some("alice"), None));
    assert!(detail.artifacts.is_empty(), "what is kept for ever would hold for its other files too");
    assert!(read("download/v2/x", &[document("release", asset)]).is_err(), "another release");
    let commit = format!(r#"{{"sha":"{COMMIT}","committer":{{"date":"2020-02-02T00:00:00Z"}}}}"#);
    let file = format!("raw/{COMMIT}/a");
    let licensed = document("repository", r#"{"license":{"spdx_id":"MIT"}}"#);
    let detail = read(&file, &[document("commit", commit.clone()), licensed]).unwrap().unwrap();
    assert_eq!((detail.claimed, detail.published), (Timestamp::parse("2020-02-02T00:00:00Z").ok(), None));
    assert_eq!(detail.licence.as_deref(), Some("MIT"));
    assert!(read(&format!("raw/{OTHER}/a"), &[document("commit", commit)]).is_err(), "another commit");
    assert!(read(&file, &[document("commit", "[]")]).is_err());
    assert_eq!(read(&file, &[]).unwrap(), Some(crate::Detail::default()));
}

#[test]
fn git_is_pointed_by_rewriting_addresses() {
    let base = BaseUrl::new("https://gate.example/github/");
    let upstreams = [("web".to_owned(), "https://git.example:8443/".to_owned())];
    let pointing = Github.pointing(&base, Some("secret"), "/scratch", &upstreams);
    let value = |name: &str| {
        pointing.environment.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(value("GIT_CONFIG_COUNT"), Some("7"));
    let settings: Vec<(Option<&str>, Option<&str>)> = (0..7)
        .map(|at| (value(&format!("GIT_CONFIG_KEY_{at}")), value(&format!("GIT_CONFIG_VALUE_{at}"))))
        .collect();
    let rule = Some("url.https://gate.example/github/.insteadOf");
    let header = Some("http.https://gate.example/github/.extraHeader");
    assert_eq!(
        settings,
        [
            (rule, Some("https://git.example:8443/")),
            (rule, Some("git@git.example:")),
            (rule, Some("ssh://git@git.example/")),
            (rule, Some("git://git.example/")),
            (rule, Some("https://gate.example/npm/")),
            (rule, Some("ssh://git@gate.example/npm/")),
            (header, Some("Authorization: Bearer secret")),
        ]
    );
    let below = [("web".to_owned(), "https://mirror.example/git".to_owned())];
    let edits = Github.setup(&base, None, &below);
    let [edit] = edits.as_slice() else { panic!("one edit") };
    let EditKind::Git { section, entries } = &edit.kind else { panic!("git's settings") };
    assert_eq!(section, "url \"https://gate.example/github/\"");
    let beginnings: Vec<&str> = entries.iter().map(|(_, beginning)| beginning.as_str()).collect();
    let expected =
        ["https://mirror.example/git/", "https://gate.example/npm/git/", "ssh://git@gate.example/npm/git/"];
    assert_eq!(beginnings, expected, "ssh knows no paths of mirrors");
    let without = Github.pointing(&base, None, "/scratch", &[]);
    assert!(without.caveats.iter().any(|caveat| caveat.contains("no address")));
    let told = Github.adopt(&[ProbeOutput::default()]).unwrap_err().to_string();
    assert!(told.contains("[upstreams.github]"), "{told}");
}

#[test]
fn files_are_served_as_what_they_are() {
    let media = |key: &str| Github.media_type(key);
    assert_eq!(media(&format!("archive/{COMMIT}/v1.tar.gz")), "application/gzip");
    assert_eq!(media(&format!("legacy/{COMMIT}.zip")), "application/zip");
    assert_eq!(media(&format!("raw/{COMMIT}/index.html")), "text/plain; charset=utf-8");
    assert_eq!(media("download/v1/x.html"), "application/octet-stream");
    let digest =
        lazaret_vocabulary::Digest::from_bytes(lazaret_vocabulary::Algorithm::Sha256, &[0; 32]).unwrap();
    let headers = Github.file_headers("download/v1/a \"b\".zip", &digest, "");
    assert!(headers.iter().any(|(_, value)| value == "attachment; filename=\"ab.zip\""), "{headers:?}");
}
