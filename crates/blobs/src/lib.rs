//! Files under the SHA-256 of their bytes.
//!
//! Nothing has a final name before it is whole, hashed and on the disk; and nothing is handed out by
//! [`Blobs::open_checked`] before its bytes were found to be the ones its name promises. On a local disk:
//!
//! ```text
//! <root>/sha256/aa/aabb…   the blobs
//! <root>/spool/<process>/  what is being written; gone when its process is gone
//! <root>/corrupt/          what did not hold its promise, for somebody to look at
//! ```

mod disk;
mod error;
mod faults;
mod layout;
mod reader;
mod remote;
mod spool;

#[cfg(test)]
mod tests;

pub use error::BlobError;
pub use faults::Step;
#[cfg(any(test, feature = "faults"))]
pub use faults::{Fault, Faults};
pub use reader::{BlobReader, Checked};
pub use spool::{Spool, Spooled};

use bytes::Bytes;
use disk::Disk;
use layout::SpoolFolder;
use lazaret_vocabulary::{Algorithm, Digest};
use moka::sync::Cache;
use remote::Remote;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) type Result<T> = std::result::Result<T, BlobError>;

/// How long [`Blobs::remove_idle`] spares what was put or committed: the row that will name it may not be
/// written yet.
const GRACE: Duration = Duration::from_secs(600);

/// The store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    shelf: Shelf,
    spool: Arc<SpoolFolder>,
    recent: Cache<Digest, ()>,
}

/// An enum, not a trait: there are two, and a local file can be handed to the kernel as it is, which an
/// object cannot.
#[derive(Debug, Clone)]
enum Shelf {
    Disk(Arc<Disk>),
    Remote(Arc<Remote>),
}

/// What is known of a blob without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Its name.
    pub digest: Digest,
    /// Its size.
    pub size_bytes: u64,
}

