//! Run on a disk and on a store of objects alike.

use super::{bytes, digest};
use crate::{BlobError, Blobs};
use lazaret_vocabulary::{Algorithm, Digest};
use std::io::Read as _;

#[tokio::test]
async fn a_disk_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    promises(Blobs::open(folder.path()).await.unwrap()).await;
}

#[tokio::test]
async fn objects_keep_their_promises() {
    let folder = tempfile::tempdir().unwrap();
    promises(Blobs::in_memory(folder.path()).await.unwrap()).await;
}

async fn promises(blobs: Blobs) {
    spooling(&blobs).await;
    reading(&blobs).await;
    small_bytes(&blobs).await;
    proofs(&blobs).await;
    removal(&blobs).await;
    listing(&blobs).await;
    many_at_once(&blobs).await;
}

async fn spooling(blobs: &Blobs) {
    let mut spool = blobs.spool().await.unwrap();
    for chunk in [&b"left"[..], b"", b"-pad"] {
        spool.write(chunk).await.unwrap();
    }
    assert_eq!(std::fs::read(spool.path()).unwrap(), b"left-pad", "what is written can be read at once");
    assert_eq!(blobs.stat(&digest(b"left-pad")).await.unwrap(), None, "without a name until it is committed");
    let spooled = spool.finish().await.unwrap();
    assert_eq!((spooled.sha256(), spooled.size_bytes()), (&digest(b"left-pad"), 8));
    let path = spooled.path().to_owned();
    let mut inspected = spooled.open().unwrap();
    let name = blobs.commit(spooled).await.unwrap();
    assert_eq!(name, digest(b"left-pad"));
    assert!(!path.exists(), "nothing stays in the spool");
    let mut read = String::new();
    inspected.read_to_string(&mut read).unwrap();
    assert_eq!(read, "left-pad", "a handle outlives the commit");

    let mut given_up = blobs.spool().await.unwrap();
    given_up.write(b"never").await.unwrap();
    let path = given_up.path().to_owned();
    drop(given_up);
    assert!(!path.exists());
    let mut given_up = blobs.spool().await.unwrap();
    given_up.write(b"never").await.unwrap();
    let finished = given_up.finish().await.unwrap();
    let path = finished.path().to_owned();
    drop(finished);
    assert!(!path.exists());
    assert_eq!(blobs.stat(&digest(b"never")).await.unwrap(), None);
}

async fn reading(blobs: &Blobs) {
    // More than one part of an upload, and not a whole number of them.
    for length in [0, 1, 70_000, (17 << 20) + 3] {
        let content = bytes(length, 7);
        let mut spool = blobs.spool().await.unwrap();
        for chunk in content.chunks(1 << 20) {
            spool.write(chunk).await.unwrap();
        }
        let name = blobs.commit(spool.finish().await.unwrap()).await.unwrap();
        let checked = blobs.open_checked(&name).await.unwrap().unwrap();
        assert_eq!((checked.computed(), checked.size_bytes()), (&name, length as u64));
        assert!(checked.read_all().await.unwrap() == content, "{length}");
        let part = checked.read_range(3..9).await.unwrap();
        assert_eq!(part, content.get(3.min(length)..9.min(length)).unwrap(), "{length}");
        assert!(checked.read_range(u64::MAX - 1..u64::MAX).await.unwrap().is_empty());
        let mut read = Vec::new();
        checked.into_file().unwrap().read_to_end(&mut read).unwrap();
        assert!(read == content, "a file is handed over at its start");
        let plain = blobs.reader(&name).await.unwrap().unwrap();
        assert_eq!(plain.size_bytes(), length as u64);
    }
    let nothing = digest(b"nothing has this");
    assert!(blobs.open_checked(&nothing).await.unwrap().is_none());
    assert!(blobs.reader(&nothing).await.unwrap().is_none());
    let sha512 = Digest::from_bytes(Algorithm::Sha512, &[0; 64]).unwrap();
    assert!(matches!(blobs.open_checked(&sha512).await, Err(BlobError::NotSha256 { .. })));
}

