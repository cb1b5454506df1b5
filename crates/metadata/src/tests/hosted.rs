//! Packages published to this house.

use super::{artifact, at, audit, digest};
use crate::{HostedFileRow, Metadata, MetadataError, Publication, Published, Revision};

fn built(package: &str, version: &str, files: &[(&str, &str)]) -> Publication {
    let file = |(name, bytes): &(&str, &str)| {
        let row = HostedFileRow {
            file: (*name).to_owned(),
            version: version.to_owned(),
            sha256: digest(bytes),
            digests: "[]".into(),
            size_bytes: 3,
            published: at(1),
            metadata: "{}".into(),
        };
        (row, "{\"facts\":1}".to_owned())
    };
    Publication {
        ecosystem: "hos".into(),
        package_key: package.into(),
        name: package.to_uppercase(),
        description: "Bills 100% of_all".into(),
        version: version.into(),
        manifest: "{\"m\":1}".into(),
        publisher: "ana".into(),
        at: at(1),
        files: files.iter().map(file).collect(),
        tags: vec!["latest".into()],
        by_digest: false,
        extends: false,
    }
}

async fn publish(metadata: &Metadata, publication: &Publication) -> Published {
    metadata.publish(publication, &audit("publish")).await.unwrap()
}

async fn assert_taken(metadata: &Metadata, publication: &Publication) {
    let before = metadata.hosted("hos", &publication.package_key).await.unwrap();
    let answer = metadata.publish(publication, &audit("publish")).await;
    assert!(matches!(answer, Err(MetadataError::Taken(_))), "{answer:?}");
    assert_eq!(
        metadata.hosted("hos", &publication.package_key).await.unwrap(),
        before,
        "nothing has changed"
    );
}

async fn assert_billing(metadata: &Metadata) {
    let found = metadata.hosted("hos", "billing").await.unwrap().unwrap();
    assert_eq!((found.package.name.as_str(), found.package.revision), ("BILLING", 1));
    assert_eq!(found.releases.len(), 1);
    assert_eq!(found.files.iter().map(|file| &file.sha256).collect::<Vec<_>>(), [&digest("bytes")]);
    assert_eq!(found.tags, vec![("latest".into(), "1.0.0".into())]);
    assert_eq!(found.owners, vec!["ana".to_owned()]);
    let stored = metadata.artifact("hos", "billing", "b-1.tgz").await.unwrap().unwrap();
    assert!(stored.hosted && stored.facts == "{\"facts\":1}");
    assert!(metadata.digest_used(&digest("bytes")).await.unwrap());
}

pub(super) async fn publication(metadata: &Metadata) {
    let revision = metadata.revisions().await.unwrap().of(Revision::Hosted);
    let audited = metadata.audit_before(at(10), 1000).await.unwrap().len();
    // An upstream file of that name, met before the house hosted it, gives way.
    metadata.put_artifact(&artifact("hos", "billing", "b-1.tgz")).await.unwrap();
    let first = built("billing", "1.0.0", &[("b-1.tgz", "bytes")]);
    assert_eq!(publish(metadata, &first).await, Published::New);
    assert_billing(metadata).await;
    assert_eq!(metadata.audit_before(at(10), 1000).await.unwrap().len(), audited + 1);
    assert!(metadata.hosted_names().await.unwrap().contains(&("hos".into(), "billing".into())));
    assert_eq!(metadata.hosted("hos", "nothing").await.unwrap(), None);

    assert_eq!(publish(metadata, &first).await, Published::Already);
    assert_billing(metadata).await;
    for (version, file, bytes) in
        [("1.0.0", "b-1.tgz", "other"), ("1.0.0", "b-2.tgz", "other"), ("2.0.0", "b-1.tgz", "bytes")]
    {
        assert_taken(metadata, &built("billing", version, &[(file, bytes)])).await;
    }
    assert_taken(metadata, &built("billing", "1.0.0", &[])).await;
    assert_eq!(metadata.revisions().await.unwrap().of(Revision::Hosted), revision + 1);

    for (text, hits) in [("BILL", 1), ("0% of_", 1), ("0% ofx", 0), ("%", 1), ("nothing", 0)] {
        assert_eq!(metadata.search_hosted("hos", text, 10).await.unwrap().len(), hits, "{text}");
    }
}

pub(super) async fn further_files(metadata: &Metadata) {
    publish(metadata, &built("wheels", "1", &[("w-1.tar.gz", "source")])).await;
    let mut more = built("wheels", "1", &[("w-1.whl", "wheel")]);
    assert_taken(metadata, &more).await;
    more.extends = true;
    more.manifest = "other".into();
    assert_eq!(publish(metadata, &more).await, Published::New);
    assert_eq!(publish(metadata, &more).await, Published::Already);
    let found = metadata.hosted("hos", "wheels").await.unwrap().unwrap();
    assert_eq!(found.files.len(), 2);
    assert_eq!(found.releases.first().unwrap().manifest, "{\"m\":1}", "the first manifest stays");
    let mut wrong = built("wheels", "1", &[("w-1b.whl", "new"), ("w-1.whl", "other")]);
    wrong.extends = true;
    assert_taken(metadata, &wrong).await;
}

