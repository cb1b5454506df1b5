//! git's own protocol: where names stand, and how a refusal is worded.

use super::super::files::File;
use super::super::refs::{self, Advertisement};
use super::super::{name, pktline};
use super::*;
use lazaret_vocabulary::{ReferenceKind, Refusal, Reply};

#[test]
fn a_commit_is_looked_up_among_advisories_by_its_tag() {
    let pointers = Github.pointers().unwrap();
    let document = document("refs", &include_bytes!("../corpus/advertisement.bin")[..]);
    let release = |pointer: &str| {
        pointers.read(&package(), pointer, "zip", &document, &need(&[])).unwrap().unwrap().release
    };
    assert_eq!(Github.advised_as(&release("v1.0.0")), "v1.0.0");
    let unknown = release("main");
    let beyond = Github.advised_as(&unknown);
    assert!(Github.compare(&beyond, "v20261126").is_gt(), "only an advisory without an end covers {beyond}");
    let asset = File::parse("download/v1.1.0/x").unwrap().release(&package(), &need(&[]));
    assert_eq!(Github.advised_as(&asset), "v1.1.0");
}

#[test]
fn tags_that_follow_the_newest_release_are_meant_to_move() {
    for moving in
        ["HEAD", "refs/heads/v1.0.0", "refs/pull/1/head", "refs/tags/v4", "refs/tags/12", "refs/tags/latest"]
    {
        assert_eq!(name::kind(moving), ReferenceKind::Moving, "{moving}");
    }
    for fixed in [
        "refs/tags/v4.1",
        "refs/tags/1.0.0",
        "refs/tags/release-1",
        "refs/tags/20240105",
        "refs/tags/v",
        "refs/tags/v1.0^{tag}",
    ] {
        assert_eq!(name::kind(fixed), ReferenceKind::Fixed, "{fixed}");
    }
}

#[test]
fn the_second_version_is_asked_for_only_by_who_speaks_it() {
    let role = |protocol: &str| {
        let headers: HeaderMap = [(http::HeaderName::from_static("git-protocol"), protocol.parse().unwrap())]
            .into_iter()
            .collect();
        let path = "/Acme/demo/info/refs";
        let head =
            RequestHead { method: &Method::GET, path, query: "service=git-upload-pack", headers: &headers };
        match Github.route(&head) {
            Route::Relay(relay) => (relay.fetch.role, relay.key, relay.fetch.path),
            other => panic!("{other:?}"),
        }
    };
    let path = "/Acme/demo.git/info/refs?service=git-upload-pack".to_owned();
    assert_eq!(role("version=2"), ("capabilities", "acme/demo:capabilities".to_owned(), path.clone()));
    for other in ["version=1", "", "version=22"] {
        assert_eq!(role(other), ("refs", "acme/demo:refs".to_owned(), path.clone()), "{other}");
    }
    assert_eq!(Github.fetch_headers("capabilities"), [("git-protocol", "version=2")]);
    assert!(Github.fetch_headers("refs").is_empty());
}

