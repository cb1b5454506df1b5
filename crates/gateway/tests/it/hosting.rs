//! The company's own packages, tokens, and the gateway's own addresses.

use crate::house::{House, npm_tarball};
use lazaret_vocabulary::Span;

#[tokio::test]
async fn publishing_needs_a_token_with_the_scope() {
    let house = House::open().await;
    let tarball = npm_tarball("ours", "1.0.0", "a");
    let reader = house.token("reader", "read").await;
    let other = house.token("other", "read publish:npm/theirs-*").await;
    let nobody = house.npm_publish("", "ours", "1.0.0", &tarball).await;
    assert_eq!(nobody.status, 401, "{}", nobody.text());
    for token in [&reader, &other] {
        let got = house.npm_publish(token, "ours", "1.0.0", &tarball).await;
        assert_eq!(got.status, 403, "{}", got.text());
        assert!(got.text().contains("publish:npm/ours"), "{}", got.text());
    }
    let unknown = house.npm_publish("Bearer lzr_unknown", "ours", "1.0.0", &tarball).await;
    assert_eq!(unknown.status, 401, "{}", unknown.text());
    assert_eq!(house.get("/npm/ours").await.status, 404);
    for (path, method) in [("/pypi/legacy/", "POST"), ("/cargo/api/v1/crates/new", "PUT")] {
        assert_eq!(house.ask(method, path, &[], "x").await.status, 401, "{path}");
        let got = house.ask(method, path, &[("authorization", &reader)], "x").await;
        assert!((400..500).contains(&got.status), "{path} {}", got.status);
    }
}

#[tokio::test]
async fn a_published_version_keeps_its_bytes_for_ever() {
    let house = House::open().await;
    let token = house.token("ann", "read publish:npm/*").await;
    // Asked for before it was there: what was remembered as absent must not outlive the publication.
    assert_eq!(house.get("/npm/ours").await.status, 404);
    let (first, second) = (npm_tarball("ours", "1.0.0", "a"), npm_tarball("ours", "1.0.0", "b"));
    let got = house.npm_publish(&token, "ours", "1.0.0", &first).await;
    assert!(got.status < 300, "{}", got.text());
    assert_eq!(house.get("/npm/ours").await.status, 200);
    let again = house.npm_publish(&token, "ours", "1.0.0", &second).await;
    assert!(again.status >= 400, "{}", again.status);
    assert_eq!(house.get("/npm/ours/-/ours-1.0.0.tgz").await.body, first);
    let gone = house.ask("DELETE", "/npm/ours/-rev/1-0", &[("authorization", &token)], "").await;
    assert!(gone.status < 300, "{} {}", gone.status, gone.text());
    let after = house.npm_publish(&token, "ours", "1.0.0", &second).await;
    assert!(after.status >= 400, "a removed version came back with other bytes");
    let audit = house.gateway.metadata().audit_before(house.clock.now() + Span::days(1), 100).await.unwrap();
    for action in ["token-create", "publish", "remove"] {
        assert!(audit.iter().any(|row| row.action == action), "{action} is missing from the audit");
    }
}

#[tokio::test]
async fn an_acknowledged_publication_survives_an_end_without_goodbye() {
    let house = House::open().await;
    let token = house.token("ann", "read publish:npm/*").await;
    let tarball = npm_tarball("ours", "1.0.0", "a");
    assert!(house.npm_publish(&token, "ours", "1.0.0", &tarball).await.status < 300);
    let house = house.reopened().await;
    assert_eq!(house.get("/npm/ours/-/ours-1.0.0.tgz").await.body, tarball);
}

