//! What is known of upstream's packages and of who took them.

use super::{admission, artifact, at, digest};
use crate::{DocumentRow, DownloadRow, Metadata, MetadataError, RefusalRow, SightingRow};

pub(super) async fn documents(metadata: &Metadata) {
    let row = |role: &str, body: &str, seconds| DocumentRow {
        ecosystem: "doc".into(),
        name: "left-pad".into(),
        role: role.into(),
        etag: Some("\"a\"".into()),
        last_modified: None,
        fetched: at(seconds),
        content_type: "application/json".into(),
        digest: digest(body),
        size_bytes: 7,
    };
    assert_eq!(metadata.document("doc", "left-pad", "full").await.unwrap(), None);
    let first = row("full", "one", 10);
    metadata.put_document(&first).await.unwrap();
    metadata.put_document(&row("short", "two", 20)).await.unwrap();
    assert_eq!(metadata.document("doc", "left-pad", "full").await.unwrap(), Some(first.clone()));
    assert!(metadata.digest_used(&digest("one")).await.unwrap());

    let second = DocumentRow { etag: None, last_modified: Some("then".into()), ..row("full", "three", 30) };
    metadata.put_document(&second).await.unwrap();
    assert!(!metadata.digest_used(&digest("one")).await.unwrap(), "the replaced body is free");
    assert_eq!(metadata.documents_of("doc", "left-pad").await.unwrap().len(), 2);
    assert_eq!(metadata.stale_documents(at(25), 10).await.unwrap(), vec![row("short", "two", 20)]);
    metadata.touch_document("doc", "left-pad", "short", at(40)).await.unwrap();
    assert!(metadata.stale_documents(at(25), 10).await.unwrap().is_empty());
    metadata.remove_document("doc", "left-pad", "full").await.unwrap();
    assert_eq!(metadata.documents_of("doc", "left-pad").await.unwrap().len(), 1);
}

pub(super) async fn sightings(metadata: &Metadata) {
    let row = |file: String, declared: &str, seconds| SightingRow {
        ecosystem: "see".into(),
        package_key: "p".into(),
        version: "1".into(),
        file,
        declared: declared.into(),
        first_seen: at(seconds),
    };
    // More than two statements' worth, one of them twice.
    let mut many: Vec<SightingRow> =
        (0..1203).map(|number| row(format!("f{number}"), "sha256:aa", 1)).collect();
    many.push(row("f7".into(), "other", 2));
    metadata.record_sightings(&many).await.unwrap();
    metadata.record_sightings(&[row("f7".into(), "later", 9), row("new".into(), "", 9)]).await.unwrap();
    metadata.record_sightings(&[]).await.unwrap();
    let found = metadata.sightings("see", "p").await.unwrap();
    assert_eq!(found.len(), 1204);
    let seventh = found.iter().find(|row| row.file == "f7").unwrap();
    assert_eq!((seventh.declared.as_str(), seventh.first_seen), ("sha256:aa", at(1)));
    let odd = row("\"quoted\" \\ é\u{202e}漢'$1?".into(), "", 3);
    metadata.record_sightings(&[SightingRow { package_key: "odd".into(), ..odd.clone() }]).await.unwrap();
    assert_eq!(metadata.sightings("see", "odd").await.unwrap().first().unwrap().file, odd.file);
    assert_eq!(metadata.first_digest("see", "p", "f7").await.unwrap(), None);
    assert_eq!(metadata.first_digest("see", "p", "none").await.unwrap(), None);
}

