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
        // A distribution's stable release is quiet for years between two security fixes.
        let curated = subject.dossier.dates == lazaret_vocabulary::Dates::Curated;
        if !curated && self.quiet.is_some_and(|quiet| previous + quiet < published) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{Trial, days_ago, release};
    use crate::verdict::Action;
    use lazaret_vocabulary::Release;

    fn with(days: i64, publisher: Option<&str>) -> (Trial, usize) {
        let mut trial = Trial::new();
        let index = trial.push(Release { publisher: publisher.map(Into::into), ..release("1.3.0", days) });
        (trial, index)
    }

    #[test]
    fn a_new_publisher_is_held_for_twice_the_age() {
        let (trial, index) = with(40, Some("eve"));
        let found = trial.finding(index, PUBLISHER_CHANGED);
        assert_eq!((found.outcome, found.action), (Outcome::Breach, Action::Hold));
        assert_eq!(found.until, Some(days_ago(40) + Span::days(60)));
        assert_eq!(found.sentence, "published by eve, who published none of the releases before it");
        let (trial, index) = with(40, Some("ann"));
        assert_eq!(trial.finding(index, PUBLISHER_CHANGED).outcome, Outcome::Pass);
        let (trial, index) = with(60, Some("eve"));
        assert_eq!(trial.finding(index, PUBLISHER_CHANGED).outcome, Outcome::Pass, "time has shown it");
    }

    #[test]
    fn the_order_is_that_of_publication_not_of_the_document() {
        let mut trial = Trial::policy("[publisher-changed]\nhold_for = \"9y\"\n");
        trial.releases.reverse();
        let bob = trial.push(Release { publisher: Some("bob".into()), ..release("0.9.0", 500) });
        assert_eq!(trial.finding(bob, PUBLISHER_CHANGED).outcome, Outcome::Pass, "nothing came before it");
        let outcomes: Vec<Outcome> =
            (0..3).map(|index| trial.finding(index, PUBLISHER_CHANGED).outcome).collect();
        assert_eq!(outcomes, [Outcome::Pass, Outcome::Pass, Outcome::Breach], "ann first came with 1.0.0");
    }

    #[test]
    fn who_is_not_named_is_unknown() {
        let (trial, index) = with(40, None);
        let found = trial.finding(index, PUBLISHER_CHANGED);
        assert_eq!((found.outcome, found.action), (Outcome::Unknown, Action::Warn));
        let (mut trial, index) = with(40, Some("eve"));
        trial.releases.iter_mut().take(3).for_each(|one| one.publisher = None);
        assert_eq!(trial.finding(index, PUBLISHER_CHANGED).outcome, Outcome::Unknown);
        trial.releases[index].published = None;
        assert_eq!(trial.finding(index, PUBLISHER_CHANGED).outcome, Outcome::Unknown);
    }

    #[test]
    fn anybody_after_a_long_silence() {
        let mut trial = Trial::new();
        trial.releases = vec![release("1.0.0", 1200), release("1.1.0", 40)];
        trial.known.truncate(2);
        let found = trial.finding(1, PUBLISHER_CHANGED);
        assert_eq!(found.outcome, Outcome::Breach);
        assert!(found.sentence.ends_with("after 3 years without a release"), "{}", found.sentence);
        trial.policy = "[publisher-changed]\nquiet = \"none\"\n".into();
        assert_eq!(trial.finding(1, PUBLISHER_CHANGED).outcome, Outcome::Pass);
    }
}
