//! `package-too-new`: a name that appeared yesterday has nobody who would miss anything yet.
//!
//! Whatever proves the package older counts: the registry's word on its first release, the oldest date in its
//! index, and when this house first heard of it.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable, subject::ago};
use crate::codes::PACKAGE_TOO_NEW;
use crate::settings::{Key, Kind, Settings};
use lazaret_vocabulary::{Dates, Span, Timestamp};
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: PACKAGE_TOO_NEW,
    keys: &[Key::new("min_age", Kind::Span), Key::new("first_sight_age", Kind::Span)],
    waivable: Waivable::Yes,
    of_package: true,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(settings: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(PackageTooNew {
        min_age: settings.span(PACKAGE_TOO_NEW, "min_age").unwrap_or(Span::days(30)),
        first_sight_age: settings.span(PACKAGE_TOO_NEW, "first_sight_age").unwrap_or(Span::days(1)),
    })
}

struct PackageTooNew {
    min_age: Span,
    first_sight_age: Span,
}

/// The earliest moment at which the package provably existed, and whether nothing earlier can be missing.
fn first(subject: &Subject<'_>) -> (Option<Timestamp>, bool) {
    let (dossier, history) = (subject.dossier, subject.history);
    let now = dossier.now;
    let dates = [dossier.standing.first_published, history.oldest, dossier.first_seen];
    let first = dates.into_iter().flatten().filter(|moment| *moment <= now).min();
    let told = dossier.standing.first_published.is_some_and(|moment| moment <= now);
    (first, told || !history.undated)
}

impl Check for PackageTooNew {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let dossier = subject.dossier;
        // Where no registry vouches for dates, there is none of a first release either.
        let dated = dossier.standing.first_published.is_some() || subject.history.oldest.is_some();
        let bound = subject.history.bound.is_some_and(|bound| bound + self.min_age <= dossier.now);
        match dossier.dates {
            Dates::Curated => return Answer::PASS,
            Dates::FirstSight | Dates::Claimed if bound => return Answer::PASS,
            Dates::FirstSight | Dates::Claimed if !dated => {
                let until = dossier.first_seen.unwrap_or(dossier.now).min(dossier.now) + self.first_sight_age;
                return if until > dossier.now { Answer::breach_until(until) } else { Answer::PASS };
            }
            _ => {}
        }
        match first(subject) {
            (Some(first), _) if first + self.min_age <= subject.dossier.now => Answer::PASS,
            (Some(first), true) => Answer::breach_until(first + self.min_age),
            // It may be older than anything that has a date; it will be old enough by itself then.
            (Some(first), false) => Answer::UNKNOWN.changing(first + self.min_age),
            (None, _) => match subject.history.oldest.or(subject.dossier.standing.first_published) {
                Some(to_come) => Answer::UNKNOWN.changing(to_come),
                None => Answer::UNKNOWN,
            },
        }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        if *answer == Answer::PASS {
            return String::new();
        }
        let dossier = subject.dossier;
        match first(subject) {
            _ if answer.outcome == crate::Outcome::Breach
                && dossier.dates != Dates::Registry
                && dossier.standing.first_published.is_none()
                && subject.history.oldest.is_none() =>
            {
                format!(
                    "the package was first seen here {}; this policy waits {}",
                    ago(dossier.first_seen.unwrap_or(dossier.now), dossier.now),
                    self.first_sight_age
                )
            }
            (Some(first), true) => format!(
                "the package's first release was published {}; this policy waits {}",
                ago(first, subject.dossier.now),
                self.min_age
            ),
            _ => "its registry does not say when the package's first release was published".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{NOW, Trial, days_ago, release};
    use crate::verdict::{Action, Outcome};

    fn trial(first: Option<Timestamp>, dates: &[Option<Timestamp>]) -> Trial {
        let mut trial = Trial::new();
        trial.standing.first_published = first;
        trial.releases = dates
            .iter()
            .map(|date| {
                let mut one = release("1.0.0", 0);
                one.published = *date;
                one
            })
            .collect();
        trial.known.truncate(trial.releases.len());
        trial.known.resize_with(trial.releases.len(), Default::default);
        trial
    }

    #[test]
    fn whatever_proves_it_older_counts() {
        let (old, young) = (Some(days_ago(400)), Some(days_ago(3)));
        for (first, dates, expected) in [
            (old, vec![young], Outcome::Pass),
            (young, vec![old], Outcome::Pass),
            (None, vec![old, None], Outcome::Pass),
            (young, vec![young], Outcome::Breach),
            (young, vec![None], Outcome::Breach),
            (None, vec![young], Outcome::Breach),
            (None, vec![young, None], Outcome::Unknown),
            (None, vec![None], Outcome::Unknown),
            (None, vec![Some(NOW + Span::days(1))], Outcome::Unknown),
            (Some(NOW + Span::days(1)), vec![old], Outcome::Pass),
        ] {
            let found = trial(first, &dates).finding(0, PACKAGE_TOO_NEW);
            assert_eq!(found.outcome, expected, "{first:?} {dates:?}");
        }
    }

    #[test]
    fn it_is_held_until_it_is_old_enough() {
        let trial = trial(Some(days_ago(3)), &[Some(days_ago(3))]);
        let found = trial.finding(0, PACKAGE_TOO_NEW);
        assert_eq!((found.action, found.until), (Action::Hold, Some(days_ago(3) + Span::days(30))));
    }

    #[test]
    fn without_a_registrys_word_first_sight_of_the_package_counts() {
        let mut trial = trial(None, &[None]);
        trial.dates = Dates::FirstSight;
        let found = trial.finding(0, PACKAGE_TOO_NEW);
        assert_eq!((found.action, found.until), (Action::Hold, Some(NOW + Span::days(1))));
        assert!(found.sentence.contains("first seen here"), "{}", found.sentence);
        trial.first_seen = Some(days_ago(1));
        assert_eq!(trial.finding(0, PACKAGE_TOO_NEW).outcome, Outcome::Pass);
        trial.first_seen = None;
        trial.releases[0].no_later_than = Some(days_ago(60));
        assert_eq!(trial.finding(0, PACKAGE_TOO_NEW).outcome, Outcome::Pass);
        trial.releases[0].no_later_than = None;
        trial.dates = Dates::Curated;
        assert_eq!(trial.finding(0, PACKAGE_TOO_NEW).outcome, Outcome::Pass);
    }

    #[test]
    fn this_house_having_known_it_long_proves_it_too() {
        let mut trial = trial(None, &[None]);
        assert_eq!(trial.finding(0, PACKAGE_TOO_NEW).action, Action::Refuse);
        trial.first_seen = Some(days_ago(60));
        assert_eq!(trial.finding(0, PACKAGE_TOO_NEW).outcome, Outcome::Pass);
    }
}
