//! `abandoned`: deprecated or archived, said to be unmaintained by an advisory, or silent for `max_silence`.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::ABANDONED;
use crate::pattern::shorten;
use crate::settings::{Key, Kind, Settings};
use crate::verdict::Outcome;
use lazaret_vocabulary::Span;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: ABANDONED,
    keys: &[Key::new("max_silence", Kind::Span)],
    waivable: Waivable::Yes,
    of_package: true,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(settings: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(Abandoned {
        max_silence: settings.span(ABANDONED, "max_silence").unwrap_or(Span::days(3 * 365)),
    })
}

struct Abandoned {
    max_silence: Span,
}

impl Check for Abandoned {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let said = subject.dossier.standing.retired.is_some()
            || subject.release.deprecated.is_some()
            || subject.known.advisories.iter().any(|advisory| advisory.unmaintained);
        if said {
            return Answer::BREACH;
        }
        match subject.history.newest {
            None => Answer::UNKNOWN,
            Some(newest) if newest + self.max_silence <= subject.dossier.now => Answer::BREACH,
            Some(newest) => Answer::PASS.changing(newest + self.max_silence),
        }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        match answer.outcome {
            Outcome::Pass => return String::new(),
            Outcome::Unknown => {
                return "its registry does not say when its last release was published".to_owned();
            }
            Outcome::Breach => {}
        }
        if let Some(retired) = &subject.dossier.standing.retired {
            return format!("the package is retired: {}", shorten(retired));
        }
        if let Some(deprecated) = &subject.release.deprecated {
            return format!("deprecated by its publisher: {}", shorten(deprecated));
        }
        if let Some(advisory) = subject.known.advisories.iter().find(|advisory| advisory.unmaintained) {
            return format!("{} says that nobody maintains it", advisory.id);
        }
        let newest = subject.history.newest.unwrap_or(subject.dossier.now);
        format!(
            "its last release was published {}; this policy expects one within {}",
            super::subject::ago(newest, subject.dossier.now),
            self.max_silence
        )
    }
}
