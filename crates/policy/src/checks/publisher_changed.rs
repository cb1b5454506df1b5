//! `publisher-changed`: somebody published it who published none of the earlier releases, or anybody did after
//! a long silence. Both are what a stolen account looks like from outside.
//!
//! It speaks for `hold_for` after publication, by default twice the age that `release-too-new` waits for:
//! after that, time has shown what there was to show. Publishers are compared in the order of publication.

use super::{Answer, Check, CheckKind, OnHosted, Subject, Waivable};
use crate::codes::{PUBLISHER_CHANGED, RELEASE_TOO_NEW};
use crate::pattern::shorten;
use crate::settings::{Key, Kind, Settings};
use crate::verdict::Outcome;
use lazaret_vocabulary::Span;
use std::sync::Arc;

pub(crate) const KIND: CheckKind = CheckKind {
    code: PUBLISHER_CHANGED,
    keys: &[Key::optional("quiet", Kind::Span), Key::optional("hold_for", Kind::Span)],
    waivable: Waivable::Yes,
    of_package: false,
    on_hosted: OnHosted::Nothing,
    build,
};

/// How long the check speaks of a release.
pub(crate) fn hold_for(settings: &Settings<'_>) -> Span {
    let doubled = || settings.span(RELEASE_TOO_NEW, "min_age").unwrap_or(Span::days(30)).doubled();
    settings.span(PUBLISHER_CHANGED, "hold_for").unwrap_or_else(doubled)
}

fn build(settings: &Settings<'_>) -> Arc<dyn Check> {
    let quiet = settings.span(PUBLISHER_CHANGED, "quiet");
    Arc::new(PublisherChanged { quiet, hold_for: hold_for(settings) })
}

struct PublisherChanged {
    quiet: Option<Span>,
    hold_for: Span,
}

impl Check for PublisherChanged {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let Some(published) = subject.release.published else { return Answer::UNKNOWN };
        let end = published + self.hold_for;
        if end <= subject.dossier.now {
            return Answer::PASS;
        }
        let earlier = subject.history.earlier(subject.index);
        let Some(previous) = earlier.published else {
            // Nothing dated came before it; whether anything undated did cannot be told.
            let undated = subject.history.undated;
            return if undated { Answer::UNKNOWN.changing(end) } else { Answer::PASS };
        };
        if self.quiet.is_some_and(|quiet| previous + quiet < published) {
            return Answer::breach_until(end);
        }
        if subject.release.publisher.is_none() || !earlier.publishers_known {
            return Answer::UNKNOWN.changing(end);
        }
        if earlier.same_publisher { Answer::PASS } else { Answer::breach_until(end) }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        match answer.outcome {
            Outcome::Pass => return String::new(),
            Outcome::Unknown => {
                return "its registry does not say who published it, or what came before it".to_owned();
            }
            Outcome::Breach => {}
        }
        let earlier = subject.history.earlier(subject.index);
        let published = subject.release.published.unwrap_or(subject.dossier.now);
        let publisher = subject.release.publisher.as_deref();
        match (publisher, earlier.published) {
            (Some(publisher), _) if earlier.publishers_known && !earlier.same_publisher => {
                format!("published by {}, who published none of the releases before it", shorten(publisher))
            }
            (_, Some(previous)) => {
                format!("published {published} after {} without a release", published.since(previous))
            }
            (_, None) => "published by somebody else than before".to_owned(),
        }
    }
}
