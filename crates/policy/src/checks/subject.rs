//! One release before a check: its own facts, its package's, and what came before it.

use crate::facts::{Dossier, ReleaseFacts};
use crate::verdict::Outcome;
use lazaret_vocabulary::{Release, Timestamp};
use serde::{Deserialize, Serialize};
use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

/// How many different licence texts of one package are remembered.
const LICENCE_TEXTS: usize = 32;

/// What a check looks at.
pub struct Subject<'a> {
    /// The package with all its releases.
    pub dossier: &'a Dossier<'a>,
    /// The release's number in it.
    pub index: usize,
    /// The release.
    pub release: &'a Release,
    /// What this house knows of it.
    pub known: &'a ReleaseFacts,
    /// The name is this house's own: it matches `reserved`, or was published here once.
    pub reserved: bool,
    pub(crate) history: &'a History<'a>,
}

impl Subject<'_> {
    /// Whether the release is known to have been there at a moment: by its registry's date, by a bound, or
    /// because this house saw it then.
    pub(crate) fn was_there(&self, moment: Timestamp) -> bool {
        let seen = self.known.first_seen.filter(|_| self.release.published.is_none());
        [self.release.published, self.release.no_later_than, seen]
            .into_iter()
            .flatten()
            .any(|at| at <= moment)
    }
}

/// What came before a release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Earlier {
    /// When the release before it was published; `None` is the first one, or one without a date.
    pub(crate) published: Option<Timestamp>,
    /// The publisher of at least one earlier release is known.
    pub(crate) publishers_known: bool,
    /// Its own publisher published one of them.
    pub(crate) same_publisher: bool,
}

/// Why a young release is let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fix {
    pub(crate) advisory: Arc<str>,
    pub(crate) follows: Arc<str>,
}

impl Fix {
    /// To be appended to the finding it takes the force of.
    pub(crate) fn remark(&self) -> String {
        format!(
            "; let in early, since it fixes {} and keeps publisher, install scripts and dependencies of {}",
            self.advisory, self.follows
        )
    }
}

/// What a package's other releases say of one: enough to judge it again without them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Context {
    earlier: Earlier,
    kept_dependencies: Option<bool>,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
    undated: bool,
    bound: Option<Timestamp>,
    pub(crate) releases: usize,
    pub(crate) fix: Option<Fix>,
}

/// What the releases of a package tell together. Worked out when first asked for.
pub(crate) struct History<'a> {
    releases: &'a [Release],
    earlier: OnceCell<Vec<Earlier>>,
    pub(crate) oldest: Option<Timestamp>,
    pub(crate) newest: Option<Timestamp>,
    /// Some release has no date.
    pub(crate) undated: bool,
    /// The earliest moment by which some release was certainly there.
    pub(crate) bound: Option<Timestamp>,
    licences: RefCell<Vec<(Arc<str>, Outcome)>>,
    /// What a record says instead of the releases.
    recorded: Option<Context>,
}

impl<'a> History<'a> {
    pub(crate) fn new(releases: &'a [Release]) -> Self {
        let dates = releases.iter().filter_map(|release| release.published);
        Self {
            releases,
            earlier: OnceCell::new(),
            oldest: dates.clone().min(),
            newest: dates.max(),
            undated: releases.iter().any(|release| release.published.is_none()),
            bound: releases.iter().filter_map(|release| release.no_later_than).min(),
            licences: RefCell::new(Vec::new()),
            recorded: None,
        }
    }

    /// From what was written down beside the one release.
    pub(crate) fn recorded(releases: &'a [Release], context: Context) -> Self {
        Self {
            oldest: context.oldest,
            newest: context.newest,
            undated: context.undated,
            bound: context.bound,
            recorded: Some(context),
            ..Self::new(releases)
        }
    }

    /// To be written down.
    pub(crate) fn context(&self, index: usize, fix: Option<Fix>) -> Context {
        Context {
            earlier: self.earlier(index),
            kept_dependencies: self.kept_dependencies(index),
            oldest: self.oldest,
            newest: self.newest,
            undated: self.undated,
            bound: self.bound,
            releases: self.releases(),
            fix,
        }
    }

    /// How many releases the package has.
    pub(crate) fn releases(&self) -> usize {
        self.recorded.as_ref().map_or(self.releases.len(), |context| context.releases)
    }

    pub(crate) fn earlier(&self, index: usize) -> Earlier {
        if let Some(context) = &self.recorded {
            return context.earlier;
        }
        let all = self.earlier.get_or_init(|| earlier(self.releases));
        all.get(index).copied().unwrap_or_default()
    }

    /// Whether the release's dependencies are those of the release published before it, as far as both are
    /// known.
    pub(crate) fn kept_dependencies(&self, index: usize) -> Option<bool> {
        if let Some(context) = &self.recorded {
            return context.kept_dependencies;
        }
        let before = self.earlier(index).published?;
        let previous = self.releases.iter().find(|release| release.published == Some(before))?;
        Some(self.releases.get(index)?.dependencies? == previous.dependencies?)
    }

    /// The outcome for a licence text, worked out once for each: the releases of a package share theirs.
    pub(crate) fn licence(&self, text: &Arc<str>, judge: impl FnOnce(&str) -> Outcome) -> Outcome {
        if let Some((_, outcome)) = self.licences.borrow().iter().find(|(known, _)| known == text) {
            return *outcome;
        }
        let outcome = judge(text);
        let mut licences = self.licences.borrow_mut();
        if licences.len() < LICENCE_TEXTS {
            licences.push((text.clone(), outcome));
        }
        outcome
    }
}

/// For each release what was published before it. Releases of one moment are not before each other.
fn earlier(releases: &[Release]) -> Vec<Earlier> {
    let mut dated: Vec<(Timestamp, usize)> = releases
        .iter()
        .enumerate()
        .filter_map(|(index, release)| Some((release.published?, index)))
        .collect();
    dated.sort_unstable();
    let mut result = vec![Earlier::default(); releases.len()];
    let mut publishers: HashSet<&str> = HashSet::new();
    let mut previous = None;
    for moment in dated.chunk_by(|left, right| left.0 == right.0) {
        let members = || moment.iter().filter_map(|(_, index)| Some((*index, releases.get(*index)?)));
        for (index, release) in members() {
            if let Some(slot) = result.get_mut(index) {
                *slot = Earlier {
                    published: previous,
                    publishers_known: !publishers.is_empty(),
                    same_publisher: release
                        .publisher
                        .as_deref()
                        .is_some_and(|publisher| publishers.contains(publisher)),
                };
            }
        }
        publishers.extend(members().filter_map(|(_, release)| release.publisher.as_deref()));
        previous = moment.first().map(|(published, _)| *published);
    }
    result
}

/// `2 hours ago (2026-11-23T08:00:00Z)`.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    format!("{} ago ({moment})", now.since(moment))
}
