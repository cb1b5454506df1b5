//! What a resolver may choose from an index, where a withheld release stays in sight; what a waiver
//! changes; what is written down.

use crate::house::{House, KINDS, Kind};
use lazaret_gateway::WaiverBody;
use lazaret_metadata::WaiverRow;
use lazaret_vocabulary::Span;

/// The versions that a client would choose from: neither missing, nor yanked.
async fn choices(house: &House, kind: Kind, name: &str) -> Vec<String> {
    let accept = match kind {
        Kind::Npm => "application/json",
        Kind::Pypi => "application/vnd.pypi.simple.v1+json",
        Kind::Cargo => "*/*",
    };
    let got = house.get_with(&kind.index(name), &[("accept", accept)]).await;
    assert_eq!(got.status, 200, "{kind:?} {}", got.text());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut found: Vec<String> = match kind {
        Kind::Npm => got.json()["versions"].as_object().unwrap().keys().cloned().collect(),
        Kind::Pypi => {
            let files = got.json()["files"].as_array().unwrap().clone();
            let free = files
                .iter()
                .filter(|file| matches!(file.get("yanked"), None | Some(serde_json::Value::Bool(false))));
            free.map(|file| text(&file["filename"]).split('-').nth(1).unwrap().to_owned()).collect()
        }
        Kind::Cargo => {
            let lines = got.text();
            let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            lines.filter(|line| line["yanked"] == false).map(|line| text(&line["vers"])).collect()
        }
    };
    found.sort();
    found.dedup();
    found
}

#[tokio::test]
async fn an_index_lets_nobody_choose_what_its_file_refuses() {
    let house = House::open().await;
    house.import_demo_advisories().await;
    for kind in KINDS {
        for (name, free) in [
            ("fresh-lib", vec!["1.0.0"]),
            ("evil-lib", vec!["1.0.0"]),
            ("good-lib", vec!["1.0.0", "1.1.0", "1.2.0"]),
        ] {
            assert_eq!(choices(&house, kind, name).await, free, "{kind:?} {name}");
        }
        house.kill(&format!("pkg:{}/good-lib@1.2.0", kind.purl_type())).await;
        assert_eq!(choices(&house, kind, "good-lib").await, ["1.0.0", "1.1.0"], "{kind:?}");
        assert_eq!(house.get(&kind.file("good-lib", "1.2.0")).await.status, 403, "{kind:?}");
    }
}

#[tokio::test]
async fn a_waiver_lets_in_what_it_names_until_it_ends() {
    let house = House::open().await;
    let now = house.clock.now();
    assert_eq!(choices(&house, Kind::Npm, "fresh-lib").await, ["1.0.0"]);
    // Two findings hold it: a waiver of one of them is not enough.
    for (id, code, free) in [
        ("waiver-1", "release-too-new", vec!["1.0.0"]),
        ("waiver-2", "publisher-changed", vec!["1.0.0", "1.1.0"]),
    ] {
        let body = WaiverBody {
            ecosystem: "npm".to_owned(),
            package: "fresh-lib".to_owned(),
            versions: vec!["1.1.0".to_owned()],
            codes: vec![code.to_owned()],
            advisories: Vec::new(),
        };
        let row = WaiverRow {
            id: id.to_owned(),
            body: serde_json::to_string(&body).unwrap(),
            why: "the fix is needed today".to_owned(),
            author: "ann".to_owned(),
            approver: None,
            created: now,
            expires: now + Span::days(2),
            revoked: None,
        };
        house.gateway.metadata().add_waiver(&row, &house.audit("waive", id)).await.unwrap();
        house.gateway.reload().await;
        let new = format!("waiver {id}: it matched nothing");
        assert!(house.gateway.unmatched().contains(&new), "{:?}", house.gateway.unmatched());
        assert_eq!(choices(&house, Kind::Npm, "fresh-lib").await, free, "{code}");
        assert!(house.gateway.unmatched().is_empty(), "{:?}", house.gateway.unmatched());
    }
    let path = Kind::Npm.file("fresh-lib", "1.1.0");
    assert_eq!(house.get(&path).await.status, 200);
    // The same name elsewhere is another package.
    assert_eq!(house.get(&Kind::Cargo.file("fresh-lib", "1.1.0")).await.status, 403);
    // Nothing is above a kill.
    house.kill("pkg:npm/fresh-lib@1.1.0").await;
    assert_eq!(house.get(&path).await.status, 403);
    let kill = "kill-pkg:npm/fresh-lib@1.1.0";
    let audit = house.audit("lift-kill", kill);
    house.gateway.metadata().lift_kill(kill, now, &audit).await.unwrap();
    house.gateway.reload().await;
    assert_eq!(house.get(&path).await.status, 200);
    // It ends by itself, and with it what was kept while it held.
    house.advance(Span::days(3));
    assert_eq!(house.get(&path).await.status, 403);
    assert_eq!(choices(&house, Kind::Npm, "fresh-lib").await, ["1.0.0"]);
}

#[tokio::test]
async fn what_was_refused_and_changed_is_on_record() {
    let house = House::open().await;
    house.token("ann", "read").await;
    house.kill("pkg:npm/good-lib@1.2.0").await;
    for kind in KINDS {
        assert_eq!(house.get(&kind.file("fresh-lib", "1.1.0")).await.status, 403, "{kind:?}");
    }
    assert_eq!(house.get(&Kind::Npm.file("good-lib", "1.2.0")).await.status, 403);
    let (data, clock, gateway) = (house.data(), house.clock.clone(), house.gateway.clone());
    house.policy("[licence]\ndeny = [\"MIT\"]\n").await;
    gateway.close().await;
    let metadata = lazaret_metadata::Metadata::open_file(&data.join("lazaret.db")).await.unwrap();
    let refusals = metadata.refusals_since(clock.now() - Span::days(1), 100).await.unwrap();
    for (ecosystem, package, version) in [
        ("npm", "fresh-lib", "1.1.0"),
        ("pypi", "fresh-lib", "1.1.0"),
        ("cargo", "fresh-lib", "1.1.0"),
        ("npm", "good-lib", "1.2.0"),
    ] {
        let found = refusals.iter().any(|tally| {
            let row = &tally.first;
            row.ecosystem == ecosystem && row.package_key == package && row.version == version
        });
        assert!(found, "{ecosystem} {package} {version}: {refusals:?}");
    }
    let audit = metadata.audit_before(clock.now() + Span::days(1), 100).await.unwrap();
    for action in ["token-create", "kill", "policy"] {
        assert!(audit.iter().any(|row| row.action == action), "{action} is missing: {audit:?}");
    }
}
