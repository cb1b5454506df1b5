use super::inspecting::{nupkg, nuspec_of};
use super::*;
use crate::Hosting;
use crate::hosting::HostingError;

const BOUNDARY: &str = "c75c1b72";

fn form(file: &[u8]) -> Bytes {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=package; filename=package.nupkg; filename*=utf-8''package.nupkg\r\n\r\n"
    );
    [head.as_bytes(), file, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat().into()
}

pub(super) fn submit(
    action: &'static str,
    kind: &str,
    target: &str,
    body: &Bytes,
) -> Result<Change, HostingError> {
    let mut headers = HeaderMap::new();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert("content-type", kind);
    }
    let head = RequestHead { method: &Method::PUT, path: target, query: "", headers: &headers };
    Nuget.hosting().unwrap().read(action, Some(&package("Acme.Tools")), &head, body)
}

fn push(action: &'static str, file: &[u8]) -> Result<Change, HostingError> {
    submit(action, &format!("multipart/form-data; boundary=\"{BOUNDARY}\""), "/api/v2/package/", &form(file))
}

const MORE: &str = "<authors>Acme</authors><license type='expression'>MIT</license><repository url='https://code.example/a' />\
    <dependencies><group targetFramework='net6.0'><dependency id='Left.Pad' version='1.0' /></group><group targetFramework='net48' /></dependencies>";

fn house() -> &'static dyn Hosting {
    Nuget.hosting().unwrap()
}

#[test]
fn a_package_is_published_as_its_nuspec_says() {
    let manifest = nuspec_of("Acme.Tools", "1.2-RC+x", MORE);
    let file = nupkg(&[("Acme.Tools.nuspec", &manifest), ("build/Acme.Tools.targets", "x")]);
    let change = push("push", &file).unwrap();
    let Change::Publish { package: name, version, manifest: stored, files, requires, .. } = change else {
        panic!("a publication")
    };
    assert_eq!((name.as_str(), version.as_str(), requires.len()), ("Acme.Tools", "1.2.0-rc", 0));
    assert_eq!(
        (files.len(), files[0].file.as_str(), files[0].bytes.as_ref()),
        (1, "acme.tools.1.2.0-rc.nupkg", file.as_slice())
    );
    assert_eq!(files[0].extra, Some((Part::Metadata, Bytes::from(manifest))));
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        (stored["version"].as_str(), stored["licenseExpression"].as_str()),
        (Some("1.2-RC+x"), Some("MIT"))
    );
    let same = submit("push", "application/octet-stream", "/api/v2/package", &Bytes::from(file)).unwrap();
    assert_eq!(same.package(), &package("acme.tools"), "without a form around it");
}

#[test]
fn symbols_need_their_package() {
    let marked = nuspec_of(
        "Acme.Tools",
        "1.0.0",
        "<packageTypes><packageType name='SymbolsPackage' /></packageTypes>",
    );
    let symbols = nupkg(&[("a.nuspec", &marked), ("lib/net6.0/a.pdb", "x")]);
    let Change::Publish { files, requires, .. } = push("symbols", &symbols).unwrap() else { panic!() };
    assert_eq!(files[0].file, "acme.tools.1.0.0.snupkg");
    assert_eq!(requires, ["acme.tools.1.0.0.nupkg"]);
    assert!(push("push", &symbols).is_err(), "symbols are no package");
    let plain = nupkg(&[("a.nuspec", &nuspec_of("Acme.Tools", "1.0.0", ""))]);
    assert!(push("symbols", &plain).is_err(), "a package is no symbols");
}

#[test]
fn what_is_wrong_is_not_published() {
    let message = |result: Result<Change, HostingError>| result.unwrap_err().message;
    let evil = nupkg(&[("a.nuspec", &nuspec_of("a", "1.0.0", "")), ("../evil", "x")]);
    assert!(message(push("push", &evil)).contains("outside its folder"));
    assert!(message(push("push", b"")).contains("zip"));
    assert!(message(submit("push", "text/plain", "/", &Bytes::from_static(b"x"))).contains("neither a form"));
    assert!(message(submit("push", "multipart/form-data", "/", &form(b"x"))).contains("boundary"));
    let cut = form(&evil).slice(..200);
    assert!(submit("push", &format!("multipart/form-data; boundary={BOUNDARY}"), "/", &cut).is_err());
    assert!(submit("nothing", "", "/", &Bytes::new()).is_err());
    assert!(submit("unlist", "", "/api/v2/package/Acme.Tools", &Bytes::new()).is_err());
}

