mod hosting;
mod images;
mod laws;
mod pinned;
mod settings;

use super::manifest::{self, Manifest};
use super::name::{self, File, Place};
use super::{Oci, route};
use crate::{Ecosystem, Need, Part, Route, UploadStep};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use lazaret_vocabulary::{
    Algorithm, BaseUrl, Digest, Document, PackageName, Refusal, Reply, RequestHead, Timestamp,
};
use std::sync::Arc;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn package(name: &str) -> PackageName {
    name::parse(name).unwrap()
}

fn sha256(body: &[u8]) -> Digest {
    name::digest_of(Algorithm::Sha256, body).unwrap()
}

fn digest(of: char) -> Digest {
    Digest::from_hex(Algorithm::Sha256, &of.to_string().repeat(64)).unwrap()
}

fn ask_with<T>(
    method: &str,
    target: &str,
    headers: &HeaderMap,
    use_it: impl FnOnce(&RequestHead<'_>) -> T,
) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let method: Method = method.parse().unwrap();
    use_it(&RequestHead { method: &method, path, query, headers })
}

fn ask<T>(method: &str, target: &str, use_it: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    ask_with(method, target, &HeaderMap::new(), use_it)
}

fn roles(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn need(roles: &[Arc<str>]) -> Need<'_> {
    Need { dates_after: None, details: true, roles }
}

