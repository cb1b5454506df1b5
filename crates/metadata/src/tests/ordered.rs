//! What people order, and what the house does later.

use super::{at, audit, digest};
use crate::{
    DecisionRow, KillRow, LONGEST_WAIVER, Metadata, MetadataError, PolicyRow, Revision, SourceRow, TokenRow,
    WaiverRow, new_id,
};

async fn counter(metadata: &Metadata, revision: Revision) -> i64 {
    metadata.revisions().await.unwrap().of(revision)
}

pub(super) async fn waivers(metadata: &Metadata) {
    let revision = counter(metadata, Revision::Waivers).await;
    let row = WaiverRow {
        id: new_id(at(0)).unwrap(),
        body: "{}".into(),
        why: "needed".into(),
        author: "ana".into(),
        approver: Some("bob".into()),
        created: at(0),
        expires: at(100),
        revoked: None,
    };
    let note = audit("waive");
    metadata.add_waiver(&row, &note).await.unwrap();
    let too_long = WaiverRow { expires: at(1) + LONGEST_WAIVER, ..row.clone() };
    let too_short = WaiverRow { expires: at(0), ..row.clone() };
    let own = WaiverRow { approver: Some("ana".into()), ..row.clone() };
    for wrong in [too_long, too_short, own] {
        assert!(matches!(metadata.add_waiver(&wrong, &note).await, Err(MetadataError::Refused(_))));
    }
    assert_eq!(metadata.waivers(at(99)).await.unwrap(), vec![row.clone()]);
    assert!(metadata.waivers(at(100)).await.unwrap().is_empty(), "it always ends");
    metadata.revoke_waiver(&row.id, at(50), &note).await.unwrap();
    assert!(metadata.waivers(at(99)).await.unwrap().is_empty());
    let again = metadata.revoke_waiver(&row.id, at(51), &note).await;
    assert!(matches!(again, Err(MetadataError::Missing(_))));
    assert_eq!(metadata.all_waivers(10).await.unwrap().first().unwrap().revoked, Some(at(50)));
    assert_eq!(counter(metadata, Revision::Waivers).await, revision + 2, "what failed moved nothing");
}

pub(super) async fn kills(metadata: &Metadata) {
    let revision = counter(metadata, Revision::Kills).await;
    let row = KillRow {
        id: new_id(at(0)).unwrap(),
        body: "pkg:npm/evil".into(),
        why: "a worm".into(),
        author: "ana".into(),
        created: at(0),
        lifted: None,
    };
    metadata.add_kill(&row, &audit("kill")).await.unwrap();
    assert_eq!(metadata.kills().await.unwrap(), vec![row.clone()]);
    metadata.lift_kill(&row.id, at(5), &audit("lift")).await.unwrap();
    assert!(metadata.kills().await.unwrap().is_empty());
    let again = metadata.lift_kill(&row.id, at(6), &audit("lift")).await;
    assert!(matches!(again, Err(MetadataError::Missing(_))));
    assert_eq!(counter(metadata, Revision::Kills).await, revision + 2);
}

pub(super) async fn tokens(metadata: &Metadata) {
    let revision = counter(metadata, Revision::Tokens).await;
    let row = TokenRow {
        id: new_id(at(0)).unwrap(),
        hash: "abc".into(),
        prefix: "lzt_01234567".into(),
        owner: "ana".into(),
        class: "person".into(),
        scopes: "read".into(),
        created: at(0),
        expires: at(100),
        revoked: None,
        last_used: None,
    };
    metadata.add_token(&row, &audit("token")).await.unwrap();
    let same_hash = TokenRow { id: "other".into(), ..row.clone() };
    assert!(metadata.add_token(&same_hash, &audit("token")).await.is_err());
    assert_eq!(metadata.token_by_hash("abc").await.unwrap(), Some(row.clone()));
    assert_eq!(metadata.token_by_hash("abcd").await.unwrap(), None);
    metadata.touch_tokens(&[(row.id.clone(), at(7)), (row.id.clone(), at(3))]).await.unwrap();
    metadata.revoke_token(&row.id, at(9), &audit("revoke")).await.unwrap();
    let found = metadata.tokens().await.unwrap();
    let found = found.first().unwrap();
    assert_eq!((found.last_used, found.revoked), (Some(at(7)), Some(at(9))));
    let again = metadata.revoke_token(&row.id, at(10), &audit("revoke")).await;
    assert!(matches!(again, Err(MetadataError::Missing(_))));
    assert_eq!(counter(metadata, Revision::Tokens).await, revision + 2);
}

