use super::*;
use crate::npm::version;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Map, json};
use std::collections::BTreeSet;

/// A release for [`packument`].
#[derive(Debug, Clone)]
struct Made {
    version: String,
    deprecated: bool,
    script: bool,
}

fn made(version: &str) -> Made {
    Made { version: version.to_owned(), deprecated: false, script: false }
}

/// A packument, and the tags it has.
fn packument(releases: &[Made], tags: &[(&str, &str)]) -> String {
    let mut versions = Map::new();
    let mut time = Map::new();
    time.insert("created".into(), "2014-01-01T00:00:00.000Z".into());
    time.insert("modified".into(), "2024-01-01T00:00:00.000Z".into());
    for release in releases {
        let version = &release.version;
        let mut manifest = json!({
            "name": "left-pad", "version": version, "description": "pads \"left\" — é\n", "license": "MIT",
            "dependencies": { "a": "^1" }, "devDependencies": { "tape": "*" }, "bin": { "x": "./x" },
            "scripts": { "test": "x" }, "_npmUser": { "name": "ann" }, "readme": "long",
            "dist": { "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "signatures": [{ "sig": "s" }],
                "tarball": format!("https://registry.example/left-pad/-/left-pad-{version}.tgz"), "z": 1 },
        });
        if release.deprecated {
            manifest["deprecated"] = "old".into();
        }
        if release.script {
            manifest["scripts"]["install"] = "node-gyp rebuild".into();
        }
        versions.insert(version.clone(), manifest);
        time.insert(version.clone(), "2015-01-01T00:00:00.000Z".into());
    }
    let tags: Map<String, Value> =
        tags.iter().map(|(tag, version)| ((*tag).to_owned(), (*version).into())).collect();
    json!({ "_id": "left-pad", "_rev": "1-a", "name": "left-pad", "dist-tags": tags, "versions": versions,
        "time": time, "readme": "# left", "maintainers": [{ "name": "ann" }], "users": {} })
    .to_string()
}

fn listed(reply: &Reply) -> BTreeSet<String> {
    value(reply)["versions"].as_object().unwrap().keys().cloned().collect()
}

fn three() -> String {
    packument(&[made("1.2.0"), made("1.3.0"), made("1.3.1")], &[("latest", "1.3.1")])
}

#[test]
fn npm_gets_what_is_withheld_as_restrictions() {
    let reply = rendered(&three(), "/left-pad", &NPM, |version| version == "1.3.1");
    let document = value(&reply);
    assert_eq!(header(&reply, "content-type"), "application/json");
    assert_eq!(document["dist-tags"], json!({ "latest": "1.3.0" }));
    assert_eq!(listed(&reply), BTreeSet::from(["1.2.0".into(), "1.3.0".into()]));
    let restricted = &document["policyRestrictions"];
    assert_eq!(restricted["versions"], json!({ "1.3.1": { "name": "left-pad", "version": "1.3.1" } }));
    let message = restricted["message"].as_str().unwrap();
    for needed in [
        "1.3.1 is held until 2026-12-01T00:00:00Z (release-too-new)",
        "2 hours ago",
        "Newest allowed: 1.3.0",
        PAGE,
    ] {
        assert!(message.contains(needed), "{needed}: {message}");
    }
    assert_eq!(
        document["versions"]["1.3.0"]["dist"]["tarball"],
        format!("{BASE}/left-pad/-/left-pad-1.3.0.tgz")
    );
    assert_eq!(document["versions"]["1.3.0"]["license"], "MIT");
    assert_eq!(document["versions"]["1.3.0"]["devDependencies"], Value::Null);
    assert_eq!(document["versions"]["1.3.0"]["dist"]["signatures"], json!([{ "sig": "s" }]));
    let time: Vec<&String> = document["time"].as_object().unwrap().keys().collect();
    assert_eq!(time, ["1.2.0", "1.3.0", "created", "modified"]);
}

