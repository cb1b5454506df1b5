//! Ecosystems: one folder each, all behind [`Ecosystem`]. Pure: an adapter turns addresses into intents,
//! documents into releases and decisions into its client's own format. It opens no socket, reads no clock,
//! asks no database and takes no decision.

pub mod cargo;
mod client;
mod converse;
pub mod deb;
mod details;
pub mod github;
pub mod go;
mod hosting;
pub mod maven;
pub mod npm;
pub mod nuget;
pub mod oci;
mod pointers;
mod profile;
pub mod pypi;
mod relay;
mod route;
mod stored;
mod upload;

pub use client::{Client, Detour, Variable, lies_on};
pub use converse::{Conversing, Question};
pub use details::{DETAILED_RELEASES, Detail, Details};
pub use hosting::{
    Catalogue, Change, HostedFile, HostedPackage, HostedRelease, Hosting, HostingError, Signer, StoredFile,
};
pub use lazaret_vocabulary::Dates;
pub use pointers::{Pointers, Target};
pub use profile::{
    Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput, Profile, UpstreamRole, XmlEntry,
};
pub use relay::{Member, Pointed, Relayed, Relaying};
pub use route::{Fetch, FetchScope, Need, Part, Relay, Route, Search, UploadStep, View, Wanted};
pub use stored::{artifact_from_text, artifact_text};
pub use upload::{Uploaded, Uploading};

use bytes::Bytes;
use lazaret_policy::Allowed;
use lazaret_vocabulary::{
    Artifact, BaseUrl, Digest, Document, DocumentRole, EcosystemId, InvalidName, Malformed, PackageName,
    Refusal, Release, Reply, RequestHead, Standing,
};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::Arc;

/// One family of packages and its wire protocol.
pub trait Ecosystem: Send + Sync {
    /// What it is called, where it is mounted, what it needs of an upstream.
    fn profile(&self) -> &'static Profile;

    /// Checks a package's name and finds the key it is compared by.
    fn name(&self, text: &str) -> Result<PackageName, InvalidName>;

    /// What a request asks for. Every encoding of a name must come out as the same [`PackageName`].
    fn route(&self, request: &RequestHead<'_>) -> Route;

    /// The answer to [`Route::Config`]: `base` is the mount as this client reaches it, and `auth_required` says
    /// that nobody reads without a credential. `None` where [`Ecosystem::route`] never says so.
    fn client_config(&self, _base: &BaseUrl, _auth_required: bool) -> Option<Reply> {
        None
    }

    /// Which upstream documents are still needed to judge `package`, seen what is there already. A document
    /// that upstream does not have is simply absent from `have`; the engine never asks for the same role
    /// twice and gives up after four rounds.
    fn wanted(&self, package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted;

    /// Headers with which documents of this role are asked of upstream, beside `Accept`.
    fn fetch_headers(&self, _role: DocumentRole) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Reads upstream's (or the house's own) documents into an index that can be judged and rendered many
    /// times without being parsed again.
    fn read(&self, package: &PackageName, have: &[Document]) -> Result<Box<dyn Index>, Malformed>;

    /// The refusal in the form this request's client shows its human.
    fn refuse(&self, refusal: &Refusal, request: &RequestHead<'_>) -> Reply;

    /// Any other error (not found, upstream down, unauthorised) in the client's own shape.
    fn error(&self, status: http::StatusCode, message: &str, request: &RequestHead<'_>) -> Reply;

    /// The ecosystem's version order. Total: texts that are no versions sort below all that are, then by
    /// bytes.
    fn compare(&self, left: &str, right: &str) -> Ordering;

    /// As which version a release is looked up among advisories.
    fn advised_as<'r>(&self, release: &'r Release) -> Cow<'r, str> {
        Cow::Borrowed(&release.version)
    }

    /// Looks into an artifact that has arrived whole: what its own manifest says, where that disagrees with
    /// the index, and what is to be kept beside it. Never trusts sizes, counts or paths in the archive.
    fn inspect(
        &self,
        release: &Release,
        package: &PackageName,
        artifact: &Artifact,
        file: &mut dyn ReadSeek,
    ) -> Result<Inspection, Malformed>;

    /// Media type of an artifact, by its file name.
    fn media_type(&self, file: &str) -> &'static str;

    /// The `Accept` header with which a file is asked of upstream.
    fn accept(&self, _artifact: &Artifact) -> &'static str {
        "*/*"
    }

    /// Headers that its clients want with a file, beside what every file gets. `media` is what
    /// [`Inspection::media_type`] said.
    fn file_headers(&self, _file: &str, _sha256: &Digest, _media: &str) -> Vec<(http::HeaderName, String)> {
        Vec::new()
    }

