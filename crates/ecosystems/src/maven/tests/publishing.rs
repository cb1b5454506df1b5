//! What `mvn deploy` sends, and what is made of it.

use super::super::hosting::{self, Deployed};
use super::super::{house, render};
use super::*;
use crate::Hosting as _;

fn put(path: &str, body: &[u8]) -> Result<Change, crate::HostingError> {
    ask(&Method::PUT, path, |head| {
        let Route::Submit { action, package, .. } = route::route(head) else { panic!("{path}") };
        Deployed.read(action, package.as_ref(), head, &Bytes::copy_from_slice(body))
    })
}

fn pom(version: &str) -> String {
    format!(
        "<project><groupId>com.acme</groupId><artifactId>tools</artifactId><version>{version}</version><description>Tools</description><licenses><license><name>MIT</name></license></licenses></project>"
    )
}

fn stored(file: &HostedFile) -> StoredFile {
    let digest = ring::digest::digest(&ring::digest::SHA256, &file.bytes);
    let old = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &file.bytes);
    StoredFile {
        file: file.file.as_str().into(),
        digests: vec![
            Digest::from_bytes(Algorithm::Sha256, digest.as_ref()).unwrap(),
            Digest::from_bytes(Algorithm::Sha1, old.as_ref()).unwrap(),
        ],
        size_bytes: file.bytes.len() as u64,
        published: Timestamp::from_seconds(1_700_000_000),
        metadata: file.metadata.clone(),
    }
}

/// What is stored after these PUTs.
fn hosted(puts: &[(&str, Vec<u8>)]) -> HostedPackage {
    let mut package = HostedPackage {
        package: package("com.acme:tools"),
        releases: Vec::new(),
        tags: Vec::new(),
        owners: Vec::new(),
    };
    for (path, body) in puts {
        let change = put(path, body).unwrap();
        Deployed.accepts(&package, &change).unwrap();
        assert_eq!(Deployed.done(&change).status, StatusCode::CREATED);
        let Change::Publish { version, manifest, files, .. } = change else { continue };
        let files: Vec<StoredFile> = files.iter().map(stored).collect();
        match package.releases.iter_mut().find(|release| release.version == version) {
            Some(release) => release.files.extend(files),
            None => package.releases.push(HostedRelease {
                version,
                manifest,
                published: Timestamp::from_seconds(1_700_000_000),
                publisher: "alice".to_owned(),
                withdrawn: None,
                deprecated: None,
                files,
            }),
        }
    }
    package
}

fn index(package: &HostedPackage) -> MavenIndex {
    let documents = Deployed.documents(package, Timestamp::EPOCH).unwrap();
    assert!(documents.iter().any(|document| document.role == HOUSE));
    assert!(matches!(documents::wanted(&package.package, &documents, &need()), Wanted::Enough));
    documents::read(&package.package, &documents).unwrap()
}

const HOME: &str = "/com/acme/tools";

#[test]
fn a_release_comes_file_by_file() {
    let package = hosted(&[
        (&format!("{HOME}/1.0/tools-1.0.jar"), jar(&[])),
        (&format!("{HOME}/1.0/tools-1.0.pom"), pom("1.0").into()),
        (&format!("{HOME}/1.0/tools-1.0-sources.jar"), b"sources".to_vec()),
        (&format!("{HOME}/maven-metadata.xml"), LISTED.into()),
        (&format!("{HOME}/1.1/tools-1.1.pom"), pom("1.1").into()),
    ]);
    let index = index(&package);
    assert_eq!(versions(&index), ["1.0", "1.1"]);
    assert_eq!(index.releases[0].artifacts.len(), 3);
    assert_eq!(index.releases[0].licence.as_deref(), Some("MIT"));
    let text = house::metadata(&package.package, &index.releases, |_| true).unwrap();
    let read = read(std::str::from_utf8(&text).unwrap());
    assert_eq!(versions(&read), ["1.0", "1.1"]);
    assert_eq!(read.releases[0].no_later_than, Some(Timestamp::from_seconds(1_700_000_000)));
    let text = house::metadata(&package.package, &index.releases, |at| at == 0).unwrap();
    assert!(!std::str::from_utf8(&text).unwrap().contains("1.1"));
    assert!(house::metadata(&package.package, &index.releases, |_| false).is_none());
}