pub(super) async fn artifacts(metadata: &Metadata) {
    let row = artifact("art", "p", "p-1.tgz");
    metadata.put_artifact(&row).await.unwrap();
    assert_eq!(metadata.artifact("art", "p", "p-1.tgz").await.unwrap(), Some(row.clone()));
    assert_eq!(metadata.first_digest("art", "p", "p-1.tgz").await.unwrap(), Some(row.sha256.clone()));

    let mut other = row.clone();
    other.sha256 = digest("other bytes");
    metadata.put_artifact(&other).await.unwrap();
    assert_eq!(metadata.artifact("art", "p", "p-1.tgz").await.unwrap().unwrap().sha256, other.sha256);
    let first = metadata.first_digest("art", "p", "p-1.tgz").await.unwrap();
    assert_eq!(first, Some(row.sha256.clone()), "the first digest is remembered for ever");

    metadata.put_artifact(&row).await.unwrap();
    assert!(metadata.admit(&admission("art", "p", "p-1.tgz")).await.unwrap());
    assert!(metadata.artifact("art", "p", "p-1.tgz").await.unwrap().unwrap().admitted);
    metadata.put_artifact(&other).await.unwrap();
    let admitted = metadata.artifact("art", "p", "p-1.tgz").await.unwrap().unwrap().admitted;
    assert!(!admitted, "other bytes were never admitted");

    assert_eq!(metadata.artifacts_of("art", "p").await.unwrap().len(), 1);
    assert_eq!(metadata.artifacts_with(&other.sha256).await.unwrap().len(), 1);
    metadata.remove_artifact("art", "p", "p-1.tgz").await.unwrap();
    assert_eq!(metadata.artifact("art", "p", "p-1.tgz").await.unwrap(), None);
    assert_eq!(metadata.first_digest("art", "p", "p-1.tgz").await.unwrap(), Some(row.sha256));
}

pub(super) async fn collection(metadata: &Metadata) {
    let before = metadata.collectable_bytes().await.unwrap();
    for (file, seconds) in [("old", -90), ("middle", -80), ("new", -70)] {
        let mut row = artifact("gc", "p", file);
        row.stored = at(seconds);
        metadata.put_artifact(&row).await.unwrap();
    }
    let mut hosted = artifact("gc", "p", "ours");
    (hosted.hosted, hosted.stored) = (true, at(-100));
    metadata.put_artifact(&hosted).await.unwrap();
    assert_eq!(metadata.collectable_bytes().await.unwrap(), before + 30);
    metadata.touch_artifacts(&[digest("old"), digest("old"), digest("nobody's")], at(0)).await.unwrap();
    metadata.touch_artifacts(&[digest("old")], at(-200)).await.unwrap();
    let order: Vec<String> =
        metadata.longest_unused(2).await.unwrap().into_iter().map(|row| row.file).collect();
    assert_eq!(order, ["middle", "new"]);
    metadata.remove_artifact("gc", "p", "ours").await.unwrap();
    assert!(
        metadata.artifact("gc", "p", "ours").await.unwrap().is_some(),
        "hosted files are never collected"
    );
    let from_upstream = artifact("gc", "p", "ours");
    assert!(matches!(metadata.put_artifact(&from_upstream).await, Err(MetadataError::Taken(_))));
}

pub(super) async fn admissions(metadata: &Metadata) {
    let row = admission("adm", "p", "p-1.tgz");
    assert!(metadata.admit(&row).await.unwrap());
    let mut later = row.clone();
    (later.principal, later.at) = ("bob".into(), at(99));
    assert!(!metadata.admit(&later).await.unwrap(), "only the first is recorded");
    assert_eq!(metadata.admissions_of("adm", "p").await.unwrap(), vec![row.clone()]);
    let mut other = later;
    other.sha256 = digest("other bytes of that name");
    assert!(metadata.admit(&other).await.unwrap());
    assert_eq!(metadata.admissions_with(&other.sha256).await.unwrap(), vec![other.clone()]);
    assert_eq!(metadata.admissions_since(at(99), 10).await.unwrap(), vec![other]);
    let admits = (0..20).map(|_| {
        let (metadata, row) = (metadata.clone(), admission("adm", "q", "q-1.tgz"));
        tokio::spawn(async move { metadata.admit(&row).await.unwrap() })
    });
    let mut first = 0;
    for admit in admits.collect::<Vec<_>>() {
        first += usize::from(admit.await.unwrap());
    }
    assert_eq!(first, 1, "of many at once one is the first");
}

