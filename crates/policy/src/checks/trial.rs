//! For tests: a package that passes the baseline, to be broken in one place at a time.

use crate::exceptions::Exceptions;
use crate::facts::{AdvisoryState, Dossier, KnownAdvisory, ReleaseFacts, Severity};
use crate::firewall::Firewall;
use crate::policy::ValidPolicy;
use crate::verdict::{Allowed, Finding, Judgement};
use lazaret_vocabulary::{
    Dates, EcosystemId, PackageName, PrincipalClass, Release, Span, Standing, Timestamp,
};
use std::cmp::Ordering;
use std::sync::Arc;

/// The moment of judgement.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

pub(crate) const ECOSYSTEM: EcosystemId = EcosystemId::new("toy");

/// Compares dotted numbers.
pub(crate) fn order(left: &str, right: &str) -> Ordering {
    let numbers =
        |text: &str| text.split('.').map(|part| part.parse::<u64>().unwrap_or(0)).collect::<Vec<_>>();
    numbers(left).cmp(&numbers(right)).then_with(|| left.cmp(right))
}

pub(crate) fn days_ago(days: i64) -> Timestamp {
    NOW - Span::days(days)
}

pub(crate) fn release(version: &str, days: i64) -> Release {
    Release {
        version: version.into(),
        published: Some(days_ago(days)),
        publisher: Some("ann".into()),
        licence: Some("MIT".into()),
        install_script: Some(false),
        dependencies: Some(7),
        ..Release::default()
    }
}

pub(crate) fn advisory(id: &str, severity: Option<Severity>) -> KnownAdvisory {
    KnownAdvisory {
        id: id.into(),
        aliases: Vec::new(),
        summary: "bad things".into(),
        severity,
        malware: false,
        unmaintained: false,
    }
}

pub(crate) struct Trial {
    pub(crate) policy: String,
    pub(crate) package: PackageName,
    pub(crate) standing: Standing,
    pub(crate) releases: Vec<Release>,
    pub(crate) known: Vec<ReleaseFacts>,
    pub(crate) hosted: bool,
    pub(crate) first_seen: Option<Timestamp>,
    pub(crate) advisories: AdvisoryState,
    pub(crate) looks_like: Option<&'static str>,
    pub(crate) dates: Dates,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) class: PrincipalClass,
    pub(crate) now: Timestamp,
    pub(crate) exceptions: Arc<Exceptions>,
}

impl Trial {
    /// Three old releases by one publisher.
    pub(crate) fn new() -> Self {
        let releases = vec![release("1.0.0", 400), release("1.1.0", 300), release("1.2.0", 200)];
        Self {
            policy: String::new(),
            package: PackageName::new(ECOSYSTEM, "left-pad", "left-pad"),
            standing: Standing {
                first_published: Some(days_ago(400)),
                maintainers: Some(vec!["ann".into()]),
                retired: None,
            },
            known: vec![ReleaseFacts::default(); releases.len()],
            releases,
            hosted: false,
            first_seen: None,
            advisories: AdvisoryState::Current,
            looks_like: None,
            dates: Dates::Registry,
            as_of: None,
            class: PrincipalClass::Person,
            now: NOW,
            exceptions: Arc::default(),
        }
    }

    pub(crate) fn policy(text: &str) -> Self {
        Self { policy: text.to_owned(), ..Self::new() }
    }

    pub(crate) fn push(&mut self, release: Release) -> usize {
        self.releases.push(release);
        self.known.push(ReleaseFacts::default());
        self.releases.len() - 1
    }

    pub(crate) fn dossier(&self) -> Dossier<'_> {
        Dossier {
            package: &self.package,
            standing: &self.standing,
            releases: &self.releases,
            known: &self.known,
            order: &order,
            hosted: self.hosted,
            first_seen: self.first_seen,
            advisories: self.advisories,
            looks_like: self.looks_like,
            dates: self.dates,
            as_of: self.as_of,
            class: self.class,
            now: self.now,
        }
    }

    pub(crate) fn firewall(&self) -> Firewall {
        let policy = ValidPolicy::parse(&self.policy, "policy.toml", &[]).unwrap();
        Firewall::new(Arc::new(policy), self.exceptions.clone())
    }

    pub(crate) fn filter(&self) -> Allowed {
        self.firewall().filter(&self.dossier())
    }

    pub(crate) fn judge(&self, index: usize) -> Judgement {
        self.firewall().judge(&self.dossier(), index)
    }

    /// One check's finding on a release.
    pub(crate) fn finding(&self, index: usize, code: &str) -> Finding {
        self.judge(index).findings.into_iter().find(|finding| finding.code == code).unwrap()
    }
}
