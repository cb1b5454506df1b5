//! `reserved-name`: a name of this house's must not come from outside.
//!
//! The engine asks no upstream for such a name at all; this check holds where a document is there already.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::RESERVED_NAME;
use crate::settings::{Key, Kind, Settings};
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: RESERVED_NAME,
    keys: &[Key::new("patterns", Kind::Names)],
    waivable: Waivable::No,
    of_package: true,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(_: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(ReservedName)
}

struct ReservedName;

impl Check for ReservedName {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let foreign = subject.reserved && !subject.dossier.hosted;
        if foreign { Answer::BREACH } else { Answer::PASS }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        if *answer == Answer::PASS {
            return String::new();
        }
        format!(
            "the name {} is reserved for packages published to this house, and nobody has published it here",
            subject.dossier.package
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{ECOSYSTEM, Trial};
    use crate::exceptions::Exceptions;
    use crate::verdict::{Action, Outcome};
    use lazaret_vocabulary::PackageName;

    #[test]
    fn a_name_of_this_house_must_be_hosted_here() {
        for (package, patterns, outcome) in [
            ("left-pad", "patterns = []", Outcome::Pass),
            ("acme-billing", "patterns = [\"acme-*\"]", Outcome::Breach),
            ("acme-billing", "patterns = [\"toy:acme-*\"]", Outcome::Breach),
            ("acme-billing", "patterns = [\"doll:acme-*\"]", Outcome::Pass),
            ("acme", "patterns = [\"acme-*\"]", Outcome::Pass),
        ] {
            let mut trial = Trial::policy(&format!("[reserved-name]\n{patterns}\n"));
            trial.package = PackageName::new(ECOSYSTEM, package, package);
            let found = trial.finding(0, RESERVED_NAME);
            assert_eq!(found.outcome, outcome, "{package} {patterns}");
            assert_eq!(trial.firewall().is_reserved(&trial.package), outcome == Outcome::Breach);
            trial.hosted = true;
            assert!(trial.filter().admits(0));
        }
    }

    #[test]
    fn a_name_once_hosted_is_reserved_by_that() {
        let mut trial = Trial::new();
        trial.exceptions = Arc::new(Exceptions::new([], [], [(ECOSYSTEM, "left-pad".into())], &[]));
        let found = trial.finding(0, RESERVED_NAME);
        assert_eq!((found.outcome, found.action), (Outcome::Breach, Action::Refuse));
        assert!(trial.firewall().is_reserved(&trial.package));
    }
}
