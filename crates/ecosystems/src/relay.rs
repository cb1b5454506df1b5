use crate::{Fetch, Need, Relay};
use lazaret_vocabulary::{Artifact, Document, Malformed, PackageName, Reply};
use std::sync::Arc;

/// Documents that pass untouched, because they are signed or because they list nothing that could be taken
/// out. What they vouch for is remembered, and judged when it is asked for.
pub trait Relaying: Sync {
    /// What to ask upstream for, where that depends on which roles have an address.
    fn fetch(&self, relay: &Relay, _need: &Need<'_>) -> Fetch {
        relay.fetch.clone()
    }

    /// The answer where there is no document: nobody could be asked, since the package's name is reserved or no
    /// address is configured; or upstream was `asked` and has none. `None`: not found.
    fn absent(&self, _relay: &Relay, _asked: bool) -> Option<Reply> {
        None
    }

    /// The answer that carries the document's own bytes, and what it vouches for. A document that cannot be
    /// read is not relayed.
    fn relay(&self, relay: &Relay, document: &Document) -> Result<Relayed, Malformed>;

    /// The answer alone, for a document of which everything that it vouches for is on record already. `None`:
    /// it has to be read whole again.
    fn reply(&self, _relay: &Relay, _document: &Document) -> Option<Reply> {
        None
    }
}

/// A document on its way through.
#[derive(Debug, Clone)]
pub struct Relayed {
    /// With the document's bytes as body.
    pub reply: Reply,
    /// The files it vouches for, to be remembered before the answer leaves.
    pub members: Vec<Member>,
    /// Where it says that names stand.
    pub pointers: Vec<Pointed>,
}

/// A file that a document or another file vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Of this package.
    pub package: PackageName,
    /// The release that it is a file of. `None`: of whichever releases its owner belongs to, as a layer belongs
    /// to every image whose manifest names it.
    pub version: Option<Arc<str>>,
    /// The file, by its digest where possible.
    pub artifact: Artifact,
    /// The file that vouches for it; empty when a document does.
    pub owner: Arc<str>,
}

/// Where a name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointed {
    /// Of this package.
    pub package: PackageName,
    /// The name.
    pub pointer: String,
    /// The release.
    pub version: String,
}
