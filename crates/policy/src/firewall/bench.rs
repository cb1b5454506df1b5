//! One package before the firewall.

use super::fixes;
use crate::checks::subject::Fix;
use crate::checks::subject::{Context, History};
use crate::checks::{Answer, Subject};
use crate::codes::{KILLED, NOT_JUDGED, NOT_YET_THERE, RELEASE_TOO_NEW};
use crate::exceptions::{Exceptions, Kill, PackageExceptions, Waiver, killed};
use crate::facts::Dossier;
use crate::policy::{Armed, Mode, Resolved, ValidPolicy};
use crate::verdict::{Action, Finding, Outcome, Withheld};
use lazaret_vocabulary::Timestamp;
use std::sync::Arc;

/// The check that decides.
#[derive(Clone, Copy)]
struct Decided {
    number: usize,
    action: Action,
    answer: Answer,
}

impl Decided {
    /// What outranks what: the graver action, then what lasts longer.
    fn rank(&self) -> (Action, Timestamp) {
        (self.action, self.answer.until.unwrap_or(Timestamp::MAX))
    }
}

/// What the findings on one release come to, without words.
#[derive(Clone, Default)]
pub(super) struct Weighed<'e> {
    killed: Option<&'e Kill>,
    /// There are no facts on it.
    unfit: bool,
    /// It was not there yet, as far as is known, at the moment that the client wants to see.
    not_yet: bool,
    /// Numbers of the checks that hold or refuse it, as bits.
    pub(super) against: u128,
    decided: Option<Decided>,
    /// When everything against it ends; `None` when something does not, or nothing is.
    until: Option<Timestamp>,
    next_change: Option<Timestamp>,
    /// Why it is let in although it is too new.
    pub(super) fix: Option<Fix>,
}

impl Weighed<'_> {
    /// Withheld above the policy and its mode.
    pub(super) fn is_killed(&self) -> bool {
        self.killed.is_some() || self.unfit || self.not_yet
    }

    /// All that is against it is its age, which ends by itself.
    pub(super) fn is_only(&self, bit: u128) -> bool {
        !self.is_killed() && self.against == bit && bit != 0 && self.until.is_some()
    }

    /// Nothing is against it but what these bits say.
    pub(super) fn is_clean_but_for(&self, bits: u128) -> bool {
        !self.is_killed() && self.against & !bits == 0
    }
}

