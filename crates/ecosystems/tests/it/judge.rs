//! The firewall over an index, without anything this house would know beside it.

use lazaret_ecosystems::{Ecosystem, Index};
use lazaret_policy::Allowed;
use lazaret_vocabulary::{PackageName, Timestamp};

/// A policy in which no check speaks.
pub(crate) fn silent() -> String {
    String::new()
}

/// The verdicts of `policy` (over the baseline) on every release of an index at `now`.
pub(crate) fn judge(
    ecosystem: &dyn Ecosystem,
    package: &PackageName,
    _index: &dyn Index,
    _policy: &str,
    _now: Timestamp,
) -> Allowed {
    panic!("{}: no firewall yet to judge {package}", ecosystem.profile().id)
}
