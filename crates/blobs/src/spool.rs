use crate::faults::{Injected, Step};
use crate::layout::SpoolFolder;
use crate::{BlobError, Result, to_digest};
use lazaret_evidence::Verified;
use lazaret_vocabulary::Digest;
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A blob being written. What was written can be read from [`Spool::path`] at once. Dropped, it is gone.
pub struct Spool {
    file: File,
    place: Place,
    hash: Option<Context>,
    size_bytes: u64,
    faults: Injected,
    unsynced_bytes: u64,
    syncing: Option<tokio::task::JoinHandle<()>>,
}

/// So many bytes are written before the disk is told to begin.
const SYNC_BEHIND: u64 = 8 << 20;

/// A blob that is whole and has no name yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Spooled {
    file: File,
    place: Place,
    sha256: Digest,
    size_bytes: u64,
}

/// A file that vanishes unless it was taken.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    is_taken: bool,
    /// Keeps the folder, and with it the lock, for as long as there is a file in it.
    _folder: Arc<SpoolFolder>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_taken {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Spool {
    pub(crate) fn create(folder: Arc<SpoolFolder>, faults: Injected, hashed: bool) -> Result<Self> {
        let path = folder.next_path();
        let place = Place { path, is_taken: false, _folder: folder };
        let open = || File::options().read(true).write(true).create_new(true).open(&place.path);
        let file =
            faults.step(Step::Create, &place.path, open).map_err(BlobError::io("making", &place.path))?;
        let hash = hashed.then(|| Context::new(&SHA256));
        Ok(Self { file, place, hash, size_bytes: 0, faults, unsynced_bytes: 0, syncing: None })
    }

    /// Where it is being written.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// How much was written.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Appends. When this returns, the bytes can be read from the file. They go into the system's page
    /// cache from here, without a detour through another thread: for the chunks that a network gives, the
    /// detour costs more than the write.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.faults
            .write(&mut self.file, chunk, &self.place.path)
            .map_err(BlobError::io("writing", &self.place.path))?;
        if let Some(hash) = &mut self.hash {
            hash.update(chunk);
        }
        self.size_bytes = self.size_bytes.saturating_add(chunk.len() as u64);
        self.unsynced_bytes = self.unsynced_bytes.saturating_add(chunk.len() as u64);
        self.sync_behind();
        Ok(())
    }

    /// Sends to the disk what was written, while more comes: what is left for the commit is little. Only
    /// the commit's own sync counts. It learns of what fails here, since Linux tells a failed write to each
    /// opening of the file once: so this one is an opening of its own, not a copy of the handle.
    fn sync_behind(&mut self) {
        let busy = self.syncing.as_ref().is_some_and(|task| !task.is_finished());
        if self.unsynced_bytes < SYNC_BEHIND || busy {
            return;
        }
        self.unsynced_bytes = 0;
        let path = self.place.path.clone();
        self.syncing = Some(tokio::task::spawn_blocking(move || {
            let _ = File::open(&path).and_then(|file| file.sync_data());
        }));
    }

    /// Ends it. One that was not hashed while it was written is read and hashed now.
    pub async fn finish(self) -> Result<Spooled> {
        let Self { file, place, hash, size_bytes, .. } = self;
        if let Some(hash) = hash {
            let sha256 = to_digest(hash.finish())?;
            return Ok(Spooled { file, place, sha256, size_bytes });
        }
        crate::blocking(move || {
            let sha256 = crate::reader::hash_file(&file, &place.path)?;
            Ok(Spooled { file, place, sha256, size_bytes })
        })
        .await
    }

    /// Ends it under the digest that its bytes were verified to have while they came.
    pub fn finish_verified(self, verified: &Verified) -> Result<Spooled> {
        self.finish_as(verified.sha256().clone(), verified.size_bytes())
    }

    pub(crate) fn finish_as(self, sha256: Digest, proven: u64) -> Result<Spooled> {
        if proven != self.size_bytes {
            return Err(BlobError::OtherProof { proven, written: self.size_bytes });
        }
        Ok(Spooled { file: self.file, place: self.place, sha256, size_bytes: self.size_bytes })
    }
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Spool({}, {} bytes)", self.place.path.display(), self.size_bytes)
    }
}

impl Spooled {
    /// Its name to be.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Its size.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Where it lies until it is committed.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// A handle of its own for reading from the start, for whoever looks into it. It stays good after the
    /// blob was committed or dropped.
    pub fn open(&self) -> Result<File> {
        File::open(&self.place.path).map_err(BlobError::io("opening", &self.place.path))
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// It has another name now and must not vanish.
    pub(crate) fn take(&mut self) {
        self.place.is_taken = true;
    }
}
