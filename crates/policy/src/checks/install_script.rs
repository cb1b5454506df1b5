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
