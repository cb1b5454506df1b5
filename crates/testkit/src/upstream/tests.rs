use super::*;
use std::time::Duration;

/// A client that shows what is on the wire: no redirects followed, nothing unpacked.
fn client() -> reqwest::Client {
    crate::install_tls_provider();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn get(url: &str, headers: &[(&str, &str)]) -> (u16, http::HeaderMap, Vec<u8>) {
    let mut request = client().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let reply = request.send().await.unwrap();
    let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
    (status, headers, reply.bytes().await.unwrap().to_vec())
}

async fn json(url: &str, headers: &[(&str, &str)]) -> serde_json::Value {
    let (status, _, body) = get(url, headers).await;
    assert_eq!(status, 200, "{url}");
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn npm_documents_and_tarballs_agree() {
    let upstream = FakeUpstream::start().await;
    upstream.npm(|registry| {
        registry
            .package("@acme/left-pad")
            .release("1.0.0")
            .published("2018-04-09T00:00:00.000Z")
            .release("1.10.0")
            .published("2019-04-09T00:00:00.000Z")
            .script("postinstall", "node x.js")
            .deprecated("use String.prototype.padStart")
            .release("2.0.0-rc.1")
            .published("2020-04-09T00:00:00.000Z")
            .tag("next", "2.0.0-rc.1");
    });
    let url = format!("{}@acme%2fleft-pad", upstream.npm_url());
    let full = json(&url, &[]).await;
    assert_eq!(full["dist-tags"], serde_json::json!({"latest": "1.10.0", "next": "2.0.0-rc.1"}));
    assert_eq!(full["time"]["1.0.0"], "2018-04-09T00:00:00.000Z");
    assert_eq!(full["time"]["modified"], "2020-04-09T00:00:00.000Z");
    assert_eq!(full["versions"]["1.10.0"]["hasInstallScript"], true);
    assert_eq!(full["versions"]["1.0.0"]["_npmUser"]["name"], "alice");
    assert_eq!(full["maintainers"][0]["name"], "alice");
    let short = json(&url, &[("accept", "application/vnd.npm.install-v1+json")]).await;
    assert_eq!(short["versions"]["1.10.0"]["deprecated"], "use String.prototype.padStart");
    assert!(short.get("time").is_none() && short["versions"]["1.10.0"].get("scripts").is_none());
    let dist = &full["versions"]["1.10.0"]["dist"];
    let (status, _, tarball) = get(dist["tarball"].as_str().unwrap(), &[]).await;
    let hashed = crate::archive::hash(&tarball);
    assert_eq!(
        (status, dist["integrity"].as_str(), dist["shasum"].as_str()),
        (200, Some(&*hashed.sri), Some(&*hashed.sha1))
    );
    assert_eq!(json(&format!("{}@acme/left-pad/latest", upstream.npm_url()), &[]).await["version"], "1.10.0");
    assert_eq!(
        json(&format!("{}-/package/@acme%2fleft-pad/dist-tags", upstream.npm_url()), &[]).await["next"],
        "2.0.0-rc.1"
    );
    assert_eq!(json(&format!("{}-/v1/search?text=left", upstream.npm_url()), &[]).await["total"], 1);
    assert_eq!(get(&format!("{}nothing", upstream.npm_url()), &[]).await.0, 404);

    // What changes while it runs.
    upstream.npm(|registry| {
        registry.package("@acme/left-pad").release("1.10.0").unpublish();
    });
    let full = json(&url, &[]).await;
    assert_eq!(full["dist-tags"]["latest"], "1.0.0");
    assert_eq!(full["time"]["1.10.0"], "2019-04-09T00:00:00.000Z");
    assert_eq!(upstream.requests_for("@acme").len(), 6);
}

#[tokio::test]
async fn pypi_indexes_and_files_agree() {
    let upstream = FakeUpstream::start().await;
    upstream.pypi(|registry| {
        registry
            .package("Good.Lib")
            .release("1.0")
            .sdist()
            .core_metadata()
            .requires_python(">=3.8")
            .dependency("idna>=2")
            .release("1.1")
            .yanked("broken <here>")
            .provenance(serde_json::json!({"version": 1}));
    });
    let url = upstream.pypi_url();
    let (status, headers, _) = get(&format!("{url}Good_Lib/"), &[]).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (301, "/pypi/simple/good-lib/"));
    let page = json(&format!("{url}good-lib/"), &[("accept", "application/vnd.pypi.simple.v1+json")]).await;
    assert_eq!(page["versions"], serde_json::json!(["1.0", "1.1"]));
    assert_eq!(page["files"][2]["yanked"], "broken <here>");
    let (_, headers, html) = get(&format!("{url}good-lib/"), &[("accept", "text/html")]).await;
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
    let html = String::from_utf8(html).unwrap();
    assert!(
        html.contains("data-yanked=\"broken &lt;here&gt;\"") && html.contains("good_lib-1.0.tar.gz"),
        "{html}"
    );
    for file in page["files"].as_array().unwrap() {
        let (status, _, bytes) = get(file["url"].as_str().unwrap(), &[]).await;
        let hashed = crate::archive::hash(&bytes);
        assert_eq!(
            (status, file["hashes"]["sha256"].as_str(), file["size"].as_u64()),
            (200, Some(&*hashed.sha256), Some(hashed.size))
        );
    }
    assert!(page["files"][0]["provenance"].is_null());
    assert_eq!(json(page["files"][2]["provenance"].as_str().unwrap(), &[]).await["version"], 1);
    let wheel = page["files"][0]["url"].as_str().unwrap();
    let (_, _, metadata) = get(&format!("{wheel}.metadata"), &[]).await;
    assert_eq!(page["files"][0]["core-metadata"]["sha256"], crate::archive::hash(&metadata).sha256);
    assert!(String::from_utf8(metadata).unwrap().contains("Requires-Dist: idna>=2\n"));
    let legacy = json(&format!("{}/pypi/pypi/good-lib/json", upstream.url()), &[]).await;
    assert_eq!(
        (legacy["info"]["version"].as_str(), legacy["releases"].as_object().unwrap().len()),
        (Some("1.1"), 2)
    );
}

#[tokio::test]
async fn the_sparse_index_and_crates_agree() {
    let upstream = FakeUpstream::start().await;
    upstream.cargo(|registry| {
        registry.package("Itoa").release("1.0.0").published("2021-12-12T00:00:00Z").release("1.0.1").yanked();
        let _ = registry.package("abc").release("1.0.0").feature("std", &[]).dependency("Itoa", "1");
    });
    upstream.behave(Behaviour { files_elsewhere: true, ..Behaviour::default() });
    let config = json(&format!("{}config.json", upstream.cargo_url()), &[]).await;
    assert!(config["dl"].as_str().unwrap().starts_with(&upstream.files_url()));
    let (_, _, index) = get(&format!("{}it/oa/itoa", upstream.cargo_url()), &[]).await;
    let index = String::from_utf8(index).unwrap();
    let first: serde_json::Value = serde_json::from_str(index.lines().next().unwrap()).unwrap();
    assert_eq!(
        (first["name"].as_str(), first["pubtime"].as_str()),
        (Some("Itoa"), Some("2021-12-12T00:00:00Z"))
    );
    let (_, _, file) = get(&format!("{}/Itoa/1.0.0/download", config["dl"].as_str().unwrap()), &[]).await;
    assert_eq!(first["cksum"], crate::archive::hash(&file).sha256);
    assert_eq!(get(&format!("{}it/oa/Itoa", upstream.cargo_url()), &[]).await.0, 404);
    assert_eq!(get(&format!("{}3/a/abc", upstream.cargo_url()), &[]).await.0, 200);
}

#[tokio::test]
async fn validators_ranges_and_compression() {
    let upstream = FakeUpstream::start().await;
    upstream.npm(|registry| {
        registry.package("a").release("1.0.0").release("2.0.0").large(200_000);
    });
    let url = format!("{}a", upstream.npm_url());
    let (_, headers, plain) = get(&url, &[]).await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let (status, _, body) = get(&url, &[("if-none-match", &tag)]).await;
    assert_eq!((status, body.len()), (304, 0));
    let modified = headers["last-modified"].to_str().unwrap();
    assert_eq!(get(&url, &[("if-modified-since", modified)]).await.0, 304);
    let (_, headers, packed) = get(&url, &[("accept-encoding", "gzip")]).await;
    assert_eq!(headers["content-encoding"], "gzip");
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    for file in ["a/-/a-1.0.0.tgz", "a/-/a-2.0.0.tgz"] {
        let url = format!("{}{file}", upstream.npm_url());
        let (_, _, whole) = get(&url, &[]).await;
        for (range, from, to) in
            [("bytes=3-9", 3, 10), ("bytes=-5", whole.len() - 5, whole.len()), ("bytes=7-", 7, whole.len())]
        {
            let (status, headers, part) = get(&url, &[("range", range)]).await;
            assert_eq!((status, part.as_slice()), (206, &whole[from..to]), "{file} {range}");
            assert_eq!(
                headers["content-range"].to_str().unwrap(),
                format!("bytes {from}-{}/{}", to - 1, whole.len())
            );
        }
        assert_eq!(get(&url, &[("range", "bytes=99999999-")]).await.0, 416);
        assert_eq!(get(&url, &[("range", "bytes=3-9"), ("if-range", "\"other\"")]).await.0, 200);
    }
    upstream.behave(Behaviour::plain_mirror());
    let (_, headers, _) = get(&url, &[("accept-encoding", "gzip"), ("if-none-match", &tag)]).await;
    assert!(!headers.contains_key("etag") && !headers.contains_key("content-encoding"));
    let head = client().head(&url).send().await.unwrap();
    assert!(head.headers()["content-length"].to_str().unwrap().parse::<usize>().unwrap() > 100);
}

#[tokio::test]
async fn every_fault_does_what_it_says() {
    let upstream = FakeUpstream::start().await;
    let body = b"0123456789".repeat(10_000);
    upstream.route("/f", Reply::file("text/plain", body.clone()));
    let url = format!("{}/f", upstream.url());
    let fetch = || async {
        let reply = client().get(&url).timeout(Duration::from_millis(700)).send().await?;
        reply.error_for_status()?.bytes().await
    };
    assert_eq!(fetch().await.unwrap(), body);

    let handle = upstream.fail("/f", Fault::too_many_requests(7)).times(1).after(1);
    assert_eq!(fetch().await.unwrap(), body);
    let reply = client().get(&url).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(fetch().await.unwrap(), body);
    assert_eq!(handle.hits(), 1);
    handle.remove();

    for fault in [
        Fault::Truncate(50_000),
        Fault::HangAfter(50_000),
        Fault::Silence,
        Fault::Reset,
        Fault::ResetAfter(70_000),
        Fault::NotHttp,
        Fault::Slow(1000),
        Fault::Delay(Duration::from_secs(5)),
    ] {
        let handle = upstream.fail("/f", fault.clone());
        assert!(fetch().await.is_err(), "{fault:?}");
        handle.remove();
    }
    for (fault, expected) in [(Fault::CutQuietly(70_000), 70_000), (Fault::Endless(1 << 20), (1 << 20) + 11)]
    {
        let handle = upstream.fail("/f", fault.clone());
        assert_eq!(fetch().await.unwrap().len(), expected, "{fault:?}");
        handle.remove();
    }
    let handle = upstream.fail("/f", Fault::FlipByte(5));
    let flipped = fetch().await.unwrap();
    assert_eq!(flipped.iter().zip(&body).filter(|(left, right)| left != right).count(), 1);
    handle.remove();
    let handle = upstream.fail("/f", Fault::RedirectLoop);
    assert_eq!(client().get(&url).send().await.unwrap().headers()["location"], "/f");
    handle.remove();
    let handle = upstream.fail("*", Fault::GzipBomb(10 << 20));
    let packed = fetch().await.unwrap();
    assert!(packed.len() < 200_000, "{}", packed.len());
    handle.remove();
    upstream.fail("/f", Fault::HeaderFlood(10)).times(1);
    assert_eq!(
        client()
            .get(&url)
            .send()
            .await
            .unwrap()
            .headers()
            .keys()
            .filter(|name| name.as_str().starts_with("x-flood"))
            .count(),
        10
    );
    upstream.heal();
    upstream.require_authorization("/npm/", "Bearer secret");
    assert_eq!(get(&upstream.npm_url(), &[]).await.0, 401);
    assert_eq!(get(&upstream.npm_url(), &[("authorization", "Bearer secret")]).await.0, 200);
}

#[tokio::test]
async fn a_huge_packument_has_the_size_asked_for() {
    let upstream = FakeUpstream::start().await;
    upstream.npm(|registry| registry.huge("big", 300, 1_000_000));
    let (_, _, body) = get(&format!("{}big", upstream.npm_url()), &[]).await;
    assert!((900_000..1_200_000).contains(&body.len()), "{}", body.len());
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["versions"].as_object().unwrap().len(), 300);
}

