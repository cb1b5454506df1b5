use super::*;
use crate::oci::documents::{CHILD, CONFIG, MANIFEST};
use crate::{Inspection, Wanted};
use lazaret_vocabulary::{Malformed, ReferenceKind, Release};
use std::io::Cursor;

pub(super) const MANIFEST_TEXT: &str = include_str!("../corpus/manifest.json");
pub(super) const INDEX_TEXT: &str = include_str!("../corpus/index.json");
const CONFIG_TEXT: &str = include_str!("../corpus/config.json");

fn read(text: &str) -> Result<Manifest, Malformed> {
    manifest::read(text.as_bytes())
}

#[test]
fn a_manifest_says_what_it_is_made_of() {
    let manifest = read(MANIFEST_TEXT).unwrap();
    assert_eq!(manifest.media_type, manifest::OCI_MANIFEST);
    let files = manifest.files();
    assert_eq!(files.len(), 3, "a layer that stands twice is one file");
    assert_eq!(files.iter().map(|(_, part)| part.foreign).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(files[1].0, File::Blob(digest('1')));
    assert_eq!(manifest.subject.as_ref().unwrap().digest, digest('3'));
    assert_eq!(manifest.kind(), Some("application/vnd.oci.image.config.v1+json"));
    let index = read(INDEX_TEXT).unwrap();
    assert_eq!(index.representative().unwrap().digest, digest('5'));
    let keys: Vec<String> = index.files().iter().map(|(file, _)| file.key()).collect();
    assert!(keys[0].starts_with("manifests/") && keys[3].starts_with("blobs/"), "{keys:?}");
}

#[test]
fn the_type_may_be_left_out() {
    let without =
        MANIFEST_TEXT.replacen(r#""mediaType": "application/vnd.oci.image.manifest.v1+json","#, "", 1);
    assert_eq!(read(&without).unwrap().media_type, manifest::OCI_MANIFEST);
    assert_eq!(read(r#"{"schemaVersion":2,"manifests":[]}"#).unwrap().media_type, manifest::OCI_INDEX);
    let own = r#"{"schemaVersion":2,"mediaType":"application/vnd.acme.thing+json","unheard":{"of":[1]}}"#;
    assert_eq!(read(own).unwrap().media_type, "application/vnd.acme.thing+json");
}

#[test]
fn what_could_be_read_in_two_ways_is_not_read() {
    let many = |count: usize| {
        let layer = format!(r#"{{"mediaType":"x","digest":"sha256:{HEX}","size":1}}"#);
        format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, vec![layer; count].join(","))
    };
    assert!(read(&many(manifest::MOST_DESCRIPTORS)).is_ok());
    let deep = format!(r#"{{"schemaVersion":2,"layers":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for wrong in [
        "",
        "[]",
        r#"[2,"application/vnd.oci.image.manifest.v1+json"]"#,
        "null",
        "{}",
        r#"{"schemaVersion":2}"#,
        r#"{"schemaVersion":1,"layers":[]}"#,
        r#"{"schemaVersion":2,"layers":[],"manifests":[]}"#,
        r#"{"schemaVersion":2,"layers":[],"layers":[]}"#,
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","layers":[]}"#,
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]}"#,
        r#"{"schemaVersion":2,"mediaType":"text/html","layers":[]}"#,
        r#"{"schemaVersion":2,"mediaType":"application/xhtml+xml","layers":[]}"#,
        r#"{"schemaVersion":2,"mediaType":"application/vnd.x\r\nset-cookie: a","layers":[]}"#,
        r#"{"schemaVersion":2,"layers":[{"digest":"md5:d41d8cd98f00b204e9800998ecf8427e"}]}"#,
        r#"{"schemaVersion":2,"layers":[{"digest":"sha256:../../etc/passwd"}]}"#,
        r#"{"schemaVersion":2,"layers":[],"annotations":["x"]}"#,
        &many(manifest::MOST_DESCRIPTORS + 1),
        &deep,
        &format!("{MANIFEST_TEXT}{}", " ".repeat(manifest::LARGEST)),
    ] {
        assert!(read(wrong).is_err(), "{}", wrong.chars().take(100).collect::<String>());
    }
}

fn target(pointer: &str, body: &str) -> Result<crate::Target, Malformed> {
    let roles = roles(&["registry", "hub"]);
    let tags = Oci.pointers().unwrap();
    let read =
        tags.read(&package("hub/acme/app"), pointer, "", &document(MANIFEST, body.to_owned()), &need(&roles));
    Ok(read?.unwrap())
}

#[test]
fn a_tag_stands_for_the_digest_of_the_bytes_that_came() {
    let roles = roles(&["registry", "hub"]);
    let fetch = Oci.pointers().unwrap().fetch(&package("hub/acme/app"), "1.0-rc1", &need(&roles));
    assert_eq!((&*fetch.upstream, fetch.path.as_str()), ("hub", "/v2/acme/app/manifests/1.0-rc1"));
    for kind in [manifest::OCI_MANIFEST, manifest::OCI_INDEX, "docker.distribution.manifest.list.v2+json"] {
        assert!(fetch.accept.contains(kind));
    }
    let found = target("1.0-rc1", MANIFEST_TEXT).unwrap();
    let digest = sha256(MANIFEST_TEXT.as_bytes());
    assert_eq!(*found.release.version, digest.to_string());
    assert_eq!(found.file, format!("manifests/{digest}"));
    let [artifact] = found.release.artifacts.as_slice() else { panic!("one file") };
    assert_eq!(*artifact.url, format!("@hub/v2/acme/app/manifests/{digest}"));
    assert_eq!(artifact.digests, std::slice::from_ref(&digest));
    assert_eq!(artifact.size_bytes, Some(MANIFEST_TEXT.len() as u64));
    let reference = found.release.reference.as_ref().unwrap();
    assert_eq!((&*reference.name, reference.kind), ("1.0-rc1", ReferenceKind::Moving));
    assert_eq!(found.release.claimed, Some(Timestamp::parse("2026-05-14T01:28:12Z").unwrap()));
    assert!(found.release.prerelease);

    let tags = Oci.pointers().unwrap();
    let earlier =
        tags.earlier(&package("hub/acme/app"), "1.0", "", &digest.to_string(), &need(&roles)).unwrap();
    assert_eq!((earlier.file, &earlier.release.artifacts[0].url), (found.file, &artifact.url));
    assert!(tags.earlier(&package("a"), "1.0", "", "2.0", &need(&roles)).is_none());
    assert!(tags.falls_back());
}

#[test]
fn a_manifest_that_is_sent_as_something_else_is_not_taken() {
    let tags = Oci.pointers().unwrap();
    let roles = roles(&["registry"]);
    let sent_as = |content_type: &str| {
        let document =
            Document { content_type: content_type.to_owned(), ..document(MANIFEST, MANIFEST_TEXT) };
        tags.read(&package("a"), "1", "", &document, &need(&roles)).is_ok()
    };
    assert!(sent_as(manifest::OCI_MANIFEST) && sent_as("") && sent_as("application/json"));
    assert!(!sent_as(manifest::OCI_INDEX));
}

/// The paths that the details of a release are asked for by, and what they come to.
fn described(release: &Release, upstream: &[(&'static str, &str)]) -> (Vec<String>, Option<crate::Detail>) {
    let details = Oci.details().unwrap();
    let name = package("hub/acme/app");
    let roles = roles(&["registry", "hub"]);
    let (mut have, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let Wanted::Fetch(fetches) = details.wanted(&name, release, &have, &need(&roles)) else { break };
        for fetch in fetches {
            asked.push(format!("{} {}", fetch.upstream, fetch.path));
            let body = upstream.iter().find(|(role, _)| *role == fetch.role);
            have.extend(body.map(|(role, body)| document(role, (*body).to_owned())));
        }
    }
    (asked, details.read(&name, release, &have).unwrap())
}

fn by_digest(body: &str) -> Release {
    let roles = roles(&["registry", "hub"]);
    let file = format!("manifests/{}", sha256(body.as_bytes()));
    Oci.details().unwrap().unlisted(&package("hub/acme/app"), &file, &need(&roles)).unwrap()
}

#[test]
fn an_image_is_described_by_its_manifest_and_its_configuration() {
    let text = MANIFEST_TEXT
        .replace(
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            &sha256(CONFIG_TEXT.as_bytes()).to_hex(),
        )
        .replace(r#""org.opencontainers.image.source": "https://code.example/acme/app","#, "")
        .replace(r#""org.opencontainers.image.licenses": "MIT","#, "");
    let release = by_digest(&text);
    let (asked, detail) = described(&release, &[(MANIFEST, &text), (CONFIG, CONFIG_TEXT)]);
    let of = |kind: &str, body: &str| format!("hub /v2/acme/app/{kind}/{}", sha256(body.as_bytes()));
    assert_eq!(asked, [of("manifests", &text), of("blobs", CONFIG_TEXT)]);
    let detail = detail.unwrap();
    assert_eq!(detail.claimed, Some(Timestamp::parse("2026-05-14T01:28:12Z").unwrap()), "the youngest");
    assert_eq!(detail.licence.as_deref(), Some("Apache-2.0"), "from a label");
    assert_eq!(detail.publisher.as_deref(), Some("Acme"));
    assert_eq!(detail.repository.as_deref(), Some("https://code.example/acme/app"));

    let index = INDEX_TEXT.replace(&"5".repeat(64), &sha256(text.as_bytes()).to_hex());
    let (asked, detail) =
        described(&by_digest(&index), &[(MANIFEST, &index), (CHILD, &text), (CONFIG, CONFIG_TEXT)]);
    assert_eq!(asked, [of("manifests", &index), of("manifests", &text), of("blobs", CONFIG_TEXT)]);
    assert_eq!(detail.unwrap().publisher.as_deref(), Some("Acme"));
}

#[test]
fn what_is_not_there_is_no_release_and_what_is_missing_says_nothing() {
    assert!(described(&by_digest(MANIFEST_TEXT), &[]).1.is_none());
    let (_, detail) = described(&by_digest(MANIFEST_TEXT), &[(MANIFEST, MANIFEST_TEXT)]);
    assert_eq!(detail.unwrap().licence.as_deref(), Some("MIT"), "the configuration is not there");
    let details = Oci.details().unwrap();
    let other = [document(MANIFEST, INDEX_TEXT)];
    assert!(details.read(&package("a"), &by_digest(MANIFEST_TEXT), &other).is_err(), "other bytes");
    let hosted = Release::default();
    let none = need(&[]);
    assert!(matches!(details.wanted(&package("a"), &hosted, &[], &none), Wanted::Enough));
    assert!(details.read(&package("a"), &hosted, &[]).unwrap().is_some());
    assert!(details.unlisted(&package("a"), &format!("blobs/sha256:{HEX}"), &none).is_none());
    assert!(details.unlisted(&package("a"), "manifests/latest", &none).is_none());
}

#[test]
fn the_beginning_of_the_epoch_is_no_date() {
    for (created, expected) in [
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("2026-04-01T00:00:00.123456789+02:00", Some("2026-03-31T22:00:00.123Z")),
    ] {
        let config = CONFIG_TEXT.replace("2026-04-01T00:00:00.123456789Z", created);
        let config = manifest::Config::read(config.as_bytes()).unwrap();
        let claimed = crate::oci::facts::detail(&[], Some(&config)).claimed;
        assert_eq!(claimed, expected.map(|text| Timestamp::parse(text).unwrap()), "{created}");
    }
}

pub(super) fn inspect(url: &str, body: &[u8]) -> Result<Inspection, Malformed> {
    let artifact = lazaret_vocabulary::Artifact {
        file: format!("manifests/{}", sha256(body)).into(),
        url: url.replace("DIGEST", &sha256(body).to_string()).into(),
        digests: vec![sha256(body)],
        size_bytes: None,
    };
    Oci.inspect(&Release::default(), &package("hub/acme/app"), &artifact, &mut Cursor::new(body))
}

#[test]
fn a_manifest_vouches_for_what_it_names() {
    let found = inspect("@hub/v2/acme/app/manifests/DIGEST", MANIFEST_TEXT.as_bytes()).unwrap();
    assert_eq!(found.media_type.as_deref(), Some(manifest::OCI_MANIFEST));
    assert_eq!(found.licence.as_deref(), Some("MIT"));
    assert_eq!(found.claimed, Some(Timestamp::parse("2026-05-14T01:28:12Z").unwrap()));
    assert_eq!(found.members.len(), 3);
    for member in &found.members {
        assert_eq!(*member.owner, format!("manifests/{}", sha256(MANIFEST_TEXT.as_bytes())));
        assert_eq!(member.version, None);
        let artifact = &member.artifact;
        assert_eq!(
            *artifact.url,
            format!("@hub/v2/acme/app/{}", artifact.file),
            "never the manifest's own urls"
        );
        assert_eq!(artifact.digests.len(), 1);
    }
    let index = inspect("@hub/v2/acme/app/manifests/DIGEST", INDEX_TEXT.as_bytes()).unwrap();
    assert_eq!(
        index.members.iter().filter(|member| member.artifact.file.starts_with("manifests/")).count(),
        3
    );
    assert!(inspect("", MANIFEST_TEXT.as_bytes()).unwrap().members.is_empty(), "hosted");
    assert!(inspect("", b"{}").is_err());
    let blob = lazaret_vocabulary::Artifact {
        file: format!("blobs/sha256:{HEX}").into(),
        url: "".into(),
        digests: Vec::new(),
        size_bytes: None,
    };
    let found = Oci.inspect(&Release::default(), &package("a"), &blob, &mut Cursor::new(b"{}")).unwrap();
    assert!(found.media_type.is_none() && found.members.is_empty());
}

#[test]
fn files_are_asked_for_and_served_as_what_they_are() {
    let long = format!("blobs/sha512:{}", "ab".repeat(64));
    assert_eq!(Oci.media_type(&long), "application/octet-stream");
    assert_eq!(Oci.media_type(&format!("manifests/sha256:{HEX}")), manifest::OCI_MANIFEST);
    let headers = Oci.file_headers(&long, &digest('1'), "x");
    assert_eq!(headers.len(), 1);
    assert_eq!(headers[0].1, long.trim_start_matches("blobs/"), "the digest it was asked for by");
    let artifact = |file: String| lazaret_vocabulary::Artifact {
        file: file.into(),
        url: "".into(),
        digests: Vec::new(),
        size_bytes: None,
    };
    assert_eq!(Oci.accept(&artifact(long)), "*/*");
    assert!(Oci.accept(&artifact(format!("manifests/sha256:{HEX}"))).contains(manifest::OCI_INDEX));
}
