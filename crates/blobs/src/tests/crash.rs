//! kill -9 at any moment: what was acknowledged is whole, and nothing else is anything.

use super::{Shelf, bytes, digest};
use crate::Blobs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Where the child shall write; set by the parent alone.
const PLACE: &str = "LAZARET_TEST_KILLED_BLOBS";
const SIZE: usize = 300_000;

fn content(number: usize) -> Vec<u8> {
    let mut content = bytes(SIZE, 9);
    content.extend(number.to_le_bytes());
    content
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 1..=3 {
        let kill_after = acknowledged + 15 * round;
        acknowledged = write_and_kill(folder.path(), acknowledged, kill_after);
        let blobs = Blobs::open(folder.path()).await.unwrap();
        for number in 1..=acknowledged {
            let name = digest(&content(number));
            assert!(
                blobs.open_checked(&name).await.unwrap().is_some(),
                "{number} was acknowledged and is gone"
            );
        }
        for shard in 0..=u8::MAX {
            for stat in blobs.list_shard(shard).await.unwrap() {
                blobs.open_checked(&stat.digest).await.unwrap().unwrap();
            }
        }
        let spool: Vec<_> = std::fs::read_dir(folder.path().join("spool")).unwrap().collect();
        assert_eq!(spool.len(), 3, "the folder of this process, its lock, and the common one: {spool:?}");
    }
}

fn write_and_kill(place: &Path, from: usize, kill_after: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::child", "--ignored", "--nocapture"])
        .env(PLACE, format!("{from}:{}", place.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(number) = line.strip_prefix("acknowledged ") else { continue };
        last = number.parse().unwrap();
        if last == kill_after {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(last >= kill_after, "the child ended by itself after {last}");
    last
}

#[tokio::test]
#[ignore = "the other half of the test above, which starts it in a process of its own"]
async fn child() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let (from, folder) = place.split_once(':').unwrap();
    let blobs = Blobs::open(folder).await.unwrap();
    let from: usize = from.parse().unwrap();
    for number in from + 1..from + 10_000 {
        let mut spool = blobs.spool().await.unwrap();
        for chunk in content(number).chunks(16 << 10) {
            spool.write(chunk).await.unwrap();
        }
        blobs.commit(spool.finish().await.unwrap()).await.unwrap();
        println!("acknowledged {number}");
    }
}

/// Two processes may share a folder: neither clears what the other is writing.
#[tokio::test]
async fn a_living_neighbours_spool_is_left_alone() {
    let shelf = Shelf::new().await;
    let mut spool = shelf.blobs.spool().await.unwrap();
    spool.write(b"half").await.unwrap();
    let neighbour = shelf.reopened().await;
    assert_eq!(shelf.spooled().len(), 1);
    spool.write(b" and half").await.unwrap();
    let name = shelf.blobs.commit(spool.finish().await.unwrap()).await.unwrap();
    assert_eq!(neighbour.get_bytes(&name, 100).await.unwrap().unwrap(), "half and half");
}

#[tokio::test]
async fn what_a_dead_process_left_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    drop(Blobs::open(folder.path()).await.unwrap());
    let left = folder.path().join("spool/0123");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("7"), b"half").unwrap();
    std::fs::write(folder.path().join("spool/0123.lock"), b"").unwrap();
    let without_lock = folder.path().join("spool/4567");
    std::fs::create_dir_all(&without_lock).unwrap();
    let _blobs = Blobs::open(folder.path()).await.unwrap();
    assert!(!left.exists() && !without_lock.exists());
}