/// npm's own `audit signatures` cannot be asked: it wants a key server on the internet first.
#[tokio::test]
async fn the_registrys_signatures_hold_under_the_keys_it_publishes() {
    use base64::Engine as _;
    let decode = |value: &serde_json::Value| {
        base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap()
    };
    let upstream = FakeUpstream::start().await;
    upstream.npm(|registry| {
        let statement = serde_json::json!({"attestations": []});
        registry.package("a").release("1.0.0").attestations(statement).release("1.1.0").unsigned();
    });
    let document = json(&format!("{}a", upstream.npm_url()), &[]).await;
    let dist = &document["versions"]["1.0.0"]["dist"];
    assert!(document["versions"]["1.1.0"]["dist"].get("signatures").is_none());
    let keys = json(&format!("{}-/npm/v1/keys", upstream.npm_url()), &[]).await;
    assert_eq!(keys["keys"][0]["keyid"], dist["signatures"][0]["keyid"]);
    let spki = decode(&keys["keys"][0]["key"]);
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_ASN1, &spki[26..]);
    let signed = format!("a@1.0.0:{}", dist["integrity"].as_str().unwrap());
    key.verify(signed.as_bytes(), &decode(&dist["signatures"][0]["sig"])).unwrap();
    let statement = json(dist["attestations"]["url"].as_str().unwrap(), &[]).await;
    assert!(statement["attestations"].is_array());
    assert_eq!(get(&format!("{}-/npm/v1/attestations/a@1.1.0", upstream.npm_url()), &[]).await.0, 404);
}