#[test]
fn nothing_admitted_leaves_no_tag_and_every_reason() {
    let reply = rendered(&three(), "/left-pad", &NPM, |_| true);
    let document = value(&reply);
    assert_eq!((&document["dist-tags"], &document["versions"]), (&json!({}), &json!({})));
    assert_eq!(document["policyRestrictions"]["versions"].as_object().unwrap().len(), 3);
    assert!(
        document["policyRestrictions"]["message"].as_str().unwrap().contains("No release of it is allowed")
    );
    // pnpm and yarn come to print a reason only by choosing something.
    for client in [&PNPM[..], &YARN_1, &YARN_4] {
        let document = value(&rendered(&three(), "/left-pad", client, |_| true));
        assert_eq!(document["dist-tags"]["latest"], "1.3.1");
        let tarball = document["versions"]["1.3.1"]["dist"]["tarball"].as_str().unwrap();
        assert!(
            tarball.starts_with(&format!("{BASE}/left-pad/-/held-until-2026-12-01--release-too-new--")),
            "{tarball}"
        );
    }
}

#[test]
fn pnpm_and_yarn_get_it_deprecated_at_an_address_that_says_why() {
    for client in [&PNPM[..], &YARN_4] {
        let document = value(&rendered(&three(), "/left-pad", client, |version| version == "1.3.1"));
        assert_eq!(document["policyRestrictions"], Value::Null);
        assert_eq!(document["dist-tags"]["latest"], "1.3.0");
        let withheld = &document["versions"]["1.3.1"];
        let said = withheld["deprecated"].as_str().unwrap();
        assert!(said.contains("release-too-new") && said.contains("Newest allowed: 1.3.0"), "{said}");
        let tarball = withheld["dist"]["tarball"].as_str().unwrap().strip_prefix(BASE).unwrap().to_owned();
        assert!(
            tarball.contains("published-2-hours-ago") && tarball.contains("newest-allowed-1.3.0"),
            "{tarball}"
        );
        // The address leads to the same artifact, which is refused there.
        let Route::Artifact { package, file, .. } = ask("GET", &tarball, client, crate::npm::route::route)
        else {
            panic!("{tarball} is a file")
        };
        assert_eq!((package.as_str(), file.as_str()), ("left-pad", "left-pad-1.3.1.tgz"));
    }
    let abbreviated = rendered(&three(), "/left-pad", &PNPM, |_| false);
    assert_eq!(header(&abbreviated, "content-type"), "application/vnd.npm.install-v1+json");
    assert_eq!(value(&abbreviated)["modified"], "2024-01-01T00:00:00.000Z");
}

#[test]
fn yarn_1_is_never_caught_by_a_range() {
    // The highest of its line: a caret would take it.
    let top = rendered(&three(), "/left-pad", &YARN_1, |version| version == "1.3.1");
    assert_eq!(listed(&top), BTreeSet::from(["1.2.0".into(), "1.3.0".into()]));
    // Below an admitted one of its line: only an exact pin leads to it, and reads the reason.
    let below = rendered(&three(), "/left-pad", &YARN_1, |version| version == "1.3.0");
    assert_eq!(listed(&below).len(), 3);
    // The only one of its minor version, with a higher one of its major version admitted: `~1.2.0` cannot
    // have anything else, and `^1.2.0` goes on.
    let only = rendered(&three(), "/left-pad", &YARN_1, |version| version == "1.2.0");
    assert_eq!(listed(&only).len(), 3);
    // A tilde would take it, although a caret would not.
    let body = packument(&[made("1.2.0"), made("1.2.1"), made("1.3.0")], &[("latest", "1.3.0")]);
    let patch = rendered(&body, "/left-pad", &YARN_1, |version| version == "1.2.1");
    assert_eq!(listed(&patch), BTreeSet::from(["1.2.0".into(), "1.3.0".into()]));
    // Alone in its major version: whoever asks for that cannot have anything else.
    let body = packument(&[made("1.0.0"), made("2.0.0")], &[("latest", "2.0.0")]);
    let alone = value(&rendered(&body, "/left-pad", &YARN_1, |version| version == "2.0.0"));
    assert_eq!(alone["dist-tags"]["latest"], "1.0.0");
    assert!(alone["versions"]["2.0.0"]["deprecated"].is_string());
}

