//! All SQL of Lazaret, for SQLite (embedded) and PostgreSQL.
//!
//! One portable dialect: `$1` placeholders, BIGINT and TEXT only, no clock and no sequence of the
//! database's; what differs stands in `dialect`. Whoever changes something that verdicts depend on bumps a
//! revision in the same transaction, so that every node learns of it by one cheap query.
//!
//! When a method that writes returns `Ok`, what it wrote survives a kill of the program and a loss of power.

mod admissions;
mod artifacts;
mod audit;
mod connect;
mod decisions;
mod details;
mod dialect;
mod documents;
mod downloads;
mod group;
mod hosted;
mod kills;
mod members;
mod migrations;
mod pointers;
mod policies;
mod publication;
mod refusals;
mod revisions;
mod row;
mod sightings;
mod sources;
mod tokens;
mod waivers;

#[cfg(test)]
mod tests;

pub use admissions::AdmissionRow;
pub use artifacts::ArtifactRow;
pub use audit::AuditRow;
pub use connect::Metadata;
pub use decisions::DecisionRow;
pub use documents::DocumentRow;
pub use downloads::DownloadRow;
pub use hosted::{HostedFileRow, HostedPackage, HostedPackageRow, HostedReleaseRow};
pub use kills::KillRow;
pub use members::MemberRow;
pub use pointers::PointerRow;
pub use policies::PolicyRow;
pub use publication::{Publication, Published};
pub use refusals::{RefusalRow, RefusalTally};
pub use revisions::{REVISIONS, Revision, Revisions};
pub use sightings::SightingRow;
pub use sources::SourceRow;
pub use tokens::TokenRow;
pub use waivers::{LONGEST_WAIVER, WaiverRow};

/// What can go wrong between the program and its database.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The database refused or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The address or the schema is none that this program can work with.
    #[error("the database does not fit this program: {0}")]
    Schema(String),
    /// A row holds what no version of this program writes.
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
    /// Something of that name exists with other content and must not change.
    #[error("{0}")]
    Taken(String),
    /// The row breaks a rule that holds whoever asks.
    #[error("{0}")]
    Refused(String),
    /// What was to be changed is not there.
    #[error("{0} does not exist")]
    Missing(String),
    /// The operating system gave no random bytes for a new id.
    #[error("the operating system's source of randomness failed")]
    NoRandomness,
}

pub(crate) type Result<T> = std::result::Result<T, MetadataError>;

/// A new id (ULID): sorts by `at`, and no two are alike.
pub fn new_id(at: lazaret_vocabulary::Timestamp) -> std::result::Result<String, MetadataError> {
    use ring::rand::SecureRandom as _;
    let mut random = [0; 16];
    ring::rand::SystemRandom::new().fill(&mut random).map_err(|_| MetadataError::NoRandomness)?;
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    Ok(ulid::Ulid::from_parts(millis, u128::from_be_bytes(random)).to_string())
}
