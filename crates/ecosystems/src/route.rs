use lazaret_vocabulary::{Algorithm, DocumentRole, PackageName, Reply, Timestamp};
use std::borrow::Cow;
use std::sync::Arc;

/// What a request asks for.
#[derive(Debug)]
pub enum Route {
    /// A document that lists releases.
    Index {
        /// Of this package.
        package: PackageName,
        /// In this form.
        view: View,
    },
    /// A file of a release.
    Artifact {
        /// Of this package.
        package: PackageName,
        /// Its file name, decoded; matched against [`lazaret_vocabulary::Artifact::file`].
        file: String,
        /// The file itself, or a part of it.
        part: Part,
    },
    /// A file that a name which can be moved stands for now, answered through [`crate::Pointers`].
    Pointer {
        /// Of this package.
        package: PackageName,
        /// The name, decoded: a tag, a branch.
        pointer: String,
        /// Which file of the release is wanted, where it has several; a word of the ecosystem's own.
        wanted: String,
    },
    /// An upstream document that passes untouched, through [`crate::Relaying`]: a signed index, a checksum
    /// database's tile. What it lists is judged when it is asked for.
    Relay(Relay),
    /// A question with a body that upstream answers with bytes made for it, through [`crate::Conversing`].
    Converse {
        /// Of this package.
        package: PackageName,
        /// Tells `Conversing` which kind of question it is.
        kind: &'static str,
        /// Largest body accepted, in bytes.
        limit_bytes: usize,
    },
    /// A document over all packages of the ecosystem, through [`crate::Hosting::catalogue`].
    Catalogue {
        /// Which one; a word of the ecosystem's own.
        name: String,
    },
    /// A step of an upload in pieces; the engine keeps the bytes and asks [`crate::Uploading`] for the words.
    Upload {
        /// To this package.
        package: PackageName,
        /// Which step.
        step: UploadStep,
    },
    /// A change to a hosted package: the engine reads the body and hands it to [`crate::Hosting`].
    Submit {
        /// Tells [`crate::Hosting::read`] which kind of change it is.
        action: &'static str,
        /// The package, when the address names it.
        package: Option<PackageName>,
        /// Largest body accepted, in bytes.
        limit_bytes: usize,
    },
    /// A vulnerability audit: the engine reads the body and hands it to [`crate::Auditing`].
    Audit {
        /// Tells `Auditing` which form it is.
        kind: &'static str,
    },
    /// A search.
    Search(Search),
    /// Who the credential belongs to; answered by the ecosystem's `Hosting::whoami`.
    WhoAmI,
    /// An answer that depends on nothing but the request, such as a ping. Served to whoever may read.
    Fixed(Reply),
    /// The same, but answered to anyone, since clients ask it before they show a credential.
    Open(Reply),
    /// The registry's description of itself, which tells clients where the rest is and whether to show a
    /// credential; answered with [`crate::Ecosystem::client_config`] to anyone, since clients ask it first.
    Config,
    /// The address means nothing here; answered with [`crate::Ecosystem::error`] 404.
    Unknown,
}

/// In which of its forms an index is asked for. Two requests with equal views get equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    /// The form, a constant of the ecosystem such as `full` or `simple-json`.
    pub form: &'static str,
    /// One version or tag only.
    pub version: Option<Box<str>>,
}

/// Which part of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its own metadata, taken out of it (PEP 658).
    Metadata,
    /// Its digest as hexadecimal text (Maven's `.sha1` and kin), from what was computed when it came.
    Checksum(Algorithm),
}

impl Part {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Metadata => "metadata",
            Self::Checksum(algorithm) => algorithm.name(),
        }
    }
}

/// A search for packages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Search {
    /// Text to look for.
    pub text: String,
    /// How many results to skip.
    pub from: usize,
    /// How many to give, at most 250.
    pub size: usize,
    /// In which form, a constant of the ecosystem where it has several; else empty.
    pub form: &'static str,
}

/// What judging a package needs to know, so that a lighter document can do where it is enough.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// Dates matter only for releases younger than this moment; `None` when no date matters at all. A
    /// document that proves everything older needs no dates.
    pub dates_after: Option<Timestamp>,
    /// Licences, maintainers or publishers matter.
    pub details: bool,
    /// The roles for which an upstream address is configured, for ecosystems whose roles are the operator's.
    pub roles: &'a [Arc<str>],
}

impl Need<'_> {
    /// Whether an address of this role is configured.
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|have| **have == *role)
    }
}

/// The answer to "is this enough to judge and render?".
#[derive(Debug)]
pub enum Wanted {
    /// Fetch these, all at once, then ask again.
    Fetch(Vec<Fetch>),
    /// It is.
    Enough,
}

/// A document to ask upstream for.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Which document it becomes.
    pub role: DocumentRole,
    /// Which of the upstream's addresses it stands below.
    pub upstream: Cow<'static, str>,
    /// Encoded path below that address, with a leading slash, query included; empty for the address itself; or
    /// an absolute address that another document of the upstream named.
    pub path: String,
    /// The `Accept` header.
    pub accept: &'static str,
    /// Whose document it is.
    pub scope: FetchScope,
}

/// Whose document a fetch brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FetchScope {
    /// This package's.
    Package,
    /// The whole ecosystem's, such as a registry's own configuration; fetched once for all packages.
    Ecosystem,
}

/// A document that passes untouched.
#[derive(Debug, Clone)]
pub struct Relay {
    /// The package it is about, where it is about one: a reserved name is not asked of anybody.
    pub package: Option<PackageName>,
    /// If that package is hosted, the index in this view is the answer instead.
    pub hosted_view: Option<View>,
    /// What to ask upstream for. Its bytes are taken as they are, without a content coding.
    pub fetch: Fetch,
    /// Names the document among all that are kept: no two different ones have the same key.
    pub key: String,
    /// Its address names its bytes for ever (a digest, a tile): it is never asked for twice.
    pub immutable: bool,
}

/// A step of an upload in pieces (OCI distribution specification 1.1, "Pushing blobs").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadStep {
    /// Open a session; with a digest the body is the whole file; with `mount` the file may be taken over from
    /// another package of this house.
    Begin {
        /// Digest of the whole, when the body has it all.
        digest: Option<lazaret_vocabulary::Digest>,
        /// Digest to take over, and the package to take it from, where one is named.
        mount: Option<(lazaret_vocabulary::Digest, Option<PackageName>)>,
    },
    /// Add the body to a session.
    Append {
        /// The session.
        session: String,
        /// Which bytes of the whole the body is, first and last, if the client says so. They must follow what is
        /// there.
        range: Option<(u64, u64)>,
    },
    /// Add the body, if any, and end the session: the whole must have this digest.
    Finish {
        /// The session.
        session: String,
        /// Digest of the whole.
        digest: lazaret_vocabulary::Digest,
        /// As for [`UploadStep::Append`].
        range: Option<(u64, u64)>,
    },
    /// How far it has come.
    Status {
        /// The session.
        session: String,
    },
    /// Give it up.
    Cancel {
        /// The session.
        session: String,
    },
    /// Remove an uploaded file from the package.
    Remove {
        /// Its digest.
        digest: lazaret_vocabulary::Digest,
    },
}
