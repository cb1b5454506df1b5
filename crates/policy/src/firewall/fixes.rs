//! `fast_track_fixes`: a security fix does not wait, if it is nothing but one.
//!
//! A release against which there is nothing but its age is let in when
//! - an advisory covers the newest release that is allowed otherwise, covers the release that this one
//!   follows, and does not cover this one;
//! - publisher, install scripts and dependencies are known and the same as of the release that it follows;
//! - the advisories are current, and nothing about malware is among them.
//!
//! "The release that this one follows" is the highest version below it against which nothing else stands: two
//! young releases in a row cannot vouch for each other. This is itself a way in for whoever can publish both a
//! release and an advisory, which is why it can be switched off.

use super::bench::{Bench, Weighed};
use crate::checks::subject::Fix;
use crate::codes::{RELEASE_TOO_NEW, VULNERABLE};
use crate::facts::{AdvisoryState, KnownAdvisory, ReleaseFacts};
use lazaret_vocabulary::Release;
use std::cmp::Ordering;
use std::sync::Arc;

/// Marks the fixes among the releases that are only too new.
pub(super) fn let_in(bench: &Bench<'_>, weighed: &mut [Weighed<'_>]) {
    let dossier = bench.dossier;
    let too_new = bench.bit(RELEASE_TOO_NEW);
    if dossier.hosted || dossier.advisories != AdvisoryState::Current {
        return;
    }
    if !weighed.iter().any(|one| one.is_only(too_new)) {
        return;
    }
    // What would be allowed if no flaw were known of it, final releases only.
    let vulnerable = bench.bit(VULNERABLE);
    let stands = |index: usize, one: &Weighed<'_>| {
        one.is_clean_but_for(vulnerable)
            && dossier.releases.get(index).is_some_and(|release| !release.prerelease)
    };
    let standing = weighed.iter().enumerate().filter(|(index, one)| stands(*index, one));
    let mut standing: Vec<Judged<'_>> = standing.filter_map(|(index, _)| judged(bench, index)).collect();
    let order = |left: &Judged<'_>, right: &Judged<'_>| (dossier.order)(&left.0.version, &right.0.version);
    let Some(newest) = standing.iter().copied().max_by(order) else { return };
    if !newest.1.advisories.iter().any(is_flaw) {
        return;
    }
    standing.sort_by(order);
    for (index, one) in weighed.iter_mut().enumerate().filter(|(_, one)| one.is_only(too_new)) {
        let Some(candidate) = judged(bench, index).filter(|candidate| !candidate.0.prerelease) else {
            continue;
        };
        let below = standing.partition_point(|other| order(other, &candidate) == Ordering::Less);
        let follows = below.checked_sub(1).and_then(|number| standing.get(number));
        one.fix = follows.and_then(|follows| fix(candidate, *follows, newest));
    }
}

type Judged<'a> = (&'a Release, &'a ReleaseFacts);

fn judged<'a>(bench: &Bench<'a>, index: usize) -> Option<Judged<'a>> {
    Some((bench.dossier.releases.get(index)?, bench.dossier.known.get(index)?))
}

fn is_flaw(advisory: &KnownAdvisory) -> bool {
    !advisory.malware && !advisory.unmaintained
}

fn fix(candidate: Judged<'_>, follows: Judged<'_>, newest: Judged<'_>) -> Option<Fix> {
    let (release, before) = (candidate.0, follows.0);
    let kept = release.publisher.is_some()
        && release.publisher == before.publisher
        && release.install_script.is_some()
        && release.install_script == before.install_script
        && release.dependencies.is_some()
        && release.dependencies == before.dependencies;
    let malware =
        [candidate, follows, newest].iter().any(|one| one.1.advisories.iter().any(|one| one.malware));
    if !kept || malware {
        return None;
    }
    let covers = |facts: &ReleaseFacts, advisory: &KnownAdvisory| {
        facts.advisories.iter().any(|one| same(one, advisory))
    };
    let fixed = newest.1.advisories.iter().filter(|advisory| is_flaw(advisory));
    let advisory = fixed.into_iter().find(|one| covers(follows.1, one) && !covers(candidate.1, one))?;
    Some(Fix { advisory: advisory.id.clone(), follows: before.version.clone() })
}

/// Whether two records are of one thing.
fn same(left: &KnownAdvisory, right: &KnownAdvisory) -> bool {
    let ids = |advisory: &KnownAdvisory| -> Vec<Arc<str>> {
        std::iter::once(&advisory.id).chain(&advisory.aliases).cloned().collect()
    };
    let known = ids(right);
    ids(left).iter().any(|id| known.contains(id))
}
