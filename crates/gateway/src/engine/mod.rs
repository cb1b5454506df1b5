//! The engine: authenticate → route → fetch documents → gather facts → decide → verify → store → record →
//! answer, written once for every ecosystem.

mod advisories;
mod arrival;
mod artifact;
mod catalogue;
mod converse;
mod decisions;
mod details;
mod documents;
mod explain;
mod files;
mod hosting;
mod house;
mod index;
mod jobs;
mod judge;
mod notes;
mod package;
mod pages;
mod past;
mod pointer;
mod policy_file;
mod popular;
mod questions;
mod relay;
mod replies;
mod request;
mod state;
mod store;
mod unlisted;
mod upload;
mod vanished;
mod vouched;

pub use advisories::ImportReport;
pub use explain::ExplainError;
pub use notes::Summary;
pub use past::parse as parse_moment;
pub use state::{WaiverBody, check_waiver, known_ecosystems};

use crate::clock::Clock;
use crate::flights::Flights;
use crate::settings::Settings;
use crate::upstream::Upstream;
use arc_swap::ArcSwap;
use arrival::{Arrivals, ArtifactKey};
use bytes::Bytes;
use documents::{LoadError, LoadKey, Loaded};
use lazaret_blobs::Blobs;
use lazaret_ecosystems::Ecosystem;
use lazaret_evidence::Verified;
use lazaret_identity::Authenticator;
use lazaret_metadata::Metadata;
use lazaret_vocabulary::{Digest, EcosystemId, PackageName, Timestamp};
use moka::sync::Cache;
use notes::{Notes, Tally};
use package::Package;
use popular::Popular;
use replies::{Kept, ReplyKey};
use state::State;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

/// Files up to this size are kept in memory once verified.
const SMALL_FILE: u64 = 2 << 20;
/// Memory for them, in bytes.
const SMALL_FILES_BYTES: u64 = 48 << 20;
/// Memory for the bodies of requests that are being read, in MiB; more wait.
const BODIES_MIB: usize = 512;
/// Memory for documents that pass untouched, in bytes.
const RELAYED_BYTES: u64 = 32 << 20;
/// Names remembered as absent.
const ABSENT_NAMES: u64 = 50_000;
/// Stored files whose rows are kept in memory.
const STORED_ROWS: u64 = 50_000;

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub(crate) String);

/// The gateway: one per process.
pub struct Gateway {
    this: Weak<Gateway>,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) metadata: Metadata,
    pub(crate) blobs: Blobs,
    pub(crate) authenticator: Authenticator,
    upstreams: HashMap<EcosystemId, Arc<Upstream>>,
    state: ArcSwap<State>,
    packages: Cache<LoadKey, Arc<Package>>,
    replies: Cache<ReplyKey, Arc<Kept>>,
    absent: Cache<LoadKey, (LoadError, Timestamp)>,
    stored_files: Cache<ArtifactKey, Arc<store::Stored>>,
    small_files: Cache<Digest, (Verified, Bytes)>,
    loads: Flights<LoadKey, Result<Loaded, LoadError>>,
    renders: Flights<ReplyKey, Result<Arc<Kept>, LoadError>>,
    arrivals: Arrivals,
    relayed: Cache<relay::RelayKey, Arc<relay::Relayed>>,
    /// Relayed documents by the digest of the bytes whose word on others is on record.
    taken_in: Cache<relay::RelayKey, Arc<str>>,
    relays: Flights<relay::RelayKey, Result<Arc<relay::Relayed>, crate::UpstreamError>>,
    uploads: upload::Uploads,
    signer: crate::signing::HouseSigner,
    /// Room for the bodies of requests, in MiB.
    bodies: tokio::sync::Semaphore,
    pub(crate) notes: Notes,
    decisions: decisions::Decisions,
    pub(crate) tally: Tally,
    popular: Popular,
    metrics: OnceLock<MetricsPage>,
    /// One reading of the state at a time: two that began from the same one would share an epoch.
    reloading: tokio::sync::Mutex<()>,
    /// Whether the gateway has closed. Held for reading by each piece of background work.
    closed: tokio::sync::RwLock<bool>,
    policy_seen: std::sync::Mutex<Option<policy_file::Fingerprint>>,
}

type MetricsPage = Box<dyn Fn() -> String + Send + Sync>;