/// Requests that hang up while their writes wait for the others' take nobody's write with them.
pub(super) async fn writing_together(metadata: &Metadata) {
    for round in 0..5 {
        let tasks: Vec<_> = (0..60)
            .map(|number| {
                let (metadata, file) = (metadata.clone(), format!("{round}-{number}"));
                tokio::spawn(async move {
                    metadata.put_artifact(&artifact("tog", "p", &file)).await.unwrap();
                    metadata.admit(&admission("tog", "p", &file)).await.unwrap()
                })
            })
            .collect();
        for task in tasks.iter().step_by(3) {
            tokio::task::yield_now().await;
            task.abort();
        }
        for (number, task) in tasks.into_iter().enumerate() {
            match task.await {
                Ok(is_first) => assert!(is_first),
                Err(error) => assert!(error.is_cancelled() && number % 3 == 0),
            }
        }
        let files: std::collections::HashSet<String> =
            metadata.admissions_of("tog", "p").await.unwrap().into_iter().map(|row| row.file).collect();
        for number in (0..60).filter(|number| number % 3 != 0) {
            assert!(files.contains(&format!("{round}-{number}")), "{round}-{number} was acknowledged");
        }
    }
    // One row that cannot be written does not fail those beside it.
    let mut hosted = artifact("tog", "p", "ours");
    hosted.hosted = true;
    metadata.put_artifact(&hosted).await.unwrap();
    let tasks: Vec<_> = ["ours", "a", "b", "c\0d", "e"]
        .map(|file| {
            let (metadata, file) = (metadata.clone(), file.to_owned());
            tokio::spawn(async move { metadata.put_artifact(&artifact("tog", "p", &file)).await })
        })
        .into();
    for (number, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap();
        match number {
            0 => assert!(matches!(answer, Err(MetadataError::Taken(_)))),
            // PostgreSQL's text holds no NUL, SQLite's does.
            3 => {}
            _ => answer.unwrap(),
        }
    }
}

pub(super) async fn downloads(metadata: &Metadata) {
    let row = |package: &str, version: &str, number: i64| DownloadRow {
        ecosystem: "dow".into(),
        package_key: package.into(),
        version: version.into(),
        file: format!("{package}-{version}"),
        sha256: digest(&format!("{package}-{version}")),
        principal: format!("user{number}"),
        at: at(number),
    };
    let many: Vec<DownloadRow> = (0..450).map(|number| row("p", "1", number)).collect();
    metadata.record_downloads(&many).await.unwrap();
    metadata.record_downloads(&[row("p", "2", 500), row("q", "1", 501)]).await.unwrap();
    metadata.record_downloads(&[]).await.unwrap();
    assert_eq!(metadata.downloads_of("dow", "p", None, 1000).await.unwrap().len(), 451);
    assert_eq!(metadata.downloads_of("dow", "p", Some("2"), 10).await.unwrap(), vec![row("p", "2", 500)]);
    assert_eq!(metadata.downloads_with(&digest("p-1"), 3).await.unwrap().first(), Some(&row("p", "1", 449)));
    let lasting =
        async |lasted, recent| metadata.lasting_names("dow", at(lasted), at(recent), 9).await.unwrap();
    assert_eq!(lasting(1, 499).await, vec![("p".into(), 451)]);
    assert_eq!(lasting(502, 499).await, vec![("p".into(), 451), ("q".into(), 1)]);
    assert_eq!(lasting(502, 501).await, vec![]);
    assert_eq!(metadata.forget_downloads(at(400)).await.unwrap(), 400);
    assert_eq!(metadata.downloads_of("dow", "p", Some("1"), 1000).await.unwrap().len(), 50);
}

pub(super) async fn refusals(metadata: &Metadata) {
    let row = |codes: &str, who: &str, seconds| RefusalRow {
        ecosystem: "ref".into(),
        package_key: "p".into(),
        version: "1".into(),
        policy_revision: "r".into(),
        codes: codes.into(),
        sentence: format!("said to {who}"),
        principal: who.into(),
        at: at(seconds),
    };
    metadata.record_refusals(&[row("a", "ana", 1), row("b", "ana", 2), row("a", "bob", 3)]).await.unwrap();
    metadata.record_refusals(&[row("a", "eve", 9)]).await.unwrap();
    let found = metadata.refusals_since(at(0), 10).await.unwrap();
    assert_eq!(found.len(), 2);
    let first = found.first().unwrap();
    assert_eq!((first.first.clone(), first.last, first.times), (row("a", "ana", 1), at(9), 3));
    assert_eq!(metadata.refusals_since(at(5), 10).await.unwrap().len(), 1);
}

/// What a name may hold goes in and out unchanged, and is never taken for SQL.
pub(super) async fn hostile_text(metadata: &Metadata) {
    for name in ["'; DROP TABLE artifacts; --", "$1", "?", "\"x\"", "é\u{202e}漢\u{1f600}", "%_!", ""] {
        let mut row = artifact("host", name, name);
        row.facts = name.into();
        metadata.put_artifact(&row).await.unwrap();
        assert_eq!(metadata.artifact("host", name, name).await.unwrap(), Some(row), "{name}");
    }
}
