//! A name of the house never comes from outside, and nobody outside learns of it.

use crate::house::{House, npm_tarball};

const POLICY: &str = "[reserved-name]\npatterns = [\"acme-*\", \"npm:@acme/*\"]\n";

/// Every way to say the name.
const WAYS: &[(&str, &str)] = &[
    ("GET", "/npm/acme-billing"),
    ("HEAD", "/npm/acme-billing"),
    ("GET", "/npm/acme-billing/99.9.9"),
    ("GET", "/npm/acme-billing/-/acme-billing-99.9.9.tgz"),
    ("GET", "/npm/Acme-Billing"),
    ("GET", "/npm/%61cme-billing"),
    ("GET", "/npm/@acme%2fbilling"),
    ("GET", "/npm/@acme/billing"),
    ("GET", "/npm/@acme/billing/-/billing-99.9.9.tgz"),
    ("GET", "/npm/-/package/acme-billing/dist-tags"),
    ("GET", "/npm/-/v1/search?text=acme-billing"),
    ("GET", "/npm/-/v1/search?text=Acme-Billing"),
    ("GET", "/npm/-/v1/search?text=acme-billing%20client"),
    ("GET", "/npm/-/v1/search?text=@acme/billing"),
    ("GET", "/npm/-/v1/search?text=keywords:acme-billing"),
    ("GET", "/npm/-/v1/search?text=not%20(%22acme-billing%22)"),
    ("GET", "/pypi/simple/acme-billing/"),
    ("GET", "/pypi/simple/Acme_Billing/"),
    ("GET", "/pypi/simple/acme.billing/"),
    ("GET", "/pypi/files/acme-billing/acme_billing-99.9.9-py3-none-any.whl"),
    ("GET", "/pypi/files/ACME..billing/acme_billing-99.9.9-py3-none-any.whl.metadata"),
    ("GET", "/pypi/pypi/acme-billing/json"),
    ("GET", "/pypi/pypi/acme_billing/99.9.9/json"),
    ("GET", "/cargo/ac/me/acme-billing"),
    ("GET", "/cargo/ac/me/acme_billing"),
    ("GET", "/cargo/ac/me/ACME-billing"),
    ("GET", "/cargo/api/v1/crates/acme-billing/99.9.9/download"),
    ("GET", "/cargo/api/v1/crates/acme_billing/99.9.9/download"),
    ("GET", "/cargo/api/v1/crates?q=acme-billing"),
    ("GET", "/cargo/api/v1/crates?q=acme_billing"),
    ("GET", "/why/npm/acme-billing"),
    ("GET", "/api/v1/explain?purl=pkg:npm/acme-billing@99.9.9"),
];

fn nothing_told(house: &House) {
    for request in house.upstream.requests() {
        let all = format!("{}?{}", request.path, request.query).to_lowercase();
        assert!(!all.contains("acme") && !all.contains("billing"), "{all}");
        assert!(!String::from_utf8_lossy(&request.body).contains("acme"), "{all}");
    }
}

#[tokio::test]
async fn a_reserved_name_is_refused_and_never_told_to_anyone() {
    let house = House::with(POLICY, |_| {}).await;
    for (method, path) in WAYS {
        let got = house.ask(method, path, &[], "").await;
        assert!(!got.text().contains("99.9.9") || path.contains("99.9.9"), "{path}: {}", got.text());
        assert!(got.status != 200 || !path.contains(".tgz"), "{path}");
    }
    let bulk = r#"{"acme-billing":["99.9.9"],"@acme/billing":["1.0.0"]}"#;
    house.ask("POST", "/npm/-/npm/v1/security/advisories/bulk", &[], bulk).await;
    nothing_told(&house);
    for path in [
        "/npm/acme-billing",
        "/npm/@acme%2fbilling",
        "/pypi/simple/acme-billing/",
        "/cargo/ac/me/acme-billing",
    ] {
        let got = house.get(path).await;
        assert!(got.text().contains("reserved"), "{path}: {} {}", got.status, got.text());
    }
}

#[tokio::test]
async fn with_a_hosted_release_only_that_is_known() {
    let house = House::open().await;
    // Somebody asked before it was published, when the name was still free.
    assert_eq!(house.get("/npm/acme-billing").await.status, 200);
    let token = house.token("ann", "read publish:*/*").await;
    for name in ["acme-billing", "@acme/billing"] {
        let got = house.npm_publish(&token, name, "1.2.0", &npm_tarball(name, "1.2.0", "ours")).await;
        assert!(got.status < 300, "{} {}", got.status, got.text());
    }
    house.upstream.clear_log();
    for (method, path) in WAYS.iter().filter(|(_, path)| path.starts_with("/npm")) {
        let got = house.ask(method, path, &[], "").await;
        assert!(!got.text().contains("\"99.9.9\""), "{path}: {}", got.text());
    }
    nothing_told(&house);
    for path in ["/npm/acme-billing", "/npm/@acme%2fbilling"] {
        let document = house.get(path).await.json();
        let versions: Vec<&String> = document["versions"].as_object().unwrap().keys().collect();
        assert_eq!(versions, ["1.2.0"], "{path}");
    }
    let file = house.get("/npm/acme-billing/-/acme-billing-1.2.0.tgz").await;
    assert_eq!(file.body, npm_tarball("acme-billing", "1.2.0", "ours"));
}

#[tokio::test]
async fn a_hosted_release_never_comes_with_the_bytes_of_the_foreign_one() {
    let house = House::open().await;
    // The very file that will be published was fetched from outside before, under the same name and version.
    let path = "/npm/good-lib/-/good-lib-1.2.0.tgz";
    let foreign = house.get(path).await;
    assert_eq!(foreign.status, 200);
    let token = house.token("ann", "read publish:*/*").await;
    let ours = npm_tarball("good-lib", "1.2.0", "ours");
    let done = house.npm_publish(&token, "good-lib", "1.2.0", &ours).await;
    assert!(done.status < 300, "{} {}", done.status, done.text());
    let got = house.get(path).await;
    assert!(got.body == ours, "{}: the foreign file was sent under the hosted version", got.status);
    assert_eq!(house.get("/npm/good-lib/-/good-lib-1.1.0.tgz").await.status, 404);
}
