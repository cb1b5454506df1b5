//! Every way to the same bytes meets the same verdict.

use crate::house::{Got, House, KINDS, Kind, start};
use lazaret_testkit::FakeUpstream;
use lazaret_vocabulary::Span;

const HELD: (&str, &str) = ("fresh-lib", "1.1.0");
const LET_IN: (&str, &str) = ("fresh-lib", "1.0.0");

fn refused(got: &Got, what: &str) {
    assert!(matches!(got.status, 403 | 451), "{what}: {} {}", got.status, got.text());
}

/// What clients of each ecosystem send to have an index.
fn forms(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Npm => &["application/json", "application/vnd.npm.install-v1+json", "*/*"],
        Kind::Pypi => {
            &["text/html", "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"]
        }
        Kind::Cargo => &["*/*"],
    }
}

/// Whether a resolver finds a version in an index. npm reads besides which ones are withheld and why.
fn names_version(kind: Kind, text: &str, version: &str) -> bool {
    match kind {
        Kind::Npm => {
            serde_json::from_str::<serde_json::Value>(text).unwrap()["versions"].get(version).is_some()
        }
        Kind::Pypi => text.contains(&format!("-{version}-py3-none-any.whl")),
        Kind::Cargo => text.contains(&format!("\"vers\":\"{version}\"")),
    }
}

#[tokio::test]
async fn every_form_of_an_index_hides_what_is_held_and_shows_the_rest() {
    let house = House::open().await;
    for kind in KINDS {
        for accept in forms(kind) {
            let got = house.get_with(&kind.index(HELD.0), &[("accept", accept)]).await;
            assert_eq!(got.status, 200, "{kind:?} {accept} {}", got.text());
            assert!(names_version(kind, &got.text(), LET_IN.1), "{kind:?} {accept} {}", got.text());
            // PyPI says of a held file that it is there and yanked with the reason for those who can show it;
            // its address is what matters and is tested below.
            if kind == Kind::Npm {
                assert!(!names_version(kind, &got.text(), HELD.1), "{kind:?} {accept} {}", got.text());
            }
        }
    }
}

#[tokio::test]
async fn a_compressed_index_says_what_the_plain_one_says() {
    let house = House::open().await;
    for kind in KINDS {
        for accept in forms(kind) {
            let plain = house.get_with(&kind.index("good-lib"), &[("accept", accept)]).await;
            let packed = house
                .get_with(&kind.index("good-lib"), &[("accept", accept), ("accept-encoding", "gzip")])
                .await;
            let mut body = packed.body.clone();
            if packed.header("content-encoding") == "gzip" {
                let mut inflated = Vec::new();
                let mut reader = flate2::read::GzDecoder::new(&body[..]);
                std::io::Read::read_to_end(&mut reader, &mut inflated).unwrap();
                body = inflated;
            }
            assert_eq!(body, plain.body, "{kind:?} {accept}");
        }
    }
}

#[tokio::test]
async fn a_held_file_is_refused_by_every_method_and_header_and_never_fetched() {
    let house = House::open().await;
    for kind in KINDS {
        // As an installer with a lock file does: nobody ever asked for the index.
        let path = kind.file(HELD.0, HELD.1);
        refused(&house.get(&path).await, "plain");
        refused(&house.ask("HEAD", &path, &[], "").await, "head");
        refused(&house.get_with(&path, &[("range", "bytes=0-3")]).await, "range");
        let headers = [("range", "bytes=0-3"), ("if-range", "\"x\"")];
        refused(&house.get_with(&path, &headers).await, "if-range");
        refused(&house.get_with(&path, &[("if-none-match", "*")]).await, "conditional");
        refused(&house.get_with(&path, &[("accept-encoding", "gzip")]).await, "gzip");
        assert_eq!(house.files_fetched(kind, HELD.0), 0, "{kind:?}");
    }
    refused(&house.get("/pypi/files/fresh-lib/fresh_lib-1.1.0-py3-none-any.whl.metadata").await, "metadata");
}

