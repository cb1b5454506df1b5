//! Fake registries, real clients in scratch homes, and fault injection, for the tests of the other
//! crates. Nothing here is part of the product.
//!
//! - [`FakeUpstream`]: npm, PyPI and crates.io in one HTTP server on a loopback port, with faults.
//! - [`world`]: the fixed set of packages that benches and end-to-end tests share.

#![expect(clippy::expect_used, reason = "a test helper that cannot go on should end the test, saying why")]
#![expect(clippy::panic, reason = "a test helper that cannot go on should end the test, saying why")]

pub mod adopt;
pub mod archive;
pub mod clients;
pub mod large;
pub mod registries;
pub mod spec;
pub mod transcript;
pub mod upstream;
pub mod world;

pub use upstream::{Behaviour, FakeUpstream, Fault, FaultHandle, Recorded};

/// Chooses ring for TLS in this process; the second call does nothing.
pub fn install_tls_provider() {
    // An error only says that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
