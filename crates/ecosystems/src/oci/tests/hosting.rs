use super::images::{INDEX_TEXT, MANIFEST_TEXT};
use super::*;
use crate::{
    Catalogue, Change, HostedPackage, HostedRelease, HostingError, Index, Shown, Signer, StoredFile,
    Uploaded, View,
};
use lazaret_policy::{
    AdvisoryState, Allowed, Dossier, Exceptions, Firewall, Kill, KillTarget, ReleaseFacts, ValidPolicy,
};
use lazaret_vocabulary::{BaseUrl, Malformed, PrincipalClass, ReleaseKind};
use std::collections::HashMap;

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

pub(super) fn submit(
    action: &'static str,
    method: &str,
    target: &str,
    content_type: &str,
    body: &[u8],
) -> Result<Change, HostingError> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    let body = Bytes::copy_from_slice(body);
    ask_with(method, target, &headers, |head| {
        Oci.hosting().unwrap().read(action, Some(&package("acme/app")), head, &body)
    })
}

fn put(reference: &str, body: &str) -> Result<Change, HostingError> {
    submit("put-manifest", "PUT", &format!("/acme/app/manifests/{reference}"), MANIFEST_TYPE, body.as_bytes())
}

#[test]
fn a_manifest_is_published_by_its_digest() {
    let digest = sha256(MANIFEST_TEXT.as_bytes());
    let change = put("1.0", MANIFEST_TEXT).unwrap();
    let Change::Publish { version, manifest, files, tags, requires, by_digest, .. } = &change else {
        panic!("a publication")
    };
    assert_eq!((version, manifest.as_str()), (&digest.to_string(), MANIFEST_TEXT));
    assert_eq!(tags, &["1.0"]);
    assert!(by_digest);
    assert_eq!(files.len(), 1);
    assert_eq!(
        (files[0].file.as_str(), files[0].metadata.as_str()),
        (&*format!("manifests/{digest}"), MANIFEST_TYPE)
    );
    assert_eq!(Oci.hosting().unwrap().media_type(&files[0]).as_deref(), Some(MANIFEST_TYPE));
    assert_eq!(requires.len(), 2, "not the layer that is elsewhere, nor the subject");
    assert!(requires.iter().all(|file| file.starts_with("blobs/sha256:")));
    let done = Oci.hosting().unwrap().done(&change);
    assert_eq!(done.status, StatusCode::CREATED);
    assert_eq!(header(&done, "location"), format!("/v2/acme/app/manifests/{digest}"));
    assert_eq!(header(&done, "docker-content-digest"), digest.to_string());
    assert_eq!(header(&done, "oci-subject"), super::digest('3').to_string());

    let sha512 = name::digest_of(Algorithm::Sha512, MANIFEST_TEXT.as_bytes()).unwrap();
    let Change::Publish { version, tags, .. } =
        put(&format!("{sha512}?tag=a&tag=b&tag=a"), MANIFEST_TEXT).unwrap()
    else {
        panic!("a publication")
    };
    assert_eq!((version, tags), (sha512.to_string(), vec!["a".to_owned(), "b".to_owned()]));

    let index = submit("put-manifest", "PUT", "/acme/app/manifests/1", "", INDEX_TEXT.as_bytes()).unwrap();
    let Change::Publish { requires, .. } = index else { panic!("a publication") };
    assert_eq!(requires.iter().filter(|file| file.starts_with("manifests/")).count(), 3);
}