    /// Whether a file stays in the store unseen until it has been looked into, since nothing but its content
    /// tells what policy needs (a date, a licence). The file is fetched before the verdict, never handed out.
    fn tells_by_content(&self, _artifact: &Artifact) -> bool {
        false
    }

    /// Documents on single releases; `None` where the index tells all.
    fn details(&self) -> Option<&dyn Details> {
        None
    }

    /// Names that can be moved; `None` where there are none outside the index.
    fn pointers(&self) -> Option<&dyn Pointers> {
        None
    }

    /// Documents that pass untouched; `None` where there are none.
    fn relaying(&self) -> Option<&dyn Relaying> {
        None
    }

    /// Questions that upstream answers one by one; `None` where there are none.
    fn conversing(&self) -> Option<&dyn Conversing> {
        None
    }

    /// Publishing to this house; `None` where the ecosystem is read-only.
    fn hosting(&self) -> Option<&dyn Hosting> {
        None
    }

    /// Questions about known vulnerabilities that its clients ask of a registry.
    fn auditing(&self) -> Option<&dyn Auditing> {
        None
    }

    /// Search: the document to ask upstream for, if it can be asked at all.
    fn search_fetch(&self, _search: &Search) -> Option<Fetch> {
        None
    }

    /// The document that says where an upstream's other resources are, for ecosystems in which nothing but it
    /// does. The engine gets it before a search whose role has no configured address.
    fn directory(&self) -> Option<Fetch> {
        None
    }

    /// Where `fetch` leads by that document; `None` where the upstream has no such resource.
    fn located(&self, fetch: Fetch, _directory: &Document) -> Option<Fetch> {
        Some(fetch)
    }

    /// Whether an upstream that answers a request with this status says that it does not have what was asked
    /// for, beside 404 and 410.
    fn means_absent(&self, _status: http::StatusCode) -> bool {
        false
    }

    /// Further names by which clients choose a file, beside its package's: a reserved one among them makes the
    /// file refused.
    fn also_named(&self, _file: &str) -> Vec<PackageName> {
        Vec::new()
    }

    /// The packages an upstream's search document names, in its order, with their descriptions.
    fn search_hits(&self, _document: &Document) -> Result<Vec<Listed>, Malformed> {
        Ok(Vec::new())
    }

    /// The search result in the client's format; `found` holds only what may be seen.
    fn search_reply(&self, search: &Search, found: &[Listed]) -> Reply;

    /// The releases that a lock file of this ecosystem pins; `None` when `file_name` is not one of its lock
    /// files.
    fn lock_file(&self, file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>>;

    /// Commands that tell which upstream the clients on this machine use.
    fn probes(&self) -> &'static [Probe];

    /// Upstream addresses from what the probes printed (same order; failed ones are empty).
    fn adopt(&self, outputs: &[ProbeOutput]) -> Result<Adopted, Malformed>;

    /// How to point the clients at `base` for one command: environment and temporary files only.
    /// `scratch` is a directory that exists as long as the command runs.
    /// `upstreams` are the configured addresses, by role, for clients that are pointed by rewriting them.
    fn pointing(
        &self,
        base: &BaseUrl,
        token: Option<&str>,
        scratch: &str,
        upstreams: &[(String, String)],
    ) -> Pointing;

    /// What `setup` changes in the user's own configuration files, per client. `upstreams` as above.
    fn setup(&self, base: &BaseUrl, token: Option<&str>, upstreams: &[(String, String)]) -> Vec<ConfigEdit>;

    /// The clients that speak it.
    fn clients(&self) -> &'static [Client];

    /// Environment variables that change where they fetch from.
    fn variables(&self) -> &'static [Variable];

    /// Whether [`Ecosystem::detours`] reads files of this name, of a project or of the user's.
    fn reads_settings(&self, file_name: &str) -> bool;

    /// What in a file of settings or a manifest leads around the gateway, whose address is `gateway`.
    fn detours(&self, file_name: &str, text: &str, gateway: Option<&str>) -> Vec<Detour>;

    /// Whether clients fetch from the addresses that such a lock file names, whatever registry is configured.
    fn follows_lock_addresses(&self, _file_name: &str) -> bool {
        true
    }
}

/// A package's documents, read once: judged and rendered as often as policy changes.
pub trait Index: Send + Sync {
    /// How the package stands with its registry.
    fn standing(&self) -> &Standing;

    /// Its releases, in the document's order. [`Allowed`] speaks of them by position.
    fn releases(&self) -> &[Release];

    /// Tags such as `latest`, as the registry has them.
    fn tags(&self) -> &[(Arc<str>, Arc<str>)] {
        &[]
    }

    /// The document as the client may see it: what is admitted keeps its bytes; what is withheld is taken out
    /// of choice in the way that the client understands.
    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed>;