fn document(role: &'static str, body: impl Into<Bytes>) -> Document {
    Document {
        role,
        body: body.into(),
        content_type: "application/json".to_owned(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn json(reply: &Reply) -> serde_json::Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn header(reply: &Reply, name: &str) -> String {
    let found = reply.headers.iter().filter(|(have, _)| have.as_str() == name);
    found.map(|(_, value)| value.to_str().unwrap()).collect::<Vec<_>>().join(", ")
}

/// What a route comes to, in a word, so that tables stay readable.
fn told(route: Route) -> String {
    match route {
        Route::Artifact { package, file, part: Part::Whole } => format!("{package} {file}"),
        Route::Pointer { package, pointer, .. } => format!("{package} tag {pointer}"),
        Route::Submit { action, package, limit_bytes } => format!("{action} {package:?} {limit_bytes}"),
        Route::Relay(relay) => relay.fetch.path,
        Route::Catalogue { name } => format!("catalogue {name}"),
        Route::Upload { package, step } => match step {
            UploadStep::Begin { digest, mount } => format!("{package} begin {digest:?} {mount:?}"),
            UploadStep::Append { session, range } => format!("{package} append {session} {range:?}"),
            UploadStep::Finish { session, digest, range } => {
                format!("{package} finish {session} {digest} {range:?}")
            }
            UploadStep::Status { session } => format!("{package} status {session}"),
            UploadStep::Cancel { session } => format!("{package} cancel {session}"),
            UploadStep::Remove { digest } => format!("{package} remove {digest}"),
        },
        Route::Fixed(reply) if reply.status == StatusCode::OK => "hello".to_owned(),
        Route::Fixed(reply) => {
            format!("{} {}", reply.status.as_u16(), json(&reply)["errors"][0]["code"].as_str().unwrap())
        }
        Route::Unknown => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn addresses_mean_what_the_specification_says() {
    let digest = format!("sha256:{HEX}");
    let begin = "acme/app begin None None";
    let long = format!("sha512:{}", "ab".repeat(64));
    let table = [
        ("GET", "/", "Config"),
        ("GET", "/token?service=lazaret&scope=repository:a:pull", "hello"),
        ("GET", "/_catalog?n=5", "catalogue repositories"),
        ("POST", "/", "unknown"),
        ("GET", "/library/debian/manifests/12", "library/debian tag 12"),
        ("HEAD", "/library/debian/manifests/12?ns=elsewhere.example", "library/debian tag 12"),
        ("GET", "/debian/manifests/D", &format!("debian manifests/{digest}")),
        ("GET", "/debian/manifests/L", &format!("debian manifests/{long}")),
        ("GET", "/debian/blobs/D", &format!("debian blobs/{digest}")),
        ("GET", "/debian/blobs/12", "400 DIGEST_INVALID"),
        ("GET", "/debian/manifests/sha256:E3B0", "400 DIGEST_INVALID"),
        ("GET", "/debian/manifests/sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "400 DIGEST_INVALID"),
        ("GET", "/debian/manifests/-x", "400 DIGEST_INVALID"),
        ("GET", "/manifests/manifests/manifests", "manifests tag manifests"),
        ("GET", "/a/blobs/uploads/manifests/x", "a/blobs/uploads tag x"),
        ("GET", "/manifests/12", "unknown"),
        ("GET", "/Debian/manifests/12", "400 NAME_INVALID"),
        ("GET", "/a%2Fb/manifests/12", "unknown"),
        ("GET", "/../manifests/12", "400 NAME_INVALID"),
        ("GET", "/%64ebian/manifests/12", "debian tag 12"),
        ("PUT", "/acme/app/manifests/1", "put-manifest Some(oci:acme/app) 4194304"),
        ("PUT", "/acme/app/manifests/sha256:bad", "put-manifest Some(oci:acme/app) 4194304"),
        ("DELETE", "/acme/app/manifests/1", "delete-manifest Some(oci:acme/app) 0"),
        ("DELETE", "/acme/app/manifests/sha256:bad", "400 DIGEST_INVALID"),
        ("PATCH", "/acme/app/manifests/1", "405 UNSUPPORTED"),
        ("DELETE", "/acme/app/blobs/D", &format!("acme/app remove {digest}")),
        ("PUT", "/acme/app/blobs/D", "405 UNSUPPORTED"),
        ("POST", "/acme/app/blobs/uploads/", begin),
        ("POST", "/acme/app/blobs/uploads", begin),
        ("POST", "/acme/app/blobs/uploads/?digest=D", &format!("acme/app begin Some({digest}) None")),
        ("POST", "/acme/app/blobs/uploads/?digest=x", "400 DIGEST_INVALID"),
        (
            "POST",
            "/acme/app/blobs/uploads/?mount=D&from=acme/base",
            &format!("acme/app begin None Some(({digest}, Some(oci:acme/base)))"),
        ),
        ("POST", "/acme/app/blobs/uploads/?mount=D", &format!("acme/app begin None Some(({digest}, None))")),
        ("POST", "/acme/app/blobs/uploads/?mount=D&from=A", begin),
        ("GET", "/acme/app/blobs/uploads/s-1", "acme/app status s-1"),
        ("PATCH", "/acme/app/blobs/uploads/s-1", "acme/app append s-1 None"),
        ("DELETE", "/acme/app/blobs/uploads/s-1", "acme/app cancel s-1"),
        ("PUT", "/acme/app/blobs/uploads/s-1?digest=D", &format!("acme/app finish s-1 {digest} None")),
        (
            "PUT",
            "/acme/app/blobs/uploads/s-1?_state=x&digest=sha256%3AH",
            &format!("acme/app finish s-1 {digest} None"),
        ),
        ("PUT", "/acme/app/blobs/uploads/s-1", "400 DIGEST_INVALID"),
        ("GET", "/acme/app/blobs/uploads/a%20b", "404 BLOB_UPLOAD_UNKNOWN"),
        ("GET", "/debian/tags/list", "/v2/debian/tags/list"),
        ("GET", "/debian/tags/list?last=b%2Bc&n=07&x=y", "/v2/debian/tags/list?n=7&last=b%2Bc"),
        ("GET", "/debian/tags/list?n=-1", "/v2/debian/tags/list"),
        ("GET", "/debian/referrers/D", &format!("/v2/debian/referrers/{digest}")),
        (
            "GET",
            "/debian/referrers/D?artifactType=application/spdx+json",
            &format!("/v2/debian/referrers/{digest}?artifactType=application%2Fspdx%2Bjson"),
        ),
        ("GET", "/debian/referrers/12", "400 DIGEST_INVALID"),
        ("POST", "/debian/tags/list", "405 UNSUPPORTED"),
        ("GET", "", "Config"),
        ("GET", "/x", "unknown"),
    ];
    for (method, target, expected) in table {
        let target = target.replace("sha256%3AH", &format!("sha256%3A{HEX}"));
        let target = match target.strip_suffix("/D") {
            Some(start) => format!("{start}/{digest}"),
            None => target.replace("/D?", &format!("/{digest}?")).replace("=D", &format!("={digest}")),
        };
        let target = target.strip_suffix("/L").map_or(target.clone(), |start| format!("{start}/{long}"));
        assert_eq!(ask(method, &target, |head| told(route::route(head))), expected, "{method} {target}");
    }
}

#[test]
fn who_logs_in_gets_back_what_they_logged_in_with() {
    let challenge = Oci.client_config(&BaseUrl::new("https://gate.example/v2"), false).unwrap();
    assert_eq!(challenge.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        header(&challenge, "www-authenticate"),
        r#"Bearer realm="https://gate.example/v2/token",service="lazaret""#
    );
    for (shown, token) in [
        ("", "anonymous"),
        ("Basic Og==", "anonymous"),
        ("Basic X190b2tlbl9fOmx6dF9zZWNyZXQ=", "lzt_secret"),
        ("basic bHp0X3NlY3JldDo=", "lzt_secret"),
        ("Bearer lzt_secret", "lzt_secret"),
        ("Basic !", "anonymous"),
        ("Digest x", "anonymous"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", shown.parse().unwrap());
        let route = ask_with("GET", "/token", &headers, route::route);
        let Route::Fixed(reply) = route else { panic!("{route:?}") };
        assert_eq!(json(&reply)["token"], token, "{shown}");
        let greeted = ask_with("GET", "/", &headers, |head| told(route::route(head)));
        assert_eq!(greeted, if shown.is_empty() { "Config" } else { "hello" });
    }
}

#[test]
fn a_chunk_says_which_bytes_it_is() {
    for (text, expected) in [
        ("0-99", "a append s Some((0, 99))"),
        ("bytes 100-199/1000", "a append s Some((100, 199))"),
        ("bytes=5-5", "a append s Some((5, 5))"),
        ("9-1", "400 BLOB_UPLOAD_INVALID"),
        ("x", "400 BLOB_UPLOAD_INVALID"),
        ("1-", "400 BLOB_UPLOAD_INVALID"),
        ("0-99999999999999999999", "400 BLOB_UPLOAD_INVALID"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("content-range", text.parse().unwrap());
        let told = ask_with("PATCH", "/a/blobs/uploads/s", &headers, |head| told(route::route(head)));
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn names_follow_the_grammar() {
    for good in ["a", "0/1", "a.b_c__d-e---f/g", "library/debian", &"a".repeat(255)] {
        assert!(name::parse(good).is_ok(), "{good}");
    }
    for wrong in [
        "",
        "/a",
        "a/",
        "a//b",
        "A",
        "a..b",
        "a___b",
        "a._b",
        "-a",
        "a-",
        "a:b",
        "é",
        "a b",
        "a\n",
        "_catalog",
        &"a".repeat(256),
    ] {
        assert!(name::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_first_part_of_a_name_is_a_role_only_where_it_is_configured() {
    let place = |text: &str, known: &[&str]| Place::of(&package(text), &need(&roles(known)));
    let known = ["registry", "hub"];
    let found = place("hub/library/debian", &known);
    assert_eq!((found.role.as_str(), found.path.as_str()), ("hub", "/v2/library/debian"));
    let found = place("quay/acme/app", &known);
    assert_eq!((found.role.as_str(), found.path.as_str()), ("registry", "/v2/quay/acme/app"));
    let found = place("hub", &known);
    assert_eq!((found.role.as_str(), found.path.as_str()), ("registry", "/v2/hub"));
    let file = File::Blob(digest('1'));
    let url = place("hub/library/debian", &known).url(&file);
    assert_eq!(url, format!("@hub/v2/library/debian/blobs/{}", digest('1')));
    assert_eq!(Place::of_file(&url, &file), Some(place("hub/library/debian", &known)));
    for foreign in ["", "https://elsewhere.example/x", "@hub", "@hub/x", &url.replace("v2", "v1")] {
        assert_eq!(Place::of_file(foreign, &file), None, "{foreign}");
    }
}

fn refusal(code: &str) -> Refusal {
    Refusal {
        package: package("library/debian"),
        version: Some(format!("sha256:{HEX}")),
        code: code.to_owned(),
        sentence: "first seen 2 hours ago".to_owned(),
        until: Some(Timestamp::from_seconds(1_800_000_000)),
        newest_allowed: None,
        page: "https://gate.example/why/oci/library/debian".to_owned(),
    }
}

#[test]
fn refusals_have_the_form_that_clients_print() {
    let reply =
        ask("GET", "/library/debian/manifests/12", |head| Oci.refuse(&refusal("release-too-new"), head));
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let error = &json(&reply)["errors"][0];
    assert_eq!(
        (&error["code"], &error["message"]),
        (&"DENIED".into(), &refusal("release-too-new").line().into())
    );
    assert_eq!(error["detail"], "release-too-new");
    assert!(reply.phrase.unwrap().contains("first seen 2 hours ago"));
    for (target, code) in [
        (format!("/acme/app/blobs/sha256:{HEX}"), "BLOB_UNKNOWN"),
        ("/acme/app/manifests/1".to_owned(), "MANIFEST_UNKNOWN"),
    ] {
        let reply = ask("HEAD", &target, |head| Oci.refuse(&refusal("reserved-name"), head));
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "whoever publishes first asks what is there");
        assert_eq!(json(&reply)["errors"][0]["code"], code);
    }
}

#[test]
fn errors_have_the_code_of_what_was_asked() {
    let blob = format!("/a/blobs/sha256:{HEX}");
    let table = [
        (404, "GET", "/a/manifests/1", "MANIFEST_UNKNOWN"),
        (404, "PUT", "/a/manifests/1", "MANIFEST_BLOB_UNKNOWN"),
        (404, "GET", blob.as_str(), "BLOB_UNKNOWN"),
        (404, "GET", "/a/blobs/uploads/x", "BLOB_UPLOAD_UNKNOWN"),
        (404, "GET", "/a/tags/list", "NAME_UNKNOWN"),
        (404, "GET", "/nothing", "NAME_UNKNOWN"),
        (400, "PUT", "/a/manifests/1", "MANIFEST_INVALID"),
        (400, "PUT", "/a/blobs/uploads/x", "BLOB_UPLOAD_INVALID"),
        (401, "GET", "/", "UNAUTHORIZED"),
        (403, "PUT", "/a/manifests/1", "DENIED"),
        (405, "GET", "/", "UNSUPPORTED"),
        (413, "PUT", "/a/manifests/1", "SIZE_INVALID"),
        (416, "PATCH", "/a/blobs/uploads/x", "BLOB_UPLOAD_INVALID"),
        (429, "GET", "/", "TOOMANYREQUESTS"),
        (500, "GET", "/", "UNKNOWN"),
        (502, "GET", "/a/manifests/1", "UNAVAILABLE"),
    ];
    for (status, method, target, code) in table {
        let status = StatusCode::from_u16(status).unwrap();
        let reply = ask(method, target, |head| Oci.error(status, "because", head));
        assert_eq!(reply.status, status);
        assert_eq!(json(&reply)["errors"][0]["code"], code, "{status} {method} {target}");
        assert_eq!(header(&reply, "docker-distribution-api-version"), "registry/2.0");
    }
    let reply = ask("GET", "/", |head| Oci.error(StatusCode::UNAUTHORIZED, "because", head));
    assert!(header(&reply, "www-authenticate").starts_with("Basic "));
    let reply = ask("PUT", "/a/blobs/uploads/x?digest=y", |head| {
        Oci.error(StatusCode::BAD_REQUEST, "the digest does not fit", head)
    });
    assert_eq!(json(&reply)["errors"][0]["code"], "DIGEST_INVALID");
    let reply = ask("PATCH", "/a/blobs/uploads/x", |head| {
        Oci.error(StatusCode::RANGE_NOT_SATISFIABLE, "out of order", head)
    });
    assert_eq!(header(&reply, "location"), "/v2/a/blobs/uploads/x");
}
