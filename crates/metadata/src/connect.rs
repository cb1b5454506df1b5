use crate::dialect::{Engine, SQLITE_PRAGMAS, SQLITE_READ_ONLY};
use crate::group::Group;
use crate::{MetadataError, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Transaction};
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metadata {
    pub(crate) engine: Engine,
    pub(crate) read: AnyPool,
    /// One connection on SQLite, which has one writer; the same pool as `read` on PostgreSQL.
    pub(crate) write: AnyPool,
    pub(crate) group: Arc<Group>,
}

/// Waiting for a connection longer than this is a failure.
const ACQUIRE: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

/// What of a path may stand in an address as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

impl Metadata {
    /// Opens `sqlite:PATH` (made if absent) or `postgres://…` and brings its schema up to date. The rest of
    /// a PostgreSQL address is libpq's.
    pub async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let this = if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(path).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = AnyConnectOptions::from_str(url)?;
            let pool = AnyPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(ACQUIRE)
                .connect_with(options)
                .await?;
            Self { engine: Engine::Postgres, read: pool.clone(), write: pool, group: Arc::default() }
        } else {
            return Err(MetadataError::Schema(
                "its address must begin with `sqlite:` or `postgres://`".into(),
            ));
        };
        crate::migrations::apply(&this).await?;
        Ok(this)
    }

    /// Opens an SQLite file, made if absent.
    pub async fn open_file(path: &Path) -> Result<Self> {
        let path = path.to_str().ok_or_else(|| {
            MetadataError::Schema(format!("its path {} is not UTF-8, which is needed", path.display()))
        })?;
        Self::open(&format!("sqlite:{}", utf8_percent_encode(path, PATH))).await
    }

    async fn open_sqlite(path: &str) -> Result<Self> {
        // Written by hand or encoded, it reaches SQLite as one path.
        let path = percent_decode_str(path.strip_prefix("//").unwrap_or(path))
            .decode_utf8()
            .map_err(|_| MetadataError::Schema("its path is not UTF-8, which is needed".into()))?;
        let options =
            AnyConnectOptions::from_str(&format!("sqlite:{}?mode=rwc", utf8_percent_encode(&path, PATH)))?;
        let pool = |connections: u32, is_reader: bool| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE)
                .test_before_acquire(false)
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        let last = is_reader.then_some(SQLITE_READ_ONLY);
                        for pragma in SQLITE_PRAGMAS.into_iter().chain(last) {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                        Ok(())
                    })
                })
        };
        // The writer first: it makes the file and switches it to WAL, which readers then find.
        let write = pool(1, false).connect_with(options.clone()).await?;
        let read = pool(SQLITE_READERS, true).connect_with(options).await?;
        Ok(Self { engine: Engine::Sqlite, read, write, group: Arc::default() })
    }

    /// Whether the database answers.
    pub async fn health(&self) -> Result<()> {
        sqlx::query("SELECT counter FROM revisions LIMIT 1").fetch_optional(&self.read).await?;
        Ok(())
    }

    /// Ends all connections in good order.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// A transaction that writes; rolled back unless committed.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>> {
        Ok(self.write.begin_with(self.engine.begin_write()).await?)
    }

    /// A transaction that reads one state of the database.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Any>> {
        Ok(self.read.begin_with(self.engine.begin_snapshot()).await?)
    }
}