#[test]
fn advertisements_are_narrowed_and_otherwise_kept() {
    let good = include_bytes!("../corpus/advertisement.bin");
    let advertisement = refs::read(good).unwrap();
    let Advertisement::Names { refs: found, abilities, .. } = &advertisement else { panic!("names") };
    assert_eq!(found.len(), 5);
    assert!(abilities.contains("filter"));
    let narrowed = refs::narrowed(&advertisement);
    let Advertisement::Names { refs: again, abilities, .. } = refs::read(&narrowed).unwrap() else {
        panic!("names")
    };
    assert_eq!(*found, again);
    assert!(
        !abilities.contains("filter")
            && !abilities.contains("session-id")
            && abilities.contains("side-band-64k")
    );
    let pointed = refs::pointed(&package(), found);
    let told: Vec<_> = pointed.iter().map(|one| (one.pointer.as_str(), one.version.as_str())).collect();
    let object = "a".repeat(40);
    assert_eq!(
        told,
        [
            ("refs/tags/v1.0.0", OTHER),
            ("refs/tags/v1.0.0^{tag}", object.as_str()),
            ("refs/tags/v1.1.0", COMMIT)
        ]
    );

    let second = refs::narrowed(&refs::read(include_bytes!("../corpus/abilities.bin")).unwrap());
    let text = String::from_utf8(second.to_vec()).unwrap();
    assert!(text.contains("fetch=shallow wait-for-done\n") && text.contains("object-format=sha1"));
    for word in ["filter", "packfile-uris", "bundle-uri", "object-info", "session-id"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[test]
fn advertisements_of_every_kind_are_read() {
    let zero = "0".repeat(40);
    let empty = lines(&[&format!("{zero} capabilities^{{}}\0agent=x\n"), "0000"]);
    let Advertisement::Names { refs: none, .. } = refs::read(&empty).unwrap() else { panic!("names") };
    assert!(none.is_empty());
    let first = lines(&[
        "# service=git-upload-pack\n",
        "0000",
        "version 1\n",
        &format!("{COMMIT} HEAD\0agent=x"),
        "0000",
    ]);
    assert!(String::from_utf8_lossy(&refs::narrowed(&refs::read(&first).unwrap())).contains("version 1\n"));
    let line = format!("{COMMIT} HEAD\0a\n");
    for wrong in [
        &[][..],
        &["0000"],
        &["# service=git-upload-pack\n", &line, "0000"],
        &["# service=git-receive-pack\n", "0000", &line, "0000"],
        &["ERR no such repository"],
        &["version 2\n"],
        &["version 2\n", "a", "0001"],
        &[&line],
        &[&line, "0001", "0000"],
        &[&line, "x refs/heads/main", "0000"],
        &[&line, COMMIT, "0000"],
        &[&line, &format!("{OTHER} refs/tags/v1^{{}}"), "0000"],
        &[&format!("{COMMIT} HEAD\n"), "0000"],
    ] {
        assert!(refs::read(&lines(wrong)).is_err(), "{wrong:?}");
    }
    let listed = refs::listed(include_bytes!("../corpus/ls-refs.bin")).unwrap();
    assert_eq!((listed.len(), listed[2].commit()), (3, OTHER));
    assert!(
        refs::listed(&lines(&["unborn HEAD symref-target:refs/heads/main\n", "0000"])).unwrap().is_empty()
    );
    assert!(refs::listed(b"0009x").is_err());
}

#[test]
fn names_stand_for_commits() {
    let pointers = Github.pointers().unwrap();
    let document = document("refs", &include_bytes!("../corpus/advertisement.bin")[..]);
    let read = |pointer: &str, wanted: &str| {
        let target = pointers.read(&package(), pointer, wanted, &document, &need(&[])).unwrap()?;
        let reference = target.release.reference.clone().unwrap();
        let files: Vec<&str> = target.release.artifacts.iter().map(|artifact| &*artifact.file).collect();
        assert!(files.contains(&&*target.file) && files.contains(&&*target.release.version), "{files:?}");
        Some((target.release.version.to_string(), reference.name.to_string(), reference.kind, target.file))
    };
    use ReferenceKind::{Fixed, Moving};
    let told =
        |commit: &str, name: &str, kind, file: String| Some((commit.to_owned(), name.to_owned(), kind, file));
    assert_eq!(
        read("v1.0.0", "zip"),
        told(OTHER, "refs/tags/v1.0.0", Fixed, format!("archive/{OTHER}/v1.0.0.zip"))
    );
    assert_eq!(
        read("refs/tags/v1.1.0", "tar.gz"),
        told(COMMIT, "refs/tags/v1.1.0", Fixed, format!("archive/{COMMIT}/refs/tags/v1.1.0.tar.gz"))
    );
    assert_eq!(
        read("main", "legacy.zip"),
        told(COMMIT, "refs/heads/main", Moving, format!("legacy/{COMMIT}/main.zip"))
    );
    assert_eq!(
        read("HEAD", "legacy.tar.gz"),
        told(COMMIT, "HEAD", Moving, format!("legacy/{COMMIT}/HEAD.tar.gz"))
    );
    assert_eq!(
        read("feature/x/a/b", "raw"),
        told(OTHER, "refs/heads/feature/x", Moving, format!("raw/{OTHER}/a/b"))
    );
    assert_eq!(
        read("refs/heads/main/a", "raw"),
        told(COMMIT, "refs/heads/main", Moving, format!("raw/{COMMIT}/a"))
    );
    assert_eq!(read("main", ""), told(COMMIT, "refs/heads/main", Moving, COMMIT.to_owned()));
    for (pointer, wanted) in [
        ("feature", "zip"),
        ("feature/x", "raw"),
        ("heads/main", "zip"),
        ("refs/heads/no", "zip"),
        ("main", "rar"),
    ] {
        assert_eq!(read(pointer, wanted), None, "{pointer} {wanted}");
    }
    let abilities = self::document("refs", &include_bytes!("../corpus/abilities.bin")[..]);
    assert!(pointers.read(&package(), "main", "zip", &abilities, &need(&[])).is_err());
    assert!(!pointers.falls_back());
    let earlier = pointers.earlier(&package(), "main", "zip", OTHER, &need(&[])).unwrap();
    assert_eq!(earlier.file, format!("archive/{OTHER}/main.zip"));
}

fn refusal() -> Refusal {
    Refusal {
        package: package(),
        version: Some(COMMIT.to_owned()),
        code: "release-too-new".to_owned(),
        sentence: "first seen 2 hours ago".to_owned(),
        until: Some(Timestamp::from_seconds(1_800_000_000)),
        newest_allowed: None,
        page: "https://gate.example/p/github/acme/demo".to_owned(),
    }
}

#[test]
fn refusals_and_errors_have_the_form_that_git_prints() {
    let refused = |method: &Method, target: &str| ask(method, target, |head| Github.refuse(&refusal(), head));
    let question = refused(&Method::POST, "/acme/demo/git-upload-pack");
    assert_eq!(question.status, StatusCode::OK);
    let line = refusal().line();
    assert_eq!(question.body, format!("{:04x}ERR {line}", line.len() + 8));
    let asset = refused(&Method::GET, "/acme/demo/releases/download/v1/x");
    assert_eq!((asset.status, asset.body), (StatusCode::FORBIDDEN, Bytes::from(format!("{line}\n"))));
    let api = refused(&Method::GET, "/repos/acme/demo/tarball/v1");
    let body: serde_json::Value = serde_json::from_slice(&api.body).unwrap();
    assert_eq!((api.status, body["message"].as_str()), (StatusCode::FORBIDDEN, Some(line.as_str())));

    let error = |method: &Method, status: StatusCode, message: &str| -> Reply {
        ask(method, "/acme/demo/git-upload-pack", |head| Github.error(status, message, head))
    };
    let unwell = error(&Method::POST, StatusCode::BAD_GATEWAY, "upstream\nis not well");
    assert_eq!((unwell.status, &*unwell.body), (StatusCode::OK, &b"001cERR upstream is not well"[..]));
    let unauthorised = error(&Method::POST, StatusCode::UNAUTHORIZED, "who are you?");
    assert_eq!(unauthorised.status, StatusCode::UNAUTHORIZED, "git asks its helpers then");
    assert!(unauthorised.headers.iter().any(|(name, _)| name == "www-authenticate"));
    let long = error(&Method::POST, StatusCode::BAD_GATEWAY, &"ü".repeat(70_000));
    assert!(long.body.len() <= pktline::LONGEST && std::str::from_utf8(&long.body).is_ok());
}
