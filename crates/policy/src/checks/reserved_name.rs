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
