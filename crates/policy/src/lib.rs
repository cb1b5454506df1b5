//! Policy: the file, the checks, the firewall. Pure: no I/O, no clock.
//!
//! [`Firewall`] is the only maker of [`Allowed`] and [`Pass`]; whoever renders an index or serves bytes has
//! to hold one, so that no path around the policy compiles.

pub mod cases;
pub mod checks;
pub mod codes;
pub mod exceptions;
pub mod facts;
pub mod firewall;
pub mod licence;
pub mod lookalike;
mod pattern;
pub mod policy;
mod problem;
pub mod replay;
mod rules;
mod settings;
mod value;
pub mod verdict;

pub use cases::{CaseResult, run_cases};
pub use codes::*;
pub use exceptions::{Exceptions, InvalidKill, InvalidWaiver, Kill, KillTarget, Waiver};
pub use facts::{AdvisoryState, Dossier, KnownAdvisory, ReleaseFacts, Severity};
pub use firewall::Firewall;
pub use pattern::{KnownEcosystem, NameKey};
pub use policy::{BASELINE, Mode, Needs, Shown, ValidPolicy};
pub use problem::{PolicyProblem, PolicyProblems, suggestion};
pub use replay::{DossierRecord, Replayed, UnfitRecord};
pub use verdict::{Action, Allowed, Finding, Judgement, Outcome, Pass, Verdict, Withheld};
