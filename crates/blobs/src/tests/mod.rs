//! What every store owes, and what a broken machine must not break.

mod broken;
mod crash;
mod promises;

use crate::Blobs;
use lazaret_vocabulary::Digest;
use std::path::PathBuf;

/// A store on disk in a folder of its own.
struct Shelf {
    folder: tempfile::TempDir,
    blobs: Blobs,
}

impl Shelf {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).await.unwrap();
        Self { folder, blobs }
    }

    /// As another process would find it.
    async fn reopened(&self) -> Blobs {
        Blobs::open(self.folder.path()).await.unwrap()
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.blobs.path_of(digest).unwrap()
    }

    /// Everything below `spool` but the locks.
    fn spooled(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in std::fs::read_dir(self.folder.path().join("spool")).unwrap() {
            let folder = folder.unwrap().path();
            if folder.is_dir() {
                found.extend(std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        found
    }

    fn set_aside(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("corrupt")).unwrap().count()
    }
}

fn digest(bytes: &[u8]) -> Digest {
    crate::sha256(bytes).unwrap()
}

/// Bytes that repeat late and differ for each seed.
fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 65_521) as u8 ^ seed).collect()
}
