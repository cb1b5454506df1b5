use super::super::suite;
use super::inspecting::{CONTROL, deb};
use super::*;
use crate::ReadSeek;
use crate::hosting::{
    Catalogue, Change, HostedPackage, HostedRelease, Hosting, HostingError, Signer, StoredFile,
};
use flate2::read::GzDecoder;
use http::StatusCode;
use lazaret_vocabulary::{Algorithm, BaseUrl, Digest, Malformed, ReleaseKind, Reply};
use std::io::{Cursor, Read as _};

struct Plain;

impl Signer for Plain {
    fn clearsigned(&self, text: &str) -> Result<String, Malformed> {
        Ok(format!("signed\n{text}"))
    }

    fn detached(&self, text: &str) -> Result<String, Malformed> {
        Ok(format!("signature over {} bytes", text.len()))
    }

    fn public_key(&self) -> Result<String, Malformed> {
        Ok("key".to_owned())
    }
}

fn hosting() -> &'static dyn Hosting {
    Deb.hosting().unwrap()
}

fn publish(target: &str, body: Vec<u8>) -> Result<Change, HostingError> {
    ask(&Method::PUT, target, |head| hosting().read("publish", None, head, &body.into()))
}

fn hex(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    Digest::from_bytes(Algorithm::Sha256, digest.as_ref()).unwrap().to_hex()
}

/// As the engine stores a change.
fn stored(change: &Change) -> HostedPackage {
    let Change::Publish { package, version, manifest, files, .. } = change else { panic!("a publication") };
    let published = Timestamp::parse("2026-11-20T10:00:00Z").unwrap();
    let files = files.iter().map(|file| StoredFile {
        file: file.file.as_str().into(),
        digests: vec![Digest::from_hex(Algorithm::Sha256, &hex(&file.bytes)).unwrap()],
        size_bytes: file.bytes.len() as u64,
        published,
        metadata: file.metadata.clone(),
    });
    HostedPackage {
        package: package.clone(),
        releases: vec![HostedRelease {
            version: version.clone(),
            manifest: manifest.clone(),
            published,
            publisher: "alice".to_owned(),
            withdrawn: None,
            deprecated: None,
            files: files.collect(),
        }],
        tags: Vec::new(),
        owners: Vec::new(),
    }
}

fn suite(packages: &[HostedPackage], name: &str) -> Reply {
    let catalogue = Catalogue {
        name,
        query: "",
        packages,
        admitted: &[],
        base: &BaseUrl::new("https://gate.example/deb"),
        now: Timestamp::parse("2026-11-23T10:59:59Z").unwrap(),
    };
    suite::answer(&catalogue, &Plain).unwrap()
}

fn text(reply: &Reply) -> String {
    assert_eq!(reply.status, StatusCode::OK);
    String::from_utf8(reply.body.to_vec()).unwrap()
}

#[test]
fn a_package_is_published() {
    let body = deb(CONTROL, &[], &[]);
    let change = publish("/hosted/pool/left-tools_1.0-2_amd64.deb?suite=bookworm", body.clone()).unwrap();
    let Change::Publish { package, version, files, description, .. } = &change else {
        panic!("a publication")
    };
    assert_eq!((package.as_str(), version.as_str(), description.as_str()), ("left-tools", "1:1.0-2", "pads"));
    assert_eq!(files[0].file, "hosted/pool/main/l/left-tools/left-tools_1.0-2_amd64.deb");
    assert_eq!(told(get(&format!("/{}", files[0].file))), format!("file left-tools {}", files[0].file));
    let done = hosting().done(&change);
    assert_eq!(
        (done.status, &done.body[..]),
        (StatusCode::CREATED, &b"published left-tools_1.0-2_amd64.deb\n"[..])
    );
    // What lists it for the engine reads as what was stored.
    let documents = hosting().documents(&stored(&change), Timestamp::EPOCH).unwrap();
    let index = Deb.read(package, &documents).unwrap();
    let release = &index.releases()[0];
    assert_eq!(
        (&*release.version, release.kind, release.artifacts.len()),
        ("1:1.0-2", ReleaseKind::Hosted, 1)
    );
    // The same file again is refused, another one of the release is not.
    let error = hosting().accepts(&stored(&change), &change).unwrap_err();
    assert_eq!(error.status, StatusCode::CONFLICT);
    let other = deb(&CONTROL.replace("amd64", "arm64"), &[], &[]);
    let other = publish("/hosted/pool/left-tools_1.0-2_arm64.deb", other).unwrap();
    assert!(hosting().accepts(&stored(&change), &other).is_ok());
}

#[test]
fn a_suite_lists_what_was_published_in_it() {
    let control =
        format!("{CONTROL}SHA256: {}\n more\nFilename: evil\nsize: 0\nHomepage: x\n", "0".repeat(64));
    let body = deb(&control, &[], &[]);
    let one = stored(&publish("/hosted/pool/left-tools_1.0-2_amd64.deb", body.clone()).unwrap());
    let all = deb("Package: docs\nVersion: 1\nArchitecture: all\nDescription: read\n", &[], &[]);
    let two = stored(&publish("/hosted/pool/docs_1_all.deb", all).unwrap());
    let packages = [one, two];
    let listed = text(&suite(&packages, "dists/stable/main/binary-amd64/Packages"));
    let expected = format!(
        "{CONTROL}Homepage: x\nFilename: pool/main/l/left-tools/left-tools_1.0-2_amd64.deb\nSize: {}\nSHA256: {}\n\n",
        body.len(),
        hex(&body)
    );
    assert!(listed.contains(&expected), "{listed}");
    let other = text(&suite(&packages, "dists/stable/main/binary-arm64/Packages"));
    assert!(other.starts_with("Package: docs\n") && !other.contains("left-tools"), "{other}");
    // The house's own index is read as any other, and lists the very files that are served.
    let vouched: Vec<String> = relay::members("hosted", listed.as_bytes())
        .unwrap()
        .into_iter()
        .map(|member| member.artifact.file.to_string())
        .collect();
    assert_eq!(
        vouched,
        [
            "hosted/pool/main/d/docs/docs_1_all.deb",
            "hosted/pool/main/l/left-tools/left-tools_1.0-2_amd64.deb"
        ]
    );
}

