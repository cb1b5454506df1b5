//! Advisories: OSV records in, a compact index, and which of them cover a release.
//!
//! Nothing here opens a socket, reads a clock or knows an ecosystem: names are normalised and versions
//! compared by functions that the caller gives.
//!
//! [`read_archive`], [`read_directory`] and [`read_record`] give [`Advisory`] values to an [`IndexBuilder`];
//! its [`AdvisoryIndex`] is an immutable snapshot, in memory and on disk the same bytes. For a package,
//! [`AdvisoryIndex::matcher`] prepares what is known, and [`Matcher::hits`] answers for each version.

mod audit;
mod builder;
mod coverage;
mod encoding;
mod index;
mod marks;
mod matcher;
mod order;
mod osv;
mod severity;
mod source;
#[cfg(test)]
mod tests;

pub use audit::Audited;
pub use builder::{IndexBuilder, Normalise};
pub use index::{AdvisoryIndex, PackageAdvisory};
pub use matcher::{Hit, Matcher};
pub use order::VersionOrder;
pub use osv::{Advisory, Affected, Event, EventKind, Informational, MAX_RECORD_BYTES};
pub use severity::Severity;
pub use source::{
    Imported, Limits, RecordError, SourceError, SourceState, read_archive, read_directory, read_record,
};
