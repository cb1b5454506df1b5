//! What people decided beside the policy: waivers, kill switches, and the names this house publishes.

mod kill;
#[cfg(test)]
mod tests;
mod waiver;

pub use kill::{InvalidKill, Kill, KillTarget};
pub use waiver::{InvalidWaiver, WAIVER_LIMIT, Waiver};

use crate::checks::Waivable;
use crate::codes::KILLED;
use crate::facts::KnownAdvisory;
use crate::pattern::Pattern;
use crate::verdict::{Action, Withheld};
use lazaret_vocabulary::{Digest, EcosystemId, PackageName, Release, Timestamp};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A kill of releases, ready to be compared.
struct NamedKill {
    kill: Kill,
    ecosystem: Arc<str>,
    package: Pattern,
    version: Option<Pattern>,
}

/// A waiver and how often it was of use.
pub(crate) struct Counted {
    pub(crate) waiver: Waiver,
    pub(crate) matched: AtomicU64,
}

/// An immutable snapshot of every exception. Replaced as a whole.
#[derive(Default)]
pub struct Exceptions {
    waivers: HashMap<Arc<str>, HashMap<Arc<str>, Vec<Counted>>>,
    named: Vec<NamedKill>,
    digests: HashMap<Digest, Kill>,
    hosted: HashMap<EcosystemId, HashSet<Arc<str>>>,
    problems: Vec<String>,
}

impl Exceptions {
    /// Takes waivers, kill switches and the names (ecosystem and key) published to this house. A waiver that
    /// cannot be is left out, and told by [`Exceptions::problems`]; a kill switch that cannot be read is told
    /// there too. `rule_codes` are the codes of the policy's own rules.
    pub fn new(
        waivers: impl IntoIterator<Item = Waiver>,
        kills: impl IntoIterator<Item = Kill>,
        hosted: impl IntoIterator<Item = (EcosystemId, Arc<str>)>,
        rule_codes: &[&str],
    ) -> Self {
        let mut exceptions = Self::default();
        for waiver in waivers {
            match waiver.validate(rule_codes) {
                Ok(()) => exceptions.add_waiver(waiver),
                Err(problem) => exceptions.problems.push(problem.to_string()),
            }
        }
        for kill in kills {
            exceptions.add_kill(kill);
        }
        for (ecosystem, key) in hosted {
            exceptions.hosted.entry(ecosystem).or_default().insert(key);
        }
        exceptions
    }

    fn add_waiver(&mut self, waiver: Waiver) {
        let of_ecosystem = self.waivers.entry(waiver.ecosystem.clone()).or_default();
        let of_package = of_ecosystem.entry(waiver.package.clone()).or_default();
        of_package.push(Counted { waiver, matched: AtomicU64::new(0) });
    }

    fn add_kill(&mut self, kill: Kill) {
        match &kill.target {
            KillTarget::Digest(text) => match Digest::from_str(text) {
                Ok(digest) => {
                    self.digests.insert(digest, kill);
                }
                Err(error) => self.problems.push(format!("kill {}: {error}", kill.id)),
            },
            KillTarget::Package { ecosystem, package, version } => {
                let patterns = (Pattern::new(package), version.as_deref().map(Pattern::new));
                let (package, version) = match patterns {
                    (Some(package), None) => (package, None),
                    (Some(package), Some(Some(version))) => (package, Some(version)),
                    _ => {
                        self.problems.push(format!("kill {}: its pattern cannot be read", kill.id));
                        return;
                    }
                };
                let ecosystem = ecosystem.clone();
                self.named.push(NamedKill { kill, ecosystem, package, version });
            }
        }
    }

    /// What was left out and why.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Whether the name was published to this house.
    pub fn is_hosted(&self, package: &PackageName) -> bool {
        self.hosted.get(&package.ecosystem()).is_some_and(|keys| keys.contains(package.key()))
    }

    /// Why a file with this digest must not be served, whatever the policy says; asked where the bytes are.
    pub fn kill_for_digest(&self, digest: &Digest) -> Option<Withheld> {
        self.digests.get(digest).map(killed)
    }

    /// Waivers that took nothing's force since the snapshot was made, by id.
    pub fn unmatched(&self) -> Vec<Arc<str>> {
        let all = self.waivers.values().flat_map(HashMap::values).flatten();
        let unmatched = all.filter(|counted| counted.matched.load(Ordering::Relaxed) == 0);
        unmatched.map(|counted| counted.waiver.id.clone()).collect()
    }

    /// The exceptions that speak of a package at `now`.
    pub(crate) fn of(&self, package: &PackageName, now: Timestamp) -> PackageExceptions<'_> {
        let ecosystem = package.ecosystem().as_str();
        let waivers = self.waivers.get(ecosystem).and_then(|all| all.get(package.key()));
        let named = self.named.iter().filter(|kill| {
            &*kill.ecosystem == ecosystem
                && (kill.package.matches(package.key()) || kill.package.matches(package.as_str()))
        });
        PackageExceptions {
            waivers: waivers.into_iter().flatten().filter(|one| now < one.waiver.expires).collect(),
            named: named.collect(),
            digests: &self.digests,
        }
    }
}

/// The refusal that a kill switch comes to.
pub(crate) fn killed(kill: &Kill) -> Withheld {
    Withheld {
        action: Action::Refuse,
        code: KILLED.into(),
        sentence: kill.sentence(),
        until: None,
        codes: vec![KILLED.into()],
    }
}

/// The exceptions that speak of one package.
pub(crate) struct PackageExceptions<'e> {
    pub(crate) waivers: Vec<&'e Counted>,
    named: Vec<&'e NamedKill>,
    digests: &'e HashMap<Digest, Kill>,
}

impl<'e> PackageExceptions<'e> {
    pub(crate) fn kill(&self, release: &Release) -> Option<&'e Kill> {
        let fits = |kill: &&&NamedKill| kill.version.as_ref().is_none_or(|one| one.matches(&release.version));
        if let Some(named) = self.named.iter().find(fits) {
            return Some(&named.kill);
        }
        if self.digests.is_empty() {
            return None;
        }
        release
            .artifacts
            .iter()
            .flat_map(|artifact| &artifact.digests)
            .find_map(|digest| self.digests.get(digest))
    }

    /// The waiver that takes a finding's force, if the waivers on the release name all that it rests on.
    pub(crate) fn waiver<'s>(
        &self,
        code: &str,
        waivable: Waivable,
        of_package: bool,
        version: &str,
        rests_on: impl FnOnce() -> Vec<&'s KnownAdvisory>,
    ) -> Option<&'e Waiver> {
        if self.waivers.is_empty() || waivable == Waivable::No {
            return None;
        }
        let fits = |counted: &&&Counted| {
            let waiver = &counted.waiver;
            let every = !of_package && waiver.versions.iter().any(|one| &**one == "*");
            waiver.names_code(code) && waiver.names_version(version) && !every
        };
        let fitting: Vec<&&Counted> = self.waivers.iter().filter(fits).collect();
        let first = fitting.first()?;
        if matches!(waivable, Waivable::ByAdvisory | Waivable::ByTwo) {
            let advisories = rests_on();
            let named =
                |one: &&KnownAdvisory| fitting.iter().any(|counted| counted.waiver.names_advisory(one));
            if advisories.is_empty() || !advisories.iter().all(named) {
                return None;
            }
        }
        for counted in &fitting {
            counted.matched.fetch_add(1, Ordering::Relaxed);
        }
        Some(&first.waiver)
    }
}
