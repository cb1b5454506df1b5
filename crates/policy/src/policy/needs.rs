//! Which facts a policy needs, so that nothing is fetched that changes no verdict.

use super::ValidPolicy;
use crate::checks::publisher_changed;
use crate::codes::{ABANDONED, LICENCE, NO_MAINTAINER, PACKAGE_TOO_NEW, PUBLISHER_CHANGED, RELEASE_TOO_NEW};
use crate::settings::Settings;
use lazaret_vocabulary::{PackageName, PrincipalClass, Span, Timestamp};

/// The facts that can change a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Dates and publishers matter for releases published after this moment only; `None` when none matters.
    pub dates_after: Option<Timestamp>,
    /// Licences or maintainers matter, of every release.
    pub details: bool,
}

/// The same, before a moment is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Appetite {
    /// How far back dates matter.
    horizon: Option<Span>,
    /// Dates matter from here on.
    since: Option<Timestamp>,
    details: bool,
}

impl Appetite {
    pub(crate) fn of(settings: &Settings<'_>) -> Self {
        let withholds = |code| {
            ["action", "unknown"]
                .into_iter()
                .any(|key| settings.action(code, key).is_none_or(|action| action.withholds()))
        };
        let span = |code| settings.span(code, "min_age").unwrap_or(Span::days(30));
        let horizons = [
            withholds(RELEASE_TOO_NEW).then(|| span(RELEASE_TOO_NEW)),
            withholds(PACKAGE_TOO_NEW).then(|| span(PACKAGE_TOO_NEW)),
            withholds(PUBLISHER_CHANGED).then(|| publisher_changed::hold_for(settings)),
        ];
        let frozen = settings.moment(RELEASE_TOO_NEW, "frozen_after").filter(|_| withholds(RELEASE_TOO_NEW));
        // The newest date of all is what silence is counted from.
        let silence = withholds(ABANDONED).then_some(Timestamp::EPOCH);
        Self {
            horizon: horizons.into_iter().flatten().max(),
            since: frozen.into_iter().chain(silence).min(),
            details: withholds(LICENCE) || withholds(NO_MAINTAINER),
        }
    }

    /// For policies with rules, which can look at anything.
    pub(crate) const EVERYTHING: Self = Self { horizon: None, since: Some(Timestamp::EPOCH), details: true };

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            horizon: self.horizon.max(other.horizon),
            since: self.since.into_iter().chain(other.since).min(),
            details: self.details || other.details,
        }
    }
}

impl ValidPolicy {
    /// Which facts can change a verdict on the package at `now`, whoever asks.
    pub fn needs(&self, package: &PackageName, now: Timestamp) -> Needs {
        let classes = if self.class_matters(package) {
            PrincipalClass::ALL.as_slice()
        } else {
            &[PrincipalClass::Anonymous]
        };
        let appetites = classes.iter().map(|class| self.resolve(package, *class).appetite);
        let all = appetites.fold(Appetite::default(), Appetite::and);
        let dates = all.horizon.map(|horizon| now - horizon);
        Needs { dates_after: dates.into_iter().chain(all.since).min(), details: all.details }
    }
}
