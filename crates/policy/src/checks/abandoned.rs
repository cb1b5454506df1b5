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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{NOW, Trial, advisory, release};
    use crate::facts::KnownAdvisory;
    use crate::verdict::Action;

    #[test]
    fn what_people_say_and_what_time_says() {
        let mut trial = Trial::new();
        assert_eq!(trial.finding(0, ABANDONED).outcome, Outcome::Pass);
        trial.releases[0].deprecated = Some("use another".into());
        assert_eq!(trial.finding(0, ABANDONED).sentence, "deprecated by its publisher: use another");
        assert_eq!(trial.finding(1, ABANDONED).outcome, Outcome::Pass);
        trial.known[1].advisories.push(KnownAdvisory { unmaintained: true, ..advisory("RUSTSEC-1", None) });
        assert_eq!(trial.finding(1, ABANDONED).sentence, "RUSTSEC-1 says that nobody maintains it");
        trial.standing.retired = Some("archived".into());
        let found = trial.finding(2, ABANDONED);
        assert_eq!((found.action, &*found.sentence), (Action::Warn, "the package is retired: archived"));
    }

    #[test]
    fn silence_is_counted_from_the_newest_release() {
        let mut trial = Trial::policy("[abandoned]\naction = \"hold\"\n");
        trial.releases = vec![release("1.0.0", 3000), release("1.1.0", 3 * 365 - 1)];
        trial.known.truncate(2);
        let allowed = trial.filter();
        assert!(allowed.admits(0));
        assert_eq!(allowed.next_change(), Some(NOW + Span::days(1)));
        trial.now = NOW + Span::days(1);
        assert!(!trial.filter().admits(0));
        trial.releases.iter_mut().for_each(|one| one.published = None);
        assert_eq!(trial.finding(0, ABANDONED).outcome, Outcome::Unknown);
    }
}
