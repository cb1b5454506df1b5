//! Policy: the file, the checks, the firewall. Pure: no I/O, no clock.
//!
//! [`Firewall`] is the only maker of [`Allowed`] and [`Pass`]; whoever renders an index or serves bytes has
//! to hold one, so that no path around the policy compiles.

pub mod facts;
pub mod licence;
pub mod lookalike;
pub mod verdict;

pub use facts::{AdvisoryState, Dossier, KnownAdvisory, ReleaseFacts, Severity};
pub use verdict::{Action, Allowed, Finding, Judgement, Outcome, Pass, Withheld};