#[tokio::test]
async fn reading_needs_a_token_where_it_is_not_local() {
    let house = House::with("", |settings| settings.anonymous_read = Some(false)).await;
    for path in [
        "/npm/good-lib",
        "/npm/good-lib/-/good-lib-1.0.0.tgz",
        "/pypi/simple/good-lib/",
        "/cargo/go/od/good-lib",
        "/metrics",
        "/why/npm/good-lib",
        "/api/v1/explain?purl=pkg:npm/good-lib@1.0.0",
        "/npm/-/v1/search?text=good-lib",
    ] {
        assert_eq!(house.get(path).await.status, 401, "{path}");
    }
    assert!(house.upstream.requests().is_empty());
    let token = house.token("ann", "read").await;
    assert_eq!(house.get_with("/npm/good-lib", &[("authorization", &token)]).await.status, 200);
    house.advance(Span::days(31));
    assert_eq!(house.get_with("/npm/good-lib", &[("authorization", &token)]).await.status, 401);
    assert_eq!(house.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_forwarded_request_is_never_local() {
    let house =
        House::with("", |settings| settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    assert_eq!(house.get("/npm/good-lib").await.status, 401);
}

#[tokio::test]
async fn only_a_trusted_proxy_speaks_for_another_host() {
    let headers = [("x-forwarded-host", "packages.example"), ("x-forwarded-proto", "https")];
    let house = House::open().await;
    let got = house.get_with("/npm/good-lib", &headers).await.text();
    assert!(!got.contains("packages.example") && got.contains(&house.base), "{got}");
    let house = House::with("", |settings| {
        settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        settings.anonymous_read = Some(true);
    })
    .await;
    let got = house.get_with("/npm/good-lib", &headers).await.text();
    assert!(got.contains("https://packages.example/npm/good-lib/-/"), "{got}");
    let odd = house.get_with("/npm/good-lib", &[("x-forwarded-host", "a\"b/<x>")]).await.text();
    assert!(!odd.contains("<x>"), "{odd}");
}

#[tokio::test]
async fn the_houses_own_addresses_answer() {
    let house = House::open().await;
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(house.get(path).await.status, 200, "{path}");
    }
    assert_eq!(house.get("/metrics").await.status, 404);
    let facts = house.get("/api/v1/explain?purl=pkg:npm/fresh-lib@1.1.0").await.json();
    assert_eq!(facts["verdict"], "hold");
    assert!(facts["findings"].to_string().contains("release-too-new"), "{facts}");
    assert_eq!(facts["newest_allowed"], "1.0.0");
    assert_eq!(house.get("/api/v1/explain?purl=nonsense").await.status, 400);
    let page = house.get("/why/npm/fresh-lib").await.text();
    assert!(page.contains("1.1.0"), "{page}");
}

#[tokio::test]
async fn odd_addresses_are_turned_away_without_asking_upstream() {
    let house = House::open().await;
    let long = format!("/npm/{}", "a".repeat(9000));
    assert_eq!(house.get(&long).await.status, 414);
    for path in [
        format!("/npm/{}", "a".repeat(400)),
        "/npm/..%2f..%2fetc%2fpasswd".to_owned(),
        "/npm/%2e%2e%2fx".to_owned(),
        "/npm/a%00b".to_owned(),
        "/npm/a%0d%0ab".to_owned(),
        "/npm/good-lib/-/..%2f..%2fsecret".to_owned(),
        "/pypi/files/good-lib/..%2f..%2fsecret".to_owned(),
        "/pypi/simple/%2e%2e/".to_owned(),
        "/cargo/go/od/..%2fgood-lib".to_owned(),
        "/cargo/api/v1/crates/..%2f/1.0.0/download".to_owned(),
    ] {
        let got = house.get(&path).await;
        assert!((400..500).contains(&got.status), "{path}: {}", got.status);
    }
    let asked: Vec<String> = house.upstream.requests().into_iter().map(|request| request.path).collect();
    assert!(
        asked.iter().all(|path| path.ends_with("/good-lib")
            || path.ends_with("good-lib/")
            || path.contains("good-lib/json")),
        "{asked:?}"
    );
}

/// What twine sends.
fn form(name: &str, version: &str, wheel: &[u8]) -> Vec<u8> {
    let sha256 = lazaret_testkit::archive::hash(wheel).sha256;
    let mut body = Vec::new();
    for (field, value) in [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("metadata_version", "2.1"),
        ("name", name),
        ("version", version),
        ("filetype", "bdist_wheel"),
        ("pyversion", "py3"),
        ("sha256_digest", &sha256),
    ] {
        body.extend(
            format!("--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    let file = format!("{name}-{version}-py3-none-any.whl");
    body.extend(
        format!("--edge\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\r\n")
            .bytes(),
    );
    body.extend(wheel);
    body.extend(b"\r\n--edge--\r\n");
    body
}

#[tokio::test]
async fn an_uploaded_wheel_is_served_and_never_replaced() {
    let house = House::open().await;
    let token = house.token("ann", "read publish:pypi/ours").await;
    let wheel = |name: &str, text: &str| {
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n");
        let files = [(format!("{name}/__init__.py"), text.as_bytes().to_vec())];
        lazaret_testkit::archive::wheel(name, "1.0.0", "py3-none-any", &metadata, &files)
    };
    let headers = [("authorization", token.as_str()), ("content-type", "multipart/form-data; boundary=edge")];
    let (first, second) = (wheel("ours", "a = 1"), wheel("ours", "a = 2"));
    let foreign = house
        .ask("POST", "/pypi/legacy/", &headers, form("theirs", "1.0.0", &wheel("theirs", "a = 1")))
        .await;
    assert_eq!(foreign.status, 403, "{}", foreign.text());
    let got = house.ask("POST", "/pypi/legacy/", &headers, form("ours", "1.0.0", &first)).await;
    assert_eq!(got.status, 200, "{}", got.text());
    let again = house.ask("POST", "/pypi/legacy/", &headers, form("ours", "1.0.0", &second)).await;
    assert!(again.status >= 400, "{}", again.status);
    assert_eq!(house.get("/pypi/files/ours/ours-1.0.0-py3-none-any.whl").await.body, first);
}

/// What cargo sends.
fn crate_body(name: &str, version: &str, text: &str) -> Vec<u8> {
    let root = format!("{name}-{version}");
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    let archive = lazaret_testkit::archive::tar_gz(&[
        (format!("{root}/Cargo.toml"), manifest.into_bytes()),
        (format!("{root}/src/lib.rs"), text.as_bytes().to_vec()),
    ]);
    let told = serde_json::json!({
        "name": name, "vers": version, "deps": [], "features": {}, "authors": [], "description": "ours",
        "license": "MIT", "keywords": [], "categories": [], "badges": {}, "links": null,
    })
    .to_string();
    let mut body = Vec::new();
    for part in [told.as_bytes(), &archive] {
        body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        body.extend(part);
    }
    body
}

#[tokio::test]
async fn a_published_crate_is_yanked_but_never_replaced() {
    let house = House::open().await;
    let token = house.token("ann", "read publish:cargo/ours").await;
    let headers = [("authorization", token.as_str())];
    let new = "/cargo/api/v1/crates/new";
    let foreign = house.ask("PUT", new, &headers, crate_body("theirs", "1.0.0", "")).await;
    assert_eq!(foreign.status, 403, "{}", foreign.text());
    let got = house.ask("PUT", new, &headers, crate_body("ours", "1.0.0", "// a")).await;
    assert_eq!(got.status, 200, "{}", got.text());
    let file = house.get("/cargo/api/v1/crates/ours/1.0.0/download").await;
    assert_eq!(file.status, 200);
    let yanked = house.ask("DELETE", "/cargo/api/v1/crates/ours/1.0.0/yank", &headers, "").await;
    assert_eq!(yanked.status, 200, "{}", yanked.text());
    assert!(house.get("/cargo/ou/rs/ours").await.text().contains("\"yanked\":true"));
    let again = house.ask("PUT", new, &headers, crate_body("ours", "1.0.0", "// b")).await;
    assert!(again.status >= 400, "{}", again.status);
    assert_eq!(house.get("/cargo/api/v1/crates/ours/1.0.0/download").await.body, file.body);
}
