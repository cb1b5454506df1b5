//! `mutable-reference`: asked for by a name that can be pointed at something else tomorrow, such as a branch or
//! a tag, where the ecosystem has names that cannot: a commit, a digest.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::MUTABLE_REFERENCE;
use crate::pattern::shorten;
use crate::settings::Settings;
use lazaret_vocabulary::ReferenceKind;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: MUTABLE_REFERENCE,
    keys: &[],
    waivable: Waivable::Yes,
    of_package: false,
    on_hosted: OnHosted::Same,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(MutableReference)
}

struct MutableReference;

impl Check for MutableReference {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        if subject.release.reference.is_some() { Answer::BREACH } else { Answer::PASS }
    }

    fn explain(&self, subject: &Subject<'_>, _: &Answer) -> String {
        let Some(reference) = &subject.release.reference else { return String::new() };
        let name = shorten(&reference.name);
        let promise = match reference.kind {
            ReferenceKind::Fixed => "could be moved",
            ReferenceKind::Moving => "moves",
        };
        format!(
            "asked for as `{name}`, a name that {promise}; `{}` names it for good",
            subject.release.version
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;
    use crate::verdict::{Action, Outcome};
    use lazaret_vocabulary::Reference;

    #[test]
    fn a_name_that_moves_is_told_and_can_be_refused() {
        assert_eq!(Trial::new().finding(0, MUTABLE_REFERENCE).outcome, Outcome::Pass);
        let reference = |kind| Some(Reference { name: "main".into(), kind, moved_from: None });
        let mut trial = Trial::new();
        trial.releases[0].reference = reference(ReferenceKind::Moving);
        let found = trial.finding(0, MUTABLE_REFERENCE);
        assert_eq!((found.outcome, found.action), (Outcome::Breach, Action::Warn));
        assert_eq!(found.sentence, "asked for as `main`, a name that moves; `1.0.0` names it for good");
        trial.policy = "[mutable-reference]\naction = \"refuse\"\n".into();
        trial.releases[0].reference = reference(ReferenceKind::Fixed);
        assert!(!trial.filter().admits(0) && trial.filter().admits(1));
    }
}