pub(super) struct Bench<'a> {
    pub(super) dossier: &'a Dossier<'a>,
    resolved: Arc<Resolved>,
    exceptions: PackageExceptions<'a>,
    history: History<'a>,
    reserved: bool,
    /// The facts come from a record of one release, and with them why it was a fix, if it was.
    replaying: bool,
    fix: Option<Fix>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(policy: &ValidPolicy, exceptions: &'a Exceptions, dossier: &'a Dossier<'a>) -> Self {
        Self {
            dossier,
            resolved: policy.resolve(dossier.package, dossier.class),
            exceptions: exceptions.of(dossier.package, dossier.now),
            history: History::new(dossier.releases),
            reserved: policy.is_reserved(dossier.package) || exceptions.is_hosted(dossier.package),
            replaying: false,
            fix: None,
        }
    }

    /// Judges one release by what was written down of the others.
    pub(super) fn recorded(
        policy: &ValidPolicy,
        exceptions: &'a Exceptions,
        dossier: &'a Dossier<'a>,
        context: Context,
    ) -> Self {
        let mut bench = Self::new(policy, exceptions, dossier);
        bench.fix = context.fix.clone();
        bench.history = History::recorded(dossier.releases, context);
        bench.replaying = true;
        bench
    }

    /// What the other releases say of one, to be written down.
    pub(super) fn context(&self, index: usize) -> Context {
        self.history.context(index, self.weigh_one(index).fix)
    }

    pub(super) fn mode(&self) -> Mode {
        self.resolved.mode
    }

    fn subject(&self, index: usize) -> Option<Subject<'_>> {
        Some(Subject {
            dossier: self.dossier,
            index,
            release: self.dossier.releases.get(index)?,
            known: self.dossier.known.get(index)?,
            reserved: self.reserved,
            history: &self.history,
        })
    }

    /// The bit of a check.
    pub(super) fn bit(&self, code: &str) -> u128 {
        self.resolved.armed.iter().position(|armed| armed.code == code).map_or(0, bit)
    }

    fn waiver(&self, armed: &Armed, subject: &Subject<'_>) -> Option<&'a Waiver> {
        self.exceptions.waiver(
            &armed.code,
            armed.waivable,
            armed.of_package,
            &subject.release.version,
            || armed.check.rests_on(subject),
        )
    }

    /// What the findings on one release come to, fixes aside.
    fn weigh(&self, index: usize) -> Weighed<'a> {
        let mut weighed = Weighed::default();
        let Some(subject) = self.subject(index) else {
            weighed.unfit = true;
            return weighed;
        };
        weighed.killed = self.exceptions.kill(subject.release);
        weighed.not_yet = self.dossier.as_of.is_some_and(|moment| !subject.was_there(moment));
        let mut changes: Option<Timestamp> = None;
        let mut note = |moment: Option<Timestamp>| changes = changes.into_iter().chain(moment).min();
        let mut endless = false;
        for (number, armed) in self.resolved.armed.iter().enumerate().filter(|(_, armed)| armed.withholds) {
            let answer = armed.check.inspect(&subject);
            note(answer.changes);
            let action = armed.action(&answer, self.dossier.hosted);
            if !action.withholds() {
                continue;
            }
            if let Some(waiver) = self.waiver(armed, &subject) {
                note(Some(waiver.expires));
                continue;
            }
            weighed.against |= bit(number);
            let decided = Decided { number, action, answer };
            if weighed.decided.is_none_or(|other| decided.rank() > other.rank()) {
                weighed.decided = Some(decided);
            }
            endless |= answer.until.is_none();
            weighed.until = weighed.until.max(answer.until);
        }
        if endless {
            weighed.until = None;
        }
        weighed.next_change = changes;
        weighed
    }

    pub(super) fn weigh_all(&self) -> Vec<Weighed<'a>> {
        let mut all: Vec<Weighed<'a>> =
            (0..self.dossier.releases.len()).map(|index| self.weigh(index)).collect();
        if self.resolved.fast_track {
            fixes::let_in(self, &mut all);
        }
        all
    }

    pub(super) fn weigh_one(&self, index: usize) -> Weighed<'a> {
        let mut one = self.weigh(index);
        if self.resolved.fast_track && one.is_only(self.bit(RELEASE_TOO_NEW)) {
            if self.replaying {
                one.fix = self.fix.clone();
                return one;
            }
            // Whether it is a fix is a question to the whole package.
            return self.weigh_all().get(index).cloned().unwrap_or(one);
        }
        one
    }

    /// The next moment at which any verdict becomes another one by itself.
    pub(super) fn next_change(&self, weighed: &[Weighed<'_>]) -> Option<Timestamp> {
        weighed.iter().filter_map(|one| one.next_change).filter(|moment| *moment > self.dossier.now).min()
    }

    /// The verdict in words; `None` is admitted.
    pub(super) fn withheld(&self, index: usize, weighed: &Weighed<'_>) -> Option<Withheld> {
        if let Some(kill) = weighed.killed {
            return Some(killed(kill));
        }
        if weighed.unfit {
            return Some(not_judged());
        }
        if weighed.not_yet {
            return Some(not_yet_there(self.dossier.as_of));
        }
        if weighed.fix.is_some() {
            return None;
        }
        let decided = weighed.decided?;
        let armed = self.resolved.armed.get(decided.number)?;
        let subject = self.subject(index)?;
        let others = self.resolved.armed.iter().enumerate();
        let others =
            others.filter(|(number, _)| *number != decided.number && weighed.against & bit(*number) != 0);
        Some(Withheld {
            action: decided.action,
            code: armed.code.clone(),
            sentence: armed.check.explain(&subject, &decided.answer),
            until: weighed.until,
            codes: std::iter::once(armed.code.clone())
                .chain(others.map(|(_, armed)| armed.code.clone()))
                .collect(),
        })
    }

    /// Every check's finding on a release.
    pub(super) fn findings(&self, index: usize, weighed: &Weighed<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Some(subject) = self.subject(index) else {
            return vec![above(NOT_JUDGED, not_judged().sentence)];
        };
        if let Some(kill) = weighed.killed {
            findings.push(Finding { source: format!("kill {}", kill.id), ..above(KILLED, kill.sentence()) });
        }
        if weighed.not_yet {
            findings.push(above(NOT_YET_THERE, not_yet_there(self.dossier.as_of).sentence));
        }
        findings.extend(self.resolved.armed.iter().map(|armed| self.finding(armed, &subject, weighed)));
        findings
    }

    fn finding(&self, armed: &Armed, subject: &Subject<'_>, weighed: &Weighed<'_>) -> Finding {
        let answer = armed.check.inspect(subject);
        let mut action = armed.action(&answer, self.dossier.hosted);
        let mut sentence = armed.check.explain(subject, &answer);
        let waiver = if action.withholds() { self.waiver(armed, subject) } else { None };
        if waiver.is_some() {
            action = Action::Warn;
        }
        if let Some(fix) = weighed.fix.as_ref().filter(|_| armed.code == RELEASE_TOO_NEW) {
            action = Action::Warn;
            sentence.push_str(&fix.remark());
        }
        Finding {
            code: armed.code.clone(),
            outcome: answer.outcome,
            action,
            sentence,
            until: answer.until,
            source: armed.source(answer.outcome).to_owned(),
            waived_by: waiver.map(|waiver| waiver.id.clone()),
        }
    }
}

fn bit(number: usize) -> u128 {
    u32::try_from(number).ok().and_then(|number| 1u128.checked_shl(number)).unwrap_or(0)
}

fn not_judged() -> Withheld {
    Withheld {
        action: Action::Refuse,
        code: NOT_JUDGED.into(),
        sentence: "there are no facts to judge it by".to_owned(),
        until: None,
        codes: vec![NOT_JUDGED.into()],
    }
}

fn not_yet_there(as_of: Option<Timestamp>) -> Withheld {
    let moment = as_of.map(|moment| moment.to_string()).unwrap_or_default();
    Withheld {
        action: Action::Refuse,
        code: NOT_YET_THERE.into(),
        sentence: format!(
            "it is not known to have been there at {moment}, as of which the registry is asked for"
        ),
        until: None,
        codes: vec![NOT_YET_THERE.into()],
    }
}

/// A finding that no policy made.
fn above(code: &'static str, sentence: String) -> Finding {
    Finding {
        code: code.into(),
        outcome: Outcome::Breach,
        action: Action::Refuse,
        sentence,
        until: None,
        source: String::new(),
        waived_by: None,
    }
}
