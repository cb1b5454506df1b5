//! Disks that fail, lie or rot.

use super::{Shelf, bytes, digest};
use crate::{BlobError, Fault, Faults, Step};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
struct Failing(Step, Fault);

impl Faults for Failing {
    fn at(&self, step: Step, _: &Path) -> Option<Fault> {
        (step == self.0).then_some(self.1)
    }
}

/// Whatever step fails in whatever way: it is told, nothing torn ever has a name, and the next try succeeds.
#[tokio::test]
async fn every_step_may_fail_in_every_way() {
    let content = bytes(100_000, 1);
    for step in Step::ALL {
        for fault in [Fault::Failed, Fault::FailedButPersisted, Fault::Torn] {
            let shelf = Shelf::new().await;
            shelf.blobs.inject(Some(Arc::new(Failing(step, fault(ErrorKind::Other)))));
            let told = shelf.blobs.put_bytes(&content).await;
            let case = format!("{step:?} {:?}", fault(ErrorKind::Other));
            assert!(told.is_err(), "{case} was hidden");
            assert_eq!(shelf.spooled(), Vec::<std::path::PathBuf>::new(), "{case} left something behind");

            let after = shelf.reopened().await;
            if let Some(found) = after.get_bytes(&digest(&content), 1 << 20).await.unwrap() {
                assert!(found == content, "{case} left a torn blob");
            }
            assert_eq!(shelf.set_aside(), 0, "{case} left a blob that is none");

            shelf.blobs.inject(None);
            shelf.blobs.put_bytes(&content).await.unwrap();
            assert!(after.get_bytes(&digest(&content), 1 << 20).await.unwrap().unwrap() == content, "{case}");
        }
    }
}

/// A blob that was there durably is not lost to a failure while the same bytes come again.
#[tokio::test]
async fn a_failure_never_costs_what_was_there() {
    for step in Step::ALL {
        for fault in [Fault::Failed, Fault::FailedButPersisted] {
            let shelf = Shelf::new().await;
            let name = shelf.blobs.put_bytes(b"here before").await.unwrap();
            let mut spool = shelf.blobs.spool().await.unwrap();
            spool.write(b"here before").await.unwrap();
            let spooled = spool.finish().await.unwrap();
            shelf.blobs.inject(Some(Arc::new(Failing(step, fault(ErrorKind::Other)))));
            let committed = shelf.blobs.commit(spooled).await;
            let is_of_commit = matches!(step, Step::Sync | Step::Rename | Step::SyncFolder);
            assert_eq!(committed.is_err(), is_of_commit, "{step:?}");
            let found = shelf.reopened().await.get_bytes(&name, 100).await.unwrap();
            assert_eq!(found.unwrap(), "here before", "{step:?}");
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_called_so() {
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        for step in [Step::Create, Step::Write, Step::Sync, Step::Rename] {
            let shelf = Shelf::new().await;
            shelf.blobs.inject(Some(Arc::new(Failing(step, Fault::Torn(kind)))));
            let told = shelf.blobs.put_bytes(b"too much").await;
            assert!(matches!(told, Err(BlobError::Full { .. })), "{step:?}: {told:?}");
        }
    }
}

fn flip_a_bit(path: &Path) {
    let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 40_000).unwrap();
    byte[0] ^= 4;
    file.write_all_at(&byte, 40_000).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_is_found_before_it_is_served() {
    let shelf = Shelf::new().await;
    let content = bytes(100_000, 2);
    let name = shelf.blobs.put_bytes(&content).await.unwrap();
    shelf.blobs.open_checked(&name).await.unwrap().unwrap();
    flip_a_bit(&shelf.path(&name));
    for blobs in [shelf.blobs.clone(), shelf.reopened().await] {
        let found = blobs.open_checked(&name).await;
        match found {
            Err(BlobError::Corrupt { digest }) => assert_eq!(digest, name),
            // The first one has moved it away.
            Ok(None) => assert_eq!(shelf.set_aside(), 1),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shelf.set_aside(), 1, "it is kept for somebody to look at");
    assert_eq!(shelf.blobs.put_bytes(&content).await.unwrap(), name, "fetched again, it is whole again");
    assert!(shelf.blobs.get_bytes(&name, 1 << 20).await.unwrap().unwrap() == content);
}

#[tokio::test]
async fn a_document_that_rotted_is_never_read() {
    let shelf = Shelf::new().await;
    let content = bytes(50_000, 3);
    let name = shelf.blobs.put_bytes(&content).await.unwrap();
    flip_a_bit(&shelf.path(&name));
    assert!(matches!(shelf.blobs.get_bytes(&name, 1 << 20).await, Err(BlobError::Corrupt { .. })));
    assert_eq!(shelf.blobs.get_bytes(&name, 1 << 20).await.unwrap(), None);
    flip_a_bit_under(&shelf, &content).await;
}

/// Putting the same bytes again heals what rotted without anybody's having read it.
async fn flip_a_bit_under(shelf: &Shelf, content: &[u8]) {
    let name = shelf.blobs.put_bytes(content).await.unwrap();
    flip_a_bit(&shelf.path(&name));
    shelf.blobs.put_bytes(content).await.unwrap();
    assert!(shelf.blobs.get_bytes(&name, 1 << 20).await.unwrap().unwrap() == content);
}

#[tokio::test]
async fn a_torn_file_is_found_before_it_is_served() {
    let shelf = Shelf::new().await;
    let name = shelf.blobs.put_bytes(&bytes(100_000, 4)).await.unwrap();
    std::fs::File::options().write(true).open(shelf.path(&name)).unwrap().set_len(50_000).unwrap();
    assert!(matches!(shelf.blobs.open_checked(&name).await, Err(BlobError::Corrupt { .. })));
    assert!(shelf.blobs.open_checked(&name).await.unwrap().is_none());
}

/// With no time to believe anything, every opening hashes: a change that hid itself is found.
#[tokio::test]
async fn what_was_found_whole_is_hashed_again_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = crate::Blobs::open_with(folder.path(), Duration::ZERO).await.unwrap();
    let name = blobs.put_bytes(&bytes(100_000, 5)).await.unwrap();
    for _ in 0..3 {
        blobs.open_checked(&name).await.unwrap().unwrap();
    }
    flip_a_bit(&blobs.path_of(&name).unwrap());
    assert!(matches!(blobs.open_checked(&name).await, Err(BlobError::Corrupt { .. })));
}

#[tokio::test]
async fn many_who_meet_a_damaged_blob_are_all_told() {
    let shelf = Shelf::new().await;
    let name = shelf.blobs.put_bytes(&bytes(400_000, 6)).await.unwrap();
    flip_a_bit(&shelf.path(&name));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (blobs, name) = (shelf.blobs.clone(), name.clone());
            tokio::spawn(async move { blobs.open_checked(&name).await })
        })
        .collect();
    for task in tasks {
        let told = task.await.unwrap();
        assert!(matches!(told, Err(BlobError::Corrupt { .. }) | Ok(None)), "{told:?}");
    }
    assert_eq!(shelf.set_aside(), 1);
}