async fn small_bytes(blobs: &Blobs) {
    let name = blobs.put_bytes(b"document").await.unwrap();
    assert_eq!(blobs.put_bytes(b"document").await.unwrap(), name, "twice is once");
    assert_eq!(blobs.get_bytes(&name, 8).await.unwrap().unwrap(), "document");
    assert!(matches!(blobs.get_bytes(&name, 7).await, Err(BlobError::TooLarge { size_bytes: 8, .. })));
    assert_eq!(blobs.get_bytes(&digest(b"absent"), 7).await.unwrap(), None);
    let empty = blobs.put_bytes(b"").await.unwrap();
    assert_eq!(blobs.get_bytes(&empty, 0).await.unwrap().unwrap(), "");
}

async fn proofs(blobs: &Blobs) {
    let verify = |content: &[u8]| {
        lazaret_evidence::recheck(&digest(content), &digest(content), content.len() as u64).unwrap()
    };
    let mut spool = blobs.spool_unhashed().await.unwrap();
    spool.write(b"proven").await.unwrap();
    let spooled = spool.finish_verified(&verify(b"proven")).unwrap();
    assert_eq!(blobs.commit(spooled).await.unwrap(), digest(b"proven"));

    let mut spool = blobs.spool_unhashed().await.unwrap();
    spool.write(b"other").await.unwrap();
    assert!(matches!(spool.finish_verified(&verify(b"proven")), Err(BlobError::OtherProof { .. })));

    let mut spool = blobs.spool_unhashed().await.unwrap();
    spool.write(b"hashed at the end").await.unwrap();
    assert_eq!(spool.finish().await.unwrap().sha256(), &digest(b"hashed at the end"));
}

async fn removal(blobs: &Blobs) {
    let name = blobs.put_bytes(b"short-lived").await.unwrap();
    assert!(!blobs.remove_idle(&name).await.unwrap(), "somebody may be about to name it");
    let open = blobs.open_checked(&name).await.unwrap().unwrap();
    assert!(blobs.remove(&name).await.unwrap());
    assert!(!blobs.remove(&name).await.unwrap());
    assert_eq!(open.read_all().await.unwrap(), "short-lived", "whoever reads can read on");
    assert!(blobs.open_checked(&name).await.unwrap().is_none());
    blobs.put_bytes(b"short-lived").await.unwrap();
    assert_eq!(blobs.get_bytes(&name, 100).await.unwrap().unwrap(), "short-lived");
}

async fn listing(blobs: &Blobs) {
    let before = blobs.total_size().await.unwrap();
    let name = blobs.put_bytes(b"listed").await.unwrap();
    assert_eq!(blobs.total_size().await.unwrap(), before + 6);
    let shard = *name.bytes().first().unwrap();
    let found = blobs.list_shard(shard).await.unwrap();
    assert!(found.iter().any(|stat| stat.digest == name && stat.size_bytes == 6));
    assert!(found.iter().all(|stat| stat.digest.bytes().first() == Some(&shard)));
    assert_eq!(blobs.stat(&name).await.unwrap().unwrap().size_bytes, 6);
}

/// The same and different bytes from many tasks.
async fn many_at_once(blobs: &Blobs) {
    let tasks: Vec<_> = (0..24u8)
        .map(|number| {
            let blobs = blobs.clone();
            tokio::spawn(async move {
                let content = bytes(50_000, number % 3);
                let name = blobs.put_bytes(&content).await.unwrap();
                assert!(blobs.get_bytes(&name, 50_000).await.unwrap().unwrap() == content);
                name
            })
        })
        .collect();
    let mut names = std::collections::HashSet::new();
    for task in tasks {
        names.insert(task.await.unwrap());
    }
    assert_eq!(names.len(), 3);
}
