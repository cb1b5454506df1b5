//! Blobs as objects of a store elsewhere.

use crate::layout::SpoolFolder;
use crate::reader::{BlobReader, Checked};
use crate::spool::{Spool, Spooled};
use crate::{BlobError, Result, Stat, blocking, shard_and_name};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use lazaret_vocabulary::{Algorithm, Digest};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, WriteMultipart};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// Up to this size a blob is sent in one request.
const ONE_REQUEST: u64 = 8 << 20;
/// Parts on their way at once.
const CONCURRENT_PARTS: usize = 4;

#[derive(Debug)]
pub(crate) struct Remote {
    store: Arc<dyn ObjectStore>,
}

impl Remote {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// An object appears whole or not at all: that is what such stores promise of both ways to write.
    pub(crate) async fn commit(&self, spooled: Spooled) -> Result<()> {
        let path = place(spooled.sha256())?;
        let size = spooled.size_bytes();
        if size <= ONE_REQUEST {
            self.store.put(&path, part(&spooled, 0, size).await?.into()).await?;
            return Ok(());
        }
        let mut upload = WriteMultipart::new(self.store.put_multipart(&path).await?);
        let mut at = 0;
        while at < size {
            let end = at.saturating_add(ONE_REQUEST).min(size);
            let sent = async {
                upload.wait_for_capacity(CONCURRENT_PARTS).await.map_err(BlobError::from)?;
                part(&spooled, at, end).await
            };
            match sent.await {
                Ok(bytes) => upload.put(bytes),
                Err(error) => {
                    upload.abort().await?;
                    return Err(error);
                }
            }
            at = end;
        }
        upload.finish().await?;
        Ok(())
    }

    /// Fetches the object into a file that has no name, hashing it.
    pub(crate) async fn open_checked(
        &self,
        digest: &Digest,
        folder: Arc<SpoolFolder>,
    ) -> Result<Option<Checked>> {
        let path = place(digest)?;
        let found = match self.store.get(&path).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut spool = Spool::create(folder, crate::faults::Injected::default(), true)?;
        let mut stream = found.into_stream();
        while let Some(chunk) = stream.next().await {
            spool.write(&chunk?).await?;
        }
        let spooled = spool.finish().await?;
        if spooled.sha256() != digest {
            tracing::error!(%digest, "a stored object is damaged and was removed");
            self.remove(digest).await?;
            return Err(BlobError::Corrupt { digest: digest.clone() });
        }
        let (file, size) = (spooled.open()?, spooled.size_bytes());
        Ok(Some(Checked::new(BlobReader::new(file, spooled.path().to_owned(), size), digest.clone())))
    }

    pub(crate) async fn stat(&self, digest: &Digest) -> Result<Option<Stat>> {
        match self.store.head(&place(digest)?).await {
            Ok(about) => Ok(Some(Stat { digest: digest.clone(), size_bytes: about.size })),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn remove(&self, digest: &Digest) -> Result<bool> {
        // Stores do not say whether there was something to delete.
        if self.stat(digest).await?.is_none() {
            return Ok(false);
        }
        match self.store.delete(&place(digest)?).await {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn list_shard(&self, shard: u8) -> Result<Vec<Stat>> {
        let prefix = Path::from_iter(["sha256", hex::encode([shard]).as_str()]);
        let found: Vec<_> = self.store.list(Some(&prefix)).try_collect().await?;
        let stat = |about: object_store::ObjectMeta| {
            let digest = Digest::from_hex(Algorithm::Sha256, about.location.filename()?)?;
            Some(Stat { digest, size_bytes: about.size })
        };
        Ok(found.into_iter().filter_map(stat).collect())
    }
}

fn place(digest: &Digest) -> Result<Path> {
    let (shard, name) = shard_and_name(digest)?;
    Ok(Path::from_iter(["sha256", &shard, &name]))
}

async fn part(spooled: &Spooled, start: u64, end: u64) -> Result<Bytes> {
    let file = spooled.file().try_clone().map_err(BlobError::io("opening", spooled.path()))?;
    let path = spooled.path().to_owned();
    blocking(move || {
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, start).map_err(BlobError::io("reading", &path))?;
        Ok(bytes.into())
    })
    .await
}
