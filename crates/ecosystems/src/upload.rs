use crate::UploadStep;
use lazaret_vocabulary::{BaseUrl, Digest, PackageName, Reply};

/// Uploads in pieces: the engine keeps the bytes, an ecosystem has the words.
pub trait Uploading: Sync {
    /// The name under which an uploaded file of this digest is kept in its package.
    fn file(&self, digest: &Digest) -> String;

    /// The answer to a step that was taken.
    fn answer(&self, package: &PackageName, step: &UploadStep, state: &Uploaded, base: &BaseUrl) -> Reply;
}

/// How an upload stands after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// The session is open and has so many bytes.
    Open {
        /// The session.
        session: String,
        /// Bytes so far.
        size_bytes: u64,
    },
    /// The file is whole and stored.
    Stored {
        /// Its digest.
        digest: Digest,
    },
    /// The session or file is gone, as was asked.
    Gone,
}
