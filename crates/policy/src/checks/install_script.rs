//! `install-script`: installing the release runs code of its own.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::INSTALL_SCRIPT;
use crate::settings::Settings;
use crate::verdict::Outcome;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: INSTALL_SCRIPT,
    keys: &[],
    waivable: Waivable::Yes,
    of_package: false,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(InstallScript)
}

struct InstallScript;

impl Check for InstallScript {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        match subject.release.install_script {
            None => Answer::UNKNOWN,
            Some(true) => Answer::BREACH,
            Some(false) => Answer::PASS,
        }
    }

    fn explain(&self, _: &Subject<'_>, answer: &Answer) -> String {
        match answer.outcome {
            Outcome::Pass => String::new(),
            Outcome::Breach => "installing it runs code of its own".to_owned(),
            Outcome::Unknown => "nothing tells whether installing it runs code of its own".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;

    #[test]
    fn three_answers() {
        let fact = [(Some(false), Outcome::Pass), (Some(true), Outcome::Breach), (None, Outcome::Unknown)];
        for (fact, outcome) in fact {
            let mut trial = Trial::new();
            trial.releases[0].install_script = fact;
            assert_eq!(trial.finding(0, INSTALL_SCRIPT).outcome, outcome);
            assert!(trial.filter().admits(0), "the baseline warns");
            trial.policy = "[install-script]\naction = \"refuse\"\nunknown = \"refuse\"\n".into();
            assert_eq!(trial.filter().admits(0), outcome == Outcome::Pass);
        }
    }
}