#[test]
fn pnpm_is_not_caught_where_all_else_is_deprecated() {
    let old = |version: &str| Made { deprecated: true, ..made(version) };
    let body = packument(&[old("2.0.0"), old("2.1.0"), old("2.2.0")], &[("latest", "2.2.0")]);
    let reply = rendered(&body, "/left-pad", &PNPM, |version| version == "2.2.0");
    assert_eq!(listed(&reply), BTreeSet::from(["2.0.0".into(), "2.1.0".into()]));
}

#[test]
fn tags_move_down_to_something_stable() {
    let body = packument(
        &[
            made("1.0.0"),
            made("1.1.0"),
            made("2.0.0-beta.1"),
            made("2.0.0-beta.2"),
            made("2.0.0"),
            made("3.0.0"),
        ],
        &[
            ("latest", "2.0.0"),
            ("next", "2.0.0-beta.2"),
            ("old", "1.0.0"),
            ("gone", "9.9.9"),
            ("top", "3.0.0"),
        ],
    );
    let withheld = |version: &str| ["1.0.0", "2.0.0", "2.0.0-beta.2", "3.0.0"].contains(&version);
    let expected = json!({ "latest": "1.1.0", "next": "2.0.0-beta.1", "gone": "1.1.0", "top": "1.1.0" });
    assert_eq!(value(&rendered(&body, "/left-pad", &NPM, withheld))["dist-tags"], expected);
    assert_eq!(value(&rendered(&body, "/left-pad", &CURL, withheld))["dist-tags"], expected);
    assert_eq!(value(&rendered(&body, "/-/package/left-pad/dist-tags", &NPM, withheld)), expected);
    assert_eq!(value(&rendered(&body, "/-/package/left-pad/dist-tags/latest", &NPM, withheld)), "1.1.0");
    let gone = rendered(&body, "/-/package/left-pad/dist-tags/old", &NPM, withheld);
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[test]
fn one_version_is_judged_as_its_list_is() {
    let withheld = |version: &str| version == "1.3.1";
    let reply = rendered(&three(), "/left-pad/1.3.0", &CURL, withheld);
    assert_eq!((reply.status, &value(&reply)["version"]), (StatusCode::OK, &json!("1.3.0")));
    assert_eq!(value(&reply)["dist"]["tarball"], format!("{BASE}/left-pad/-/left-pad-1.3.0.tgz"));
    assert_eq!(value(&rendered(&three(), "/left-pad/latest", &CURL, withheld))["version"], "1.3.0");
    assert_eq!(value(&rendered(&three(), "/left-pad/v1.3.0", &CURL, withheld))["version"], "1.3.0");
    for target in ["/left-pad/1.3.1", "/left-pad/v1.3.1"] {
        let refused = rendered(&three(), target, &CURL, withheld);
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(value(&refused)["error"].as_str().unwrap().contains("left-pad@1.3.1 is held"));
    }
    let refused = rendered(&three(), "/left-pad/latest", &CURL, |_| true);
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let unknown = rendered(&three(), "/left-pad/7.0.0", &CURL, withheld);
    assert_eq!((unknown.status, value(&unknown)), (StatusCode::NOT_FOUND, json!("version not found: 7.0.0")));
}

#[test]
fn what_another_gateway_holds_back_does_not_come_in_by_us() {
    let mut body: Value = serde_json::from_str(&three()).unwrap();
    body["policyRestrictions"] = json!({ "message": "no", "versions": { "9.0.0": { "version": "9.0.0" } } });
    body["stagedVersions"] = json!({ "versions": { "9.1.0": { "version": "9.1.0" } } });
    for client in [&NPM[..], &CURL, &PNPM] {
        let text =
            String::from_utf8(rendered(&body.to_string(), "/left-pad", client, |_| false).body.to_vec());
        assert!(!text.unwrap().contains("9."), "{client:?}");
    }
}

#[test]
fn what_is_let_through_keeps_its_bytes() {
    let body = r#"{ "name" : "left-pad" , "readme":"\u00e9 \/ é", "versions" : { "1.0.0" : { "version" : "1.0.0", "name":"left-pad", "n":1.0e+2, "big":12345678901234567890123, "dist" : { "tarball" : "https:\/\/r.example/left-pad-1.0.0.tgz", "z" : [ 1 ] } , "x":"\ud83d\ude00" } } }"#;
    let reply = rendered(body, "/left-pad", &CURL, |_| false);
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    let expected = r#"{"name":"left-pad","readme":"\u00e9 \/ é","dist-tags":{},"versions":{"1.0.0":{"version" : "1.0.0", "name":"left-pad", "n":1.0e+2, "big":12345678901234567890123, "dist" : { "tarball" : "https://gate.example/npm/left-pad/-/left-pad-1.0.0.tgz", "z" : [ 1 ] } , "x":"\ud83d\ude00"}}}"#;
    assert_eq!(text, expected);
}

/// The same document made the slow way.
fn naive(body: &str, form: &str, withheld: &BTreeSet<String>) -> Value {
    let mut document: Value = serde_json::from_str(body).unwrap();
    let admitted: Vec<String> = document["versions"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|version| !withheld.contains(*version))
        .cloned()
        .collect();
    let mut tags = Map::new();
    for (tag, version) in document["dist-tags"].as_object().unwrap() {
        let wanted = version.as_str().unwrap();
        let prerelease = |text: &str| text.contains('-');
        let mut below: Vec<&String> = admitted
            .iter()
            .filter(|version| {
                *version == wanted
                    || version::compare(version, wanted).is_lt()
                        && (prerelease(wanted) || !prerelease(version))
            })
            .collect();
        below.sort_by(|left, right| version::compare(left, right));
        if let Some(found) = below.last() {
            tags.insert(tag.clone(), found.as_str().into());
        }
    }
    document["dist-tags"] = Value::Object(tags);
    document["versions"].as_object_mut().unwrap().retain(|version, _| admitted.contains(version));
    document["time"].as_object_mut().unwrap().retain(|version, _| !withheld.contains(version));
    for (version, manifest) in document["versions"].as_object_mut().unwrap() {
        manifest["dist"]["tarball"] = format!("{BASE}/left-pad/-/left-pad-{version}.tgz").into();
        if form == "install" {
            let manifest = manifest.as_object_mut().unwrap();
            if manifest["scripts"]["install"].is_string() {
                manifest.insert("hasInstallScript".into(), true.into());
            }
            let kept = [
                "name",
                "version",
                "license",
                "dependencies",
                "bin",
                "dist",
                "deprecated",
                "hasInstallScript",
            ];
            manifest.retain(|member, _| kept.contains(&member.as_str()));
        }
    }
    if form == "install" {
        let modified = document["time"]["modified"].clone();
        let document = document.as_object_mut().unwrap();
        document.insert("modified".into(), modified);
        document.retain(|member, _| {
            ["name", "dist-tags", "versions", "time", "modified"].contains(&member.as_str())
        });
    }
    document
}

fn releases() -> impl Strategy<Value = Vec<Made>> {
    let version = ("[0-2]\\.[0-1]\\.[0-3]", prop::option::weighted(0.25, "-(alpha|beta)\\.[0-1]"));
    let release = (version, any::<bool>(), any::<bool>()).prop_map(|((plain, pre), deprecated, script)| {
        Made { version: plain + &pre.unwrap_or_default(), deprecated, script }
    });
    prop::collection::vec(release, 0..12).prop_map(|mut releases| {
        let mut seen = BTreeSet::new();
        releases.retain(|release| seen.insert(release.version.clone()));
        releases
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn splicing_is_the_same_as_rewriting(
        releases in releases(),
        holds in prop::collection::vec(any::<bool>(), 12),
        tagged in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let tags: Vec<(&str, &str)> = ["latest", "next", "beta"]
            .into_iter()
            .zip(&tagged)
            .filter(|_| !releases.is_empty())
            .map(|(tag, at)| (tag, releases[at.index(releases.len())].version.as_str()))
            .collect();
        let body = packument(&releases, &tags);
        let withheld: BTreeSet<String> = releases
            .iter()
            .zip(&holds)
            .filter(|(_, hold)| **hold)
            .map(|(release, _)| release.version.clone())
            .collect();
        for (form, client) in [("full", &CURL[..]), ("install", &NPM)] {
            let mut document = value(&rendered(&body, "/left-pad", client, |version| withheld.contains(version)));
            let restricted = document.as_object_mut().unwrap().remove("policyRestrictions");
            let restricted: BTreeSet<String> = restricted
                .map(|found| found["versions"].as_object().unwrap().keys().cloned().collect())
                .unwrap_or_default();
            prop_assert_eq!(&restricted, &withheld);
            prop_assert_eq!(document, naive(&body, form, &withheld));
        }
    }

    /// Whatever the client: a release that is withheld is absent, or deprecated at the address of a refusal;
    /// the others are as upstream has them; and a tag leads to nothing withheld while anything is admitted.
    #[test]
    fn only_what_is_admitted_can_be_had(releases in releases(), holds in prop::collection::vec(any::<bool>(), 12)) {
        let latest = releases.last().map_or("1.0.0", |release| release.version.as_str());
        let body = packument(&releases, &[("latest", latest)]);
        let held: BTreeSet<String> = releases
            .iter()
            .zip(&holds)
            .filter(|(_, hold)| **hold)
            .map(|(release, _)| release.version.clone())
            .collect();
        for client in [&NPM[..], &PNPM, &YARN_1, &YARN_4, &CURL] {
            let document = value(&rendered(&body, "/left-pad", client, |version| held.contains(version)));
            for (version, manifest) in document["versions"].as_object().unwrap() {
                let tarball = manifest["dist"]["tarball"].as_str().unwrap();
                let plain = format!("{BASE}/left-pad/-/left-pad-{version}.tgz");
                prop_assert_eq!(held.contains(version), tarball != plain);
                if held.contains(version) {
                    prop_assert!(manifest["deprecated"].as_str().unwrap().contains("release-too-new"));
                }
            }
            for release in releases.iter().filter(|release| !held.contains(&release.version)) {
                prop_assert!(document["versions"][&release.version].is_object());
            }
            for (_, target) in document["dist-tags"].as_object().unwrap() {
                let target = target.as_str().unwrap();
                prop_assert!(document["versions"][target].is_object(), "a tag leads to nothing");
                prop_assert!(!held.contains(target) || held.len() == releases.len());
            }
        }
    }

    /// Whatever a tilde or caret range chooses, as each client chooses, can be had if anything that it
    /// matches can.
    #[test]
    fn ranges_fall_back_to_what_is_admitted(releases in releases(), holds in prop::collection::vec(any::<bool>(), 12)) {
        let body = packument(&releases, &[]);
        let held: BTreeSet<String> = releases
            .iter()
            .zip(&holds)
            .filter(|(_, hold)| **hold)
            .map(|(release, _)| release.version.clone())
            .collect();
        for client in [&NPM[..], &PNPM, &YARN_1, &YARN_4] {
            let document = value(&rendered(&body, "/left-pad", client, |version| held.contains(version)));
            let listed = document["versions"].as_object().unwrap();
            for (release, operator) in releases.iter().flat_map(|release| [(release, "^"), (release, "~")]) {
                let range = semver::VersionReq::parse(&format!("{operator}{}", release.version)).unwrap();
                let matched = |version: &str| range.matches(&semver::Version::parse(version).unwrap());
                let possible = releases.iter().any(|release| matched(&release.version) && !held.contains(&release.version));
                if !possible {
                    continue;
                }
                let passes_over = client == PNPM || client == YARN_4;
                let chosen = listed.iter().filter(|(version, _)| matched(version)).max_by(|left, right| {
                    let sound = |manifest: &Value| passes_over && manifest["deprecated"].is_null();
                    sound(left.1).cmp(&sound(right.1)).then_with(|| version::compare(left.0, right.0))
                });
                let (version, _) = chosen.expect("what is admitted is listed");
                prop_assert!(!held.contains(version), "{}{} chose {}", operator, release.version, version);
            }
        }
    }
}
