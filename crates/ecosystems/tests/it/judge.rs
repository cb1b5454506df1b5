//! The firewall over an index, without anything this house would know beside it.

use lazaret_ecosystems::{Ecosystem, Index, all};
use lazaret_policy::{
    AdvisoryState, Allowed, Dossier, Exceptions, Firewall, KnownEcosystem, ReleaseFacts, ValidPolicy,
};
use lazaret_vocabulary::{PackageName, PrincipalClass, Timestamp};
use std::sync::Arc;

/// Every check of the baseline.
const CHECKS: &[&str] = &[
    "release-too-new",
    "package-too-new",
    "known-malware",
    "vulnerable",
    "licence",
    "no-maintainer",
    "abandoned",
    "looks-alike",
    "reserved-name",
    "install-script",
    "publisher-changed",
    "withdrawn",
    "bytes-changed",
    "mutable-reference",
    "reference-moved",
];

/// A policy in which no check speaks.
pub(crate) fn silent() -> String {
    CHECKS.iter().map(|code| format!("[{code}]\naction = \"off\"\nunknown = \"off\"\n")).collect()
}

/// A policy over the baseline, which may speak of every ecosystem.
fn policy(text: &str) -> ValidPolicy {
    let known: Vec<KnownEcosystem<'_>> = all()
        .iter()
        .map(|ecosystem| KnownEcosystem {
            id: ecosystem.profile().id,
            purl_type: ecosystem.profile().purl_type,
            key: Box::new(|name| Some(ecosystem.name(name).ok()?.key().to_owned())),
        })
        .collect();
    ValidPolicy::parse(text, "policy.toml", &known).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The verdicts of `text` (over the baseline) on every release of an index at `now`.
pub(crate) fn judge(
    ecosystem: &dyn Ecosystem,
    package: &PackageName,
    index: &dyn Index,
    text: &str,
    now: Timestamp,
) -> Allowed {
    let releases = index.releases();
    let firewall = Firewall::new(Arc::new(policy(text)), Arc::new(Exceptions::default()));
    firewall.filter(&Dossier {
        package,
        standing: index.standing(),
        releases,
        known: &vec![ReleaseFacts::default(); releases.len()],
        order: &|left, right| ecosystem.compare(left, right),
        hosted: false,
        first_seen: None,
        advisories: AdvisoryState::NotConfigured,
        looks_like: None,
        dates: ecosystem.profile().dates,
        as_of: None,
        class: PrincipalClass::Anonymous,
        now,
    })
}
