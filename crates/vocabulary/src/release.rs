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
    /// When its publisher says it was made, where nobody else vouches for that: an image's `created`, a
    /// commit's date. What that is worth is the ecosystem's [`Dates`].
    pub claimed: Option<Timestamp>,
    /// It was published at this moment or earlier, where only such a bound is known: the date of an index
    /// that lists it.
    pub no_later_than: Option<Timestamp>,
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
    /// The name that can be moved by which it was asked for, if it was.
    pub reference: Option<Reference>,
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

/// A name that stands for a release and can be pointed at another one: a tag, a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name, such as `main` or `v1.2.3`.
    pub name: Arc<str>,
    /// What its owners promise of it.
    pub kind: ReferenceKind,
    /// What it stood for when this house first saw it, where that is another release.
    pub moved_from: Option<Arc<str>>,
}

/// What is promised of a name that stands for a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// It is meant to stay where it is, though nothing keeps it there: a tag in a repository.
    Fixed,
    /// It is meant to move: a branch, an image's tag.
    Moving,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its file name, unique within the package; the last segment of the address it is served under.
    pub file: Arc<str>,
    /// Where upstream serves it: absolute; or relative to the address of the ecosystem's first role; or
    /// `@role/path`, below the address of another role. Empty for hosted files.
    pub url: Arc<str>,
    /// Every digest the registry declares, weak ones among them.
    pub digests: Vec<Digest>,
    /// Its size in bytes, if declared.
    pub size_bytes: Option<u64>,
}

/// Whose word there is on when the releases of an ecosystem were published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// The registry's, which publishers cannot change. A release without one is of unknown age.
    #[default]
    Registry,
    /// Nobody's that counts: what has no date of its registry is as old as this house's first sight of it.
    /// What its publisher claims is shown, and rules may look at it. Right for images, which are built anew
    /// every week under the same name.
    FirstSight,
    /// The publisher's, which is believed against him alone: it can make a release younger than this house's
    /// first sight of it does, never older. Right where a version is made once.
    Claimed,
    /// An archive whose own people look at a release before they publish it, as distributions do. How long
    /// it has to wait here beside that is a setting of its own.
    Curated,
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
