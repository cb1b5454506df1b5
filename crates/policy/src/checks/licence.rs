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
