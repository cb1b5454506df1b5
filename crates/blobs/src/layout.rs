//! The folders, and the one of them that belongs to this process alone.

use crate::{BlobError, Result, sync_folder};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes what is missing below `root`. All 256 folders for blobs appear at once and durably, so that
/// giving a blob its name never has to make one.
pub(crate) fn make(root: &Path) -> Result<()> {
    for folder in [root.to_owned(), root.join("spool"), root.join("corrupt")] {
        fs::create_dir_all(&folder).map_err(BlobError::io("making the folder", &folder))?;
    }
    let _alone = lock(&root.join("spool/lock"))?;
    let shards = root.join("sha256");
    if !shards.is_dir() {
        let building = root.join("spool/sha256.new");
        remove_folder(&building)?;
        for shard in 0..=u8::MAX {
            let folder = building.join(hex::encode([shard]));
            fs::create_dir_all(&folder).map_err(BlobError::io("making the folder", &folder))?;
        }
        sync_folder(&building).map_err(BlobError::io("syncing the folder", &building))?;
        fs::rename(&building, &shards).map_err(BlobError::io("naming the folder", &shards))?;
    }
    sync_folder(root).map_err(BlobError::io("syncing the folder", root))
}

/// Where this process writes. Each process has a folder of its own and holds a lock on a file beside it for
/// as long as it lives, so that the next one can tell what was left behind from what is being written.
#[derive(Debug)]
pub(crate) struct SpoolFolder {
    path: PathBuf,
    lock_path: PathBuf,
    next: AtomicU64,
    /// Held, never read.
    _lock: File,
}

impl SpoolFolder {
    /// Clears what dead processes left, and makes this one's folder.
    pub(crate) fn open(spool: &Path) -> Result<Self> {
        fs::create_dir_all(spool).map_err(BlobError::io("making the folder", spool))?;
        // One process at a time, or one would clear the folder that another has not locked yet.
        let _alone = lock(&spool.join("lock"))?;
        sweep(spool)?;
        let id = random_id()?;
        let (path, lock_path) = (spool.join(&id), spool.join(format!("{id}.lock")));
        let lock = lock(&lock_path)?;
        fs::create_dir(&path).map_err(BlobError::io("making the folder", &path))?;
        Ok(Self { path, lock_path, next: AtomicU64::new(0), _lock: lock })
    }

    /// A path that no other file of this process has.
    pub(crate) fn next_path(&self) -> PathBuf {
        self.path.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for SpoolFolder {
    fn drop(&mut self) {
        // Whatever stays is cleared by the next process.
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(&self.lock_path);
    }
}

fn sweep(spool: &Path) -> Result<()> {
    let failed = || BlobError::io("listing", spool);
    for entry in fs::read_dir(spool).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if !path.is_dir() {
            continue;
        }
        let lock_path = path.with_extension("lock");
        match File::options().write(true).open(&lock_path) {
            Ok(file) => match file.try_lock() {
                Ok(()) => {}
                // Somebody lives there.
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(BlobError::io("locking", &lock_path)(error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BlobError::io("opening", &lock_path)(error)),
        }
        tracing::info!(folder = %path.display(), "what a dead process was writing is cleared away");
        remove_folder(&path)?;
        let _ = fs::remove_file(&lock_path);
    }
    Ok(())
}

/// Waits for the lock; it ends with the file handle, also when the process is killed.
fn lock(path: &Path) -> Result<File> {
    let open = File::options().create(true).truncate(false).write(true).open(path);
    let file = open.map_err(BlobError::io("opening", path))?;
    file.lock().map_err(BlobError::io("locking", path))?;
    Ok(file)
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BlobError::io("clearing the folder", path)(error))
        }
        _ => Ok(()),
    }
}

fn random_id() -> Result<String> {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 8];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| BlobError::Task("the operating system's source of randomness failed".into()))?;
    Ok(hex::encode(bytes))
}
