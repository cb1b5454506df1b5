//! Blobs as files of this machine.

use crate::faults::{Injected, Step};
use crate::reader::{BlobReader, Checked, hash_file};
use crate::spool::Spooled;
use crate::{BlobError, Result, Stat, blocking, shard_and_name, sync_folder};
use lazaret_vocabulary::{Algorithm, Digest};
use moka::future::Cache;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Blobs whose hash is remembered.
const REMEMBERED: u64 = 100_000;

#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    /// What was hashed and found to be what its name promises. Many that ask at once wait for one hash.
    whole: Cache<(Digest, Stamp), ()>,
    set_aside: AtomicU64,
    faults: Injected,
}

/// What changes when anybody touches a file, so that a file with another stamp is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stamp {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(about: &Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            size_bytes: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }
}

impl Disk {
    pub(crate) fn new(root: &Path, recheck_after: Duration) -> Self {
        let whole = Cache::builder().max_capacity(REMEMBERED).time_to_live(recheck_after).build();
        Self { root: root.to_owned(), whole, set_aside: AtomicU64::new(0), faults: Injected::default() }
    }

    pub(crate) fn faults(&self) -> &Injected {
        &self.faults
    }

    pub(crate) fn path_of(&self, digest: &Digest) -> Result<PathBuf> {
        let (shard, name) = shard_and_name(digest)?;
        Ok(self.root.join("sha256").join(shard).join(name))
    }

    /// Durable bytes first, then the name, then a durable name. One that is there already is replaced all
    /// the same: these bytes are known to be right, the old ones may have rotted.
    pub(crate) async fn commit(self: Arc<Self>, mut spooled: Spooled) -> Result<()> {
        let path = self.path_of(spooled.sha256())?;
        let this = self.clone();
        let (digest, stamp) = blocking(move || {
            let from = spooled.path().to_owned();
            this.faults
                .step(Step::Sync, &from, || spooled.file().sync_all())
                .map_err(BlobError::io("syncing", &from))?;
            let was_there = path.exists();
            this.faults
                .step(Step::Rename, &path, || fs::rename(&from, &path))
                .map_err(BlobError::io("naming", &path))?;
            spooled.take();
            let folder = path.parent().unwrap_or(&this.root);
            let synced = this.faults.step(Step::SyncFolder, folder, || sync_folder(folder));
            if let Err(error) = synced {
                // The name may be lost with the next power cut: nobody shall find it and count on it. A
                // name that was durable before stays.
                if !was_there {
                    let _ = fs::remove_file(&path);
                }
                return Err(BlobError::io("syncing the folder", folder)(error));
            }
            let about = spooled.file().metadata().map_err(BlobError::io("reading about", &path))?;
            Ok((spooled.sha256().clone(), Stamp::of(&about)))
        })
        .await?;
        // Hashed while it was written.
        self.whole.insert((digest, stamp), ()).await;
        Ok(())
    }

    pub(crate) async fn reader(&self, digest: &Digest) -> Result<Option<BlobReader>> {
        let path = self.path_of(digest)?;
        Ok(open(&path)?.map(|(file, about)| BlobReader::new(file, path, about.size())))
    }

    pub(crate) async fn open_checked(self: Arc<Self>, digest: &Digest) -> Result<Option<Checked>> {
        let path = self.path_of(digest)?;
        let Some((file, about)) = open(&path)? else { return Ok(None) };
        let stamp = Stamp::of(&about);
        let key = (digest.clone(), stamp);
        // The one that is served is the one that was hashed: the same open file.
        let reader = BlobReader::new(file, path.clone(), stamp.size_bytes);
        if self.whole.get(&key).await.is_none() {
            let work = self.clone().hash(digest.clone(), path, &reader);
            self.whole.try_get_with(key, work).await.map_err(|error: Arc<BlobError>| {
                Arc::try_unwrap(error).unwrap_or_else(|error| match &*error {
                    BlobError::Corrupt { digest } => BlobError::Corrupt { digest: digest.clone() },
                    other => BlobError::Task(other.to_string()),
                })
            })?;
        }
        Ok(Some(Checked::new(reader, digest.clone())))
    }

    /// Believes no longer that the file was found whole.
    pub(crate) async fn forget(&self, digest: &Digest) -> Result<()> {
        if let Some((_, about)) = open(&self.path_of(digest)?)? {
            self.whole.invalidate(&(digest.clone(), Stamp::of(&about))).await;
        }
        Ok(())
    }

    fn hash(
        self: Arc<Self>,
        digest: Digest,
        path: PathBuf,
        reader: &BlobReader,
    ) -> impl Future<Output = Result<()>> + use<> {
        let file = reader.try_clone();
        async move {
            let file = file?;
            blocking(move || {
                if hash_file(&file, &path)? == digest {
                    return Ok(());
                }
                self.set_aside(&digest, &path, &file);
                Err(BlobError::Corrupt { digest })
            })
            .await
        }
    }

    /// Moves what does not hold its promise out of the way, unless another file has taken its place.
    fn set_aside(&self, digest: &Digest, path: &Path, file: &File) {
        let same = match (file.metadata(), fs::metadata(path)) {
            (Ok(hashed), Ok(named)) => (hashed.dev(), hashed.ino()) == (named.dev(), named.ino()),
            _ => false,
        };
        if !same {
            return;
        }
        let number = self.set_aside.fetch_add(1, Ordering::Relaxed);
        let aside =
            self.root.join("corrupt").join(format!("{}-{}-{number}", digest.to_hex(), std::process::id()));
        let moved = fs::rename(path, &aside).or_else(|_| fs::remove_file(path));
        match moved {
            Ok(()) => {
                tracing::error!(%digest, aside = %aside.display(), "a stored file is damaged and was set aside")
            }
            Err(error) => {
                tracing::error!(%digest, %error, "a stored file is damaged and cannot be moved away")
            }
        }
    }

    pub(crate) async fn remove(&self, digest: &Digest) -> Result<bool> {
        let path = self.path_of(digest)?;
        blocking(move || match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(BlobError::io("removing", &path)(error)),
        })
        .await
    }

    pub(crate) async fn list_shard(&self, shard: u8) -> Result<Vec<Stat>> {
        let folder = self.root.join("sha256").join(hex::encode([shard]));
        blocking(move || {
            let failed = || BlobError::io("listing", &folder);
            let mut found = Vec::new();
            for entry in fs::read_dir(&folder).map_err(failed())? {
                let entry = entry.map_err(failed())?;
                let name = entry.file_name();
                let digest = name.to_str().and_then(|name| Digest::from_hex(Algorithm::Sha256, name));
                // Removed since it was listed, or none of ours.
                let (Some(digest), Ok(about)) = (digest, entry.metadata()) else { continue };
                found.push(Stat { digest, size_bytes: about.size() });
            }
            Ok(found)
        })
        .await
    }
}

fn open(path: &Path) -> Result<Option<(File, Metadata)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BlobError::io("opening", path)(error)),
    };
    let about = file.metadata().map_err(BlobError::io("reading about", path))?;
    Ok(Some((file, about)))
}
