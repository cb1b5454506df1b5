use lazaret_vocabulary::Span;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Everything the engine can be told. Read from `lazaret.toml` by the binary, built by hand in tests.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where SQLite, blobs and the spool live.
    pub data: PathBuf,
    /// `sqlite:…` or `postgres://…`; `None` is SQLite below `data`.
    pub database: Option<String>,
    /// Ecosystem id → addresses of its upstream. An ecosystem without an entry serves hosted packages only.
    pub upstreams: HashMap<String, UpstreamSettings>,
    /// Address under which clients reach the gateway, without a trailing slash; `None` derives it from each
    /// request.
    pub base_url: Option<String>,
    /// Peers whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether reading needs no token. `None`: on loopback only.
    pub anonymous_read: Option<bool>,
    /// The policy file; `None` is the baseline.
    pub policy: Option<PathBuf>,
    /// How long a document is served without asking upstream again.
    pub fresh: Span,
    /// How long after that it is served at once and renewed behind.
    pub renew_behind: Span,
    /// How old a document may get when upstream does not answer.
    pub max_stale: Span,
    /// How long "upstream does not have it" is remembered.
    pub absent: Span,
    /// Largest document accepted, in bytes, after decompression.
    pub document_limit_bytes: usize,
    /// Largest artifact accepted, in bytes.
    pub artifact_limit_bytes: u64,
    /// Memory for documents that were read, in bytes.
    pub index_cache_bytes: u64,
    /// Memory for rendered replies, in bytes.
    pub reply_cache_bytes: u64,
    /// Largest total of blobs that came from upstreams; the longest unused go first.
    pub store_limit_bytes: u64,
    /// Longest age of an advisory source that may still be relied upon.
    pub advisory_staleness: Span,
    /// Advisory sources: name → address or path, synced on a schedule.
    pub advisories: Vec<AdvisorySource>,
    /// Ecosystem id → a file that replaces the embedded list of popular names: one name a line, the most
    /// popular first, plain or gzip.
    pub popular: HashMap<String, PathBuf>,
    /// How often advisory sources are read again.
    pub advisory_interval: Span,
}

/// Where an ecosystem's packages come from.
#[derive(Debug, Clone, Default)]
pub struct UpstreamSettings {
    /// Role → address.
    pub addresses: HashMap<String, String>,
    /// Value of the `Authorization` header, for the hosts of `addresses` alone.
    pub authorization: Option<String>,
    /// Role → value of the `Authorization` header for the host of that role, where it is another one.
    pub credentials: HashMap<String, String>,
    /// Hosts besides those of `addresses` that may stand in private address ranges.
    pub private_hosts: Vec<String>,
}

/// A place that OSV records are read from.
#[derive(Debug, Clone)]
pub struct AdvisorySource {
    /// Its name.
    pub name: String,
    /// `http(s)://…/all.zip`, or a path to a zip, a directory or a record.
    pub location: String,
}

impl Settings {
    /// The defaults, with everything below `data` and no upstream.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database: None,
            upstreams: HashMap::new(),
            base_url: None,
            trusted_proxies: Vec::new(),
            anonymous_read: None,
            policy: None,
            fresh: Span::seconds(300),
            renew_behind: Span::hours(1),
            max_stale: Span::days(7),
            absent: Span::seconds(60),
            document_limit_bytes: 64 << 20,
            artifact_limit_bytes: 16 << 30,
            index_cache_bytes: 96 << 20,
            reply_cache_bytes: 64 << 20,
            store_limit_bytes: 50 << 30,
            advisory_staleness: Span::days(7),
            advisories: Vec::new(),
            popular: HashMap::new(),
            advisory_interval: Span::hours(1),
        }
    }
}
