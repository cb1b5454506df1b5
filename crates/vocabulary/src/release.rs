use crate::{Digest, Timestamp};
use std::sync::Arc;

/// One version of a package, as its registry describes it: the facts a document states, nothing judged.
///
/// `None` always means *not said*, never *no*. Where files of one version were published at different
/// times (PyPI), a catalogue may hold several releases with the same version, each with its own files, so
/// that a file added years later is judged by its own age.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// The version as the registry writes it.
    pub version: Arc<str>,
    /// Whether its version marks it as a pre-release in its ecosystem's order.
    pub prerelease: bool,
    /// When the registry says it was published.
    pub published: Option<Timestamp>,
    /// Who published it, as far as the registry tells.
    pub publisher: Option<Arc<str>>,
    /// Its licence, as written: an SPDX expression, a legacy name, free text.
    pub licence: Option<Arc<str>>,
    /// The publisher's own warning not to use it (npm `deprecated`).
    pub deprecated: Option<Arc<str>>,
    /// Taken back by its publisher (yanked), with the reason, which may be empty.
    pub withdrawn: Option<Arc<str>>,
    /// Whether installing it runs code of its own.
    pub install_script: Option<bool>,
    /// A stable hash of its dependencies and their ranges; equal means unchanged.
    pub dependencies: Option<u64>,
    /// Repository the registry names for it, as written.
    pub repository: Option<Arc<str>>,
    /// Its files.
    pub artifacts: Vec<Artifact>,
    /// From an upstream, or published to this house.
    pub kind: ReleaseKind,
}

/// Where a release comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReleaseKind {
    /// From a registry outside.
    #[default]
    Upstream,
    /// Published to this house.
    Hosted,
}

/// One file of a release.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its file name, unique within the package; the last segment of the address it is served under.
    pub file: Arc<str>,
    /// Where upstream serves it: absolute, or relative to the upstream's base. Empty for hosted files.
    pub url: Arc<str>,
    /// Every digest the registry declares, weak ones among them.
    pub digests: Vec<Digest>,
    /// Its size in bytes, if declared.
    pub size_bytes: Option<u64>,
}

/// How a whole package stands with its registry (PEP 792 status, npm's time and maintainers, …).
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// When its first release came out, if the registry's dates tell, counting releases removed since.
    pub first_published: Option<Timestamp>,
    /// Everybody who may publish now. `Some(empty)` is a package without maintainers; `None` is a registry
    /// that does not say.
    pub maintainers: Option<Vec<Arc<str>>>,
    /// Archived, deprecated as a whole, or quarantined by its registry: which, and why.
    pub retired: Option<Arc<str>>,
}
