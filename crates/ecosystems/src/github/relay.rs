//! The advertisement passes, with what it says of the server's abilities narrowed to what is understood here.

use super::refs::{self, ADVERTISEMENT, Advertisement};
use super::route;
use crate::{Fetch, Relay, Relayed, Relaying};
use http::{StatusCode, header};
use lazaret_vocabulary::{Document, DocumentRole, Malformed, PackageName, Reply};

/// Where a repository's names stand, in protocol version 0.
pub(super) const REFS: DocumentRole = "refs";
/// What its server can do, in version 2.
pub(super) const CAPABILITIES: DocumentRole = "capabilities";

/// What is sent with the question for the abilities, so that they are the answer.
pub(super) const SECOND_VERSION: &[(&str, &str)] = &[("git-protocol", "version=2")];

fn fetch(role: DocumentRole, package: &PackageName) -> Fetch {
    route::web(role, format!("/{package}.git/info/refs?service=git-upload-pack"), ADVERTISEMENT)
}

/// Asks where the names stand.
pub(super) fn refs(package: &PackageName) -> Fetch {
    fetch(REFS, package)
}

/// Asks what the server can do; one that does not know version 2 tells where the names stand instead.
pub(super) fn capabilities(package: &PackageName) -> Fetch {
    fetch(CAPABILITIES, package)
}

/// Relays advertisements.
pub(super) struct Advertisements;

impl Relaying for Advertisements {
    fn relay(&self, relay: &Relay, document: &Document) -> Result<Relayed, Malformed> {
        let advertisement = refs::read(&document.body)?;
        let pointers = match (&advertisement, &relay.package) {
            (Advertisement::Names { refs, .. }, Some(package)) => refs::pointed(package, refs),
            _ => Vec::new(),
        };
        let reply = Reply::new(StatusCode::OK, ADVERTISEMENT, refs::narrowed(&advertisement))
            .with_header(header::CACHE_CONTROL, "no-cache");
        Ok(Relayed { reply, members: Vec::new(), pointers })
    }
}
