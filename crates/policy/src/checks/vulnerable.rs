//! `vulnerable`: an advisory of at least the policy's `severity` covers the release. One that says nothing of
//! its severity makes the answer unknown. Advisories on malware or on missing maintenance have checks of
//! their own.

use super::known_malware::{explain_silence, name_advisories, silence};
use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::VULNERABLE;
use crate::facts::{KnownAdvisory, Severity};
use crate::settings::{Key, Kind, Settings};
use crate::verdict::{Action, Outcome};
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: VULNERABLE,
    keys: &[Key::new("severity", Kind::Severity), Key::new("stale", Kind::Action)],
    waivable: Waivable::ByAdvisory,
    of_package: false,
    on_hosted: OnHosted::Warn,
    build,
};

fn build(settings: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(Vulnerable {
        severity: settings.severity(VULNERABLE, "severity").unwrap_or(Severity::Low),
        stale: settings.action(VULNERABLE, "stale").unwrap_or(Action::Hold),
    })
}

struct Vulnerable {
    severity: Severity,
    stale: Action,
}

impl Vulnerable {
    fn flaws<'s>(&self, subject: &Subject<'s>) -> impl Iterator<Item = &'s KnownAdvisory> {
        subject.known.advisories.iter().filter(|advisory| !advisory.malware && !advisory.unmaintained)
    }

    fn grave<'s>(&self, subject: &Subject<'s>) -> impl Iterator<Item = &'s KnownAdvisory> {
        let threshold = self.severity;
        self.flaws(subject).filter(move |one| one.severity.is_some_and(|severity| severity >= threshold))
    }

    fn unrated<'s>(&self, subject: &Subject<'s>) -> impl Iterator<Item = &'s KnownAdvisory> {
        self.flaws(subject).filter(|one| one.severity.is_none())
    }
}

impl Check for Vulnerable {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        if subject.known.advisories.is_empty() {
            return silence(subject, self.stale);
        }
        if self.grave(subject).next().is_some() {
            return Answer::BREACH;
        }
        let silence = silence(subject, self.stale);
        match self.unrated(subject).next() {
            Some(_) if silence == Answer::PASS => Answer::UNKNOWN,
            _ => silence,
        }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        match answer.outcome {
            Outcome::Breach => format!("affected by {}", name_advisories(&self.rests_on(subject))),
            Outcome::Unknown if answer.action.is_none() => {
                let unrated: Vec<_> = self.unrated(subject).collect();
                format!("affected by {}, which does not say how severe it is", name_advisories(&unrated))
            }
            _ => explain_silence(subject),
        }
    }

    fn rests_on<'s>(&self, subject: &Subject<'s>) -> Vec<&'s KnownAdvisory> {
        let grave: Vec<_> = self.grave(subject).collect();
        if grave.is_empty() { self.unrated(subject).collect() } else { grave }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{Trial, advisory};
    use crate::facts::AdvisoryState;

    fn found(severities: &[Option<Severity>], policy: &str) -> crate::verdict::Finding {
        let mut trial = Trial::policy(policy);
        let advisories = severities.iter().enumerate();
        trial.known[0].advisories =
            advisories.map(|(number, severity)| advisory(&format!("GHSA-{number}"), *severity)).collect();
        trial.finding(0, VULNERABLE)
    }

    #[test]
    fn severity_decides() {
        use Severity::{Critical, High, Low, Medium};
        for (severities, expected) in [
            (vec![], Outcome::Pass),
            (vec![Some(Medium), Some(Low)], Outcome::Pass),
            (vec![Some(Low), Some(High)], Outcome::Breach),
            (vec![None, Some(Critical)], Outcome::Breach),
            (vec![None, Some(Low)], Outcome::Unknown),
        ] {
            assert_eq!(found(&severities, "").outcome, expected, "{severities:?}");
        }
        assert_eq!(found(&[Some(Medium)], "[vulnerable]\nseverity = \"medium\"\n").action, Action::Refuse);
        assert_eq!(found(&[None], "").action, Action::Warn);
    }

    #[test]
    fn it_names_what_it_rests_on() {
        let text = found(&[Some(Severity::Low), Some(Severity::High)], "").sentence;
        assert_eq!(text, "affected by GHSA-1 (high: bad things)");
    }

    #[test]
    fn malware_and_missing_maintenance_are_not_flaws() {
        let mut trial = Trial::new();
        let severity = Some(Severity::Critical);
        trial.known[0].advisories = vec![
            KnownAdvisory { malware: true, ..advisory("MAL-1", severity) },
            KnownAdvisory { unmaintained: true, ..advisory("RUSTSEC-1", severity) },
        ];
        assert_eq!(trial.finding(0, VULNERABLE).outcome, Outcome::Pass);
    }

    #[test]
    fn stale_advisories_hold_even_beside_a_mild_one() {
        let mut trial = Trial::new();
        trial.advisories = AdvisoryState::Stale { since: None };
        trial.known[0].advisories.push(advisory("GHSA-1", Some(Severity::Low)));
        trial.known[1].advisories.push(advisory("GHSA-2", None));
        for index in 0..2 {
            let found = trial.finding(index, VULNERABLE);
            assert_eq!((found.outcome, found.action), (Outcome::Unknown, Action::Hold));
        }
    }
}
