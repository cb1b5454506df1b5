//! Publishing to this house.

use super::archives::{sdist, wheel};
use super::*;
use crate::Hosting as _;
use crate::hosting::{Change, HostedPackage, HostedRelease, HostingError, StoredFile};
use crate::pypi::hosting::{FORM, House};
use bytes::Bytes;
use lazaret_vocabulary::{Algorithm, Digest, ReleaseKind};

const METADATA: &str = "Metadata-Version: 2.4\nName: Acme.Tools\nVersion: 1.0\nSummary: Tools\nLicense-Expression: MIT\n\
    Requires-Python: >=3.9\nRequires-Dist: idna>=2\nProject-URL: Source, https://code.example/acme\n\n";
const WHEEL: &str = "acme_tools-1.0-py3-none-any.whl";

fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Algorithm::Sha256, ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
        .unwrap()
}

/// A form as twine sends it.
fn form(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> (String, Bytes) {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    if let Some((name, bytes)) = file {
        body.extend(
            format!(
                "--cut\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            )
            .bytes(),
        );
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--cut--\r\n");
    ("multipart/form-data; boundary=cut".to_owned(), body.into())
}

fn send((content_type, body): (String, Bytes)) -> Result<Change, HostingError> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_str(&content_type).unwrap());
    let request = RequestHead { method: &Method::POST, path: "/legacy/", query: "", headers: &headers };
    House.read(FORM, None, &request, &body)
}

fn publish(file: &str, bytes: &[u8]) -> Result<Change, HostingError> {
    let hash = sha256(bytes).to_hex();
    let fields = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("name", "Acme-Tools"),
        ("version", "1.0"),
        ("md5_digest", "d41d8cd98f00b204e9800998ecf8427e"),
        ("sha256_digest", &hash),
        ("classifiers", "A"),
        ("classifiers", "B"),
    ];
    send(form(&fields, Some((file, bytes))))
}

#[test]
fn a_wheel_is_published_with_its_metadata() {
    let bytes = wheel(METADATA);
    let Change::Publish { package, version, manifest, files, description, .. } =
        publish(WHEEL, &bytes).unwrap()
    else {
        panic!("a publication")
    };
    assert_eq!((package.key(), version.as_str(), description.as_str()), ("acme-tools", "1.0", "Tools"));
    assert_eq!(files[0].bytes, bytes);
    assert_eq!(files[0].extra, Some((Part::Metadata, METADATA.into())));
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        (&manifest["licence"], &manifest["repository"]),
        (&"MIT".into(), &"https://code.example/acme".into())
    );
    let Change::Publish { files, .. } = publish("acme_tools-1.0.tar.gz", &sdist(METADATA)).unwrap() else {
        panic!("a publication")
    };
    assert_eq!(files[0].extra, None);
}

#[test]
fn what_does_not_fit_is_refused() {
    let bytes = wheel(METADATA);
    let other = wheel(&METADATA.replace("1.0", "2.0"));
    let stranger = wheel(&METADATA.replace("Acme.Tools", "billing"));
    for (file, bytes, wanted) in [
        ("other-1.0-py3-none-any.whl", &bytes, "not the name of a file of"),
        ("acme_tools-2.0-py3-none-any.whl", &bytes, "not of version 1.0"),
        ("acme_tools-1.0.exe", &bytes, "neither a wheel"),
        ("acme_tools-1.0.tar.bz2", &bytes, "neither a wheel"),
        ("../acme_tools-1.0-py3-none-any.whl", &bytes, "not a file name"),
        (WHEEL, &other, "version is `2.0`"),
        (WHEEL, &stranger, "project is `billing`"),
        (WHEEL, &b"PK".to_vec(), "no zip"),
        ("acme_tools-1.0.tar.gz", &bytes, "compressed tar"),
    ] {
        let error = publish(file, bytes).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_REQUEST, "{file}");
        assert!(error.message.contains(wanted), "{file}: {}", error.message);
    }
    let fields = |extra: (&'static str, &'static str)| {
        [(":action", "file_upload"), ("name", "acme-tools"), ("version", "1.0"), extra]
    };
    for (extra, wanted) in [
        (("sha256_digest", SHA256), "does not have the SHA-256"),
        (("sha256_digest", "xyz"), "hexadecimal"),
        (("md5_digest", "d41d8cd98f00b204e9800998ecf8427e"), "no `sha256_digest`"),
    ] {
        let error = send(form(&fields(extra), Some((WHEEL, &bytes)))).unwrap_err();
        assert!(error.message.contains(wanted), "{}", error.message);
    }
    assert!(send(form(&fields(("comment", "x")), Some((WHEEL, &bytes)))).is_ok());
    for (action, wanted) in [("", ":action"), ("file_upload", "no file"), ("burn", ":action")] {
        let error = send(form(&[(":action", action), ("name", "a"), ("version", "1")], None)).unwrap_err();
        assert!(error.message.contains(wanted), "{action}: {}", error.message);
    }
    assert!(send(("text/plain".to_owned(), Bytes::new())).is_err());
    assert!(
        send(("multipart/form-data; boundary=cut".to_owned(), Bytes::from_static(b"--cut\r\n"))).is_err()
    );
}

