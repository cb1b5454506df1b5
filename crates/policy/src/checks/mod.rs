//! The checks: one file each, with what it looks at, its settings and its tests.

mod abandoned;
mod bytes_changed;
mod install_script;
mod known_malware;
mod licence;
mod looks_alike;
mod mutable_reference;
mod no_maintainer;
mod package_too_new;
pub(crate) mod publisher_changed;
mod reference_moved;
mod release_too_new;
mod reserved_name;
pub(crate) mod subject;
#[cfg(test)]
pub(crate) mod trial;
mod vulnerable;
mod withdrawn;

pub use subject::Subject;

use crate::facts::KnownAdvisory;
use crate::settings::{Key, Kind, Settings};
use crate::verdict::{Action, Outcome};
use lazaret_vocabulary::Timestamp;
use std::sync::Arc;

/// What a check says of one release, without words: thousands are asked for at once, and nearly all pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Pass, breach or unknown.
    pub outcome: Outcome,
    /// When a breach ends by itself.
    pub until: Option<Timestamp>,
    /// When this answer becomes another one by itself, whatever it is now.
    pub changes: Option<Timestamp>,
    /// Goes before the table's `action` and `unknown`, where one of them cannot say it all.
    pub action: Option<Action>,
}

impl Answer {
    /// Nothing wrong.
    pub const PASS: Self = Self { outcome: Outcome::Pass, until: None, changes: None, action: None };
    /// The rule is broken and stays so.
    pub const BREACH: Self = Self { outcome: Outcome::Breach, until: None, changes: None, action: None };
    /// What the rule needs is not known.
    pub const UNKNOWN: Self = Self { outcome: Outcome::Unknown, until: None, changes: None, action: None };

    /// The rule is broken until that moment.
    pub const fn breach_until(until: Timestamp) -> Self {
        Self { outcome: Outcome::Breach, until: Some(until), changes: Some(until), action: None }
    }

    /// The same, becoming another answer at that moment.
    pub const fn changing(self, at: Timestamp) -> Self {
        Self { changes: Some(at), ..self }
    }
}

/// One rule with its settings. It decides nothing: it says what it sees, and the policy says what that leads
/// to.
pub trait Check: Send + Sync {
    /// What it sees. Called for every release of a package: allocates nothing, reads no clock.
    fn inspect(&self, subject: &Subject<'_>) -> Answer;

    /// The evidence for `answer` in one sentence without a full stop; on a pass empty, or a remark.
    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String;

    /// The advisories a breach rests on. A waiver has to name every one of them.
    fn rests_on<'s>(&self, _subject: &Subject<'s>) -> Vec<&'s KnownAdvisory> {
        Vec::new()
    }
}

/// Whether and how a finding can be waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waivable {
    /// By one person.
    Yes,
    /// By one person who names every advisory.
    ByAdvisory,
    /// By two people who name every advisory.
    ByTwo,
    /// Not at all.
    No,
}

/// What becomes of a finding on a package that this house publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnHosted {
    /// Nothing.
    Nothing,
    /// It is told.
    Warn,
    /// What becomes of it anywhere.
    Same,
}

/// A kind of check: what there is to know of it before it has settings.
pub(crate) struct CheckKind {
    pub(crate) code: &'static str,
    /// Keys beside `action` and `unknown`.
    pub(crate) keys: &'static [Key],
    pub(crate) waivable: Waivable,
    /// It speaks of the package rather than of a release, so that a waiver may stand for every release.
    pub(crate) of_package: bool,
    pub(crate) on_hosted: OnHosted,
    pub(crate) build: fn(&Settings<'_>) -> Arc<dyn Check>,
}

/// The keys that every check has.
pub(crate) const COMMON: [Key; 2] = [Key::new("action", Kind::Action), Key::new("unknown", Kind::Action)];

/// Every check, gravest first: of two findings that come to the same, the first one is told.
pub(crate) const KINDS: [&CheckKind; 15] = [
    &bytes_changed::KIND,
    &reserved_name::KIND,
    &known_malware::KIND,
    &reference_moved::KIND,
    &looks_alike::KIND,
    &vulnerable::KIND,
    &no_maintainer::KIND,
    &licence::KIND,
    &release_too_new::KIND,
    &package_too_new::KIND,
    &publisher_changed::KIND,
    &install_script::KIND,
    &mutable_reference::KIND,
    &withdrawn::KIND,
    &abandoned::KIND,
];

pub(crate) fn kind(code: &str) -> Option<&'static CheckKind> {
    KINDS.into_iter().find(|kind| kind.code == code)
}
