//! A named person's exception, which always ends.

use crate::checks::{self, Waivable};
use crate::facts::KnownAdvisory;
use crate::pattern::shorten;
use crate::problem::suggestion;
use lazaret_vocabulary::{Span, Timestamp};
use std::sync::Arc;

/// The longest a waiver may last.
pub const WAIVER_LIMIT: Span = Span::days(365);

/// A named person's exception for releases of one package, for exactly these findings, until a moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Its id, as records name it.
    pub id: Arc<str>,
    /// The ecosystem's id.
    pub ecosystem: Arc<str>,
    /// The package's key.
    pub package: Arc<str>,
    /// The versions, as the registry writes them. `*` alone stands for every release, and only where all of
    /// `codes` speak of the package rather than of a release.
    pub versions: Vec<Arc<str>>,
    /// Codes of the findings.
    pub codes: Vec<Arc<str>>,
    /// For findings that rest on advisories: the ids of all of them. One more, and it blocks again.
    #[serde(default)]
    pub advisories: Vec<Arc<str>>,
    /// Why, in a sentence.
    pub why: Arc<str>,
    /// Who asked for it.
    pub author: Arc<str>,
    /// Who agreed; must be somebody else where the finding is malware.
    #[serde(default)]
    pub approver: Option<Arc<str>>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, at most 365 days after `created`.
    pub expires: Timestamp,
}

/// A waiver that cannot be: every reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("waiver {id}: {}", .problems.join("; "))]
pub struct InvalidWaiver {
    /// The waiver's id.
    pub id: Arc<str>,
    /// What was expected, for each thing that is wrong.
    pub problems: Vec<String>,
}

impl Waiver {
    /// Whether the waiver can be at all: whom it names, what it covers, how long it lasts. `rule_codes` are
    /// the codes of the policy's own rules.
    pub fn validate(&self, rule_codes: &[&str]) -> Result<(), InvalidWaiver> {
        let mut problems = Vec::new();
        for (name, text) in [
            ("id", &self.id),
            ("ecosystem", &self.ecosystem),
            ("package", &self.package),
            ("why", &self.why),
            ("author", &self.author),
        ] {
            if text.trim().is_empty() {
                problems.push(format!("expected a text as `{name}`"));
            }
        }
        if self.versions.is_empty() {
            problems.push("expected at least one version".to_owned());
        }
        if self.codes.is_empty() {
            problems.push("expected at least one code".to_owned());
        }
        if self.expires <= self.created || self.expires > self.created + WAIVER_LIMIT {
            problems.push(format!("expected an end within {WAIVER_LIMIT} after its beginning"));
        }
        let every = self.versions.iter().any(|version| &**version == "*");
        for code in &self.codes {
            self.validate_code(code, every, rule_codes, &mut problems);
        }
        if problems.is_empty() { Ok(()) } else { Err(InvalidWaiver { id: self.id.clone(), problems }) }
    }

    fn validate_code(&self, code: &str, every: bool, rule_codes: &[&str], problems: &mut Vec<String>) {
        let Some(kind) = checks::kind(code) else {
            if !rule_codes.contains(&code) {
                let codes = checks::KINDS.iter().map(|kind| kind.code);
                let hint = suggestion(code, codes.chain(rule_codes.iter().copied()));
                problems.push(format!("there is no finding `{}`{hint}", shorten(code)));
            } else if every {
                problems.push(format!("{code} speaks of releases: expected their versions instead of `*`"));
            }
            return;
        };
        if every && !kind.of_package {
            problems.push(format!("{code} speaks of releases: expected their versions instead of `*`"));
        }
        let advisories = matches!(kind.waivable, Waivable::ByAdvisory | Waivable::ByTwo);
        if advisories && self.advisories.is_empty() {
            problems.push(format!("{code} rests on advisories: expected the ids of all of them"));
        }
        if kind.waivable == Waivable::No {
            problems.push(format!("{code} cannot be waived"));
        }
        if kind.waivable == Waivable::ByTwo && !self.has_second_person() {
            problems.push(format!(
                "{code} needs somebody other than {} to agree, named as its approver",
                self.author
            ));
        }
    }

    fn has_second_person(&self) -> bool {
        let normal = |name: &str| name.trim().to_lowercase();
        let approver = self.approver.as_deref().map(normal).filter(|approver| !approver.is_empty());
        approver.is_some_and(|approver| approver != normal(&self.author))
    }

    pub(crate) fn names_version(&self, version: &str) -> bool {
        self.versions.iter().any(|one| &**one == "*" || &**one == version)
    }

    pub(crate) fn names_code(&self, code: &str) -> bool {
        self.codes.iter().any(|one| &**one == code)
    }

    pub(crate) fn names_advisory(&self, advisory: &KnownAdvisory) -> bool {
        let ids = || std::iter::once(&advisory.id).chain(&advisory.aliases);
        self.advisories.iter().any(|named| ids().any(|id| id.eq_ignore_ascii_case(named)))
    }
}
