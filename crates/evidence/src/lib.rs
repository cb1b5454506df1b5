//! Evidence: what proves that bytes are the ones a registry declared. Pure: no I/O.
//!
//! [`Verified`] is the only key to serving bytes and is made here alone, by a digest match.

mod digester;
mod verified;

pub use digester::Digester;
pub use verified::{Basis, Mismatch, Verified, check, recheck};
