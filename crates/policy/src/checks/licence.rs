//! `licence`: the licence is not one the policy accepts. See [`crate::licence`] for how texts are read.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::LICENCE;
use crate::licence::{LicenceRules, LicenceVerdict};
use crate::settings::{Key, Kind, Settings};
use crate::verdict::Outcome;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: LICENCE,
    keys: &[Key::new("allow", Kind::Licences), Key::new("deny", Kind::Licences)],
    waivable: Waivable::Yes,
    of_package: false,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(settings: &Settings<'_>) -> Arc<dyn Check> {
    let (allow, deny) = (settings.texts(LICENCE, "allow"), settings.texts(LICENCE, "deny"));
    Arc::new(Licence { rules: LicenceRules::new(allow, deny).ok() })
}

struct Licence {
    /// `None` only for patterns that reading the file would have refused: then nothing can be told.
    rules: Option<LicenceRules>,
}

impl Licence {
    fn verdict(&self, text: &str) -> LicenceVerdict {
        match &self.rules {
            Some(rules) => rules.judge(text),
            None => {
                LicenceVerdict::Unknown { why: "the policy's licence patterns cannot be read".to_owned() }
            }
        }
    }
}

impl Check for Licence {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let Some(text) = &subject.release.licence else { return Answer::UNKNOWN };
        let outcome = subject.history.licence(text, |text| match self.verdict(text) {
            LicenceVerdict::Satisfied => Outcome::Pass,
            LicenceVerdict::Denied { .. } => Outcome::Breach,
            LicenceVerdict::Unknown { .. } => Outcome::Unknown,
        });
        Answer { outcome, ..Answer::PASS }
    }

    fn explain(&self, subject: &Subject<'_>, _: &Answer) -> String {
        let Some(text) = subject.release.licence.as_deref() else {
            return "its registry states no licence".to_owned();
        };
        match self.verdict(text) {
            LicenceVerdict::Satisfied => String::new(),
            LicenceVerdict::Denied { which, by: Some(by) } if which == by => {
                format!("its licence {which} is denied by this policy")
            }
            LicenceVerdict::Denied { which, by: Some(by) } => {
                format!("its licence {which} is denied by this policy (`{by}`)")
            }
            LicenceVerdict::Denied { which, by: None } => {
                format!("its licence {which} is not among those this policy allows")
            }
            LicenceVerdict::Unknown { why } => format!("its licence cannot be told: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;
    use crate::verdict::Action;

    fn found(licence: Option<&str>, policy: &str) -> crate::verdict::Finding {
        let mut trial = Trial::policy(policy);
        trial.releases[0].licence = licence.map(Into::into);
        trial.finding(0, LICENCE)
    }

    #[test]
    fn expressions_are_weighed() {
        for (licence, outcome, action) in [
            (Some("MIT"), Outcome::Pass, Action::Off),
            (Some("MIT OR AGPL-3.0-only"), Outcome::Pass, Action::Off),
            (Some("MIT AND AGPL-3.0-only"), Outcome::Breach, Action::Refuse),
            (Some("BUSL-1.1"), Outcome::Breach, Action::Refuse),
            (Some("SEE LICENSE IN file"), Outcome::Unknown, Action::Warn),
            (None, Outcome::Unknown, Action::Warn),
        ] {
            let found = found(licence, "");
            assert_eq!((found.outcome, found.action), (outcome, action), "{licence:?}");
            assert_eq!(found.sentence.is_empty(), outcome == Outcome::Pass);
        }
    }

    #[test]
    fn a_list_of_allowed_ones_denies_the_rest() {
        let policy = "[licence]\nallow = [\"MIT\"]\n";
        assert_eq!(found(Some("MIT"), policy).outcome, Outcome::Pass);
        let other = found(Some("ISC"), policy);
        assert_eq!(other.outcome, Outcome::Breach);
        assert_eq!(other.sentence, "its licence ISC is not among those this policy allows");
        assert_eq!(
            found(Some("AGPL-3.0-only"), "").sentence,
            "its licence AGPL-3.0-only is denied by this policy (`AGPL-*`)"
        );
    }
}