#[tokio::test]
async fn encoded_and_other_spellings_of_a_held_file_are_refused_too() {
    let house = House::open().await;
    for path in [
        "/npm/%66resh-lib/-/fresh-lib-1.1.0.tgz",
        "/npm/fresh-lib/-/%66resh-lib-1.1.0.tgz",
        "/npm/fresh-lib/-/fresh-lib-1.1.0%2etgz",
        "/npm/fresh-lib//-/fresh-lib-1.1.0.tgz",
        "/npm/good-lib/../fresh-lib/-/fresh-lib-1.1.0.tgz",
        "/npm/good-lib/%2e%2e/fresh-lib/-/fresh-lib-1.1.0.tgz",
        "/npm/npm/fresh-lib/-/fresh-lib-1.1.0.tgz",
        "/npm/FRESH-LIB/-/FRESH-LIB-1.1.0.tgz",
        "/npm/good-lib/-/fresh-lib-1.1.0.tgz",
        "/pypi/files/Fresh_Lib/fresh_lib-1.1.0-py3-none-any.whl",
        "/pypi/files/fresh.lib/fresh_lib-1.1.0-py3-none-any.whl",
        "/pypi/files/fresh-lib/fresh%5flib-1.1.0-py3-none-any.whl",
        "/pypi/files/good-lib/fresh_lib-1.1.0-py3-none-any.whl",
        "/cargo/api/v1/crates/FRESH-LIB/1.1.0/download",
        "/cargo/api/v1/crates/fresh_lib/1.1.0/download",
        "/cargo/api/v1/crates/fresh%2dlib/1.1.0/download",
        "/cargo/api/v1/crates/fresh-lib/1.1.0+build/download",
    ] {
        let got = house.get(path).await;
        assert!(matches!(got.status, 400 | 403 | 404 | 451), "{path}: {}", got.status);
    }
    for kind in KINDS {
        assert_eq!(house.files_fetched(kind, HELD.0), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn a_single_version_document_meets_the_same_verdict() {
    let house = House::open().await;
    refused(&house.get("/npm/fresh-lib/1.1.0").await, "npm");
    assert_eq!(house.get("/npm/fresh-lib/1.0.0").await.status, 200);
    let latest = house.get("/npm/fresh-lib/latest").await;
    assert!(!latest.text().contains("1.1.0\""), "{}", latest.text());
    let tags = house.get("/npm/-/package/fresh-lib/dist-tags").await;
    assert!(!tags.text().contains("1.1.0"), "{}", tags.text());
    let python = house.get("/pypi/pypi/fresh-lib/1.1.0/json").await;
    assert!(python.status != 200 || !python.text().contains("fresh_lib-1.1.0"), "{}", python.text());
    let project = house.get("/pypi/pypi/fresh-lib/json").await;
    assert!(!project.text().contains("fresh_lib-1.1.0-py3"), "{}", project.text());
}

#[tokio::test]
async fn search_tells_of_no_version_that_is_held() {
    let house = House::open().await;
    for path in ["/npm/-/v1/search?text=fresh-lib", "/cargo/api/v1/crates?q=fresh-lib"] {
        let got = house.get(path).await;
        assert_eq!(got.status, 200, "{path}");
        assert!(got.text().contains("1.0.0") && !got.text().contains("1.1.0"), "{path}: {}", got.text());
    }
}

#[tokio::test]
async fn whole_part_head_and_conditional_answers_are_of_the_same_bytes() {
    let house = House::open().await;
    for kind in KINDS {
        let path = kind.file("good-lib", "1.0.0");
        // The very first request for a file may be for a part of it.
        let part = house.get_with(&path, &[("range", "bytes=2-5")]).await;
        let whole = house.get(&path).await;
        assert_eq!((part.status, whole.status), (206, 200), "{kind:?} {}", whole.text());
        assert_eq!(part.body, whole.body[2..=5], "{kind:?}");
        let tag = whole.header("etag").to_owned();
        let head = house.ask("HEAD", &path, &[], "").await;
        assert_eq!((head.status, head.header("etag")), (200, tag.as_str()));
        assert_eq!(head.header("content-length"), whole.body.len().to_string());
        let fits = house.get_with(&path, &[("range", "bytes=0-0"), ("if-range", &tag)]).await;
        assert_eq!(fits.status, 206);
        let other = house.get_with(&path, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]).await;
        assert_eq!((other.status, &other.body), (200, &whole.body));
        assert_eq!(house.get_with(&path, &[("if-none-match", &tag)]).await.status, 304);
        assert_eq!(house.get_with(&path, &[("range", "bytes=99999999-")]).await.status, 416);
        assert_eq!(house.files_fetched(kind, "good-lib"), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_changed_policy_stops_files_and_indexes_that_were_served_before() {
    let house = House::open().await;
    for kind in KINDS {
        let file = house.get(&kind.file("good-lib", "1.0.0")).await;
        let index = house.get(&kind.index("good-lib")).await;
        assert_eq!((file.status, index.status), (200, 200), "{kind:?}");
        house.policy("[licence]\ndeny = [\"MIT\"]\n").await;
        let path = kind.file("good-lib", "1.0.0");
        let tag = file.header("etag").to_owned();
        refused(&house.get_with(&path, &[("if-none-match", &tag)]).await, "unchanged file");
        refused(&house.get_with(&path, &[("range", "bytes=0-3"), ("if-range", &tag)]).await, "range");
        refused(&house.ask("HEAD", &path, &[], "").await, "head");
        let again = house.get_with(&kind.index("good-lib"), &[("if-none-match", index.header("etag"))]).await;
        assert_ne!(again.status, 304, "{kind:?}");
        assert_ne!(again.body, index.body, "{kind:?}");
        house.policy("").await;
        assert_eq!(house.get(&path).await.status, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn a_kill_stops_what_is_cached_at_once_by_name_and_by_digest() {
    let house = House::open().await;
    for kind in KINDS {
        let path = kind.file("good-lib", "1.1.0");
        assert_eq!(house.get(&path).await.status, 200);
        house.kill(&format!("pkg:{}/good-lib@1.1.0", kind.purl_type())).await;
        let got = house.get(&path).await;
        refused(&got, "killed");
        let index = house.get(&kind.index("good-lib")).await.text();
        assert!(kind != Kind::Npm || !names_version(kind, &index, "1.1.0"), "{index}");
        let by_digest = kind.file("good-lib", "1.0.0");
        let bytes = house.get(&by_digest).await.body;
        house.kill(&format!("sha256:{}", lazaret_testkit::archive::hash(&bytes).sha256)).await;
        refused(&house.get(&by_digest).await, "killed by digest");
        refused(&house.get_with(&by_digest, &[("range", "bytes=0-1")]).await, "a part of it");
        assert_eq!(house.get(&kind.file("good-lib", "1.2.0")).await.status, 200, "{kind:?}");
    }
}

fn unpublish(upstream: &FakeUpstream, kind: Kind, name: &str, version: &str) {
    match kind {
        Kind::Npm => upstream.npm(|all| {
            all.package(name).release(version).unpublish();
        }),
        Kind::Pypi => upstream.pypi(|all| {
            all.package(name).release(version).unpublish();
        }),
        Kind::Cargo => upstream.cargo(|all| {
            all.package(name).release(version).unpublish();
        }),
    };
}

#[tokio::test]
async fn an_unpublished_release_is_judged_as_before() {
    let house = House::open().await;
    for kind in KINDS {
        let (kept, never) = (kind.file("good-lib", "1.0.0"), kind.file("good-lib", "1.1.0"));
        let before = house.get(&kept).await;
        assert_eq!(before.status, 200);
        unpublish(&house.upstream, kind, "good-lib", "1.0.0");
        unpublish(&house.upstream, kind, "good-lib", "1.1.0");
        house.advance(Span::hours(3));
        assert_eq!(house.get(&kept).await.body, before.body, "{kind:?}");
        assert_eq!(house.get(&never).await.status, 404, "{kind:?}");
        house.kill(&format!("pkg:{}/good-lib@1.0.0", kind.purl_type())).await;
        refused(&house.get(&kept).await, "killed after it was unpublished");
        house.clock.set(start());
    }
}

#[tokio::test]
async fn an_audit_is_answered_here() {
    let house = House::open().await;
    house.import_demo_advisories().await;
    let question = r#"{"vuln-lib":["1.0.0","1.0.1"],"good-lib":["1.0.0"]}"#;
    let got = house.ask("POST", "/npm/-/npm/v1/security/advisories/bulk", &[], question).await;
    assert!(got.text().contains("vuln-lib") && !got.text().contains("good-lib"), "{}", got.text());
    assert!(house.upstream.requests_for("security").is_empty());
}

#[tokio::test]
async fn swapped_bytes_are_refused_and_not_stored() {
    let house = House::open().await;
    for kind in KINDS {
        let path = kind.file("tampered-lib", "1.0.0");
        for _ in 0..2 {
            let got = house.get(&path).await;
            refused(&got, "tampered");
            assert!(got.text().contains("bytes"), "{}", got.text());
        }
        let key = house
            .gateway
            .metadata()
            .artifacts_of(
                match kind {
                    Kind::Npm => "npm",
                    Kind::Pypi => "pypi",
                    Kind::Cargo => "cargo",
                },
                "tampered-lib",
            )
            .await
            .unwrap();
        assert!(key.is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_declared_first_holds_when_it_is_declared_no_more() {
    let house = House::open().await;
    assert_eq!(house.get("/npm/good-lib").await.status, 200);
    // The registry takes its strong digest back and sends other bytes, with a weak one that fits them.
    house.upstream.npm(|registry| {
        registry.package("good-lib").release("1.2.0").file("index.js", "swapped").declared_integrity("");
    });
    house.advance(Span::days(2));
    let got = house.get("/npm/good-lib/-/good-lib-1.2.0.tgz").await;
    assert_eq!(got.status, 403, "{}", got.text());
    assert!(got.text().contains("bytes-changed"), "{}", got.text());
    assert_eq!(house.get("/npm/good-lib/-/good-lib-1.1.0.tgz").await.status, 200);
}
