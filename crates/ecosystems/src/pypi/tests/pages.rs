//! Reading pages and showing them.

use super::*;
use lazaret_vocabulary::{Algorithm, Digest, ReleaseKind};

const OLD: &str = "2020-01-01T00:00:00Z";
const NEXT_DAY: &str = "2020-01-01T20:00:00.5Z";
const LATE: &str = "2026-11-20T00:00:00Z";

#[test]
fn files_are_grouped_by_version_and_batch() {
    let mut yanked = entry("six-1.0-cp39-cp39-win32.whl", OLD);
    yanked["yanked"] = "broken wheel".into();
    let mut undated = entry("six-1.0-cp310-cp310-win32.whl", OLD);
    undated.as_object_mut().unwrap().remove("upload-time");
    let index = read(
        "six",
        &[json_page(
            "six",
            &[
                entry("six-1.0.tar.gz", OLD),
                entry("six-1.0.0-py3-none-any.whl", NEXT_DAY),
                entry("six-1.0-cp314-cp314-linux_x86_64.whl", LATE),
                yanked,
                undated,
                entry("six-2.0rc1.tar.gz", LATE),
                entry("strange.bin", OLD),
            ],
        )],
    )
    .unwrap();
    let told: Vec<_> = index
        .releases
        .iter()
        .map(|release| {
            format!(
                "{} {} {} {:?} {:?}",
                release.version,
                release.artifacts.len(),
                release.published.map_or("-".to_owned(), |moment| moment.to_string()),
                release.withdrawn,
                release.install_script
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "1.0 2 2020-01-01T00:00:00Z None Some(false)",
            "1.0 1 2026-11-20T00:00:00Z None Some(false)",
            "1.0 1 2020-01-01T00:00:00Z Some(\"broken wheel\") Some(false)",
            "1.0 1 - None Some(false)",
            "2.0rc1 1 2026-11-20T00:00:00Z None Some(true)",
            "unknown:strange.bin 1 2020-01-01T00:00:00Z None Some(true)",
        ]
    );
    assert!(index.releases[4].prerelease && !index.releases[0].prerelease);
    assert_eq!(index.standing.first_published, Timestamp::parse(OLD).ok());
    assert_eq!(index.standing.maintainers, None);
}

#[test]
fn what_is_admitted_keeps_its_bytes() {
    // Odd spacing, an escaped key, a member nobody knows, stripped members first, in the middle and last.
    let file = r#"{ "core-metadata" : true, "filename":"six-1.0-py3-none-any.whl" ,"provenance":"https://x.example/p",
        "url" : "https://files.example/a b/six-1.0-py3-none-any.whl","hashes":{"sha256":"SHA","md5":"00"},
        "yank\u0065d" : false,"new-thing":[1, {"a" : "}"}],"size":7, "gpg-sig":true }"#
        .replace("SHA", SHA256);
    let page =
        format!(r#" {{"files":[{file}] , "name":"Six","meta":{{ "api-version":"1.4","_last-serial":9}}}} "#);
    let index = read("six", &[simple("application/json", &page)]).unwrap();
    let reply = shown(&index, SIMPLE_JSON, None, &HashMap::new(), |_| false);
    let expected = r#"{"meta":{ "api-version":"1.4","_last-serial":9},"name":"six","files":[{"filename":"six-1.0-py3-none-any.whl",
        "url" : "https://gate.example/pypi/files/six/six-1.0-py3-none-any.whl","hashes":{"sha256":"SHA","md5":"00"},
        "yank\u0065d" : false,"new-thing":[1, {"a" : "}"}],"size":7}]}"#
        .replace("SHA", SHA256);
    assert_eq!(String::from_utf8_lossy(&reply.body), expected);
    assert_eq!(reply.headers[0].1, "application/vnd.pypi.simple.v1+json");
    let withheld = shown_json(&index, |_| true);
    assert!(withheld["files"][0]["yanked"].as_str().unwrap().contains("release-too-new"));
    assert_eq!(
        index.releases[0].artifacts[0].url.as_ref(),
        "https://files.example/a b/six-1.0-py3-none-any.whl"
    );
    // The weak one of a wrong length is no digest.
    assert_eq!(index.releases[0].artifacts[0].digests.len(), 1);
}

#[test]
fn a_withheld_file_without_yanked_gets_it() {
    let mut file = entry("six-1.0.tar.gz", OLD);
    file.as_object_mut().unwrap().remove("yanked");
    let index = read("six", &[json_page("six", &[file])]).unwrap();
    assert!(shown_json(&index, |_| true)["files"][0]["yanked"].is_string());
    assert!(shown_json(&index, |_| false)["files"][0].get("yanked").is_none());
}