pub(super) async fn removal(metadata: &Metadata) {
    let first = built("gone", "1", &[("g-1", "bytes of g")]);
    publish(metadata, &first).await;
    metadata.remove_hosted("hos", "gone", "1", at(7), &audit("unpublish")).await.unwrap();
    let again = metadata.remove_hosted("hos", "gone", "1", at(8), &audit("unpublish")).await;
    assert!(matches!(again, Err(MetadataError::Missing(_))));
    let found = metadata.hosted("hos", "gone").await.unwrap().unwrap();
    assert_eq!(found.releases.first().unwrap().removed, Some(at(7)));
    assert_eq!(found.tags, Vec::new());
    assert_eq!(metadata.artifact("hos", "gone", "g-1").await.unwrap(), None, "its file is served no more");
    assert!(metadata.hosted_names().await.unwrap().contains(&("hos".into(), "gone".into())));
    assert_taken(metadata, &first).await;
    assert_taken(metadata, &built("gone", "1", &[("g-1", "new bytes")])).await;
    assert_taken(metadata, &built("gone", "2", &[("g-1", "new bytes")])).await;
    let mut extending = built("gone", "1", &[("g-2", "new bytes")]);
    extending.extends = true;
    assert_taken(metadata, &extending).await;
    assert_eq!(publish(metadata, &built("gone", "2", &[("g-3", "new bytes")])).await, Published::New);
}

/// Ten at once publish other bytes under one version: one wins whole.
pub(super) async fn races(metadata: &Metadata) {
    let tasks = (0..10).map(|number| {
        let metadata = metadata.clone();
        tokio::spawn(async move {
            let (file, bytes) = (format!("extra-{number}"), format!("bytes {number}"));
            let publication = built("race", "1", &[("r-1", &bytes), (&file, &bytes)]);
            match metadata.publish(&publication, &audit("publish")).await {
                Ok(Published::New) => Some(number),
                Err(MetadataError::Taken(_)) => None,
                other => panic!("{other:?}"),
            }
        })
    });
    let mut winners = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        winners.extend(task.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    let found = metadata.hosted("hos", "race").await.unwrap().unwrap();
    let bytes = digest(&format!("bytes {}", winners.first().unwrap()));
    assert_eq!(found.files.len(), 2);
    assert!(found.files.iter().all(|file| file.sha256 == bytes));
}

pub(super) async fn changes(metadata: &Metadata) {
    publish(metadata, &built("change", "1", &[("c-1", "c1")])).await;
    publish(metadata, &built("change", "2", &[("c-2", "c2")])).await;
    let note = audit("change");
    metadata.withdraw_hosted("hos", "change", "1", Some(""), &note).await.unwrap();
    metadata.deprecate_hosted("hos", "change", "2", Some("use 3"), &note).await.unwrap();
    metadata.tag_hosted("hos", "change", "next", Some("1"), &note).await.unwrap();
    metadata
        .change_owners("hos", "change", &["bob".into(), "bob".into()], &["ana".into()], &note)
        .await
        .unwrap();
    let found = metadata.hosted("hos", "change").await.unwrap().unwrap();
    assert_eq!(found.package.revision, 6);
    assert_eq!(found.releases.first().unwrap().withdrawn.as_deref(), Some(""));
    assert_eq!(found.releases.get(1).unwrap().deprecated.as_deref(), Some("use 3"));
    assert_eq!(found.tags, vec![("latest".into(), "2".into()), ("next".into(), "1".into())]);
    assert_eq!(found.owners, vec!["bob".to_owned()]);

    metadata.withdraw_hosted("hos", "change", "1", None, &note).await.unwrap();
    metadata.tag_hosted("hos", "change", "next", None, &note).await.unwrap();
    let before = metadata.hosted("hos", "change").await.unwrap().unwrap();
    assert_eq!((before.releases.first().unwrap().withdrawn.clone(), before.tags.len()), (None, 1));
    let missing = [
        metadata.withdraw_hosted("hos", "change", "9", Some("x"), &note).await,
        metadata.tag_hosted("hos", "change", "next", None, &note).await,
        metadata.tag_hosted("hos", "change", "next", Some("9"), &note).await,
        metadata.change_owners("hos", "nothing", &["eve".into()], &[], &note).await,
    ];
    assert!(missing.iter().all(|answer| matches!(answer, Err(MetadataError::Missing(_)))), "{missing:?}");
    let last = metadata.change_owners("hos", "change", &[], &["bob".into()], &note).await;
    assert!(matches!(last, Err(MetadataError::Refused(_))));
    assert_eq!(
        metadata.hosted("hos", "change").await.unwrap().unwrap(),
        before,
        "what failed changed nothing"
    );
}
