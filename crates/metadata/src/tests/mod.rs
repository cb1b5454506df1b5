//! What both databases owe, run on each; and what must survive a kill.

mod durability;
mod hosted;
mod known;
mod ordered;
mod postgres;
mod releases;
mod schema;

use crate::{AdmissionRow, ArtifactRow, AuditRow, Metadata};
use lazaret_vocabulary::{Algorithm, Digest, Timestamp};

/// Runs every promise on one database. Each part uses names of its own, so that they can share it.
async fn conformance(metadata: &Metadata) {
    metadata.health().await.unwrap();
    known::documents(metadata).await;
    known::sightings(metadata).await;
    known::artifacts(metadata).await;
    known::collection(metadata).await;
    known::admissions(metadata).await;
    known::writing_together(metadata).await;
    known::downloads(metadata).await;
    known::refusals(metadata).await;
    known::hostile_text(metadata).await;
    releases::details(metadata).await;
    releases::members(metadata).await;
    releases::pointers(metadata).await;
    releases::uploads(metadata).await;
    hosted::publication(metadata).await;
    hosted::further_files(metadata).await;
    hosted::removal(metadata).await;
    hosted::races(metadata).await;
    hosted::changes(metadata).await;
    ordered::waivers(metadata).await;
    ordered::kills(metadata).await;
    ordered::tokens(metadata).await;
    ordered::policies(metadata).await;
    ordered::decisions(metadata).await;
    ordered::sources(metadata).await;
    ordered::audit_log(metadata).await;
    ordered::revisions_are_seen_elsewhere(metadata).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    let folder = tempfile::tempdir().unwrap();
    // A path with everything that an address would read otherwise.
    let path = folder.path().join("a b?c#d%20é.db");
    let metadata = Metadata::open_file(&path).await.unwrap();
    conformance(&metadata).await;
    metadata.close().await;
    assert!(path.exists());
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

/// A digest that differs for each text.
fn digest(text: &str) -> Digest {
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    Digest::from_bytes(Algorithm::Sha256, hash.as_ref()).unwrap()
}

fn audit(action: &str) -> AuditRow {
    AuditRow {
        at: at(0),
        principal: "ana".into(),
        action: action.into(),
        subject: "x".into(),
        detail: "{}".into(),
    }
}

fn artifact(ecosystem: &str, package: &str, file: &str) -> ArtifactRow {
    ArtifactRow {
        ecosystem: ecosystem.into(),
        package_key: package.into(),
        package: package.to_uppercase(),
        version: "1.0.0".into(),
        file: file.into(),
        sha256: digest(file),
        size_bytes: 10,
        stored: at(0),
        hosted: false,
        admitted: false,
        facts: "{\"a\":1}".into(),
    }
}

fn admission(ecosystem: &str, package: &str, file: &str) -> AdmissionRow {
    AdmissionRow {
        ecosystem: ecosystem.into(),
        package_key: package.into(),
        package: package.to_uppercase(),
        version: "1.0.0".into(),
        file: file.into(),
        sha256: digest(file),
        policy_revision: "p1".into(),
        findings: "[]".into(),
        principal: "ana".into(),
        class: "person".into(),
        at: at(5),
    }
}
