//! `no-maintainer`: the registry names nobody who may publish the package, so that anybody may be next.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::NO_MAINTAINER;
use crate::settings::Settings;
use crate::verdict::Outcome;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: NO_MAINTAINER,
    keys: &[],
    waivable: Waivable::Yes,
    of_package: true,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(NoMaintainer)
}

struct NoMaintainer;

impl Check for NoMaintainer {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        match &subject.dossier.standing.maintainers {
            None => Answer::UNKNOWN,
            Some(maintainers) if maintainers.is_empty() => Answer::BREACH,
            Some(_) => Answer::PASS,
        }
    }

    fn explain(&self, _: &Subject<'_>, answer: &Answer) -> String {
        match answer.outcome {
            Outcome::Pass => String::new(),
            Outcome::Breach => "the package has no maintainer left".to_owned(),
            Outcome::Unknown => "its registry does not say who maintains it".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;
    use crate::verdict::Action;

    #[test]
    fn an_empty_list_is_not_a_missing_one() {
        for (maintainers, outcome, action) in [
            (Some(vec!["ann".into()]), Outcome::Pass, Action::Off),
            (Some(vec![]), Outcome::Breach, Action::Refuse),
            (None, Outcome::Unknown, Action::Warn),
        ] {
            let mut trial = Trial::new();
            trial.standing.maintainers = maintainers;
            let found = trial.finding(0, NO_MAINTAINER);
            assert_eq!((found.outcome, found.action), (outcome, action));
        }
    }
}
