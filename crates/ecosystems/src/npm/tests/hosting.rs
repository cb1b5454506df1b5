use super::inspecting::tarball;
use super::*;
use crate::hosting::{Change, HostedPackage, HostedRelease, StoredFile};
use crate::npm::audit::Audits;
use crate::npm::hosting::House;
use crate::npm::{documents, route, search};
use crate::{AuditHit, Auditing, Hosting, HostingError, Listed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use lazaret_vocabulary::{Algorithm, Digest, ReleaseKind};
use serde_json::json;

fn submit(method: &str, target: &str, body: &str) -> Result<Change, HostingError> {
    ask(method, target, &NPM, |head| {
        let Route::Submit { action, package, .. } = route::route(head) else {
            panic!("{target} is a change")
        };
        House.read(action, package.as_ref(), head, &Bytes::from(body.to_owned()))
    })
}

/// What `npm publish` sends.
fn publication(manifest: &Value, tarball: &[u8]) -> Value {
    let name = manifest["name"].as_str().unwrap();
    let version = manifest["version"].as_str().unwrap();
    let sha512 = ring::digest::digest(&ring::digest::SHA512, tarball);
    let integrity = Digest::from_bytes(Algorithm::Sha512, sha512.as_ref()).unwrap().to_sri();
    let mut listed = manifest.clone();
    listed["dist"] = json!({ "integrity": integrity, "tarball": "http://gate.example/x.tgz" });
    listed["readme"] = "long".into();
    json!({
        "_id": name, "name": name, "description": "pads", "dist-tags": { "latest": version },
        "versions": { version: listed }, "access": null,
        "_attachments": { format!("{name}-{version}.tgz"): {
            "content_type": "application/octet-stream", "data": STANDARD.encode(tarball), "length": tarball.len(),
        } },
    })
}

fn published(manifest: &Value, packed: &str) -> Result<Change, HostingError> {
    submit("PUT", "/@acme%2ftools", &publication(manifest, &tarball(packed)).to_string())
}

#[test]
fn a_publication_is_read_and_served_again() {
    let manifest = json!({ "name": "@acme/tools", "version": "1.2.3", "license": "UNLICENSED",
        "dependencies": { "a": "^1" }, "scripts": { "postinstall": "x" } });
    let change = published(&manifest, &manifest.to_string()).unwrap();
    let Change::Publish { package, version, manifest, files, tags, description, .. } = &change else {
        panic!()
    };
    assert_eq!((package.as_str(), version.as_str(), description.as_str()), ("@acme/tools", "1.2.3", "pads"));
    assert_eq!(tags, &["latest"]);
    assert_eq!(files[0].file, "tools-1.2.3.tgz");
    assert!(!manifest.contains("readme") && !manifest.contains("gate.example"), "{manifest}");
    assert_eq!(House.done(&change).status, StatusCode::CREATED);
    let stored = hosted(package, &[(version, manifest, &files[0].metadata)]);
    let have = House.documents(&stored, Timestamp::EPOCH).unwrap();
    let index = documents::read(package, &have).unwrap();
    let release = &index.releases[0];
    assert_eq!((release.kind, release.install_script), (ReleaseKind::Hosted, Some(true)));
    assert_eq!(release.publisher.as_deref(), Some("alice"));
    let algorithms: Vec<_> = release.artifacts[0].digests.iter().map(Digest::algorithm).collect();
    assert_eq!(algorithms, [Algorithm::Sha512, Algorithm::Sha1]);
    let document: Value = serde_json::from_slice(&have[0].body).unwrap();
    assert_eq!(document["dist-tags"], json!({ "latest": "1.2.3" }));
    assert!(document["_rev"].as_str().unwrap().starts_with("1-"));
    let body = String::from_utf8(have[0].body.to_vec()).unwrap();
    let view = View { form: "full", version: None };
    let shown = value(&render(package, &body, &view, |_| false));
    assert_eq!(
        shown["versions"]["1.2.3"]["dist"]["tarball"],
        format!("{BASE}/@acme/tools/-/tools-1.2.3.tgz")
    );
    assert_eq!(shown["_rev"], document["_rev"]);
}

fn hosted(package: &PackageName, releases: &[(&str, &str, &str)]) -> HostedPackage {
    let releases = releases.iter().map(|(version, manifest, metadata)| HostedRelease {
        version: (*version).to_owned(),
        manifest: (*manifest).to_owned(),
        published: Timestamp::from_seconds(1_700_000_000),
        publisher: "alice".to_owned(),
        withdrawn: None,
        deprecated: None,
        files: vec![StoredFile {
            file: format!("tools-{version}.tgz").into(),
            digests: vec![Digest::from_bytes(Algorithm::Sha256, &[7; 32]).unwrap()],
            size_bytes: 9,
            published: Timestamp::EPOCH,
            metadata: (*metadata).to_owned(),
        }],
    });
    HostedPackage {
        package: package.clone(),
        releases: releases.collect(),
        tags: vec![("latest".to_owned(), "9.9.9".to_owned()), ("next".to_owned(), "2.0.0-rc.1".to_owned())],
        owners: vec!["alice".to_owned()],
    }
}

#[test]
fn latest_points_at_something_that_is_there() {
    let name = package("@acme/tools");
    let stored = hosted(&name, &[("1.0.0", "{}", ""), ("2.0.0-rc.1", "{}", ""), ("1.10.0", "{}", "")]);
    let have = House.documents(&stored, Timestamp::EPOCH).unwrap();
    let document: Value = serde_json::from_slice(&have[0].body).unwrap();
    assert_eq!(document["dist-tags"], json!({ "latest": "1.10.0", "next": "2.0.0-rc.1" }));
    assert_eq!(documents::read(&name, &have).unwrap().releases.len(), 3);
    let empty = HostedPackage { releases: Vec::new(), ..stored };
    let have = House.documents(&empty, Timestamp::EPOCH).unwrap();
    assert!(documents::read(&name, &have).unwrap().releases.is_empty());
}

#[test]
fn a_tarball_that_says_something_else_is_not_published() {
    let manifest = json!({ "name": "@acme/tools", "version": "1.2.3", "dependencies": { "a": "^1" } });
    for (packed, expected) in [
        (json!({ "name": "@acme/tools", "version": "1.2.4", "dependencies": { "a": "^1" } }), "of version"),
        (json!({ "name": "@acme/other", "version": "1.2.3", "dependencies": { "a": "^1" } }), "calls itself"),
        (json!({ "name": "@acme/tools", "version": "1.2.3" }), "dependencies"),
        (
            json!({ "name": "@acme/tools", "version": "1.2.3", "dependencies": { "a": "^1" },
                "scripts": { "install": "x" } }),
            "install scripts",
        ),
    ] {
        let error = published(&manifest, &packed.to_string()).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_REQUEST);
        assert!(error.message.contains(expected), "{}", error.message);
    }
}