#[test]
fn what_does_not_fit_is_not_published() {
    let wrong = [
        put("sha256:baddigeststring", MANIFEST_TEXT),
        put(&digest('0').to_string(), MANIFEST_TEXT),
        put(&format!("{}?tag=-x", sha256(MANIFEST_TEXT.as_bytes())), MANIFEST_TEXT),
        put("1.0", INDEX_TEXT),
        put("1.0", "{}"),
        put("1.0", ""),
        submit("put-manifest", "PUT", "/acme/app/tags/list", MANIFEST_TYPE, MANIFEST_TEXT.as_bytes()),
        submit("unheard-of", "PUT", "/acme/app/manifests/1.0", MANIFEST_TYPE, MANIFEST_TEXT.as_bytes()),
    ];
    for result in wrong {
        assert_eq!(result.unwrap_err().status, StatusCode::BAD_REQUEST);
    }
    let error = put(&digest('0').to_string(), MANIFEST_TEXT).unwrap_err();
    let reply = ask("PUT", "/acme/app/manifests/x", |head| Oci.error(error.status, &error.message, head));
    assert_eq!(json(&reply)["errors"][0]["code"], "DIGEST_INVALID");
    let error = put("1.0", "{}").unwrap_err();
    let reply = ask("PUT", "/acme/app/manifests/x", |head| Oci.error(error.status, &error.message, head));
    assert_eq!(json(&reply)["errors"][0]["code"], "MANIFEST_INVALID");
}

#[test]
fn manifests_go_by_digest_and_tags_by_name() {
    let delete = |reference: &str| {
        submit("delete-manifest", "DELETE", &format!("/acme/app/manifests/{reference}"), "", b"")
    };
    let removed = delete(&digest('1').to_string()).unwrap();
    assert!(
        matches!(&removed, Change::Remove { version: Some(version), .. } if *version == digest('1').to_string())
    );
    assert!(matches!(delete("1.0").unwrap(), Change::Untag { tag, .. } if tag == "1.0"));
    assert!(delete("sha256:x").is_err());
    assert_eq!(Oci.hosting().unwrap().done(&removed).status, StatusCode::ACCEPTED);
}

#[test]
fn an_upload_is_answered_step_by_step() {
    let house = Oci.hosting().unwrap();
    let uploading = house.uploading().unwrap();
    let base = BaseUrl::new("https://gate.example/v2");
    let answer =
        |step: UploadStep, state: Uploaded| uploading.answer(&package("acme/app"), &step, &state, &base);
    let session = || "s-1".to_owned();
    let open = |size_bytes| Uploaded::Open { session: session(), size_bytes };
    let begun = answer(UploadStep::Begin { digest: None, mount: None }, open(0));
    assert_eq!((begun.status, header(&begun, "range").as_str()), (StatusCode::ACCEPTED, "0-0"));
    assert_eq!(header(&begun, "location"), "/v2/acme/app/blobs/uploads/s-1");
    let grown = answer(UploadStep::Append { session: session(), range: None }, open(100));
    assert_eq!((grown.status, header(&grown, "range").as_str()), (StatusCode::ACCEPTED, "0-99"));
    let status = answer(UploadStep::Status { session: session() }, open(100));
    assert_eq!((status.status, header(&status, "range").as_str()), (StatusCode::NO_CONTENT, "0-99"));
    let stored = Uploaded::Stored { digest: digest('1') };
    let done = answer(UploadStep::Finish { session: session(), digest: digest('1'), range: None }, stored);
    assert_eq!(done.status, StatusCode::CREATED);
    assert_eq!(header(&done, "location"), format!("/v2/acme/app/blobs/{}", digest('1')));
    assert_eq!(header(&done, "docker-content-digest"), digest('1').to_string());
    let cancelled = answer(UploadStep::Cancel { session: session() }, Uploaded::Gone);
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT);
    let removed = answer(UploadStep::Remove { digest: digest('1') }, Uploaded::Gone);
    assert_eq!(removed.status, StatusCode::ACCEPTED);
    assert_eq!(uploading.file(&digest('1')), format!("blobs/{}", digest('1')));
}