    /// About how many bytes of memory it holds, for the cache's bound.
    fn weight(&self) -> usize;
}

/// What rendering needs beside the documents.
pub struct Shown<'a> {
    /// The package.
    pub package: &'a PackageName,
    /// The firewall's verdicts on the index's releases.
    pub allowed: &'a Allowed,
    /// Address of the ecosystem's mount as this client reaches it.
    pub base: &'a BaseUrl,
    /// Address of the page that explains the package.
    pub page: &'a str,
    /// What was kept beside artifacts: file name → extras.
    pub extras: &'a HashMap<Arc<str>, Vec<KeptExtra>>,
}

/// Something that inspection took out of an artifact and that is served beside it.
#[derive(Debug, Clone)]
pub struct KeptExtra {
    /// Which part.
    pub part: Part,
    /// SHA-256 of it.
    pub sha256: lazaret_vocabulary::Digest,
}

/// What can be read at any place, such as a file or a buffer.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// What an artifact says of itself.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// Each disagreement between the index and the artifact's own manifest, in a sentence.
    pub disagreements: Vec<String>,
    /// Whether installing it runs code of its own, if the content tells.
    pub install_script: Option<bool>,
    /// Licence as the manifest has it.
    pub licence: Option<String>,
    /// Parts to be kept and served beside it.
    pub extras: Vec<(Part, Bytes)>,
    /// When its content says it was published, where no index says so (a Debian changelog).
    pub published: Option<lazaret_vocabulary::Timestamp>,
    /// When its publisher claims it was made; see [`Release::claimed`].
    pub claimed: Option<lazaret_vocabulary::Timestamp>,
    /// The media type it is served with, where it is not told by its file name.
    pub media_type: Option<String>,
    /// The files that this one vouches for, as an image's manifest does for its layers.
    pub members: Vec<Member>,
}

/// A package as search lists it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The package.
    pub package: PackageName,
    /// Newest version that may be seen.
    pub version: String,
    /// One line, if known.
    pub description: String,
    /// When that version was published.
    pub published: Option<lazaret_vocabulary::Timestamp>,
}

/// A release that a lock file pins.
#[derive(Debug, Clone)]
pub struct Locked {
    /// The package.
    pub package: PackageName,
    /// The exact version.
    pub version: String,
    /// Line of the lock file, counted from 1, where known.
    pub line: Option<usize>,
    /// The address the lock file itself names for the file, if it does: such a client may go around the gate.
    pub resolved: Option<String>,
}

/// Answers a client's own vulnerability audit from the house's advisories, so that a dependency tree never
/// leaves the house.
pub trait Auditing: Sync {
    /// The packages and versions an audit request asks about. `kind` is the route's.
    fn question(&self, kind: &str, body: &[u8]) -> Result<Vec<(PackageName, Vec<String>)>, Malformed>;

    /// The answer in the client's format.
    fn answer(&self, kind: &str, body: &[u8], hits: &[AuditHit]) -> Result<Reply, Malformed>;
}

/// One advisory that covers a package somebody asked about.
#[derive(Debug, Clone)]
pub struct AuditHit {
    /// The package.
    pub package: PackageName,
    /// The versions, of those asked about, that it covers.
    pub versions: Vec<String>,
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// `low`, `moderate`, `high`, `critical` or `info`.
    pub severity: &'static str,
    /// Which versions it covers, as a range in the ecosystem's own form.
    pub vulnerable: String,
    /// Where to read more, if anywhere.
    pub url: String,
}

/// Every ecosystem this build knows. Adding one is adding its folder and a line here.
pub fn all() -> &'static [&'static dyn Ecosystem] {
    &[
        &npm::Npm,
        &pypi::Pypi,
        &cargo::Cargo,
        &maven::Maven,
        &nuget::Nuget,
        &go::Go,
        &oci::Oci,
        &deb::Deb,
        &github::Github,
    ]
}

/// The ecosystem with this id.
pub fn by_id(id: &str) -> Option<&'static dyn Ecosystem> {
    all().iter().copied().find(|ecosystem| ecosystem.profile().id.as_str() == id)
}

/// The ecosystem of a purl type.
pub fn by_purl_type(kind: &str) -> Option<&'static dyn Ecosystem> {
    all().iter().copied().find(|ecosystem| ecosystem.profile().purl_type == kind)
}

/// The ecosystem that an OSV record names, its suffix (`Debian:12`) taken off.
pub fn by_osv_name(name: &str) -> Option<EcosystemId> {
    let plain = name.split(':').next().unwrap_or(name);
    all()
        .iter()
        .find(|ecosystem| ecosystem.profile().osv_names.contains(&plain))
        .map(|found| found.profile().id)
}
