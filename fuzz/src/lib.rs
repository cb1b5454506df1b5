//! What the fuzz targets share: which ecosystem the input speaks to, and a verdict on an index.

use lazaret_ecosystems::{Ecosystem, Index, all};
use lazaret_policy::{
    AdvisoryState, Allowed, Dossier, Exceptions, Firewall, KnownEcosystem, ReleaseFacts, ValidPolicy,
};
use lazaret_vocabulary::{PackageName, PrincipalClass, Timestamp};
use std::sync::Arc;

/// The ecosystem that the input's first byte chooses, and the rest of the input.
pub fn ecosystem(input: &[u8]) -> Option<(&'static dyn Ecosystem, &[u8])> {
    let (first, rest) = input.split_first()?;
    let choice = usize::from(*first) % all().len();
    Some((*all().get(choice)?, rest))
}

/// What a policy has to know of every ecosystem.
pub fn known() -> Vec<KnownEcosystem<'static>> {
    all()
        .iter()
        .map(|ecosystem| KnownEcosystem {
            id: ecosystem.profile().id,
            purl_type: ecosystem.profile().purl_type,
            key: Box::new(|name| Some(ecosystem.name(name).ok()?.key().to_owned())),
        })
        .collect()
}

/// The baseline's verdicts on an index.
pub fn judge(ecosystem: &dyn Ecosystem, package: &PackageName, index: &dyn Index) -> Allowed {
    let firewall = Firewall::new(Arc::new(ValidPolicy::baseline()), Arc::new(Exceptions::default()));
    let releases = index.releases();
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
        class: PrincipalClass::Person,
        now: Timestamp::from_seconds(1_800_000_000),
    })
}
