use lazaret_vocabulary::Digest;
use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a blob.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The disk, or the operator's quota on it, is full.
    #[error("no space is left for {}", .path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{} {} failed: {source}", .what, .path.display())]
    Io {
        /// What was tried, such as `reading`.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The stored bytes are not those that the name promises. The file was set aside.
    #[error("the stored bytes of {digest} are not the ones its name promises; they were set aside")]
    Corrupt {
        /// The name.
        digest: Digest,
    },
    /// The blob is larger than the caller wants to hold.
    #[error("{digest} has {size_bytes} bytes, at most {limit} were expected")]
    TooLarge {
        /// Its name.
        digest: Digest,
        /// Its size.
        size_bytes: u64,
        /// What was allowed.
        limit: u64,
    },
    /// Only SHA-256 names blobs.
    #[error("{digest} cannot name a blob, only a SHA-256 can")]
    NotSha256 {
        /// What was given.
        digest: Digest,
    },
    /// The proof does not belong to what was written.
    #[error("a proof for {proven} bytes came with {written} bytes")]
    OtherProof {
        /// Bytes that were verified.
        proven: u64,
        /// Bytes that were written.
        written: u64,
    },
    /// The remote store refused or could not be reached.
    #[error("the object store failed: {0}")]
    Remote(#[from] object_store::Error),
    /// Work in the background did not come to an end.
    #[error("a task of the store failed: {0}")]
    Task(String),
}

impl BlobError {
    /// Names what was tried with which file.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { what, path, source },
        }
    }
}