impl Blobs {
    /// Opens a folder, made if absent, in which a blob is hashed again before it is served once a day.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(root, Duration::from_secs(24 * 3600)).await
    }

    /// Opens a folder, made if absent. What was found whole is believed for `recheck_after` while nobody
    /// has touched the file; then it is hashed again.
    pub async fn open_with(root: impl Into<PathBuf>, recheck_after: Duration) -> Result<Self> {
        let root = root.into();
        let (disk, spool) = blocking(move || {
            layout::make(&root)?;
            let spool = SpoolFolder::open(&root.join("spool"))?;
            Ok((Disk::new(&root, recheck_after), spool))
        })
        .await?;
        Ok(Self::new(Shelf::Disk(Arc::new(disk)), spool))
    }

    /// A store of objects, such as a bucket, with a folder of this machine to write into first.
    pub async fn remote(
        store: Arc<dyn object_store::ObjectStore>,
        spool: impl Into<PathBuf>,
    ) -> Result<Self> {
        let folder = spool.into();
        let spool = blocking(move || SpoolFolder::open(&folder)).await?;
        Ok(Self::new(Shelf::Remote(Arc::new(Remote::new(store))), spool))
    }

    /// A store that forgets, for tests.
    pub async fn in_memory(spool: impl Into<PathBuf>) -> Result<Self> {
        Self::remote(Arc::new(object_store::memory::InMemory::new()), spool).await
    }

    fn new(shelf: Shelf, spool: SpoolFolder) -> Self {
        let recent = Cache::builder().time_to_live(GRACE).max_capacity(100_000).build();
        Self { shelf, spool: Arc::new(spool), recent }
    }

    /// Begins a new blob, hashed as it is written.
    pub async fn spool(&self) -> Result<Spool> {
        Spool::create(self.spool.clone(), self.disk_faults(), true)
    }

    /// Begins a new blob that its writer hashes, to be ended with [`Spool::finish_verified`].
    pub async fn spool_unhashed(&self) -> Result<Spool> {
        Spool::create(self.spool.clone(), self.disk_faults(), false)
    }

    /// Gives a finished blob its name. When this returns, it survives a loss of power. Doing so twice with
    /// the same bytes is one blob.
    pub async fn commit(&self, spooled: Spooled) -> Result<Digest> {
        let digest = spooled.sha256().clone();
        match &self.shelf {
            Shelf::Disk(disk) => disk.clone().commit(spooled).await?,
            Shelf::Remote(remote) => remote.commit(spooled).await?,
        }
        self.recent.insert(digest.clone(), ());
        Ok(digest)
    }

    /// A blob as it lies there, not looked into. `None` when there is none.
    pub async fn reader(&self, digest: &Digest) -> Result<Option<BlobReader>> {
        match &self.shelf {
            Shelf::Disk(disk) => disk.reader(digest).await,
            Shelf::Remote(_) => Ok(self.open_checked(digest).await?.map(Checked::into_reader)),
        }
    }

    /// A blob whose bytes were hashed, now or within the time that was set on opening. `Corrupt` when they
    /// are not what the name promises; then it was moved out of the way, and the name is free.
    pub async fn open_checked(&self, digest: &Digest) -> Result<Option<Checked>> {
        match &self.shelf {
            Shelf::Disk(disk) => disk.clone().open_checked(digest).await,
            Shelf::Remote(remote) => remote.open_checked(digest, self.spool.clone()).await,
        }
    }

    /// Stores bytes at hand.
    pub async fn put_bytes(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = sha256(bytes)?;
        self.recent.insert(digest.clone(), ());
        // A damaged one is out of the way after this.
        if matches!(self.open_checked(&digest).await, Ok(Some(_))) {
            return Ok(digest);
        }
        let mut spool = self.spool_unhashed().await?;
        spool.write(bytes).await?;
        let spooled = spool.finish_as(digest.clone(), bytes.len() as u64)?;
        self.commit(spooled).await
    }

    /// The whole of a blob of at most `limit` bytes, hashed now. `None` when there is none; `Corrupt` as
    /// with [`Blobs::open_checked`]; `TooLarge` beyond the limit.
    pub async fn get_bytes(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>> {
        let Some(reader) = self.reader(digest).await? else { return Ok(None) };
        let bytes = reader.read_bounded(digest, limit).await?;
        if let Some(bytes) = proven(bytes, digest).await? {
            return Ok(Some(bytes));
        }
        // What was found whole before is not believed any more: hashing the file itself tells whether it or
        // this one reading was at fault, and moves it out of the way.
        if let Shelf::Disk(disk) = &self.shelf {
            disk.forget(digest).await?;
        }
        let Some(checked) = self.open_checked(digest).await? else { return Ok(None) };
        match proven(checked.read_all().await?, digest).await? {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(BlobError::Corrupt { digest: digest.clone() }),
        }
    }

    /// Where the blob lies on this machine, whether it is there or not; `None` in a remote store.
    pub fn path_of(&self, digest: &Digest) -> Option<PathBuf> {
        match &self.shelf {
            Shelf::Disk(disk) => disk.path_of(digest).ok(),
            Shelf::Remote(_) => None,
        }
    }

    /// Its size, if it is there.
    pub async fn stat(&self, digest: &Digest) -> Result<Option<Stat>> {
        match &self.shelf {
            Shelf::Disk(disk) => Ok(disk
                .reader(digest)
                .await?
                .map(|reader| Stat { digest: digest.clone(), size_bytes: reader.size_bytes() })),
            Shelf::Remote(remote) => remote.stat(digest).await,
        }
    }

    /// Removes a blob; whether there was one. Whoever reads it can read on.
    pub async fn remove(&self, digest: &Digest) -> Result<bool> {
        self.recent.invalidate(digest);
        match &self.shelf {
            Shelf::Disk(disk) => disk.remove(digest).await,
            Shelf::Remote(remote) => remote.remove(digest).await,
        }
    }

    /// Removes a blob unless this process put or committed it within the last ten minutes: somebody may be
    /// about to write the row that names it. Whether it is gone.
    pub async fn remove_idle(&self, digest: &Digest) -> Result<bool> {
        if self.recent.contains_key(digest) { Ok(false) } else { self.remove(digest).await }
    }

    /// The blobs whose names begin with this byte; all 256 together are the whole store.
    pub async fn list_shard(&self, shard: u8) -> Result<Vec<Stat>> {
        match &self.shelf {
            Shelf::Disk(disk) => disk.list_shard(shard).await,
            Shelf::Remote(remote) => remote.list_shard(shard).await,
        }
    }

    /// The size of all blobs together. Walks the whole store.
    pub async fn total_size(&self) -> Result<u64> {
        let mut total = 0u64;
        for shard in 0..=u8::MAX {
            let found = self.list_shard(shard).await?;
            total = found.iter().fold(total, |sum, stat| sum.saturating_add(stat.size_bytes));
        }
        Ok(total)
    }

    /// Makes steps of writing fail from now on. For tests.
    #[cfg(any(test, feature = "faults"))]
    pub fn inject(&self, faults: Option<Arc<dyn Faults>>) {
        if let Shelf::Disk(disk) = &self.shelf {
            disk.faults().set(faults);
        }
    }

    fn disk_faults(&self) -> faults::Injected {
        match &self.shelf {
            Shelf::Disk(disk) => disk.faults().clone(),
            Shelf::Remote(_) => faults::Injected::default(),
        }
    }
}

/// The folder's and the file's name of a blob. Only SHA-256 names blobs.
pub(crate) fn shard_and_name(digest: &Digest) -> Result<(String, String)> {
    let name = digest.to_hex();
    match name.get(..2) {
        Some(shard) if digest.algorithm() == Algorithm::Sha256 => Ok((shard.to_owned(), name)),
        _ => Err(BlobError::NotSha256 { digest: digest.clone() }),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> Result<Digest> {
    to_digest(ring::digest::digest(&ring::digest::SHA256, bytes))
}

/// The bytes, if they are what the name promises.
async fn proven(bytes: Bytes, digest: &Digest) -> Result<Option<Bytes>> {
    let digest = digest.clone();
    blocking(move || Ok((sha256(&bytes)? == digest).then_some(bytes))).await
}

pub(crate) fn to_digest(hash: ring::digest::Digest) -> Result<Digest> {
    Digest::from_bytes(Algorithm::Sha256, hash.as_ref())
        .ok_or_else(|| BlobError::Task("a hash of another length came out".into()))
}

/// Runs work that waits for the disk where it disturbs nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| BlobError::Task(error.to_string()))?
}

/// Makes a folder's entries survive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