#[test]
fn releases_are_yanked_by_the_short_form() {
    let short = |text: &'static str| {
        send(("application/x-www-form-urlencoded".to_owned(), Bytes::from_static(text.as_bytes())))
    };
    match short(":action=yank&name=Acme_Tools&version=1.0-beta1&reason=leaks+%22memory%22%0A").unwrap() {
        Change::Withdraw { package, version, reason } => {
            assert_eq!(
                (package.key(), version.as_str(), reason.as_str()),
                ("acme-tools", "1.0b1", "leaks \"memory\"")
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(short("%3Aaction=unyank&name=a&version=1").unwrap(), Change::Restore { .. }));
    assert!(matches!(short(":action=remove&name=a").unwrap(), Change::Remove { version: None, .. }));
    assert!(matches!(
        short(":action=remove&name=a&version=1").unwrap(),
        Change::Remove { version: Some(_), .. }
    ));
    assert!(short(":action=yank&name=a&version=latest").is_err());
    assert!(short(":action=yank&name=-&version=1").is_err());
    assert!(short(":action=yank&name=%ff&version=1").is_err());
    let long = form(&[(":action", "yank"), ("name", "a"), ("version", "1")], None);
    assert!(matches!(send(long).unwrap(), Change::Withdraw { .. }));
}

fn stored(version: &str, file: &str, withdrawn: Option<&str>) -> HostedRelease {
    let Change::Publish { manifest, files, .. } = publish(WHEEL, &wheel(METADATA)).unwrap() else { panic!() };
    HostedRelease {
        version: version.to_owned(),
        manifest,
        published: Timestamp::from_seconds(1_700_000_000),
        publisher: "ann".to_owned(),
        withdrawn: withdrawn.map(str::to_owned),
        deprecated: None,
        files: vec![StoredFile {
            file: file.into(),
            digests: vec![sha256(b"x")],
            size_bytes: 1,
            published: Timestamp::from_seconds(1_700_000_000),
            metadata: files[0].metadata.clone(),
        }],
    }
}

fn hosted() -> HostedPackage {
    HostedPackage {
        package: package("acme-tools"),
        releases: vec![
            stored("1.0", WHEEL, None),
            stored("1.1", "acme_tools-1.1.tar.gz", Some("leaks")),
            stored("1.2rc1", "acme_tools-1.2rc1.tar.gz", Some("")),
        ],
        tags: Vec::new(),
        owners: vec!["ann".to_owned()],
    }
}

#[test]
fn the_houses_documents_read_like_an_upstreams() {
    let have = House.documents(&hosted(), Timestamp::EPOCH).unwrap();
    let need = Need { details: true, dates_after: Some(Timestamp::EPOCH), roles: &[] };
    assert!(matches!(Pypi.wanted(&package("acme-tools"), &have, &need), Wanted::Enough));
    let index = read("acme-tools", &have).unwrap();
    let [first, second, third] = index.releases.as_slice() else { panic!("three releases") };
    assert_eq!(first.kind, ReleaseKind::Hosted);
    assert_eq!((first.publisher.as_deref(), first.licence.as_deref()), (Some("ann"), Some("MIT")));
    assert_eq!(first.published, Some(Timestamp::from_seconds(1_700_000_000)));
    assert_eq!(first.artifacts[0].url.as_ref(), "");
    assert_eq!(second.withdrawn.as_deref(), Some("leaks"));
    assert_eq!((third.withdrawn.as_deref(), third.prerelease), (Some(""), true));
    assert_eq!(index.standing.maintainers, Some(vec!["ann".into()]));
    let json = shown_json(&index, |_| false);
    assert_eq!(json["files"][0]["requires-python"], ">=3.9");
    assert_eq!(json["versions"], serde_json::json!(["1.0", "1.1", "1.2rc1"]));
    let legacy = shown(&index, PROJECT_JSON, None, &HashMap::new(), |_| false);
    let legacy: serde_json::Value = serde_json::from_slice(&legacy.body).unwrap();
    assert_eq!((&legacy["info"]["version"], &legacy["info"]["summary"]), (&"1.0".into(), &"Tools".into()));
    let nobody = HostedPackage { owners: Vec::new(), releases: Vec::new(), ..hosted() };
    let index = read("acme-tools", &House.documents(&nobody, Timestamp::EPOCH).unwrap()).unwrap();
    assert_eq!((index.releases.len(), index.standing.maintainers.clone(), index.exists), (0, None, true));
}

#[test]
fn a_second_file_adds_and_the_same_file_does_not() {
    let change = |file: &str| publish(file, &wheel(METADATA)).unwrap();
    let existing = hosted();
    let error = House.accepts(&existing, &change(WHEEL)).unwrap_err();
    assert_eq!(error.status, StatusCode::CONFLICT);
    assert!(error.message.starts_with("File already exists"));
    assert!(House.accepts(&existing, &change("acme_tools-1.0-cp311-cp311-linux_x86_64.whl")).is_ok());
    let Change::Publish { package, manifest, files, tags, description, .. } =
        change("acme_tools-1.0-cp311-cp311-linux_x86_64.whl")
    else {
        panic!()
    };
    let spelled = Change::Publish {
        package,
        manifest,
        files,
        tags,
        description,
        version: "1.0.0".to_owned(),
        requires: Vec::new(),
        by_digest: false,
    };
    assert!(House.accepts(&existing, &spelled).unwrap_err().message.contains("same version as 1.0"));
    assert!(House.done(&spelled).status.is_success());
}

proptest! {
    #[test]
    fn a_damaged_form_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let (content_type, body) = form(&[(":action", "file_upload"), ("name", "acme-tools"), ("version", "1.0")],
            Some((WHEEL, &wheel(METADATA))));
        let mut body = body.to_vec();
        let place = at.index(body.len());
        if cut { body.truncate(place) } else { body[place] = byte }
        let _ = send((content_type, body.into()));
    }

    #[test]
    fn any_short_form_is_read_or_refused(body in "(:action=yank|name=|version=|&|%|\\+|=|\\PC){0,20}") {
        let _ = send(("application/x-www-form-urlencoded".to_owned(), body.into()));
    }
}
