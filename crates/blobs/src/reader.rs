use crate::{BlobError, Result, blocking, to_digest};
use bytes::Bytes;
use lazaret_vocabulary::Digest;
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Bytes read from a file at a time.
const CHUNK: usize = 256 << 10;

/// An open blob. It stays readable when the blob is removed or set aside meanwhile.
#[derive(Debug)]
pub struct BlobReader {
    file: File,
    path: PathBuf,
    size_bytes: u64,
}

/// An open blob whose bytes were hashed.
#[derive(Debug)]
pub struct Checked {
    reader: BlobReader,
    computed: Digest,
}

impl BlobReader {
    pub(crate) fn new(file: File, path: PathBuf, size_bytes: u64) -> Self {
        Self { file, path, size_bytes }
    }

    /// Its size.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The file itself, to read from its start or to hand to the kernel.
    pub fn into_file(self) -> File {
        self.file
    }

    pub(crate) fn try_clone(&self) -> Result<File> {
        self.file.try_clone().map_err(BlobError::io("opening", &self.path))
    }

    /// A part of it, cut at its end.
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(self.size_bytes);
        let length = end.saturating_sub(range.start);
        let length = usize::try_from(length).map_err(|_| BlobError::Task("a range exceeds memory".into()))?;
        let file = self.try_clone()?;
        let path = self.path.clone();
        blocking(move || {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, range.start).map_err(BlobError::io("reading", &path))?;
            Ok(bytes.into())
        })
        .await
    }

    /// All of it.
    pub async fn read_all(&self) -> Result<Bytes> {
        self.read_range(0..self.size_bytes).await
    }

    /// All of it, if that is at most `limit` bytes.
    pub(crate) async fn read_bounded(&self, digest: &Digest, limit: u64) -> Result<Bytes> {
        if self.size_bytes > limit {
            return Err(BlobError::TooLarge { digest: digest.clone(), size_bytes: self.size_bytes, limit });
        }
        self.read_all().await
    }
}

impl Checked {
    pub(crate) fn new(reader: BlobReader, computed: Digest) -> Self {
        Self { reader, computed }
    }

    /// The SHA-256 that its bytes were found to have.
    pub fn computed(&self) -> &Digest {
        &self.computed
    }

    /// Its size.
    pub fn size_bytes(&self) -> u64 {
        self.reader.size_bytes()
    }

    /// A part of it, cut at its end.
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes> {
        self.reader.read_range(range).await
    }

    /// All of it.
    pub async fn read_all(&self) -> Result<Bytes> {
        self.reader.read_all().await
    }

    /// The file itself, to read from its start or to hand to the kernel.
    pub fn into_file(self) -> Result<File> {
        Ok(self.reader.into_file())
    }

    pub(crate) fn into_reader(self) -> BlobReader {
        self.reader
    }
}

/// The SHA-256 of a file, whatever its handle's position.
pub(crate) fn hash_file(file: &File, path: &Path) -> Result<Digest> {
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; CHUNK];
    let mut at = 0u64;
    loop {
        let read = match file.read_at(&mut buffer, at) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(BlobError::io("reading", path)(error)),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        at = at.saturating_add(read as u64);
    }
    to_digest(hash.finish())
}
