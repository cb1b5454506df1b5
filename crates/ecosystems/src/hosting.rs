use bytes::Bytes;
use lazaret_vocabulary::{Digest, Document, Malformed, PackageName, Reply, RequestHead, Timestamp};
use std::sync::Arc;

/// Publishing to this house. Parses what a client sends and writes the document that
/// [`crate::Ecosystem::read`] would get of an upstream; stores nothing.
pub trait Hosting: Sync {
    /// Reads a change request. The artifact bytes inside are not trusted: the implementation checks that
    /// their own manifest says what the request says.
    fn read(
        &self,
        action: &'static str,
        package: Option<&PackageName>,
        request: &RequestHead<'_>,
        body: &Bytes,
    ) -> Result<Change, HostingError>;

    /// Whether a change fits what is hosted already, by rules of the ecosystem beyond "no version twice": the
    /// engine asks before it stores. Packages whose names have the same key arrive here as one.
    fn accepts(&self, _existing: &HostedPackage, _change: &Change) -> Result<(), HostingError> {
        Ok(())
    }

    /// The house's documents on a hosted package, in the same form as an upstream's.
    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed>;

    /// The client's own form of "done".
    fn done(&self, change: &Change) -> Reply;

    /// The client's own form of the owners list, after an [`Change::OwnersList`].
    fn owners(&self, owners: &[String]) -> Reply;

    /// The client's own form of "you are `name`".
    fn whoami(&self, name: &str) -> Reply;
}

/// Why a change was not understood.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct HostingError {
    /// The status to answer with, 4xx.
    pub status: http::StatusCode,
    /// What is wrong and what was expected.
    pub message: String,
}

/// A change to a hosted package.
#[derive(Debug, Clone)]
pub enum Change {
    /// A release, or a further file of one.
    Publish {
        /// The package.
        package: PackageName,
        /// The version.
        version: String,
        /// The release's own metadata, in the ecosystem's form (a version manifest, an index line).
        manifest: String,
        /// Its files.
        files: Vec<HostedFile>,
        /// Tags to point at it.
        tags: Vec<String>,
        /// One line on the package, for search.
        description: String,
    },
    /// Take releases out of choice, keeping them for those who pinned them.
    Withdraw {
        /// The package.
        package: PackageName,
        /// The version.
        version: String,
        /// The publisher's reason; may be empty.
        reason: String,
    },
    /// Undo a withdrawal.
    Restore {
        /// The package.
        package: PackageName,
        /// The version.
        version: String,
    },
    /// Set or clear (empty text) the warning on versions.
    Deprecate {
        /// The package.
        package: PackageName,
        /// Version and text.
        versions: Vec<(String, String)>,
    },
    /// Point a tag at a version.
    Tag {
        /// The package.
        package: PackageName,
        /// The tag.
        tag: String,
        /// The version.
        version: String,
    },
    /// Take a tag away.
    Untag {
        /// The package.
        package: PackageName,
        /// The tag.
        tag: String,
    },
    /// Remove a version, or with `None` all of the package. The bytes stay taken for ever.
    Remove {
        /// The package.
        package: PackageName,
        /// The version.
        version: Option<String>,
    },
    /// Add and remove people who may publish it.
    Owners {
        /// The package.
        package: PackageName,
        /// To add.
        add: Vec<String>,
        /// To remove.
        remove: Vec<String>,
    },
    /// Ask who may publish it.
    OwnersList {
        /// The package.
        package: PackageName,
    },
}

impl Change {
    /// The package it touches.
    pub fn package(&self) -> &PackageName {
        match self {
            Self::Publish { package, .. }
            | Self::Withdraw { package, .. }
            | Self::Restore { package, .. }
            | Self::Deprecate { package, .. }
            | Self::Tag { package, .. }
            | Self::Untag { package, .. }
            | Self::Remove { package, .. }
            | Self::Owners { package, .. }
            | Self::OwnersList { package } => package,
        }
    }
}

/// A file as published.
#[derive(Debug, Clone)]
pub struct HostedFile {
    /// Its name.
    pub file: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// The file's own metadata in the ecosystem's form (such as PyPI's form fields as JSON), or empty.
    pub metadata: String,
    /// A part to serve beside it.
    pub extra: Option<(crate::Part, Bytes)>,
}

/// A hosted package as stored.
#[derive(Debug, Clone)]
pub struct HostedPackage {
    /// The package.
    pub package: PackageName,
    /// Its releases that were not removed, oldest first.
    pub releases: Vec<HostedRelease>,
    /// Tag → version.
    pub tags: Vec<(String, String)>,
    /// Who may publish it.
    pub owners: Vec<String>,
}

/// A hosted release as stored.
#[derive(Debug, Clone)]
pub struct HostedRelease {
    /// The version.
    pub version: String,
    /// As given at publication.
    pub manifest: String,
    /// When it was published here.
    pub published: Timestamp,
    /// By whom.
    pub publisher: String,
    /// Withdrawn, with the reason.
    pub withdrawn: Option<String>,
    /// The publisher's warning.
    pub deprecated: Option<String>,
    /// Its files.
    pub files: Vec<StoredFile>,
}

/// A hosted file as stored.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// Its name.
    pub file: Arc<str>,
    /// SHA-256 first, then others.
    pub digests: Vec<Digest>,
    /// Its size.
    pub size_bytes: u64,
    /// When it was published.
    pub published: Timestamp,
    /// As given at publication.
    pub metadata: String,
}
