//! What is kept of single releases: details, members, pointers, uploads.

use super::{at, digest};
use crate::{ArtifactRow, AuditRow, MemberRow, Metadata};

fn member(file: &str, owner: &str, artifact: &str) -> MemberRow {
    MemberRow {
        ecosystem: "tin".into(),
        package_key: "rel".into(),
        package: "Rel".into(),
        file: file.into(),
        owner: owner.into(),
        version: String::new(),
        artifact: artifact.into(),
        first_seen: at(1),
    }
}

pub(super) async fn details(metadata: &Metadata) {
    let put = |version: &str, text: &str| vec![(version.to_owned(), text.to_owned())];
    metadata.put_details("tin", "rel", &put("1.0", "{}"), at(1)).await.unwrap();
    metadata.put_details("tin", "rel", &put("1.0", "{\"a\":1}"), at(2)).await.unwrap();
    metadata.put_details("tin", "rel", &[], at(3)).await.unwrap();
    assert_eq!(metadata.details_of("tin", "rel").await.unwrap(), put("1.0", "{\"a\":1}"));
    assert!(metadata.details_of("tin", "other").await.unwrap().is_empty());
}

pub(super) async fn members(metadata: &Metadata) {
    // The same row twice in one statement, which PostgreSQL would refuse to insert twice.
    let rows = [member("layer", "image", "1"), member("layer", "image", "1"), member("layer", "other", "1")];
    metadata.record_members(&rows).await.unwrap();
    let newer = MemberRow { first_seen: at(9), ..member("layer", "image", "2") };
    metadata.record_members(&[newer]).await.unwrap();
    let found = metadata.members_of("tin", "rel").await.unwrap();
    let told: Vec<(&str, &str, &str)> =
        found.iter().map(|row| (&*row.file, &*row.owner, &*row.artifact)).collect();
    assert_eq!(told, [("layer", "image", "2"), ("layer", "other", "1")]);
    assert_eq!(found[0].first_seen, at(1), "the first sight stays, the newer word on bytes counts");
    let many: Vec<MemberRow> = (0..6000).map(|number| member(&format!("f{number}"), "", "x")).collect();
    metadata.record_members(&many).await.unwrap();
    assert_eq!(metadata.members_of("tin", "rel").await.unwrap().len(), 6002);
}

pub(super) async fn pointers(metadata: &Metadata) {
    let stand = |version: &str| vec![("v1".to_owned(), version.to_owned())];
    for (version, moment) in [("a", 1), ("b", 2), ("a", 3)] {
        metadata.record_pointers("tin", "rel", &stand(version), at(moment)).await.unwrap();
    }
    let rows = metadata.pointer("tin", "rel", "v1").await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (&*row.version, row.first_seen, row.last_seen)).collect();
    assert_eq!(told, [("a", at(1), at(3)), ("b", at(2), at(2))], "where it was seen last comes first");
    assert_eq!(metadata.pointers_of("tin", "rel", 1).await.unwrap().len(), 1);
    assert!(metadata.pointer("tin", "rel", "v2").await.unwrap().is_empty());
}

pub(super) async fn uploads(metadata: &Metadata) {
    let audit = AuditRow {
        at: at(1),
        principal: "p".into(),
        action: "upload".into(),
        subject: "tin/up".into(),
        detail: "{}".into(),
    };
    let row = ArtifactRow {
        ecosystem: "tin".into(),
        package_key: "up".into(),
        package: "up".into(),
        version: String::new(),
        file: "blob".into(),
        sha256: digest("blob"),
        size_bytes: 4,
        stored: at(1),
        hosted: true,
        admitted: false,
        facts: "{}".into(),
    };
    metadata.put_upload(&row, "ann", &audit).await.unwrap();
    metadata.put_upload(&row, "ann", &audit).await.unwrap();
    assert!(metadata.hosted_names().await.unwrap().contains(&("tin".into(), "up".into())));
    assert_eq!(metadata.hosted("tin", "up").await.unwrap().unwrap().owners, ["ann"]);
    assert!(metadata.artifact("tin", "up", "blob").await.unwrap().unwrap().hosted);
    assert!(metadata.remove_upload("tin", "up", "blob", &audit).await.unwrap());
    assert!(!metadata.remove_upload("tin", "up", "blob", &audit).await.unwrap());
}