#[tokio::test]
async fn repositories_are_cloned_and_downloaded() {
    let upstream = FakeUpstream::start().await;
    let (first, tip) = upstream.github(|host| {
        let one =
            host.repository("Acme/demo").commit("2020-01-01T00:00:00Z", &[("a.txt", "one\n")]).tag("v1.0.0");
        let first = one.id("HEAD");
        let two = one
            .commit("2021-01-01T00:00:00Z", &[("dir/b.txt", "two\n")])
            .light_tag("v1.1.0")
            .release("v1.1.0", "2021-01-02T00:00:00Z", "alice")
            .asset("demo.bin", &b"bytes"[..])
            .branch("feature/x")
            .commit("2022-01-01T00:00:00Z", &[("a.txt", "three\n")]);
        (first, two.id("v1.1.0"))
    });
    let web = upstream.github_url("web");
    let folder = tempfile::tempdir().unwrap();
    for version in ["0", "2"] {
        let output = tokio::process::Command::new("git")
            .args([
                "-c",
                &format!("protocol.version={version}"),
                "clone",
                "--quiet",
                "--depth=1",
                "--branch=v1.0.0",
            ])
            .args([&format!("{web}/acme/demo.git"), version])
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read(folder.path().join(version).join("a.txt")).unwrap(), b"one\n");
    }
    let (status, _, archive) = get(&format!("{web}/acme/demo/archive/refs/tags/v1.1.0.tar.gz"), &[]).await;
    assert_eq!(status, 200);
    let mut names = Vec::new();
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&*archive));
    for entry in tar.entries().unwrap() {
        names.push(entry.unwrap().path().unwrap().display().to_string());
    }
    assert!(names.contains(&"demo-1.1.0/dir/b.txt".to_owned()), "{names:?}");
    let codeload = upstream.github_url("codeload");
    assert_eq!(get(&format!("{codeload}/acme/demo/zip/{tip}"), &[]).await.0, 200);
    assert_eq!(get(&format!("{codeload}/acme/demo/zip/nothing"), &[]).await.0, 404);
    let raw = upstream.github_url("raw");
    assert_eq!(get(&format!("{raw}/acme/demo/{first}/a.txt"), &[]).await.2, b"one\n");
    assert_eq!(get(&format!("{web}/acme/demo/releases/download/v1.1.0/demo.bin"), &[]).await.2, b"bytes");
    let api = upstream.github_url("api");
    let list = json(&format!("{api}/repos/acme/demo/releases?per_page=100"), &[]).await;
    assert_eq!(list[0]["assets"][0]["digest"], format!("sha256:{}", crate::archive::hash(b"bytes").sha256));
    let commit = json(&format!("{api}/repos/acme/demo/git/commits/{first}"), &[]).await;
    assert_eq!(commit["sha"], first.as_str());
    assert!(commit["committer"]["date"].as_str().unwrap().starts_with("2020-01-01T00:00:00"));
}