#[test]
fn uploads_of_a_snapshot_are_listed() {
    let place = format!("{HOME}/2-SNAPSHOT");
    let package = hosted(&[
        (&format!("{place}/tools-2-20261126.032743-1.jar"), b"1".to_vec()),
        (&format!("{place}/tools-2-20261126.032743-1-sources.jar"), b"1".to_vec()),
        (&format!("{place}/tools-2-20261126.032743-1.pom"), pom("2-SNAPSHOT").into()),
        (&format!("{place}/tools-2-20261127.040000-2.jar"), b"2".to_vec()),
        (&format!("{place}/maven-metadata.xml"), b"<metadata/>".to_vec()),
    ]);
    let index = index(&package);
    let text = house::metadata(&package.package, &index.releases, |_| true).unwrap();
    assert_eq!(versions(&read(std::str::from_utf8(&text).unwrap())), ["2-SNAPSHOT"]);
    let text = house::snapshot(&package.package, &index.releases, "2-SNAPSHOT", |_| true).unwrap();
    let text = std::str::from_utf8(&text).unwrap();
    for part in [
        "<timestamp>20261127.040000</timestamp>",
        "<buildNumber>2</buildNumber>",
        "<lastUpdated>20261127040000</lastUpdated>",
        "<extension>jar</extension>\n        <value>2-20261127.040000-2</value>",
        "<classifier>sources</classifier>\n        <extension>jar</extension>\n        <value>2-20261126.032743-1</value>",
        "<extension>pom</extension>\n        <value>2-20261126.032743-1</value>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(index.tags(), [("2-SNAPSHOT".into(), "2-20261127.040000-2".into())]);
    assert!(house::snapshot(&package.package, &index.releases, "3-SNAPSHOT", |_| true).is_none());
    let only_first = house::snapshot(&package.package, &index.releases, "2-SNAPSHOT", |at| at == 0).unwrap();
    assert!(std::str::from_utf8(&only_first).unwrap().contains("<buildNumber>1<"));
}

#[test]
fn what_was_published_never_changes() {
    let path = format!("{HOME}/1.0/tools-1.0.jar");
    let package = hosted(&[(&path, b"bytes".to_vec())]);
    let again = put(&path, b"bytes").unwrap();
    assert!(Deployed.accepts(&package, &again).is_ok(), "the same once more is nothing new");
    let other = put(&path, b"others").unwrap();
    assert_eq!(Deployed.accepts(&package, &other).unwrap_err().status, StatusCode::CONFLICT);
    let sum = render::checksum(Algorithm::Sha1, b"bytes").body;
    let fits = put(&format!("{path}.sha1"), &sum).unwrap();
    assert!(Deployed.accepts(&package, &fits).is_ok());
    let sum = render::checksum(Algorithm::Sha1, b"others").body;
    let differs = put(&format!("{path}.sha1"), &sum).unwrap();
    assert_eq!(Deployed.accepts(&package, &differs).unwrap_err().status, StatusCode::BAD_REQUEST);
    let unknown = put(&format!("{path}.md5"), b"d41d8cd98f00b204e9800998ecf8427e  tools-1.0.jar\n").unwrap();
    assert!(Deployed.accepts(&package, &unknown).is_ok());
    assert!(put(&format!("{path}.sha1"), b"no checksum").is_err());
}

#[test]
fn files_of_something_else_are_not_taken() {
    for (path, body) in [
        ("1.0/tools-1.0.pom", pom("1.1").into_bytes()),
        ("1.0/tools-1.0.pom", pom("1.0").replace("com.acme", "com.example").into_bytes()),
        ("1.0/tools-1.0.pom", b"<project/>".to_vec()),
        ("1.0/tools-1.0.pom", b"".to_vec()),
        ("1.0-SNAPSHOT/tools-1.0-SNAPSHOT.jar", b"x".to_vec()),
        (
            "1.0/tools-1.0.jar",
            jar(&[("META-INF/maven/com.acme/tools/pom.properties", &properties("com.acme", "tools", "2"))]),
        ),
    ] {
        let error = put(&format!("{HOME}/{path}"), &body).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[test]
fn a_release_is_removed_by_its_pom() {
    let delete = |path: &str| {
        ask(&Method::DELETE, path, |head| match route::route(head) {
            Route::Submit { action, package, .. } => {
                assert_eq!(action, hosting::REMOVE);
                Deployed.read(action, package.as_ref(), head, &Bytes::new())
            }
            _ => panic!("{path}"),
        })
    };
    let Change::Remove { version, .. } = delete(&format!("{HOME}/1.0/tools-1.0.pom")).unwrap() else {
        panic!()
    };
    assert_eq!(version.as_deref(), Some("1.0"));
    assert!(delete(&format!("{HOME}/1.0/tools-1.0.jar")).is_err());
}

#[test]
fn a_group_s_plugins_may_be_sent() {
    let change = put("/com/acme/plugins/maven-metadata.xml", b"<metadata><plugins/></metadata>").unwrap();
    assert!(matches!(change, Change::Acknowledge { declared: None, .. }));
    ask(&Method::PUT, "/com/acme/plugins/maven-metadata.xml", |head| {
        assert!(matches!(route::route(head), Route::Submit { package: None, .. }));
    });
}
