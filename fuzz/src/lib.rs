//! What the fuzz targets share: which ecosystem the input speaks to, and a verdict on an index.

use lazaret_ecosystems::{Ecosystem, Fetch, Index, Wanted, all};
use lazaret_policy::{
    AdvisoryState, Allowed, Dossier, Exceptions, Firewall, KnownEcosystem, ReleaseFacts, ValidPolicy,
};
use lazaret_vocabulary::{Document, PackageName, PrincipalClass, Timestamp};
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
        dates: ecosystem.profile().dates,
        as_of: None,
        class: PrincipalClass::Person,
        now: Timestamp::from_seconds(1_800_000_000),
    })
}

/// Every upstream role that an ecosystem can have, as if all of them had an address.
pub fn roles(ecosystem: &dyn Ecosystem) -> Vec<Arc<str>> {
    ecosystem.profile().upstreams.iter().map(|role| role.name.into()).collect()
}

/// The documents that an ecosystem asks for in at most four rounds, where upstream answers everything with
/// the same bytes.
pub fn gather(wanted: impl Fn(&[Document]) -> Wanted, content_type: &str, body: &[u8]) -> Vec<Document> {
    let mut have: Vec<Document> = Vec::new();
    for _ in 0..4 {
        let Wanted::Fetch(fetches) = wanted(&have) else { break };
        let new: Vec<Fetch> =
            fetches.into_iter().filter(|fetch| have.iter().all(|one| one.role != fetch.role)).collect();
        if new.is_empty() {
            break;
        }
        have.extend(new.into_iter().map(|fetch| answer_to(fetch, content_type, body)));
    }
    have
}

/// Upstream's answer to one question.
pub fn answer_to(fetch: Fetch, content_type: &str, body: &[u8]) -> Document {
    Document {
        role: fetch.role,
        body: body.to_vec().into(),
        content_type: content_type.to_owned(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}
