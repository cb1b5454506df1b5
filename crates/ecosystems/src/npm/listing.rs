//! Which withheld releases stay listed for clients that know no `policyRestrictions`, with their reason in
//! place of their tarball.
//!
//! Such a client prints nothing of a version that is missing, so the reason is read only by choosing it. But
//! a range must not choose it while it matches something that can be had: pnpm 12 and yarn 4 take a
//! deprecated release only where a range matches no other; pnpm 10, yarn 1 and bun take `latest` if it
//! matches, and the highest otherwise. So a release stays if whatever tilde and caret ranges go on to from it
//! is higher and admitted, or if nothing is admitted that they could miss.

use super::render::Rendering;
use super::view::Withheld;
use lazaret_vocabulary::Release;
use semver::Version;
use std::collections::HashSet;

/// What versions that one tilde range goes on over have in common: the first two numbers.
type Tilde = (u64, u64);
/// The same of a caret range: the numbers up to the first that is not zero.
type Caret = (u64, Option<u64>, Option<u64>);

fn tilde_of(version: &Version) -> Tilde {
    (version.major, version.minor)
}

fn caret_of(version: &Version) -> Caret {
    let minor = (version.major == 0).then_some(version.minor);
    (version.major, minor, (minor == Some(0)).then_some(version.patch))
}

/// Which tilde and caret ranges some releases match.
#[derive(Default)]
struct Ranges {
    tilde: HashSet<Tilde>,
    caret: HashSet<Caret>,
}

impl Ranges {
    fn insert(&mut self, version: &Version) {
        self.tilde.insert(tilde_of(version));
        self.caret.insert(caret_of(version));
    }
}

/// The releases, highest first. What is no version is matched by no range.
fn descending<'a>(rendering: &Rendering<'a>) -> impl Iterator<Item = (usize, &'a Release, &'a Version)> {
    let index = rendering.index;
    index.ascending.iter().rev().filter_map(|at| Some((*at, index.releases.get(*at)?, index.version(*at).1?)))
}

/// What can be had, by ranges.
#[derive(Default)]
struct Admitted {
    any: Ranges,
    /// Where the highest is not deprecated by its publisher, so that a deprecated release is passed over.
    sound: Ranges,
}

fn admitted(rendering: &Rendering<'_>) -> Admitted {
    let mut admitted = Admitted::default();
    let (mut topped, mut spoiled, mut early) = (Ranges::default(), Ranges::default(), Ranges::default());
    for (_, release, version) in descending(rendering).filter(|(at, _, _)| rendering.admits(*at)) {
        admitted.any.insert(version);
        let sound = release.deprecated.is_none();
        if release.prerelease {
            // A range from it on may match nothing else that is admitted.
            if sound { &mut early } else { &mut spoiled }.insert(version);
            continue;
        }
        if topped.tilde.insert(tilde_of(version)) && sound {
            admitted.sound.tilde.insert(tilde_of(version));
        }
        if topped.caret.insert(caret_of(version)) && sound {
            admitted.sound.caret.insert(caret_of(version));
        }
    }
    admitted.sound.tilde.extend(early.tilde.difference(&topped.tilde));
    admitted.sound.caret.extend(early.caret.difference(&topped.caret));
    admitted.sound.tilde.retain(|range| !spoiled.tilde.contains(range));
    admitted.sound.caret.retain(|range| !spoiled.caret.contains(range));
    admitted
}

/// The releases, by position, that stay listed although they are withheld.
pub(super) fn listed(rendering: &Rendering<'_>, withheld: Withheld) -> HashSet<usize> {
    let mut listed = HashSet::new();
    let passes_over = match withheld {
        Withheld::Restricted => return listed,
        Withheld::Deprecated => true,
        Withheld::Passable => false,
    };
    let Admitted { any, sound } = admitted(rendering);
    // From the highest down, so that `above` has what is higher than the release that is looked at.
    let mut above = Ranges::default();
    for (at, release, version) in descending(rendering) {
        if rendering.admits(at) {
            if !release.prerelease {
                above.insert(version);
            }
            continue;
        }
        let (tilde, caret) = (tilde_of(version), caret_of(version));
        let tilde_safe = above.tilde.contains(&tilde)
            || passes_over && sound.tilde.contains(&tilde)
            || !any.tilde.contains(&tilde);
        let caret_safe = above.caret.contains(&caret)
            || passes_over && sound.caret.contains(&caret)
            || !any.caret.contains(&caret);
        if rendering.withheld(at).is_some() && tilde_safe && caret_safe {
            listed.insert(at);
        }
    }
    listed
}
