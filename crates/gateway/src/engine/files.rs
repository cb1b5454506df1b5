//! A stored file as a stream.

use super::Gateway;
use crate::wire::ByteRange;
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes read at once while few files are being sent.
const LARGE_CHUNK: usize = 512 << 10;
/// And while many are, so that memory stays bounded.
const SMALL_CHUNK: usize = 64 << 10;
/// What counts as many.
const MANY: usize = 32;

/// Files being sent now.
static OPEN: AtomicUsize = AtomicUsize::new(0);

struct Sending {
    file: Option<File>,
    left: u64,
    _count: Arc<Count>,
}

struct Count;

impl Count {
    fn new() -> Arc<Self> {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gateway {
    /// The bytes of `range`, read where blocking is allowed, a chunk at a time.
    pub(crate) fn file_stream(
        &self,
        file: File,
        range: ByteRange,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let first = range.first;
        let start = Sending { file: Some(file), left: range.length(), _count: Count::new() };
        stream::try_unfold((start, Some(first)), |(mut sending, seek)| async move {
            if sending.left == 0 {
                return Ok(None);
            }
            let Some(mut file) = sending.file.take() else { return Ok(None) };
            let chunk = if OPEN.load(Ordering::Relaxed) > MANY { SMALL_CHUNK } else { LARGE_CHUNK };
            let want = usize::try_from(sending.left).unwrap_or(usize::MAX).min(chunk);
            let (file, bytes) = tokio::task::spawn_blocking(move || {
                if let Some(offset) = seek {
                    file.seek(SeekFrom::Start(offset))?;
                }
                let mut bytes = Vec::with_capacity(want);
                file.by_ref().take(want as u64).read_to_end(&mut bytes)?;
                Ok::<_, io::Error>((file, bytes))
            })
            .await
            .map_err(io::Error::other)??;
            if bytes.len() < want {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stored file became shorter"));
            }
            sending.left -= bytes.len() as u64;
            sending.file = Some(file);
            Ok(Some((Bytes::from(bytes), (sending, None))))
        })
    }
}
