use lazaret_vocabulary::{DocumentRole, PackageName, Reply, Timestamp};

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
}

impl Part {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Metadata => "metadata",
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
}

/// What judging a package needs to know, so that a lighter document can do where it is enough.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// Dates matter only for releases younger than this moment; `None` when no date matters at all. A
    /// document that proves everything older needs no dates.
    pub dates_after: Option<Timestamp>,
    /// Licences, maintainers or publishers matter.
    pub details: bool,
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
    pub upstream: &'static str,
    /// Encoded path below that address, with a leading slash, query included.
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
