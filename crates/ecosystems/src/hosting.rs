use bytes::Bytes;
use lazaret_vocabulary::{BaseUrl, Digest, Document, Malformed, PackageName, Reply, RequestHead, Timestamp};
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

    /// The media type that a published file is served with, where its name does not tell.
    fn media_type(&self, _file: &HostedFile) -> Option<String> {
        None
    }

    /// The house's documents on a hosted package, in the same form as an upstream's.
    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed>;

    /// The client's own form of "done".
    fn done(&self, change: &Change) -> Reply;

    /// The client's own form of the owners list, after an [`Change::OwnersList`].
    fn owners(&self, owners: &[String]) -> Reply;

    /// The client's own form of "you are `name`".
    fn whoami(&self, name: &str) -> Reply;

    /// Uploads in pieces; `None` where files come inside the change.
    fn uploading(&self) -> Option<&dyn crate::Uploading> {
        None
    }

    /// The answer to [`crate::Route::Catalogue`].
    fn catalogue(&self, catalogue: &Catalogue<'_>, _signer: &dyn Signer) -> Result<Reply, Malformed> {
        Err(Malformed::new(format!("there is no document `{}` over all packages", catalogue.name)))
    }
}

/// What a document over all of an ecosystem's packages is made from.
pub struct Catalogue<'a> {
    /// Which document, as the route named it.
    pub name: &'a str,
    /// The query of the request.
    pub query: &'a str,
    /// What is published here.
    pub packages: &'a [HostedPackage],
    /// The packages from outside of which some file was let in.
    pub admitted: &'a [PackageName],
    /// The ecosystem's mount as this client reaches it.
    pub base: &'a BaseUrl,
    /// The moment.
    pub now: Timestamp,
}

/// Signs documents of this house with a key that an ecosystem never sees.
pub trait Signer: Sync {
    /// The text in the cleartext signature framework (RFC 9580 §7).
    fn clearsigned(&self, text: &str) -> Result<String, Malformed>;
    /// An armoured detached signature over the text.
    fn detached(&self, text: &str) -> Result<String, Malformed>;
    /// The armoured public key that verifies both.
    fn public_key(&self) -> Result<String, Malformed>;
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
        /// Files that must have been uploaded to the package before, by name.
        requires: Vec<String>,
        /// The version is a digest of what is published, so that publishing it again changes nothing and may
        /// be done, after a removal too.
        by_digest: bool,
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
    /// Nothing to be done, since the house makes the like of it itself: an index, a checksum.
    Acknowledge {
        /// The package.
        package: PackageName,
        /// A digest that the client expects of a published file, by its name; [`Hosting::accepts`] compares.
        declared: Option<(String, Digest)>,
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
            | Self::Acknowledge { package, .. }
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
