//! `reference-moved`: a name that is meant to stay where it is, such as a tag in a repository, stands for another
//! release than when this house first saw it. That is how a tag that many build from is turned against them.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::REFERENCE_MOVED;
use crate::pattern::shorten;
use crate::settings::Settings;
use lazaret_vocabulary::{Reference, ReferenceKind};
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: REFERENCE_MOVED,
    keys: &[],
    waivable: Waivable::Yes,
    of_package: false,
    on_hosted: OnHosted::Warn,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(ReferenceMoved)
}

struct ReferenceMoved;

fn moved<'s>(subject: &'s Subject<'_>) -> Option<(&'s Reference, &'s str)> {
    let reference = subject.release.reference.as_ref()?;
    let from = reference.moved_from.as_deref()?;
    (reference.kind == ReferenceKind::Fixed).then_some((reference, from))
}

impl Check for ReferenceMoved {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        if moved(subject).is_some() { Answer::BREACH } else { Answer::PASS }
    }

    fn explain(&self, subject: &Subject<'_>, _: &Answer) -> String {
        moved(subject).map_or_else(String::new, |(reference, from)| {
            let name = shorten(&reference.name);
            format!(
                "`{name}` stood for {} when it was first seen here and now stands for another",
                shorten(from)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;
    use crate::verdict::{Action, Outcome};

    #[test]
    fn only_a_name_that_is_meant_to_stay_can_be_said_to_have_moved() {
        let mut trial = Trial::new();
        let reference = |kind, from: Option<&str>| Reference {
            name: "v1".into(),
            kind,
            moved_from: from.map(Into::into),
        };
        for (kind, from, outcome) in [
            (ReferenceKind::Fixed, Some("aaaa"), Outcome::Breach),
            (ReferenceKind::Fixed, None, Outcome::Pass),
            (ReferenceKind::Moving, Some("aaaa"), Outcome::Pass),
        ] {
            trial.releases[0].reference = Some(reference(kind, from));
            assert_eq!(trial.finding(0, REFERENCE_MOVED).outcome, outcome, "{kind:?} {from:?}");
        }
        trial.releases[0].reference = Some(reference(ReferenceKind::Fixed, Some("aaaa")));
        let found = trial.finding(0, REFERENCE_MOVED);
        assert_eq!(found.action, Action::Refuse);
        assert_eq!(
            found.sentence,
            "`v1` stood for aaaa when it was first seen here and now stands for another"
        );
    }
}
