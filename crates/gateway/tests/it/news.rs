//! What advisories change, at once and for what is cached already.

use crate::house::{House, KINDS, Kind};
use lazaret_vocabulary::Span;

#[tokio::test]
async fn an_import_changes_the_verdict_on_a_cached_package_at_once() {
    let house = House::with("[publisher-changed]\naction = \"off\"\n", |_| {}).await;
    for kind in KINDS {
        assert_eq!(house.get(&kind.file("evil-lib", "1.0.1")).await.status, 200, "{kind:?}");
        assert_eq!(house.get(&kind.file("vuln-lib", "1.0.0")).await.status, 200, "{kind:?}");
        // One day old, and not yet known to fix anything.
        assert_ne!(house.get(&kind.file("vuln-lib", "1.0.1")).await.status, 200, "{kind:?}");
    }
    house.import_demo_advisories().await;
    for kind in KINDS {
        let evil = house.get(&kind.file("evil-lib", "1.0.1")).await;
        assert!(evil.status != 200 && evil.text().contains("MAL-2026"), "{kind:?} {}", evil.text());
        assert_eq!(house.get(&kind.file("evil-lib", "1.0.0")).await.status, 200, "{kind:?}");
        assert_ne!(house.get(&kind.file("vuln-lib", "1.0.0")).await.status, 200, "{kind:?}");
    }
    // The fix is let in early: nobody and nothing else changed with it.
    let fix = house.get(&Kind::Npm.file("vuln-lib", "1.0.1")).await;
    assert_eq!(fix.status, 200, "{}", fix.text());
    house.policy("[release-too-new]\nfast_track_fixes = false\n").await;
    assert_ne!(house.get(&Kind::Npm.file("vuln-lib", "1.0.1")).await.status, 200);
}

#[tokio::test]
async fn a_stale_source_holds_what_is_new_and_passes_what_was_admitted() {
    let house = House::open().await;
    house.import_demo_advisories().await;
    for kind in KINDS {
        assert_eq!(house.get(&kind.file("good-lib", "1.0.0")).await.status, 200, "{kind:?}");
    }
    house.advance(Span::days(8));
    for kind in KINDS {
        let old = house.get(&kind.file("good-lib", "1.0.0")).await;
        assert_eq!(old.status, 200, "{kind:?} {}", old.text());
        let new = house.get(&kind.file("good-lib", "1.1.0")).await;
        assert_ne!(new.status, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn a_source_whose_index_is_lost_counts_as_never_read() {
    let house = House::open().await;
    house.import_demo_advisories().await;
    assert_eq!(house.get("/npm/good-lib/-/good-lib-1.0.0.tgz").await.status, 200);
    let row = house.gateway.metadata().sources().await.unwrap().remove(0);
    let hex = row.digest.unwrap().to_hex();
    let mut lost = 0;
    let mut waiting = vec![house.data().join("blobs")];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.to_string_lossy().replace('/', "").contains(&hex) {
                std::fs::remove_file(&path).unwrap();
                lost += 1;
            }
        }
    }
    assert_eq!(lost, 1);
    let house = house.reopened().await;
    assert_eq!(house.get("/npm/good-lib/-/good-lib-1.0.0.tgz").await.status, 200);
    let evil = house.get("/npm/good-lib/-/good-lib-1.1.0.tgz").await;
    assert_ne!(evil.status, 200);
    let evil = house.get("/npm/evil-lib/-/evil-lib-1.0.1.tgz").await;
    assert_ne!(evil.status, 200);
}

#[tokio::test]
async fn an_admission_keeps_the_findings_it_was_made_on() {
    let house = House::open().await;
    assert_eq!(house.get("/npm/script-lib/-/script-lib-1.0.0.tgz").await.status, 200);
    let rows = house.gateway.metadata().admissions_of("npm", "script-lib").await.unwrap();
    assert!(rows[0].findings.contains("install-script"), "{}", rows[0].findings);
}

#[tokio::test]
async fn an_emptied_source_does_not_silence_what_it_said() {
    let house = House::open().await;
    house.import_demo_advisories().await;
    assert_eq!(house.get(&Kind::Npm.file("evil-lib", "1.0.1")).await.status, 403);
    let empty = house.directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let error = house.gateway.import_advisories("demo", empty.to_str().unwrap()).await.unwrap_err();
    assert!(error.contains("no OSV record"), "{error}");
    let got = house.get(&Kind::Npm.file("evil-lib", "1.0.1")).await;
    assert!(got.status == 403 && got.text().contains("known-malware"), "{} {}", got.status, got.text());
}

/// The same records, read again by another program on the same data: nothing is new but their age.
#[tokio::test]
async fn a_source_read_again_elsewhere_is_fresh_here_too() {
    let house = House::open().await;
    house.gateway.start_jobs();
    house.import_demo_advisories().await;
    house.advance(Span::days(8));
    let path = Kind::Npm.file("good-lib", "1.2.0");
    let held = house.get(&path).await;
    assert!(held.status == 403 && held.text().contains("known-malware"), "{} {}", held.status, held.text());
    let settings = house.gateway.settings().clone();
    let other = lazaret_gateway::Gateway::open(settings, house.clock.clone()).await.unwrap();
    let records = house.directory.path().join("advisories");
    other.import_advisories("demo", records.to_str().unwrap()).await.unwrap();
    other.close().await;
    for _ in 0..100 {
        if house.get(&path).await.status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{}", house.get(&path).await.text());
}