#[test]
fn a_release_vouches_for_all_of_its_suite() {
    let body = deb(CONTROL, &[], &[]);
    let packages = [stored(&publish("/hosted/pool/left-tools_1.0-2_amd64.deb", body).unwrap())];
    let release = text(&suite(&packages, "dists/stable/Release"));
    assert!(
        release.contains("Date: Mon, 23 Nov 2026 10:00:00 UTC\n")
            && release.contains("Architectures: amd64 arm64\n")
    );
    assert_eq!(text(&suite(&packages, "dists/stable/InRelease")), format!("signed\n{release}"));
    assert_eq!(
        text(&suite(&packages, "dists/stable/Release.gpg")),
        format!("signature over {} bytes", release.len())
    );
    let lines: Vec<&str> = release.lines().filter(|line| line.starts_with(' ')).collect();
    assert_eq!(lines.len(), 4);
    for line in lines {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let path = format!("dists/stable/{}", words[2]);
        let file = suite(&packages, &path).body;
        assert_eq!(
            (hex(&file), file.len().to_string()),
            (words[0].to_owned(), words[1].to_owned()),
            "{path}"
        );
        let folder = path.rsplit_once('/').unwrap().0;
        assert_eq!(suite(&packages, &format!("{folder}/by-hash/SHA256/{}", words[0])).body, file);
        if path.ends_with(".gz") {
            let mut unpacked = String::new();
            GzDecoder::new(&file[..]).read_to_string(&mut unpacked).unwrap();
            assert_eq!(unpacked, text(&suite(&packages, path.strip_suffix(".gz").unwrap())));
        }
    }
    for nothing in [
        "dists/sid/InRelease",
        "dists/stable/main/binary-s390x/Packages",
        "dists/stable/other/binary-amd64/Packages",
        "dists",
        "x",
    ] {
        assert_eq!(suite(&packages, nothing).status, StatusCode::NOT_FOUND, "{nothing}");
    }
}

#[test]
fn what_is_withdrawn_is_not_listed() {
    let body = deb(CONTROL, &[], &[]);
    let mut package = stored(&publish("/hosted/pool/left-tools_1.0-2_amd64.deb", body).unwrap());
    package.releases[0].withdrawn = Some("wrong".to_owned());
    assert_eq!(text(&suite(&[package], "dists/stable/main/binary-amd64/Packages")), "");
}

#[test]
fn what_cannot_be_published_says_why() {
    let with = |from: &str, to: &str| deb(&CONTROL.replace(from, to), &[], &[]);
    let target = "/hosted/pool/left-tools_1.0-2_amd64.deb";
    let table = [
        (target, b"no package".to_vec(), "ar archive"),
        ("/hosted/pool/left-tools_1.1-2_amd64.deb", deb(CONTROL, &[], &[]), "left-tools_1.0-2_amd64.deb"),
        (target, with("left-tools", "../x"), "not a valid package name"),
        (target, with("left-tools", "Left"), "lower case"),
        (target, with("1:1.0-2", "one_two"), "not a version"),
        (target, with("amd64", "../amd64"), "architecture"),
        (target, with("Maintainer: Ada", "Source: a/b"), "has no `/`"),
        (target, with("Maintainer: Ada", "Source: debian/left"), "has no `/`"),
        (target, with("Maintainer: Ada", "Source: left (1 2)"), "not a version"),
        (target, with("Maintainer: Ada", "no field"), "without a field"),
        (target, deb(CONTROL, &[("control", b"x")], &[]), "two control files"),
    ];
    for (target, body, expected) in table {
        let error = publish(target, body).unwrap_err();
        assert!(
            error.status == StatusCode::BAD_REQUEST && error.message.contains(expected),
            "{}",
            error.message
        );
    }
    let wrong = publish(&format!("{target}?suite=../x"), deb(CONTROL, &[], &[])).unwrap_err();
    assert!(wrong.message.contains("suite"));
    // The epoch may stand in the address.
    for epoch in ["1:1.0-2", "1%3a1.0-2", "1%253a1.0-2"] {
        assert!(
            publish(&format!("/hosted/pool/left-tools_{epoch}_amd64.deb"), deb(CONTROL, &[], &[])).is_ok()
        );
    }
}

#[test]
fn a_version_is_removed() {
    let removed = |target: &str| {
        ask(&Method::DELETE, target, |head| {
            let Route::Submit { action, package, .. } = route::route(head) else { panic!("{target}") };
            hosting().read(action, package.as_ref(), head, &bytes::Bytes::new())
        })
    };
    match removed("/hosted/packages/left-tools/1%3a1.0-2").unwrap() {
        Change::Remove { package, version } => {
            assert_eq!((package.as_str(), version.as_deref()), ("left-tools", Some("1:1.0-2")));
        }
        other => panic!("{other:?}"),
    }
    assert!(removed("/hosted/packages/left-tools/a_b").is_err());
}

#[test]
fn a_file_is_read_from_anywhere() {
    // Inspection and publication take the same reader.
    let mut file: Box<dyn ReadSeek> = Box::new(Cursor::new(deb(CONTROL, &[], &[])));
    assert!(super::super::archive::parts(&mut *file).is_ok());
}
