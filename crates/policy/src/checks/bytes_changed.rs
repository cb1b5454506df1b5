//! `bytes-changed`: the artifact is not the one that was declared or first seen, or what its own manifest says
//! of name, version, dependencies or scripts is not what the index says (manifest confusion).
//!
//! The comparison is made where the bytes are; what it found wrong stands in the facts. Nothing found is no
//! proof, and no *unknown* either: bytes that nobody has fetched yet are compared before they are served.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::BYTES_CHANGED;
use crate::settings::Settings;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: BYTES_CHANGED,
    keys: &[],
    waivable: Waivable::No,
    of_package: false,
    on_hosted: OnHosted::Same,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(BytesChanged)
}

struct BytesChanged;

impl Check for BytesChanged {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        if subject.known.disagreements.is_empty() { Answer::PASS } else { Answer::BREACH }
    }

    fn explain(&self, subject: &Subject<'_>, _: &Answer) -> String {
        let found = &subject.known.disagreements;
        let mut text =
            found.iter().take(3).map(|one| one.trim_end_matches('.')).collect::<Vec<_>>().join("; ");
        if found.len() > 3 {
            text.push_str(&format!("; and {} more", found.len() - 3));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::Trial;
    use crate::verdict::{Action, Outcome};

    #[test]
    fn a_disagreement_is_refused_even_where_hosted() {
        let mut trial = Trial::new();
        assert_eq!(trial.finding(0, BYTES_CHANGED).outcome, Outcome::Pass);
        trial.known[0].disagreements = ["one.", "two", "three", "four"].map(Into::into).into();
        trial.hosted = true;
        let found = trial.finding(0, BYTES_CHANGED);
        assert_eq!((found.outcome, found.action), (Outcome::Breach, Action::Refuse));
        assert_eq!(found.sentence, "one; two; three; and 1 more");
        assert!(!trial.filter().admits(0));
    }
}
