use super::archives::{MIT, module_zip};
use super::*;
use crate::hosting::{Change, HostedPackage, HostedRelease, StoredFile};
use lazaret_vocabulary::{Algorithm, Digest, ReleaseKind};

const TARGET: &str = "/corp.example/!tool/@v/v1.0.0.zip";
const ROOT: &str = "corp.example/Tool@v1.0.0";

pub(super) fn submit(method: &Method, target: &str, body: &Bytes) -> Result<Change, (u16, String)> {
    let Route::Submit { action, package, .. } = ask(method, target, route::route) else {
        return Err((404, "no change".to_owned()));
    };
    ask(method, target, |head| hosting::House.read(action, package.as_ref(), head, body))
        .map_err(|error| (error.status.as_u16(), error.message))
}

fn publish(entries: &[(&str, &str)]) -> Result<Change, (u16, String)> {
    submit(&Method::PUT, TARGET, &module_zip(entries).into())
}

fn stored(changes: &[Change]) -> HostedPackage {
    let published = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let release = |change: &Change| {
        let Change::Publish { version, manifest, files, .. } = change else { panic!("a publication") };
        HostedRelease {
            version: version.clone(),
            manifest: manifest.clone(),
            published,
            publisher: "alice".to_owned(),
            withdrawn: None,
            deprecated: None,
            files: files
                .iter()
                .map(|file| StoredFile {
                    file: file.file.as_str().into(),
                    digests: vec![Digest::from_bytes(Algorithm::Sha256, &[7; 32]).unwrap()],
                    size_bytes: file.bytes.len() as u64,
                    published,
                    metadata: String::new(),
                })
                .collect(),
        }
    };
    HostedPackage {
        package: changes[0].package().clone(),
        releases: changes.iter().map(release).collect(),
        tags: Vec::new(),
        owners: Vec::new(),
    }
}

#[test]
fn what_is_published_can_be_read_back() {
    let go_mod = "module corp.example/Tool\n\nrequire a.b v1.0.0\n";
    let zip = module_zip(&[(&format!("{ROOT}/go.mod"), go_mod), (&format!("{ROOT}/LICENSE"), MIT)]);
    let change =
        submit(&Method::PUT, &format!("{TARGET}?time=2026-10-01T10%3A00%3A00Z"), &zip.clone().into())
            .unwrap();
    let Change::Publish { package: of, version, files, .. } = &change else { panic!("a publication") };
    assert_eq!((of.as_str(), version.as_str()), ("corp.example/Tool", "v1.0.0"));
    let told: Vec<(&str, &[u8])> = files.iter().map(|file| (file.file.as_str(), &file.bytes[..])).collect();
    assert_eq!(
        told,
        [
            ("v1.0.0.info", &br#"{"Time":"2026-10-01T10:00:00Z","Version":"v1.0.0"}"#[..]),
            ("v1.0.0.mod", go_mod.as_bytes()),
            ("v1.0.0.zip", &zip[..])
        ]
    );
    let documents = hosting::House.documents(&stored(&[change]), Timestamp::EPOCH).unwrap();
    assert!(matches!(documents::wanted(&package("corp.example/Tool"), &documents), Wanted::Enough));
    let index = documents::read(&package("corp.example/Tool"), &documents).unwrap();
    let [release] = index.releases.as_slice() else { panic!("one release") };
    assert_eq!(
        (release.kind, release.publisher.as_deref(), release.licence.as_deref()),
        (ReleaseKind::Hosted, Some("alice"), Some("MIT"))
    );
    assert_eq!(release.published, Timestamp::parse("2026-11-01T00:00:00Z").ok());
    assert_eq!(index.standing.first_published, release.published);
    assert!(release.dependencies.is_some());
    assert!(
        release
            .artifacts
            .iter()
            .all(|file| file.url.is_empty() && file.digests.len() == 1 && file.size_bytes.is_some())
    );
    assert_eq!(release.artifacts.len(), 3);
}

#[test]
fn a_module_without_go_mod_gets_the_one_that_the_go_command_takes() {
    let Change::Publish { files, .. } = publish(&[(&format!("{ROOT}/a.go"), "package a")]).unwrap() else {
        panic!("a publication")
    };
    assert_eq!(files[1].bytes, "module corp.example/Tool\n");
    assert_eq!(files[0].bytes, r#"{"Version":"v1.0.0"}"#, "a time that nobody told is not made up");
}

#[test]
fn the_newest_hosted_version_takes_older_ones_back() {
    let version = |number: &str, go_mod: &str| {
        let zip = module_zip(&[(&format!("corp.example/Tool@{number}/go.mod"), go_mod)]);
        submit(&Method::PUT, &format!("/corp.example/!tool/@v/{number}.zip"), &zip.into()).unwrap()
    };
    let changes = [
        version("v1.1.0", "module corp.example/Tool\nretract v1.0.0 // oops\n"),
        version("v1.0.0", "module corp.example/Tool\n"),
    ];
    let documents = hosting::House.documents(&stored(&changes), Timestamp::EPOCH).unwrap();
    let index = documents::read(&package("corp.example/Tool"), &documents).unwrap();
    let told: Vec<_> =
        index.releases.iter().map(|release| (&*release.version, release.withdrawn.as_deref())).collect();
    assert_eq!(told, [("v1.1.0", None), ("v1.0.0", Some("oops"))]);
}

#[test]
fn what_is_no_module_is_not_published() {
    for (entries, expected) in [
        (&[("elsewhere/a.go", "")][..], "not below"),
        (
            &[(&*format!("{ROOT}/go.mod"), "module corp.example/tool\n")],
            "does not say `module corp.example/Tool`",
        ),
        (&[(&*format!("{ROOT}/go.mod"), "module \"\n")], "go.mod, line 1"),
        (&[(&*format!("{ROOT}/a.go"), ""), (&*format!("{ROOT}/A.go"), "")], "case alone"),
    ] {
        let (status, message) = publish(entries).unwrap_err();
        assert!(status == 400 && message.contains(expected), "{message}");
    }
    let body = Bytes::from_static(b"not a zip");
    for target in [
        TARGET,
        "/corp.example/!tool/@v/v2.0.0.zip",
        "/corp.example/!tool/@v/main.zip",
        "/corp.example/!tool/@v/v1.0.0.zip?time=now",
    ] {
        assert_eq!(submit(&Method::PUT, target, &body).unwrap_err().0, 400, "{target}");
    }
    let Change::Remove { version, .. } = submit(&Method::DELETE, TARGET, &Bytes::new()).unwrap() else {
        panic!("a removal")
    };
    assert_eq!(version.as_deref(), Some("v1.0.0"));
}
