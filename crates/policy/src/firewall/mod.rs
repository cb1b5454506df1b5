//! The one judge. Everything that is shown or served went through here.

mod bench;
mod fixes;
#[cfg(test)]
mod tests;

use crate::checks::subject::Context;
use crate::exceptions::Exceptions;
use crate::facts::Dossier;
use crate::policy::{Mode, Needs, ValidPolicy};
use crate::verdict::{Allowed, Judgement, Withheld};
use bench::Bench;
use lazaret_vocabulary::{PackageName, Timestamp};
use std::sync::Arc;

/// A policy with its exceptions, ready to judge. Cheap to clone.
#[derive(Clone)]
pub struct Firewall {
    policy: Arc<ValidPolicy>,
    exceptions: Arc<Exceptions>,
}

impl Firewall {
    /// Judges by this policy and these exceptions.
    pub fn new(policy: Arc<ValidPolicy>, exceptions: Arc<Exceptions>) -> Self {
        Self { policy, exceptions }
    }

    /// The policy it judges by.
    pub fn policy(&self) -> &Arc<ValidPolicy> {
        &self.policy
    }

    /// The exceptions it judges by.
    pub fn exceptions(&self) -> &Arc<Exceptions> {
        &self.exceptions
    }

    /// The verdict on every release of a package. Words are made for withheld releases alone, so that
    /// thousands cost little.
    pub fn filter(&self, dossier: &Dossier<'_>) -> Allowed {
        let bench = Bench::new(&self.policy, &self.exceptions, dossier);
        let weighed = bench.weigh_all();
        let next_change = bench.next_change(&weighed);
        let verdicts: Vec<Option<Box<Withheld>>> =
            weighed.iter().enumerate().map(|(index, one)| bench.withheld(index, one).map(Box::new)).collect();
        let revision = self.policy.shared_revision();
        match bench.mode() {
            Mode::Enforce => Allowed { verdicts, observed: Vec::new(), next_change, revision },
            Mode::Observe => {
                // The kill switch is above the mode.
                let killed = |one: &bench::Weighed<'_>| one.is_killed();
                let mut observed = verdicts;
                let carried_out = weighed.iter().zip(&mut observed);
                let verdicts = carried_out
                    .map(|(one, verdict)| if killed(one) { verdict.take() } else { None })
                    .collect();
                Allowed { verdicts, observed, next_change, revision }
            }
        }
    }

    /// Every finding on release number `index`, in words, and what they come to. Agrees with
    /// [`Firewall::filter`] on what is withheld and why.
    pub fn judge(&self, dossier: &Dossier<'_>, index: usize) -> Judgement {
        Self::judge_on(&Bench::new(&self.policy, &self.exceptions, dossier), index)
    }

    /// Judges the one release of a dossier by what was written down of the others.
    pub(crate) fn judge_recorded(&self, dossier: &Dossier<'_>, context: Context) -> Judgement {
        Self::judge_on(&Bench::recorded(&self.policy, &self.exceptions, dossier, context), 0)
    }

    /// What the package's other releases say of one, to be written down.
    pub(crate) fn context(&self, dossier: &Dossier<'_>, index: usize) -> Context {
        Bench::new(&self.policy, &self.exceptions, dossier).context(index)
    }

    fn judge_on(bench: &Bench<'_>, index: usize) -> Judgement {
        let weighed = bench.weigh_one(index);
        let withheld = bench.withheld(index, &weighed);
        let mut findings = bench.findings(index, &weighed);
        if let Some(withheld) = &withheld {
            // Stable: what decided comes first, then the gravest.
            findings
                .sort_by_key(|finding| (finding.code != withheld.code, std::cmp::Reverse(finding.action)));
        }
        match bench.mode() {
            Mode::Observe if !weighed.is_killed() => {
                Judgement { findings, withheld: None, observed: withheld }
            }
            _ => Judgement { findings, withheld, observed: None },
        }
    }

    /// Whether the name is this house's own, by the policy's patterns or because it was published here. Such a
    /// name is never asked of an upstream.
    pub fn is_reserved(&self, package: &PackageName) -> bool {
        self.policy.is_reserved(package) || self.exceptions.is_hosted(package)
    }

    /// Which facts can change a verdict on the package at `now`, whoever asks.
    pub fn needs(&self, package: &PackageName, now: Timestamp) -> Needs {
        self.policy.needs(package, now)
    }

    /// Whether verdicts on the package can differ between classes of principals. Where not, one reply serves
    /// all.
    pub fn class_matters(&self, package: &PackageName) -> bool {
        self.policy.class_matters(package)
    }
}