#[test]
fn a_publication_that_is_not_whole_is_not_taken() {
    let manifest = json!({ "name": "@acme/tools", "version": "1.2.3" });
    let good = publication(&manifest, &tarball(&manifest.to_string()));
    let attachment = "/_attachments/@acme~1tools-1.2.3.tgz";
    let change = |pointer: &str, to: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = to;
        body.to_string()
    };
    let truncated = STANDARD.encode(b"\x1f\x8b");
    for body in [
        "{".to_owned(),
        "[]".to_owned(),
        change("/name", "@acme/other".into()),
        change("/versions", json!({})),
        change("/versions/1.2.3/version", "1.2.4".into()),
        change("/versions/1.2.3/name", "tools".into()),
        change("/versions/1.2.3/dist/integrity", super::reading::SRI.into()),
        change(&format!("{attachment}/data"), "not base64".into()),
        change(&format!("{attachment}/data"), truncated.into()),
        change(&format!("{attachment}/length"), 3.into()),
        change("/dist-tags", json!({ "2": "1.2.3" })),
        change("/versions", json!({ "1.2.3": {}, "1.2.4": {} })),
    ] {
        assert!(submit("PUT", "/@acme%2ftools", &body).is_err(), "{body}");
    }
    assert!(submit("PUT", "/@acme%2ftools", &good.to_string()).is_ok());
}

