//! `release-too-new`: time in which others find out what is wrong with a release.
//!
//! A missing date is unknown, never old; so is a date that has not come yet. By default the registry's own
//! date counts, since a release that the index proves old is not young because this house has just met it.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable, subject::ago};
use crate::codes::RELEASE_TOO_NEW;
use crate::settings::{Key, Kind, Settings};
use lazaret_vocabulary::{Dates, Span, Timestamp};
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: RELEASE_TOO_NEW,
    keys: &[
        Key::new("min_age", Kind::Span),
        Key::optional("frozen_after", Kind::Moment),
        Key::new("clock", Kind::Choice(&["registry", "both", "either"])),
        Key::new("first_sight_age", Kind::Span),
        Key::new("curated_age", Kind::Span),
        Key::new("fast_track_fixes", Kind::Bool),
    ],
    waivable: Waivable::Yes,
    of_package: false,
    on_hosted: OnHosted::Nothing,
    build,
};

fn build(settings: &Settings<'_>) -> Arc<dyn Check> {
    Arc::new(ReleaseTooNew {
        min_age: settings.span(RELEASE_TOO_NEW, "min_age").unwrap_or(Span::days(30)),
        first_sight_age: settings.span(RELEASE_TOO_NEW, "first_sight_age").unwrap_or(Span::days(1)),
        curated_age: settings.span(RELEASE_TOO_NEW, "curated_age").unwrap_or(Span::days(1)),
        frozen_after: settings.moment(RELEASE_TOO_NEW, "frozen_after"),
        clock: match settings.choice(RELEASE_TOO_NEW, "clock") {
            Some("both") => Clock::Both,
            Some("either") => Clock::Either,
            _ => Clock::Registry,
        },
    })
}

/// Whose word on a release's age counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    Registry,
    /// Old by the registry's date and by this house's first sight.
    Both,
    /// Old by one of them.
    Either,
}

struct ReleaseTooNew {
    min_age: Span,
    first_sight_age: Span,
    curated_age: Span,
    frozen_after: Option<Timestamp>,
    clock: Clock,
}

impl ReleaseTooNew {
    /// The moment from which the release counts as there, by whoever's word there is.
    fn there_since(&self, subject: &Subject<'_>) -> Option<Timestamp> {
        let (release, dossier) = (subject.release, subject.dossier);
        if release.published.is_some() {
            return release.published;
        }
        let seen = Some(subject.known.first_seen.unwrap_or(dossier.now));
        match dossier.dates {
            Dates::Registry => None,
            Dates::FirstSight | Dates::Curated => seen,
            Dates::Claimed => seen.max(release.claimed),
        }
    }

    /// The answer where no registry vouches for a date.
    fn by_sight(&self, subject: &Subject<'_>) -> Answer {
        let (release, now) = (subject.release, subject.dossier.now);
        let claimed = release.claimed.filter(|_| subject.dossier.dates == Dates::Claimed);
        let seen = subject.known.first_seen.unwrap_or(now).min(now) + self.first_sight_age;
        let until = claimed.map(|claimed| claimed.min(now) + self.min_age).max(Some(seen));
        match until {
            Some(until) if until > now => Answer::breach_until(until),
            _ => Answer::PASS,
        }
    }

    /// The answer by one clock.
    fn age(&self, moment: Option<Timestamp>, now: Timestamp) -> Answer {
        match moment {
            None => Answer::UNKNOWN,
            Some(moment) if moment > now => Answer::UNKNOWN.changing(moment),
            Some(moment) if moment + self.min_age > now => Answer::breach_until(moment + self.min_age),
            Some(_) => Answer::PASS,
        }
    }

    fn both(&self, subject: &Subject<'_>) -> Answer {
        let now = subject.dossier.now;
        let registry = self.age(subject.release.published, now);
        // What is met in this very moment is young from this moment on.
        let own = self.age(Some(subject.known.first_seen.unwrap_or(now).min(now)), now);
        match (registry, own) {
            (Answer::PASS, own) => own,
            (registry, Answer::PASS) => registry,
            (registry, own) => Answer {
                until: registry.until.map(|until| own.until.map_or(until, |other| until.max(other))),
                changes: registry.changes.into_iter().chain(own.changes).min(),
                ..registry
            },
        }
    }

    fn either(&self, subject: &Subject<'_>) -> Answer {
        let now = subject.dossier.now;
        let registry = self.age(subject.release.published, now);
        let own = self.age(subject.known.first_seen.filter(|seen| *seen <= now), now);
        match (registry, own) {
            (Answer::PASS, _) | (_, Answer::PASS) => Answer::PASS,
            (registry, own) => Answer {
                until: registry.until.map(|until| own.until.map_or(until, |other| until.min(other))),
                changes: registry.changes.into_iter().chain(own.changes).min(),
                ..registry
            },
        }
    }
}