#[test]
fn core_metadata_is_announced_only_where_it_is_kept() {
    let files = [entry("six-1.0-py3-none-any.whl", OLD), entry("six-2.0-py3-none-any.whl", OLD)];
    let index = read("six", &[json_page("six", &files)]).unwrap();
    let kept =
        KeptExtra { part: Part::Metadata, sha256: Digest::from_hex(Algorithm::Sha256, SHA256).unwrap() };
    let extras = HashMap::from([(Arc::from("six-1.0-py3-none-any.whl"), vec![kept])]);
    let json: serde_json::Value =
        serde_json::from_slice(&shown(&index, SIMPLE_JSON, None, &extras, |_| false).body).unwrap();
    assert_eq!(json["files"][0]["core-metadata"]["sha256"], SHA256);
    assert_eq!(json["files"][0]["dist-info-metadata"]["sha256"], SHA256);
    assert!(json["files"][1].get("core-metadata").is_none());
    let html = shown(&index, SIMPLE_V1_HTML, None, &extras, |_| false);
    assert_eq!(html.headers[0].1, "application/vnd.pypi.simple.v1+html");
    let html = String::from_utf8_lossy(&html.body).into_owned();
    assert_eq!(html.matches("data-core-metadata=\"sha256=").count(), 1);
    assert_eq!(html.matches("data-dist-info-metadata").count(), 1);
}

#[test]
fn html_is_read_as_pip_reads_it() {
    let page = format!(
        r#"<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1">
        <meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" content="use &quot;seven&quot;">
        </head><body><!-- <a href="six-0.1.tar.gz">no</a> --><script>"<a href='six-0.2.tar.gz'>no</a>"</script>
        <A HREF='../../packages/six-1.0.tar.gz#sha256={SHA256}&amp;egg=six' data-requires-python="&gt;=3.8">x</A>
        <a href="https://files.example/six-1.0%2Bx-py3-none-any.whl" data-yanked>y</a>
        <a data-yanked="it &lt;leaks&gt;" href="/packages/six-2.0.tar.gz?x=1" data-upload-time="{OLD}">z</a>
        <a href="ftp://files.example/six-3.0.tar.gz">no</a> <a href="javascript:alert(1)">no</a> <a>no</a>
        <a href="//files.example/six-4.0.tar.gz">w</a></body></html>"#
    );
    let index = read("six", &[simple("text/html", &page)]).unwrap();
    let files: Vec<_> = index
        .releases
        .iter()
        .flat_map(|release| &release.artifacts)
        .map(|artifact| format!("{} {} {}", artifact.file, artifact.url, artifact.digests.len()))
        .collect();
    assert_eq!(
        files,
        [
            "six-1.0.tar.gz six/../../packages/six-1.0.tar.gz 1",
            "six-1.0+x-py3-none-any.whl https://files.example/six-1.0%2Bx-py3-none-any.whl 0",
            "six-2.0.tar.gz /packages/six-2.0.tar.gz?x=1 0",
            "six-4.0.tar.gz //files.example/six-4.0.tar.gz 0",
        ]
    );
    assert_eq!(index.releases[1].withdrawn.as_deref(), Some(""));
    assert_eq!(index.releases[2].withdrawn.as_deref(), Some("it <leaks>"));
    assert!(index.standing.retired.as_deref().unwrap().contains("archived: use \"seven\""));
    let json = shown_json(&index, |_| false);
    assert_eq!(json["files"][0]["requires-python"], ">=3.8");
    assert_eq!(json["files"][1]["yanked"], true);
    assert_eq!(json["project-status"]["status"], "archived");
    let html = shown_html(&index, |_| false);
    assert!(html.contains("data-requires-python=\"&gt;=3.8\""), "{html}");
    assert!(html.contains("<meta name=\"pypi:project-status\" content=\"archived\">"), "{html}");
    assert!(html.contains("/files/six/six-1.0%2Bx-py3-none-any.whl\" data-yanked=\"\""), "{html}");
}

