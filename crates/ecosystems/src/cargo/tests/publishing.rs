use super::inspecting::{MANIFEST, crate_file, demo};
use super::*;

/// A publication as cargo sends it.
fn publication(metadata: &str, file: &[u8]) -> Bytes {
    let mut body = Vec::new();
    for part in [metadata.as_bytes(), file] {
        body.write_all(&u32::try_from(part.len()).unwrap().to_le_bytes()).unwrap();
        body.write_all(part).unwrap();
    }
    body.into()
}

pub(super) fn submit(
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
        Cargo.wanted(
            &hosted.package,
            &documents,
            &crate::Need { dates_after: None, details: true, roles: &[] }
        ),
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
    let body = Bytes::from_static(include_bytes!("../corpus/publish.bin"));
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
            requires: Vec::new(),
            by_digest: false,
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
    assert!(
        String::from_utf8_lossy(&hosting.done(&added).body).contains("alice written down as owner of demo")
    );
}
