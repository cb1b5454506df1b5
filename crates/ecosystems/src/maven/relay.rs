//! Documents that pass as they came: the builds of a snapshot, a group's plugins, project templates. They list
//! nothing that could be had without asking for its file, which is judged.

use super::documents::REPOSITORY;
use super::{name, pointers, refuse, render, route, xml};
use crate::{Fetch, FetchScope, Pointed, Relay, Relayed, Relaying, View};
use http::StatusCode;
use lazaret_vocabulary::{Document, Malformed, PackageName, Reply};

/// The role of every one of them.
const DOCUMENT: &str = "document";

/// Documents of the repository.
#[derive(Debug)]
pub(super) struct Passing;

fn fetch(path: String) -> Fetch {
    Fetch { role: DOCUMENT, upstream: REPOSITORY.into(), path, accept: "*/*", scope: FetchScope::Package }
}

/// The document on the builds of a snapshot, or a checksum of it: that is computed, so that it fits whatever was
/// kept of the document.
pub(super) fn snapshot(package: PackageName, version: &str, form: &'static str) -> Relay {
    let file = format!("{version}/{}", route::METADATA_FILE);
    let path = format!("/{}", name::address(&package, &file));
    Relay {
        hosted_view: Some(View { form, version: Some(version.into()) }),
        key: format!("{form} of {path}"),
        fetch: fetch(path),
        package: Some(package),
        immutable: false,
    }
}

/// A document that is about no package, at this encoded path.
pub(super) fn plain(path: String) -> Relay {
    Relay { package: None, hosted_view: None, key: path.clone(), fetch: fetch(path), immutable: false }
}

/// Where a snapshot stands by its document, so that it is known where it stood when it moves on.
fn stands(relay: &Relay, document: &Document) -> Result<Option<Pointed>, Malformed> {
    let pointer = relay.hosted_view.as_ref().and_then(|view| view.version.as_deref());
    let (Some(package), Some(pointer)) = (&relay.package, pointer) else { return Ok(None) };
    let root = xml::parse(xml::text(&document.body)?)?;
    let version = pointers::newest(&root, pointer);
    Ok(version.map(|version| Pointed { package: package.clone(), pointer: pointer.to_owned(), version }))
}

impl Relaying for Passing {
    /// `mvn deploy` asks for the builds of a snapshot before it puts the first file of a new package, and gives up
    /// over anything but a 404.
    fn absent(&self, _relay: &Relay, asked: bool) -> Option<Reply> {
        let message = "nothing of this name is published here";
        (!asked).then(|| refuse::error(StatusCode::NOT_FOUND, message))
    }

    fn relay(&self, relay: &Relay, document: &Document) -> Result<Relayed, Malformed> {
        let form = relay.hosted_view.as_ref().map_or(route::METADATA, |view| view.form);
        let reply = match route::checksum_of_form(form) {
            Some(algorithm) => render::checksum(algorithm, &document.body),
            None if relay.key.ends_with(".xml") => {
                Reply::new(StatusCode::OK, render::XML, document.body.clone())
            }
            None => Reply::new(StatusCode::OK, "text/plain", document.body.clone()),
        };
        Ok(Relayed { reply, members: Vec::new(), pointers: stands(relay, document)?.into_iter().collect() })
    }
}