#[test]
fn a_base_element_moves_the_links() {
    for (base, href, wanted) in [
        ("https://x.example/a/b", "c.tar.gz", "https://x.example/a/c.tar.gz"),
        ("https://x.example/a/b/", "../c.tar.gz", "https://x.example/a/b/../c.tar.gz"),
        ("https://x.example", "c.tar.gz", "https://x.example/c.tar.gz"),
        ("https://x.example/a/", "/c.tar.gz", "https://x.example/c.tar.gz"),
        ("https://x.example/a/", "//y.example/c.tar.gz", "https://y.example/c.tar.gz"),
        ("https://x.example/a/", "http://y.example/c.tar.gz", "http://y.example/c.tar.gz"),
    ] {
        let found = crate::pypi::page::resolve("six", Some(base), href);
        assert_eq!(found.as_deref(), Some(wanted), "{base} {href}");
    }
}

#[test]
fn what_no_client_could_use_is_left_out() {
    let good = entry("six-1.0.tar.gz", OLD);
    let mut bad = Vec::new();
    for (key, value) in [
        ("filename", serde_json::json!("../six-1.0.tar.gz")),
        ("filename", serde_json::json!("a\nb.whl")),
        ("filename", serde_json::json!(7)),
        ("url", serde_json::json!("file:///etc/passwd")),
        ("url", serde_json::json!(null)),
        ("hashes", serde_json::json!("none")),
        ("yanked", serde_json::json!(7)),
        ("yanked", serde_json::json!({})),
        ("filename", serde_json::json!("six-1.0.tar.gz")),
    ] {
        let mut entry = entry("six-3.0.tar.gz", OLD);
        entry[key] = value;
        bad.push(entry);
    }
    let mut files = vec![good.clone()];
    files.extend(bad);
    files.push(serde_json::json!("text"));
    let index = read("six", &[json_page("six", &files)]).unwrap();
    assert_eq!(index.releases.len(), 1);
    assert_eq!(shown_json(&index, |_| true)["files"].as_array().unwrap().len(), 1);
    let twice = r#"{"meta":{"api-version":"1.0"},"files":[{"filename":"six-1.0.tar.gz","url":"https://a.example/six-1.0.tar.gz","u\u0072l":"https://b.example/six-1.0.tar.gz","hashes":{}}]}"#;
    assert_eq!(read("six", &[simple("", twice)]).unwrap().releases.len(), 0);
}

