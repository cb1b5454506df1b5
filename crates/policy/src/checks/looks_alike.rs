//! `looks-alike`: the name can be taken for a far more popular one. The comparison itself is
//! [`crate::lookalike`]; where an ecosystem has no list of popular names nothing can be confused, so that this
//! check never answers *unknown*.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::LOOKS_ALIKE;
use crate::settings::Settings;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: LOOKS_ALIKE,
    keys: &[],
    waivable: Waivable::Yes,
    of_package: true,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(LooksAlike)
}

struct LooksAlike;

impl Check for LooksAlike {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        if subject.dossier.looks_like.is_some() { Answer::BREACH } else { Answer::PASS }
    }

    fn explain(&self, subject: &Subject<'_>, _: &Answer) -> String {
        subject
            .dossier
            .looks_like
            .map(|sentence| sentence.trim_end_matches('.').to_owned())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;
    use crate::verdict::{Action, Outcome};

    #[test]
    fn a_resemblance_is_refused_with_its_sentence() {
        let mut trial = Trial::new();
        assert_eq!(trial.finding(0, LOOKS_ALIKE).outcome, Outcome::Pass);
        trial.looks_like = Some("one letter from `left-pat`.");
        let found = trial.finding(0, LOOKS_ALIKE);
        assert_eq!((found.action, &*found.sentence), (Action::Refuse, "one letter from `left-pat`"));
    }
}
