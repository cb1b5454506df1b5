//! `withdrawn`: taken back by its publisher (yanked), or gone from its index since.
//!
//! A registry that says nothing of withdrawals says that there is none, so that this check never answers
//! *unknown*.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::WITHDRAWN;
use crate::pattern::shorten;
use crate::settings::Settings;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: WITHDRAWN,
    keys: &[],
    waivable: Waivable::Yes,
    of_package: false,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(Withdrawn)
}

struct Withdrawn;

impl Check for Withdrawn {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let gone = subject.release.withdrawn.is_some() || subject.known.unpublished;
        if gone { Answer::BREACH } else { Answer::PASS }
    }

    fn explain(&self, subject: &Subject<'_>, _: &Answer) -> String {
        match subject.release.withdrawn.as_deref().map(str::trim) {
            Some("") => "withdrawn by its publisher, who gives no reason".to_owned(),
            Some(reason) => format!("withdrawn by its publisher: {}", shorten(reason)),
            None if subject.known.unpublished => "no longer in its registry's index".to_owned(),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;
    use crate::verdict::{Action, Outcome};

    #[test]
    fn yanked_or_gone() {
        let mut trial = Trial::new();
        trial.releases[0].withdrawn = Some("broken build".into());
        trial.releases[1].withdrawn = Some("".into());
        trial.known[2].unpublished = true;
        let sentences: Vec<String> = (0..3).map(|index| trial.finding(index, WITHDRAWN).sentence).collect();
        assert_eq!(
            sentences,
            [
                "withdrawn by its publisher: broken build",
                "withdrawn by its publisher, who gives no reason",
                "no longer in its registry's index",
            ]
        );
        assert_eq!(trial.finding(0, WITHDRAWN).action, Action::Warn);
        assert_eq!(Trial::new().finding(0, WITHDRAWN).outcome, Outcome::Pass);
    }
}
