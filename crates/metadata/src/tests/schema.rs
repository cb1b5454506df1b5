//! The schema's own history.

use crate::migrations::apply_steps;
use crate::{Metadata, MetadataError};

const ONE: &str = "CREATE TABLE first (a BIGINT);\nINSERT INTO first (a) VALUES (1);\n";

#[tokio::test]
async fn a_schema_grows_and_is_never_misread() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = Metadata::open_file(&folder.path().join("m.db")).await.unwrap();
    sqlx::query("DELETE FROM schema_steps").execute(&metadata.write).await.unwrap();
    steps(&metadata).await;
}

/// Expects a database whose table of steps is empty.
pub(super) async fn steps(metadata: &Metadata) {
    apply_steps(metadata, &[(1, ONE)]).await.unwrap();
    apply_steps(metadata, &[(1, ONE)]).await.unwrap();
    // A step that fails half-way leaves nothing of itself.
    let broken = "CREATE TABLE second (a BIGINT);\nCREATE TABLE first (a BIGINT);\n";
    assert!(apply_steps(metadata, &[(1, ONE), (2, broken)]).await.is_err());
    apply_steps(metadata, &[(1, ONE), (2, "CREATE TABLE second (a BIGINT);\n")]).await.unwrap();
    let changed = apply_steps(metadata, &[(1, "CREATE TABLE other (a BIGINT);\n")]).await;
    assert!(matches!(changed, Err(MetadataError::Schema(_))), "{changed:?}");
    let older = apply_steps(metadata, &[(1, ONE)]).await;
    assert!(older.unwrap_err().to_string().contains("step 2"), "an older program says what it met");
    let rows = sqlx::query("SELECT a FROM first").fetch_all(&metadata.read).await.unwrap();
    assert_eq!(rows.len(), 1, "each step ran once");
}

#[tokio::test]
async fn many_programs_may_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    let opens = (0..5).map(|_| {
        let path = path.clone();
        tokio::spawn(async move { Metadata::open_file(&path).await.map(drop) })
    });
    for open in opens.collect::<Vec<_>>() {
        open.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for wrong in ["", "mysql://x", "/var/lib/x.db", "sqlite:/nonexistent-folder/x.db"] {
        assert!(Metadata::open(wrong).await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn sqlite_syncs_each_commit_and_reads_only_where_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = Metadata::open_file(&folder.path().join("m.db")).await.unwrap();
    for pool in [&metadata.read, &metadata.write] {
        for (pragma, expected) in [("PRAGMA synchronous", 2), ("PRAGMA foreign_keys", 1)] {
            let row = sqlx::query(pragma).fetch_one(pool).await.unwrap();
            assert_eq!(crate::row::Columns::of(&row).integer().unwrap(), expected, "{pragma}");
        }
        let row = sqlx::query("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
        assert_eq!(crate::row::Columns::of(&row).text().unwrap(), "wal");
    }
    assert!(sqlx::query("DELETE FROM audit").execute(&metadata.read).await.is_err());
}
