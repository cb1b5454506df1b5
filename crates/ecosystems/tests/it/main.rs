//! What every ecosystem of [`lazaret_ecosystems::all`] owes, and its golden exchanges.
//!
//! # Golden exchanges
//!
//! `src/<ecosystem>/golden/<case>/` holds
//!
//! | file | what |
//! |---|---|
//! | `request.http` | request line, headers, blank line, body. `x-now` says when it is asked, `x-relayed` names a document that passed earlier. The path is below the mount |
//! | `upstream-<role>.<any>` | the upstream's document of that role; with `.http`, its head comes first |
//! | `policy.toml` | the policy over the baseline; may be empty |
//! | `reply.http` | status, reason phrase, headers and body that must come out |
//! | `notes` | what the case is about |
//!
//! `UPDATE=1 cargo test -p lazaret-ecosystems --test it` writes every `reply.http` anew; read the difference
//! before you keep it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends by saying why"
)]

mod conformance;
mod exchange;
mod golden;
mod judge;
mod vectors;

use lazaret_ecosystems::Ecosystem;
use std::path::PathBuf;

/// An ecosystem's folder, which is called as its id.
fn folder(ecosystem: &dyn Ecosystem) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(ecosystem.profile().id.as_str())
}
