//! `release-too-new`: time in which others find out what is wrong with a release.
//!
//! A missing date is unknown, never old; so is a date that has not come yet. By default the registry's own
//! date counts, since a release that the index proves old is not young because this house has just met it.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable, subject::ago};
use crate::codes::RELEASE_TOO_NEW;
use crate::settings::{Key, Kind, Settings};
use lazaret_vocabulary::{Span, Timestamp};
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: RELEASE_TOO_NEW,
    keys: &[
        Key::new("min_age", Kind::Span),
        Key::optional("frozen_after", Kind::Moment),
        Key::new("clock", Kind::Choice(&["registry", "both", "either"])),
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
    frozen_after: Option<Timestamp>,
    clock: Clock,
}

impl ReleaseTooNew {
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
        let published = subject.release.published;
        if let (Some(line), Some(published)) = (self.frozen_after, published)
            && published > line
        {
            return Answer::BREACH;
        }
        match self.clock {
            Clock::Registry => self.age(published, subject.dossier.now),
            Clock::Both => self.both(subject),
            Clock::Either => self.either(subject),
        }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        if *answer == Answer::PASS {
            return String::new();
        }
        let now = subject.dossier.now;
        match (subject.release.published, self.frozen_after) {
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
                let seen = subject.known.first_seen.unwrap_or(now);
                format!("first seen here {}; this policy waits {}", ago(seen, now), self.min_age)
            }
        }
    }
}
