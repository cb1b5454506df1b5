//! The words that every part of Lazaret shares.
//!
//! Nothing in here does I/O, reads a clock or knows an ecosystem by name. See
//! `ARCHITECTURE.md` for how the words fit together.

mod digest;
mod document;
mod package;
mod principal;
mod purl;
mod refusal;
mod release;
mod reply;
mod timestamp;

pub use digest::{Algorithm, Digest, InvalidDigest};
pub use document::{Document, DocumentRole};
pub use package::{EcosystemId, InvalidName, PackageName};
pub use principal::{Principal, PrincipalClass};
pub use purl::Purl;
pub use refusal::Refusal;
pub use release::{Artifact, Dates, Reference, ReferenceKind, Release, ReleaseKind, Standing};
pub use reply::{BaseUrl, Reply, RequestHead};
pub use timestamp::{InvalidTimestamp, Span, Timestamp};

/// A document or a file from outside that does not have the form its specification demands.
///
/// The text names what was expected and where; it is safe to log and to show, and never holds more
/// than a short excerpt of the input.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct Malformed {
    what: String,
}

impl Malformed {
    /// A complaint in words a human can act on, such as ``"`versions` is not an object"``.
    pub fn new(what: impl Into<String>) -> Self {
        let mut what = what.into();
        if what.len() > 400 {
            let cut = (0..=400).rev().find(|at| what.is_char_boundary(*at)).unwrap_or(0);
            what.truncate(cut);
            what.push('…');
        }
        Self { what }
    }
}