impl Check for ReleaseTooNew {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let (release, now) = (subject.release, subject.dossier.now);
        let proven = |moment: Timestamp| release.no_later_than.is_some_and(|bound| bound <= moment);
        if let Some(line) = self.frozen_after
            && self.there_since(subject).is_some_and(|since| since > line)
            && !proven(line)
        {
            return Answer::BREACH;
        }
        if release.published.is_none() && proven(now - self.min_age) {
            return Answer::PASS;
        }
        match subject.dossier.dates {
            Dates::Curated => {
                let ready = self.there_since(subject).unwrap_or(now) + self.curated_age;
                return if ready > now { Answer::breach_until(ready) } else { Answer::PASS };
            }
            Dates::FirstSight | Dates::Claimed if release.published.is_none() => {
                return self.by_sight(subject);
            }
            _ => {}
        }
        match self.clock {
            Clock::Registry => self.age(release.published, now),
            Clock::Both => self.both(subject),
            Clock::Either => self.either(subject),
        }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        if *answer == Answer::PASS {
            return String::new();
        }
        let now = subject.dossier.now;
        let seen = subject.known.first_seen.unwrap_or(now);
        let since = self.there_since(subject);
        match (subject.release.published, self.frozen_after) {
            (None, Some(line)) if since.is_some_and(|since| since > line) => format!(
                "there since {} as far as anybody vouches for it; this policy lets in nothing that came after {line}",
                since.unwrap_or(now)
            ),
            (None, _) if subject.dossier.dates == Dates::Curated => format!(
                "first seen here {}; this policy waits {} with what a distribution publishes",
                ago(seen, now),
                self.curated_age
            ),
            (None, _) if subject.dossier.dates != Dates::Registry => match subject.release.claimed {
                Some(claimed) if subject.dossier.dates == Dates::Claimed && claimed + self.min_age > now => {
                    format!(
                        "made {} by its publisher's own word; this policy waits {}",
                        ago(claimed, now),
                        self.min_age
                    )
                }
                _ => format!(
                    "first seen here {}, and nobody but its publisher says how old it is; this policy waits {}",
                    ago(seen, now),
                    self.first_sight_age
                ),
            },
            (Some(published), _) if subject.dossier.dates == Dates::Curated => format!(
                "published {}; this policy waits {} with what a distribution publishes",
                ago(published, now),
                self.curated_age
            ),
            (None, _) => "its registry does not say when it was published".to_owned(),
            (Some(published), Some(line)) if published > line => {
                format!("published {published}; this policy lets in nothing published after {line}")
            }
            (Some(published), _) if published > now => {
                format!("its registry says it was published {published}, which has not come yet")
            }
            (Some(published), _) if published + self.min_age > now => {
                format!(
                    "published {} by its registry; this policy waits {}",
                    ago(published, now),
                    self.min_age
                )
            }
            (Some(_), _) => {
                format!("first seen here {}; this policy waits {}", ago(seen, now), self.min_age)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{NOW, Trial, days_ago, release};
    use crate::verdict::{Action, Outcome};

    /// The finding on the first release, published and first seen at these moments.
    fn finding(
        policy: &str,
        published: Option<Timestamp>,
        seen: Option<Timestamp>,
    ) -> crate::verdict::Finding {
        let mut trial = Trial::policy(policy);
        trial.releases[0].published = published;
        trial.known[0].first_seen = seen;
        trial.finding(0, RELEASE_TOO_NEW)
    }

    #[test]
    fn age_is_counted_from_publication_to_the_millisecond() {
        let edge = days_ago(30);
        assert_eq!(finding("", Some(edge), None).outcome, Outcome::Pass);
        let young = finding("", Some(Timestamp::from_millis(edge.millis() + 1)), None);
        assert_eq!((young.outcome, young.action), (Outcome::Breach, Action::Hold));
        assert_eq!(young.until, Some(Timestamp::from_millis(NOW.millis() + 1)));
    }

    #[test]
    fn what_has_no_date_or_one_to_come_is_unknown_and_refused() {
        for published in [None, Some(NOW + Span::hours(1))] {
            let found = finding("", published, None);
            assert_eq!((found.outcome, found.action), (Outcome::Unknown, Action::Refuse), "{published:?}");
        }
        let mut trial = Trial::new();
        trial.releases[0].published = Some(NOW + Span::hours(1));
        assert_eq!(trial.filter().next_change(), Some(NOW + Span::hours(1)));
    }

    #[test]
    fn first_sight_makes_nothing_young_that_is_old() {
        let found = finding("", Some(days_ago(400)), Some(NOW));
        assert_eq!(found.outcome, Outcome::Pass);
        let missing = finding("", None, Some(days_ago(400)));
        assert_eq!(missing.outcome, Outcome::Unknown, "first sight is no date by itself");
    }

    #[test]
    fn a_line_in_the_sand_has_no_end() {
        let policy = "[release-too-new]\nfrozen_after = 2026-01-01T00:00:00Z\n";
        let line = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let found = finding(policy, Some(line + Span::seconds(1)), None);
        assert_eq!((found.outcome, found.until), (Outcome::Breach, None));
        assert!(
            found.sentence.contains("nothing published after 2026-01-01T00:00:00Z"),
            "{}",
            found.sentence
        );
        assert_eq!(finding(policy, Some(line), None).outcome, Outcome::Pass);
    }

    #[test]
    fn both_clocks_or_either() {
        let (old, young) = (Some(days_ago(100)), Some(days_ago(1)));
        for (clock, published, seen, expected) in [
            ("both", old, old, Outcome::Pass),
            ("both", old, young, Outcome::Breach),
            ("both", young, old, Outcome::Breach),
            ("both", old, None, Outcome::Breach),
            ("both", None, old, Outcome::Unknown),
            ("either", old, young, Outcome::Pass),
            ("either", young, old, Outcome::Pass),
            ("either", None, old, Outcome::Pass),
            ("either", young, young, Outcome::Breach),
            ("either", None, None, Outcome::Unknown),
        ] {
            let found = finding(&format!("[release-too-new]\nclock = \"{clock}\"\n"), published, seen);
            assert_eq!(found.outcome, expected, "{clock} {published:?} {seen:?}");
        }
        let found = finding("[release-too-new]\nclock = \"both\"\n", old, young);
        assert_eq!(
            found.sentence,
            format!("first seen here 1 day ago ({}); this policy waits 30 days", days_ago(1))
        );
    }

    #[test]
    fn where_no_registry_vouches_first_sight_counts() {
        let mut trial = Trial::new();
        trial.releases[0].published = None;
        trial.releases[0].claimed = Some(days_ago(3));
        for (dates, seen, outcome, until) in [
            (Dates::FirstSight, None, Outcome::Breach, Some(NOW + Span::days(1))),
            (Dates::FirstSight, Some(NOW - Span::hours(23)), Outcome::Breach, Some(NOW + Span::hours(1))),
            (Dates::FirstSight, Some(NOW - Span::hours(24)), Outcome::Pass, None),
            (Dates::Claimed, Some(days_ago(2)), Outcome::Breach, Some(days_ago(3) + Span::days(30))),
            (Dates::Curated, None, Outcome::Pass, None),
            (Dates::Registry, Some(days_ago(400)), Outcome::Unknown, None),
        ] {
            (trial.dates, trial.known[0].first_seen) = (dates, seen);
            let found = trial.finding(0, RELEASE_TOO_NEW);
            assert_eq!((found.outcome, found.until), (outcome, until), "{dates:?} {seen:?}");
        }
        (trial.dates, trial.known[0].first_seen) = (Dates::Claimed, Some(days_ago(2)));
        trial.releases[0].claimed = Some(days_ago(4000));
        assert!(trial.filter().admits(0), "a claim makes nothing older, and first sight is old enough");
        trial.known[0].first_seen = None;
        assert!(!trial.filter().admits(0), "a claim makes nothing older");
        trial.policy = "[release-too-new]\ncurated_age = \"7d\"\n".into();
        trial.dates = Dates::Curated;
        assert_eq!(trial.finding(0, RELEASE_TOO_NEW).until, Some(NOW + Span::days(7)));
    }

    #[test]
    fn an_index_that_is_old_proves_what_it_lists_old() {
        let mut trial = Trial::new();
        for dates in [Dates::Registry, Dates::FirstSight, Dates::Claimed] {
            trial.dates = dates;
            trial.releases[0].published = None;
            trial.releases[0].no_later_than = Some(days_ago(31));
            assert!(trial.filter().admits(0), "{dates:?}");
            trial.releases[0].no_later_than = Some(days_ago(29));
            assert!(!trial.filter().admits(0), "{dates:?}");
        }
        trial.policy = "[release-too-new]\nfrozen_after = 2026-01-01T00:00:00Z\n".into();
        assert!(!trial.filter().admits(0), "the line in the sand counts first sight where nothing else does");
    }

    #[test]
    fn a_file_added_later_is_judged_by_its_own_date() {
        let mut trial = Trial::new();
        let late = trial.push(release("1.0.0", 1));
        let allowed = trial.filter();
        assert!(allowed.admits(0) && !allowed.admits(late));
    }
}