#[test]
fn what_is_no_page_of_this_project_is_not_served() {
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "[]"),
        ("application/json", r#"{"files":[]}"#),
        ("application/json", r#"{"meta":{"api-version":"2.0"},"files":[]}"#),
        ("application/json", r#"{"meta":{"api-version":"1.0"},"name":"seven","files":[]}"#),
        ("application/json", r#"{"meta":{"api-version":"1.0"},"files":[],"files":[]}"#),
        ("application/json", r#"{"meta":{"api-version":"1.0"},"files":[]"#),
        ("text/html", "<meta name='pypi:repository-version' content='2.0'>"),
    ] {
        assert!(read("six", &[simple(content_type, body)]).is_err(), "{body}");
    }
    let not_utf8 = Document { body: vec![b'<', 0xff].into(), ..simple("text/html", "") };
    assert!(read("six", &[not_utf8]).is_err());
    let none = read("six", &[project("{}")]).unwrap();
    assert_eq!(shown(&none, PROJECT_JSON, None, &HashMap::new(), |_| false).status, StatusCode::NOT_FOUND);
}

#[test]
fn the_legacy_document_fills_what_the_page_does_not_say() {
    let html = format!("<a href='/p/six-1.0.tar.gz#sha256={SHA256}'>a</a><a href='/p/six-2.0.tar.gz'>b</a>");
    let legacy = serde_json::json!({
        "info": {
            "name": "Six", "version": "1.0.0", "license": "", "license_expression": null,
            "classifiers": ["License :: OSI Approved", "License :: OSI Approved :: MIT License",
                "Development Status :: 7 - Inactive"],
            "requires_dist": ["idna>=2"], "project_urls": { "Source Code": "https://code.example/six" },
            "summary": "Python 2 and 3",
        },
        "releases": {
            "1.0": [{ "filename": "six-1.0.tar.gz", "digests": { "sha256": SHA256 }, "size": 12,
                "upload_time_iso_8601": "2020-01-01T00:00:00.000000Z" }],
            "2.0": [{ "filename": "six-2.0.tar.gz", "digests": { "sha256": SHA256 },
                "upload_time_iso_8601": "2001-01-01T00:00:00Z" }],
        },
        "ownership": { "roles": [{ "role": "Owner", "user": "ben" }, { "role": "Maintainer", "user": "ann" }],
            "organization": null },
    });
    let index = read("six", &[simple("text/html", &html), project(&legacy.to_string())]).unwrap();
    let [first, second] = index.releases.as_slice() else { panic!("two releases") };
    assert_eq!(first.published, Timestamp::parse(OLD).ok());
    assert_eq!(first.artifacts[0].size_bytes, Some(12));
    assert_eq!(first.licence.as_deref(), Some("MIT License"));
    assert!(first.dependencies.is_some());
    assert_eq!(first.repository.as_deref(), Some("https://code.example/six"));
    let json = shown_json(&index, |_| false);
    assert_eq!(json["files"][0]["upload-time"], "2020-01-01T00:00:00.000000Z");
    assert!(json["files"][1].get("upload-time").is_none());
    // Without a digest nothing says that it is the same file, and of another release nothing is said.
    assert_eq!((second.published, &second.licence, second.dependencies), (None, &None, None));
    assert_eq!(index.standing.maintainers, Some(vec!["ann".into(), "ben".into()]));
    assert_eq!(index.standing.retired.as_deref(), Some("its authors list it as inactive"));
    let orphan = r#"{"info":{"name":"six","version":"1.0"},"ownership":{"roles":[],"organization":null}}"#;
    let index = read("six", &[simple("text/html", &html), project(orphan)]).unwrap();
    assert_eq!(index.standing.maintainers, Some(Vec::new()));
    for useless in ["", "[]", r#"{"info":{"name":"seven"}}"#, r#"{"info":7}"#] {
        let index = read("six", &[simple("text/html", &html), project(useless)]).unwrap();
        assert_eq!((index.releases.len(), &index.standing.maintainers), (2, &None), "{useless}");
    }
}

#[test]
fn licences_come_from_the_surest_place() {
    let found = |expression, classifiers: &[&str], text| {
        crate::pypi::project::licence(expression, classifiers, text).unwrap_or_default()
    };
    let mit = "License :: OSI Approved :: MIT License";
    let apache = "License :: OSI Approved :: Apache Software License";
    assert_eq!(found(Some("MIT OR Apache-2.0"), &[mit], Some("BSD")), "MIT OR Apache-2.0");
    assert_eq!(found(Some(""), &[mit], Some("BSD")), "MIT License");
    assert_eq!(found(None, &[mit, apache], None), "MIT License AND Apache Software License");
    assert_eq!(found(None, &["License :: OSI Approved"], Some(" BSD-3-Clause ")), "BSD-3-Clause");
    assert_eq!(found(None, &[], Some("Permission is hereby granted,\nfree of charge")), "");
    assert_eq!(found(None, &[], Some("UNKNOWN")), "");
    assert_eq!(found(None, &[], Some("UNKNOWN")), "");
    assert_eq!(found(None, &[], None), "");
}

#[test]
fn the_legacy_document_shows_only_what_may_be_had() {
    let files = [
        entry("six-1.0.tar.gz", OLD),
        entry("six-2.0.tar.gz", LATE),
        entry("six-2.0-py3-none-any.whl", LATE),
    ];
    let info = serde_json::json!({ "info": { "name": "six", "version": "2.0", "summary": "Python 2 and 3",
        "requires_dist": ["new-thing"], "license": "MIT" } });
    let index = read("six", &[json_page("six", &files), project(&info.to_string())]).unwrap();
    let document = |version: Option<&str>, withheld: fn(usize) -> bool| {
        let reply = shown(&index, PROJECT_JSON, version, &HashMap::new(), withheld);
        (reply.status.as_u16(), serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap())
    };
    let (status, all) = document(None, |_| false);
    assert_eq!(
        (status, &all["info"]["version"], all["urls"].as_array().unwrap().len()),
        (200, &"2.0".into(), 2)
    );
    assert_eq!(all["info"]["requires_dist"][0], "new-thing");
    let (_, old) = document(None, |at| at == 1);
    assert_eq!((&old["info"]["version"], &old["info"]["summary"]), (&"1.0".into(), &"Python 2 and 3".into()));
    assert!(old["info"].get("requires_dist").is_none() && old["releases"].get("2.0").is_none());
    assert_eq!(old["urls"][0]["url"], "https://gate.example/pypi/files/six/six-1.0.tar.gz");
    assert_eq!(old["urls"][0]["upload_time"], "2020-01-01T00:00:00");
    assert_eq!(document(Some("2"), |at| at == 1).0, 403);
    assert_eq!(document(Some("2.0.0"), |_| false).0, 200);
    assert_eq!(document(Some("3.0"), |_| false).0, 404);
    let (status, refusal) = document(None, |_| true);
    assert_eq!((status, &refusal["code"]), (403, &"release-too-new".into()));
}

#[test]
fn reasons_cannot_break_out_of_their_place() {
    let files = [entry("six-1.0.tar.gz", OLD), entry("six-2.0.tar.gz", OLD)];
    let index = read("six", &[json_page("six", &files)]).unwrap();
    let html = shown_html(&index, |_| true);
    assert!(html.contains("&quot;2 hours&quot; old, &lt;30 days&gt; &amp; young"), "{html}");
    assert!(html.contains("#sha256="), "{html}");
    let json = shown_json(&index, |_| true);
    let reason = json["files"][0]["yanked"].as_str().unwrap();
    assert!(reason.starts_with("six@1.0 is held") && reason.contains("\"2 hours\""), "{reason}");
    assert!(reason.contains(PAGE), "{reason}");
}

#[test]
fn where_nothing_is_left_pip_is_led_to_the_refusal() {
    let mut yanked = entry("six-3.0.tar.gz", OLD);
    yanked["yanked"] = "broken".into();
    let files = [entry("six-1.0.tar.gz", OLD), entry("six-2.0.tar.gz", OLD), yanked];
    let index = read("six", &[json_page("six", &files)]).unwrap();
    let yanked = |page: &serde_json::Value| -> Vec<bool> {
        page["files"].as_array().unwrap().iter().map(|file| file["yanked"].is_string()).collect()
    };
    let pip = |withheld: fn(usize) -> bool| {
        let reply = shown(&index, SIMPLE_JSON, None, &HashMap::new(), withheld);
        yanked(&serde_json::from_slice(&reply.body).unwrap())
    };
    assert_eq!(pip(|_| true), [true, false, true], "the newest that can be chosen leads to its refusal");
    assert_eq!(
        pip(|at| at == 1),
        [false, true, true],
        "with something to offer, nothing withheld is in sight"
    );
    assert_eq!(yanked(&shown_json(&index, |_| true)), [true, true, true], "uv prints why files are yanked");
}

#[test]
fn a_time_is_stated_once() {
    let mut file = entry("six-1.0.tar.gz", OLD);
    file["upload-time"] = serde_json::Value::Null;
    let legacy = format!(
        r#"{{"info":{{"name":"six"}},"urls":[{{"filename":"six-1.0.tar.gz","digests":{{"sha256":"{SHA256}"}},"upload_time":"2020-01-01T00:00:00"}}]}}"#
    );
    let index = read("six", &[json_page("six", &[file]), project(&legacy)]).unwrap();
    assert_eq!(index.releases[0].published, Timestamp::parse(OLD).ok());
    let page = shown(&index, SIMPLE_JSON, None, &HashMap::new(), |_| false);
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert_eq!(page.matches("\"upload-time\":\"2020-01-01T00:00:00\"").count(), 1, "{page}");
    assert_eq!(page.matches("upload-time").count(), 1, "{page}");
}

#[test]
fn an_upstream_page_is_never_hosted() {
    let index = read("six", &[json_page("six", &[entry("six-1.0.tar.gz", OLD)])]).unwrap();
    assert!(index.releases.iter().all(|release| release.kind == ReleaseKind::Upstream));
}

/// Anchors of a page as pip sees them: file and whether it is yanked.
fn anchors(html: &str) -> Vec<(String, bool)> {
    let converted = crate::pypi::html::to_json(&package("six"), html.as_bytes()).unwrap();
    let page: serde_json::Value = serde_json::from_slice(&converted).unwrap();
    listed(&page)
}

fn listed(page: &serde_json::Value) -> Vec<(String, bool)> {
    let files = page["files"].as_array().unwrap();
    files
        .iter()
        .map(|file| {
            let yanked = file.get("yanked").is_some_and(|value| *value != serde_json::json!(false));
            (file["filename"].as_str().unwrap().to_owned(), yanked)
        })
        .collect()
}

fn some_file() -> impl Strategy<Value = serde_json::Value> {
    let version = prop_oneof!["[0-3]\\.[0-9]", "[0-3]\\.[0-9](a|rc)[0-9]", "[a-z]{1,4}"];
    let time = prop_oneof![Just(OLD), Just(NEXT_DAY), Just(LATE), Just("yesterday")];
    let yanked = prop_oneof![
        Just(serde_json::json!(false)),
        Just(serde_json::json!(true)),
        "\\PC{0,6}".prop_map(serde_json::Value::from)
    ];
    (version, time, yanked, any::<bool>(), "\\PC{0,5}").prop_map(|(version, time, yanked, wheel, extra)| {
        let file =
            if wheel { format!("six-{version}-py3-none-any.whl") } else { format!("six-{version}.tar.gz") };
        let mut entry = entry(&file, time);
        entry["yanked"] = yanked;
        entry["core-metadata"] = true.into();
        entry[format!("extra {extra}")] = extra.clone().into();
        entry
    })
}

proptest! {
    #[test]
    fn only_what_is_allowed_can_be_chosen(
        files in prop::collection::vec(some_file(), 0..12),
        mask in any::<u32>(),
    ) {
        let index = read("six", &[json_page("six", &files)]).unwrap();
        let withheld = |at: usize| mask >> (at % 32) & 1 == 1;
        let json = shown_json(&index, withheld);
        let html = shown_html(&index, withheld);
        let plain = shown(&index, SIMPLE_JSON, None, &HashMap::new(), withheld);
        prop_assert_eq!(listed(&serde_json::from_slice(&plain.body).unwrap()), anchors(&html));
        prop_assert_eq!(json["files"].as_array().unwrap().len(), index.page.files.len());
        for (shown, file) in json["files"].as_array().unwrap().iter().zip(&index.page.files) {
            let artifact = index.artifact(file).unwrap();
            prop_assert_eq!(shown["filename"].as_str().unwrap(), artifact.file.as_ref());
            prop_assert!(shown["url"].as_str().unwrap().starts_with("https://gate.example/pypi/files/six/"));
            prop_assert!(shown.get("core-metadata").is_none());
            if withheld(file.release) {
                prop_assert!(shown["yanked"].as_str().unwrap().contains("release-too-new"));
            } else {
                let original = files.iter().find(|entry| entry["filename"] == shown["filename"]).unwrap();
                prop_assert_eq!(&shown["yanked"], &original["yanked"]);
                prop_assert_eq!(&shown["hashes"], &original["hashes"]);
                prop_assert_eq!(&shown["upload-time"], &original["upload-time"]);
            }
        }
        // What we send is what we would accept.
        let again = read("six", &[simple(route::JSON_TYPE, &json.to_string())]).unwrap();
        prop_assert_eq!(again.page.files.len(), index.page.files.len());
        for release in &index.releases {
            prop_assert!(!release.artifacts.is_empty());
        }
        let legacy = shown(&index, PROJECT_JSON, None, &HashMap::new(), withheld);
        let legacy: serde_json::Value = serde_json::from_slice(&legacy.body).unwrap();
        for file in legacy["releases"].as_object().into_iter().flat_map(|releases| releases.values())
            .flat_map(|files| files.as_array().unwrap())
        {
            let found = index.page.files.iter().find(|listed| {
                index.artifact(listed).unwrap().file.as_ref() == file["filename"].as_str().unwrap()
            });
            prop_assert!(!withheld(found.unwrap().release));
        }
    }

    #[test]
    fn a_damaged_page_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let page = json_page("six", &[entry("six-1.0.tar.gz", OLD), entry("six-2.0-py3-none-any.whl", LATE)]);
        let legacy = r#"{"info":{"name":"six","version":"1.0"},"releases":{"1.0":[]},"urls":[{"filename":"a"}]}"#;
        let html = format!("<html><a href=\"../six-1.0.tar.gz#sha256={SHA256}\" data-yanked='x&amp;'>six</a><!-- - -->");
        for (content_type, body) in
            [("application/json", page.body.to_vec()), ("text/html", html.into_bytes()), ("", legacy.into())]
        {
            let mut body = body;
            let place = at.index(body.len());
            if cut { body.truncate(place) } else { body[place] = byte }
            let document = Document { body: body.clone().into(), ..simple(content_type, "") };
            if let Ok(index) = read("six", &[document.clone(), Document { role: PROJECT, ..document }]) {
                let _ = shown_html(&index, |at| at == 0);
                let json = shown(&index, SIMPLE_JSON, None, &HashMap::new(), |at| at == 0);
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&json.body).is_ok());
            }
        }
    }

    #[test]
    fn any_html_is_read_or_refused(html in "(<a |href=|data-yanked|>|</a>|\"|'|&amp;|<!--|-->|<script>|six-1.tar.gz|\\PC){0,40}") {
        if let Ok(index) = read("six", &[simple("text/html", &html)]) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(
                &shown(&index, SIMPLE_JSON, None, &HashMap::new(), |_| true).body).is_ok());
        }
    }
}