pub(super) async fn policies(metadata: &Metadata) {
    let row = |revision: &str, seconds| PolicyRow {
        revision: revision.into(),
        body: format!("# {revision}"),
        principal: "ana".into(),
        activated: at(seconds),
    };
    let note = audit("policy");
    assert!(metadata.activate_policy(&row("one", 1), &note).await.unwrap());
    assert!(!metadata.activate_policy(&row("one", 2), &note).await.unwrap());
    assert!(metadata.activate_policy(&row("two", 3), &note).await.unwrap());
    assert!(metadata.activate_policy(&row("one", 4), &note).await.unwrap(), "back to an earlier one");
    assert_eq!(metadata.policies(10).await.unwrap(), vec![row("one", 4), row("two", 3)]);
    assert_eq!(metadata.policy("two").await.unwrap(), Some(row("two", 3)));
    assert_eq!(metadata.policy("three").await.unwrap(), None);
    assert_eq!(counter(metadata, Revision::Policy).await, 3);
}

pub(super) async fn decisions(metadata: &Metadata) {
    let row = |package: &str, number: i64| DecisionRow {
        ecosystem: "dec".into(),
        package_key: package.into(),
        version: format!("{number}"),
        package: package.into(),
        dossier: "{}".into(),
        verdict: "admit".into(),
        at: at(number),
    };
    let mut rows: Vec<DecisionRow> = (10..20).map(|number| row("b", number)).collect();
    rows.push(row("a", 30));
    metadata.record_decisions(&rows).await.unwrap();
    let changed = DecisionRow { verdict: "refuse".into(), at: at(40), ..row("b", 10) };
    metadata.record_decisions(std::slice::from_ref(&changed)).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let page = metadata.decisions(seen.last(), 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen.len(), 11);
    assert_eq!(seen.first(), Some(&row("a", 30)));
    assert_eq!(seen.get(1), Some(&changed));
    assert_eq!(metadata.trim_decisions(3).await.unwrap(), 8);
    let left: Vec<i64> =
        metadata.decisions(None, 10).await.unwrap().iter().map(|row| row.at.seconds()).collect();
    assert_eq!(left, [at(30), at(40), at(19)].map(|moment| moment.seconds()));
}

pub(super) async fn sources(metadata: &Metadata) {
    let before = counter(metadata, Revision::Advisories).await;
    let row = |revision: &str, seconds| SourceRow {
        name: "osv".into(),
        location: "/var/osv".into(),
        fetched: at(seconds),
        records: 12,
        revision: revision.into(),
        digest: Some(digest("zip")),
    };
    metadata.put_source(&row("a", 1)).await.unwrap();
    metadata.put_source(&row("a", 2)).await.unwrap();
    assert_eq!(counter(metadata, Revision::Advisories).await, before + 2, "its age is news too");
    metadata.put_source(&SourceRow { digest: None, ..row("b", 3) }).await.unwrap();
    assert_eq!(counter(metadata, Revision::Advisories).await, before + 3);
    assert_eq!(metadata.sources().await.unwrap(), vec![SourceRow { digest: None, ..row("b", 3) }]);
    metadata.remove_source("osv", &audit("remove-source")).await.unwrap();
    assert!(matches!(metadata.remove_source("osv", &audit("x")).await, Err(MetadataError::Missing(_))));
    assert!(metadata.sources().await.unwrap().is_empty());
}

pub(super) async fn audit_log(metadata: &Metadata) {
    let mut row = audit("late");
    row.at = at(900_000);
    let before = metadata.audit_before(at(1_000_000), 10_000).await.unwrap().len();
    metadata.record_audit(&row).await.unwrap();
    assert_eq!(metadata.audit_before(at(1_000_000), 1).await.unwrap(), vec![row]);
    assert_eq!(metadata.audit_before(at(1_000_000), 10_000).await.unwrap().len(), before + 1);
}

/// What another connection has committed is seen by the next query: nodes poll nothing else.
pub(super) async fn revisions_are_seen_elsewhere(metadata: &Metadata) {
    let before = metadata.revisions().await.unwrap();
    for number in 1..=20 {
        let row = KillRow {
            id: format!("seen-{number}"),
            body: "x".into(),
            why: "x".into(),
            author: "ana".into(),
            created: at(0),
            lifted: None,
        };
        metadata.add_kill(&row, &audit("kill")).await.unwrap();
        let now = metadata.revisions().await.unwrap();
        assert_eq!(now.of(Revision::Kills), before.of(Revision::Kills) + number);
        assert_eq!(now.of(Revision::Tokens), before.of(Revision::Tokens));
    }
}