/// A repository with an image, two things that are about it, and tags.
pub(super) fn hosted() -> HostedPackage {
    let about = |kind: &str| {
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST_TYPE}","artifactType":"{kind}",
            "config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{}","size":2}},"layers":[],
            "subject":{{"mediaType":"{MANIFEST_TYPE}","digest":"{}","size":1}},"annotations":{{"x":"{kind}"}}}}"#,
            digest('4'),
            digest('9')
        )
    };
    let release = |manifest: String| HostedRelease {
        version: sha256(manifest.as_bytes()).to_string(),
        published: Timestamp::from_seconds(1_700_000_000),
        publisher: "alice".to_owned(),
        withdrawn: None,
        deprecated: None,
        files: vec![StoredFile {
            file: format!("manifests/{}", sha256(manifest.as_bytes())).into(),
            digests: vec![sha256(manifest.as_bytes())],
            size_bytes: manifest.len() as u64,
            published: Timestamp::from_seconds(1_700_000_000),
            metadata: MANIFEST_TYPE.to_owned(),
        }],
        manifest,
    };
    let releases = vec![
        release(MANIFEST_TEXT.to_owned()),
        release(about("application/spdx+json")),
        release(about("application/vnd.acme.note")),
    ];
    let versions: Vec<String> = releases.iter().map(|release| release.version.clone()).collect();
    HostedPackage {
        package: package("acme/app"),
        tags: vec![
            ("2.0".to_owned(), versions[0].clone()),
            ("1.0".to_owned(), versions[0].clone()),
            ("note".to_owned(), versions[2].clone()),
            ("gone".to_owned(), digest('0').to_string()),
        ],
        releases,
        owners: Vec::new(),
    }
}

pub(super) fn index_of(hosted: &HostedPackage) -> Box<dyn Index> {
    let documents = Oci.hosting().unwrap().documents(hosted, Timestamp::EPOCH).unwrap();
    Oci.read(&hosted.package, &documents).unwrap()
}