#[test]
fn packuments_written_back_change_warnings_only() {
    let body = json!({ "_id": "a", "_rev": "1-a", "name": "a", "versions": {
        "1.0.0": { "deprecated": "use b" }, "1.1.0": { "deprecated": "" }, "1.2.0": {} } });
    for target in ["/a", "/a/-rev/1-a"] {
        let Change::Deprecate { versions, .. } = submit("PUT", target, &body.to_string()).unwrap() else {
            panic!()
        };
        assert_eq!(versions, [("1.0.0".into(), "use b".into()), ("1.1.0".into(), String::new())]);
    }
    // `npm owner` writes maintainers and no versions.
    let owners = submit("PUT", "/a/-rev/1-a", r#"{"_id":"a","maintainers":[]}"#).unwrap_err();
    assert_eq!(owners.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn versions_and_tags_are_taken_away() {
    let told = |method: &str, target: &str, body: &str| format!("{:?}", submit(method, target, body));
    assert!(told("DELETE", "/a/-rev/1-a", "").contains("Remove { package: npm:a, version: None }"));
    assert!(
        told("DELETE", "/@acme/tools/-/tools-1.2.3.tgz/-rev/1-a", "").contains(r#"version: Some("1.2.3")"#)
    );
    assert!(submit("DELETE", "/a/-/b-1.2.3.tgz/-rev/1-a", "").is_err());
    assert!(
        told("PUT", "/-/package/a/dist-tags/next", "\"1.0.0\"").contains(r#"tag: "next", version: "1.0.0""#)
    );
    assert!(
        told("DELETE", "/-/package/a/dist-tags/next", "")
            .contains(r#"Untag { package: npm:a, tag: "next" }"#)
    );
    assert!(submit("DELETE", "/-/package/a/dist-tags/latest", "").is_err());
    for tag in ["1.0.0", "v1", "12", "a%20b"] {
        assert!(submit("PUT", &format!("/-/package/a/dist-tags/{tag}"), "\"1.0.0\"").is_err(), "{tag}");
    }
}

fn hit() -> AuditHit {
    AuditHit {
        package: package("left-pad"),
        versions: vec!["1.0.0".into()],
        id: "GHSA-aaaa-bbbb-cccc".into(),
        title: "it pads".into(),
        severity: "high",
        vulnerable: "<1.2.0".into(),
        url: "https://advisories.example/1".into(),
    }
}

#[test]
fn bulk_audits_are_answered() {
    let body = br#"{"left-pad":["1.0.0","1.3.0"],"../x":["1"]}"#;
    let asked = Audits.question("bulk", body).unwrap();
    assert_eq!(asked, [(package("left-pad"), vec!["1.0.0".to_owned(), "1.3.0".to_owned()])]);
    let answer = value(&Audits.answer("bulk", body, &[hit()]).unwrap());
    let advisory = &answer["left-pad"][0];
    assert_eq!((&advisory["vulnerable_versions"], &advisory["severity"]), (&json!("<1.2.0"), &json!("high")));
    assert!(advisory["id"].is_u64());
    assert_eq!(value(&Audits.answer("bulk", body, &[]).unwrap()), json!({}));
    assert!(Audits.question("bulk", b"[]").is_err());
}

#[test]
fn whole_trees_are_audited_too() {
    let body = br#"{"name":"probe","version":"0.0.0","requires":{"a":"^1"},"dependencies":{
        "a":{"version":"1.0.0","requires":{"left-pad":"1"},"dependencies":{"left-pad":{"version":"1.0.0"}}},
        "left-pad":{"version":"1.3.0"}}}"#;
    let asked = Audits.question("tree", body).unwrap();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1], (package("left-pad"), vec!["1.0.0".to_owned(), "1.3.0".to_owned()]));
    let answer = value(&Audits.answer("tree", body, &[hit()]).unwrap());
    let advisory = answer["advisories"].as_object().unwrap().values().next().unwrap();
    assert_eq!(advisory["findings"], json!([{ "version": "1.0.0", "paths": ["a>left-pad"] }]));
    assert_eq!(answer["metadata"]["vulnerabilities"]["high"], 1);
    let deep = format!("{}{}", r#"{"dependencies":{"a":"#.repeat(5000), "}}".repeat(5000));
    assert!(Audits.question("tree", deep.as_bytes()).is_err());
}

#[test]
fn searches_are_put_and_answered() {
    let search = search::parse("text=left%20pad&size=7");
    assert_eq!(search::fetch(&search).path, "/-/v1/search?text=left%20pad&size=7&from=0");
    let body = r#"{"objects":[{"package":{"name":"left-pad","version":"1.3.0","description":"pads","date":"2016-04-11T01:02:03.004Z"}},{"package":{"name":"../x"}}],"total":2}"#;
    let found: Vec<Listed> = search::hits(&document("search", body)).unwrap();
    assert_eq!((found.len(), found[0].package.as_str()), (1, "left-pad"));
    let reply = value(&search::reply(&found));
    assert_eq!(reply["total"], 1);
    assert_eq!(reply["objects"][0]["package"]["version"], "1.3.0");
    assert!(search::hits(&document("search", "{}")).is_err());
}