#[test]
fn unlisting_and_back() {
    let target = "/api/v2/package/Acme.Tools/1.2";
    let Change::Withdraw { version, .. } = submit("unlist", "", target, &Bytes::new()).unwrap() else {
        panic!()
    };
    assert_eq!(version, "1.2.0");
    assert!(matches!(submit("relist", "", target, &Bytes::new()), Ok(Change::Restore { .. })));
}

/// The package as the store would have it.
fn stored(withdrawn: Option<&str>) -> HostedPackage {
    let file = nupkg(&[("a.nuspec", &nuspec_of("Acme.Tools", "1.2-RC", MORE))]);
    let Change::Publish { package, version, manifest, files, .. } = push("push", &file).unwrap() else {
        panic!()
    };
    let published = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
    let digests = [Algorithm::Sha256, Algorithm::Sha512]
        .map(|algorithm| Digest::from_bytes(algorithm, &vec![7; algorithm.size_bytes()]).unwrap())
        .to_vec();
    let files = files
        .into_iter()
        .map(|file| StoredFile {
            file: file.file.into(),
            digests: digests.clone(),
            size_bytes: 9,
            published,
            metadata: file.metadata,
        })
        .collect();
    let release = HostedRelease {
        version,
        manifest,
        published,
        publisher: "alice".to_owned(),
        withdrawn: withdrawn.map(str::to_owned),
        deprecated: Some("old".to_owned()),
        files,
    };
    HostedPackage { package, releases: vec![release], tags: Vec::new(), owners: Vec::new() }
}

#[test]
fn a_hosted_package_reads_like_an_upstreams() {
    let package = stored(None);
    let documents = house().documents(&package, Timestamp::EPOCH).unwrap();
    let index = super::super::documents::read(&package.package, &documents).unwrap();
    let [release] = index.releases() else { panic!("one release") };
    assert_eq!((release.kind, &*release.version), (ReleaseKind::Hosted, "1.2.0-rc"));
    assert_eq!(release.publisher.as_deref(), Some("alice"));
    assert_eq!(release.published, Some(Timestamp::parse("2026-01-02T03:04:05Z").unwrap()));
    assert_eq!(release.repository.as_deref(), Some("https://code.example/a"));
    assert_eq!(release.deprecated.as_deref(), Some("Other: old"));
    assert_eq!((release.withdrawn.is_none(), release.install_script), (true, Some(false)));
    assert_eq!((&*release.artifacts[0].url, release.artifacts[0].digests.len()), ("", 2));
    assert!(!index.arena.contains("lazaret:"), "what is ours is not shown: {}", index.arena);
    for told in ["1.2-RC", "\"range\":\"[1.0, )\"", "net48", "packageHash"] {
        assert!(index.arena.contains(told), "{told}: {}", index.arena);
    }
    // The file that was published agrees with what is said of it.
    let file = nupkg(&[("a.nuspec", &nuspec_of("Acme.Tools", "1.2-RC", MORE))]);
    let found =
        Nuget.inspect(release, &package.package, &release.artifacts[0], &mut Cursor::new(file)).unwrap();
    assert!(found.disagreements.is_empty(), "{:?}", found.disagreements);
    let unlisted = stored(Some(""));
    let documents = house().documents(&unlisted, Timestamp::EPOCH).unwrap();
    let index = super::super::documents::read(&unlisted.package, &documents).unwrap();
    assert_eq!(index.releases()[0].withdrawn.as_deref(), Some("unlisted"));
}

#[test]
fn nothing_is_published_twice() {
    let existing = stored(None);
    let file = nupkg(&[("a.nuspec", &nuspec_of("acme.tools", "1.2.0-rc", ""))]);
    let again = push("push", &file).unwrap();
    let refused = house().accepts(&existing, &again).unwrap_err();
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let marked = nuspec_of(
        "Acme.Tools",
        "1.2-RC",
        "<packageTypes><packageType name='SymbolsPackage' /></packageTypes>",
    );
    let symbols = push("symbols", &nupkg(&[("a.nuspec", &marked)])).unwrap();
    assert!(house().accepts(&existing, &symbols).is_ok());
    assert_eq!(house().done(&symbols).status, StatusCode::CREATED);
}