impl Gateway {
    /// Opens the store and the database, reads policy and exceptions. What is wrong is said with what to do.
    pub async fn open(settings: Settings, clock: Clock) -> Result<Arc<Self>, OpenError> {
        let data = &settings.data;
        std::fs::create_dir_all(data).map_err(|error| {
            OpenError(format!("{}: the data directory cannot be made: {error}", data.display()))
        })?;
        let blobs = Blobs::open(data.join("blobs")).await.map_err(|error| OpenError(error.to_string()))?;
        let metadata = match &settings.database {
            Some(url) => Metadata::open(url).await,
            None => Metadata::open_file(&data.join("lazaret.db")).await,
        }
        .map_err(|error| OpenError(error.to_string()))?;
        let mut upstreams = HashMap::new();
        for ecosystem in lazaret_ecosystems::all() {
            let id = ecosystem.profile().id;
            if let Some(own) = settings.upstreams.get(id.as_str()) {
                let upstream = Upstream::new(own, settings.document_limit_bytes, clock.clone())
                    .map_err(|error| OpenError(format!("{id}: {error}")))?;
                upstreams.insert(id, upstream);
            }
        }
        let popular = Popular::new(&settings.popular).map_err(OpenError)?;
        // Before the first reading: a change in between is then seen as one.
        let policy_seen = policy_file::fingerprint(&settings);
        let first = state::load(&metadata, &blobs, &settings, &clock, None).await.map_err(OpenError)?;
        let gateway = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            packages: Cache::builder()
                .max_capacity(settings.index_cache_bytes)
                .weigher(|_, package: &Arc<Package>| package.weight())
                .build(),
            replies: Cache::builder()
                .max_capacity(settings.reply_cache_bytes)
                .weigher(|_, kept: &Arc<Kept>| kept.weight())
                .build(),
            absent: Cache::new(ABSENT_NAMES),
            stored_files: Cache::new(STORED_ROWS),
            small_files: Cache::builder()
                .max_capacity(SMALL_FILES_BYTES)
                .weigher(|_, (_, bytes): &(Verified, Bytes)| u32::try_from(bytes.len()).unwrap_or(u32::MAX))
                .build(),
            loads: Flights::new(),
            renders: Flights::new(),
            arrivals: Arrivals::default(),
            relayed: Cache::builder()
                .max_capacity(RELAYED_BYTES)
                .weigher(|_, relayed: &Arc<relay::Relayed>| relayed.weight())
                .build(),
            taken_in: Cache::new(STORED_ROWS),
            relays: Flights::new(),
            uploads: upload::Uploads::default(),
            signer: crate::signing::HouseSigner::new(settings.data.join("keys")),
            bodies: tokio::sync::Semaphore::new(BODIES_MIB),
            notes: Notes::default(),
            decisions: decisions::Decisions::default(),
            tally: Tally::default(),
            authenticator: Authenticator::new(),
            state: ArcSwap::from_pointee(first),
            metrics: OnceLock::new(),
            reloading: tokio::sync::Mutex::new(()),
            closed: tokio::sync::RwLock::new(false),
            policy_seen: std::sync::Mutex::new(policy_seen),
            upstreams,
            popular,
            settings,
            clock,
            metadata,
            blobs,
        });
        Ok(gateway)
    }

    /// The database, for the commands that administer it.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The ecosystems of which no advisory source tells malware and vulnerabilities, by title.
    pub fn ecosystems_without_advisories(&self) -> Vec<&'static str> {
        let state = self.state();
        let never_read = state.sources.iter().any(|(_, fetched)| fetched.is_none());
        lazaret_ecosystems::all()
            .iter()
            .map(|ecosystem| ecosystem.profile())
            .filter(|profile| {
                state.sources.is_empty() || (!never_read && !state.advisories.cover(profile.id))
            })
            .map(|profile| profile.title)
            .collect()
    }

    /// Whether a configured source of advisories was never read, so that everything new is held.
    pub fn advisories_never_read(&self) -> bool {
        self.state().sources.iter().any(|(_, fetched)| fetched.is_none())
    }

    /// What the gateway was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How `/metrics` is written; without it the page says that metrics are off.
    pub fn set_metrics_page(&self, page: impl Fn() -> String + Send + Sync + 'static) {
        let _ = self.metrics.set(Box::new(page));
    }

    pub(crate) fn arc(&self) -> Arc<Self> {
        // The gateway is made by `open` alone, inside an `Arc` that outlives every borrow of it.
        #[expect(clippy::expect_used, reason = "a borrowed gateway is alive, so its own weak pointer is too")]
        self.this.upgrade().expect("a borrowed gateway is alive")
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    pub(crate) fn mounted(&self, mount: &str) -> Option<&'static dyn Ecosystem> {
        lazaret_ecosystems::all().iter().copied().find(|ecosystem| ecosystem.profile().mount == mount)
    }

    pub(crate) fn ecosystem_of(&self, name: &PackageName) -> Option<&'static dyn Ecosystem> {
        lazaret_ecosystems::by_id(name.ecosystem().as_str())
    }

    pub(crate) fn upstream(&self, id: EcosystemId) -> Option<&Arc<Upstream>> {
        self.upstreams.get(&id)
    }

    pub(crate) fn is_hosted(&self, name: &PackageName) -> bool {
        self.state().is_hosted(name)
    }

    /// The page that explains a package.
    pub(crate) fn page_url(&self, root: &str, name: &PackageName) -> String {
        format!("{root}/why/{}/{}", name.ecosystem(), name.as_str())
    }
}