/// A verdict that withholds these versions.
pub(super) fn verdict(index: &dyn Index, killed: &[&str]) -> Allowed {
    let off: String = ["release-too-new", "package-too-new", "licence", "no-maintainer", "install-script"]
        .iter()
        .map(|code| format!("[{code}]\naction = \"off\"\nunknown = \"off\"\n"))
        .collect();
    let policy = ValidPolicy::parse(&off, "policy.toml", &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let kills = killed.iter().map(|version| Kill {
        id: "k".into(),
        target: KillTarget::Package {
            ecosystem: "oci".into(),
            package: "acme/app".into(),
            version: Some((*version).into()),
        },
        why: "bad".into(),
        author: "alice".into(),
        created: Timestamp::EPOCH,
    });
    let exceptions = Exceptions::new([], kills, [], &[]);
    let firewall = Firewall::new(Arc::new(policy), Arc::new(exceptions));
    firewall.filter(&Dossier {
        package: &package("acme/app"),
        standing: index.standing(),
        releases: index.releases(),
        known: &vec![ReleaseFacts::default(); index.releases().len()],
        order: &|left, right| Oci.compare(left, right),
        hosted: true,
        first_seen: None,
        advisories: AdvisoryState::NotConfigured,
        looks_like: None,
        dates: lazaret_vocabulary::Dates::Registry,
        as_of: None,
        class: PrincipalClass::Anonymous,
        now: Timestamp::from_seconds(1_800_000_000),
    })
}

pub(super) fn render(index: &dyn Index, allowed: &Allowed, target: &str) -> Reply {
    let Route::Relay(relay) = ask("GET", target, route::route) else { panic!("{target} is a list") };
    let view: View = relay.hosted_view.unwrap();
    let shown = Shown {
        package: &package("acme/app"),
        allowed,
        base: &BaseUrl::new("https://gate.example/v2"),
        page: "https://gate.example/why",
        extras: &HashMap::new(),
    };
    index.render(&view, &shown).unwrap()
}

#[test]
fn a_hosted_repository_lists_its_tags() {
    let hosted = hosted();
    let index = index_of(&hosted);
    let allowed = verdict(&*index, &[]);
    let list = |query: &str| render(&*index, &allowed, &format!("/acme/app/tags/list{query}"));
    assert_eq!(
        json(&list("")),
        serde_json::json!({"name": "acme/app", "tags": ["1.0", "2.0", "note"]}),
        "sorted, and none that leads nowhere"
    );
    let first = list("?n=2");
    assert_eq!(json(&first)["tags"], serde_json::json!(["1.0", "2.0"]));
    assert_eq!(header(&first, "link"), "</v2/acme/app/tags/list?n=2&last=2%2E0>; rel=\"next\"");
    let second = list("?n=2&last=2%2E0");
    assert_eq!(
        (json(&second)["tags"].clone(), header(&second, "link")),
        (serde_json::json!(["note"]), String::new())
    );
    assert_eq!(json(&list("?last=1.0"))["tags"], serde_json::json!(["2.0", "note"]));
    assert_eq!(json(&list("?last=zzz"))["tags"], serde_json::json!([]));
    assert_eq!(json(&list("?n=0"))["tags"], serde_json::json!([]));
    assert_eq!(index.tags().len(), 3);
}

#[test]
fn a_hosted_repository_lists_what_refers_to_an_image() {
    let hosted = hosted();
    let index = index_of(&hosted);
    let allowed = verdict(&*index, &[]);
    let list =
        |query: &str| render(&*index, &allowed, &format!("/acme/app/referrers/{}{query}", digest('9')));
    let all = list("");
    assert_eq!(header(&all, "content-type"), manifest::OCI_INDEX);
    assert_eq!(json(&all)["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(header(&all, "oci-filters-applied"), "");
    let filtered = list("?artifactType=application/spdx%2Bjson");
    assert_eq!(header(&filtered, "oci-filters-applied"), "artifactType");
    let json = json(&filtered);
    let [one] = json["manifests"].as_array().unwrap().as_slice() else { panic!("one") };
    assert_eq!(one["artifactType"], "application/spdx+json");
    assert_eq!(one["mediaType"], MANIFEST_TYPE);
    assert_eq!(one["digest"], hosted.releases[1].version);
    assert_eq!(one["size"], hosted.releases[1].manifest.len());
    assert_eq!(one["annotations"]["x"], "application/spdx+json");
    let other = render(&*index, &allowed, &format!("/acme/app/referrers/{}", digest('8')));
    assert_eq!(super::json(&other)["manifests"], serde_json::json!([]));
}

#[test]
fn a_hosted_image_is_made_of_its_files() {
    let index = index_of(&hosted());
    let release = &index.releases()[0];
    assert_eq!((release.kind, release.publisher.as_deref()), (ReleaseKind::Hosted, Some("alice")));
    assert_eq!(release.licence.as_deref(), Some("MIT"));
    let files: Vec<&str> = release.artifacts.iter().map(|artifact| &*artifact.file).collect();
    assert_eq!(files[0], format!("manifests/{}", release.version));
    assert_eq!(files.len(), 3, "the layer that is elsewhere is not ours");
    assert!(release.artifacts.iter().all(|artifact| artifact.url.is_empty()));
    let empty = Oci.read(&package("a"), &[]).unwrap();
    assert!(empty.releases().is_empty() && empty.tags().is_empty());
    for wrong in ["", "[]", r#"{"releases":[{}],"tags":[]}"#] {
        assert!(Oci.read(&package("a"), &[document("house", wrong)]).is_err(), "{wrong}");
    }
}

struct Unsigned;

impl Signer for Unsigned {
    fn clearsigned(&self, _: &str) -> Result<String, Malformed> {
        Err(Malformed::new("no"))
    }
    fn detached(&self, _: &str) -> Result<String, Malformed> {
        Err(Malformed::new("no"))
    }
    fn public_key(&self) -> Result<String, Malformed> {
        Err(Malformed::new("no"))
    }
}

#[test]
fn the_catalogue_has_what_is_here_and_what_was_let_in() {
    let hosted = [hosted()];
    let admitted = [package("library/debian"), package("acme/app"), package("a")];
    let list = |name: &str, query: &str| {
        let catalogue = Catalogue {
            name,
            query,
            packages: &hosted,
            admitted: &admitted,
            base: &BaseUrl::new("https://gate.example/v2"),
            now: Timestamp::EPOCH,
        };
        Oci.hosting().unwrap().catalogue(&catalogue, &Unsigned)
    };
    let all = list("repositories", "").unwrap();
    assert_eq!(json(&all), serde_json::json!({"repositories": ["a", "acme/app", "library/debian"]}));
    let first = list("repositories", "n=2").unwrap();
    assert_eq!(header(&first, "link"), "</v2/_catalog?n=2&last=acme%2Fapp>; rel=\"next\"");
    assert_eq!(
        json(&list("repositories", "n=2&last=acme%2Fapp").unwrap())["repositories"],
        serde_json::json!(["library/debian"])
    );
    assert!(list("others", "").is_err());
}

#[test]
fn lists_of_upstream_pass_untouched() {
    let relaying = Oci.relaying().unwrap();
    let roles = roles(&["registry", "hub"]);
    let relay = |target: &str| match ask("GET", target, route::route) {
        Route::Relay(relay) => relay,
        other => panic!("{other:?}"),
    };
    let tags = relay("/hub/library/debian/tags/list?n=4");
    let fetch = relaying.fetch(&tags, &need(&roles));
    assert_eq!((&*fetch.upstream, fetch.path.as_str()), ("hub", "/v2/library/debian/tags/list?n=4"));
    let body = include_str!("../corpus/tags.json");
    let reply = relaying.relay(&tags, &document("tags", body)).unwrap().reply;
    assert_eq!(reply.body, body);
    assert_eq!(header(&reply, "link"), "</v2/hub/library/debian/tags/list?n=4&last=latest>; rel=\"next\"");
    let whole = r#"{"name":"x","tags":["c","a","d","b"]}"#;
    let page = |query: &str| {
        let asked = relay(&format!("/a/tags/list{query}"));
        let reply = relaying.relay(&asked, &document("tags", whole)).unwrap().reply;
        (json(&reply)["tags"].clone(), header(&reply, "link"))
    };
    let link = |query: &str| format!("</v2/a/tags/list?{query}>; rel=\"next\"");
    assert_eq!(page("?n=2"), (serde_json::json!(["a", "b"]), link("n=2&last=b")), "upstream knows no pages");
    assert_eq!(page("?n=2&last=b"), (serde_json::json!(["c", "d"]), String::new()));
    assert_eq!(page("?last=a"), (serde_json::json!(["b", "c", "d"]), String::new()));
    assert_eq!(page(""), (serde_json::json!(["c", "a", "d", "b"]), String::new()), "as it came");
    for wrong in ["", "[]", r#"{"tags":[1]}"#] {
        assert!(relaying.relay(&tags, &document("tags", wrong)).is_err());
    }
    assert!(relaying.relay(&tags, &document("tags", r#"{"name":"x","tags":null}"#)).is_ok());
    assert!(relaying.absent(&tags, false).is_none());

    let referrers = relay(&format!("/a/referrers/{}?artifactType=x", digest('1')));
    let empty = relaying.absent(&referrers, false).unwrap();
    assert_eq!(
        (empty.status, header(&empty, "content-type").as_str()),
        (StatusCode::OK, manifest::OCI_INDEX)
    );
    assert!(relaying.absent(&referrers, true).is_none(), "so that clients ask for the tag");
    let body = include_str!("../corpus/referrers.json");
    let reply = relaying.relay(&referrers, &document("referrers", body)).unwrap().reply;
    assert_eq!((reply.body.as_ref(), header(&reply, "oci-filters-applied").as_str()), (body.as_bytes(), ""));
}
