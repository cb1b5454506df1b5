//! What the checks look at: the registry's own statements, and what this house knows beside them.

use lazaret_vocabulary::{Dates, PackageName, PrincipalClass, Release, Standing, Timestamp};
use std::cmp::Ordering;
use std::sync::Arc;

/// An advisory that covers one release. Made by the engine from `advisories`.
#[derive(Debug, Clone)]
pub struct KnownAdvisory {
    /// Its main id, such as `GHSA-…`, `RUSTSEC-…`, `MAL-…`.
    pub id: Arc<str>,
    /// Other ids of the same thing.
    pub aliases: Vec<Arc<str>>,
    /// One line on what it is about.
    pub summary: Arc<str>,
    /// How bad, when its vectors or its database say so.
    pub severity: Option<Severity>,
    /// It says that the release is malicious, not merely flawed.
    pub malware: bool,
    /// It says that nobody looks after the package any more, not that it is flawed.
    pub unmaintained: bool,
}

/// Qualitative severity (CVSS v3.1 §5, v4.0 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 0.0
    None,
    /// 0.1–3.9
    Low,
    /// 4.0–6.9
    Medium,
    /// 7.0–8.9
    High,
    /// 9.0–10.0
    Critical,
}

impl Severity {
    /// Every rating, the mildest first.
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// In lower case, as policy files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How far the advisories can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvisoryState {
    /// At least one source covers the ecosystem and all configured ones are recent enough.
    Current,
    /// No source is configured: said loudly elsewhere, and no finding of its own.
    NotConfigured,
    /// A configured source was last read at this moment, longer ago than `max_staleness`, or never.
    Stale {
        /// The last successful read.
        since: Option<Timestamp>,
    },
}

/// What this house knows of one release beside the registry's word. Same index as the release.
#[derive(Debug, Clone, Default)]
pub struct ReleaseFacts {
    /// Advisories that cover it, collapsed by alias.
    pub advisories: Vec<KnownAdvisory>,
    /// When its artifact was first seen here.
    pub first_seen: Option<Timestamp>,
    /// Some artifact of it was released to somebody before.
    pub admitted_before: bool,
    /// What was found wrong between declaration, index and content: each a sentence. Empty is not proof.
    pub disagreements: Vec<Arc<str>>,
    /// It was in the index once and is not now.
    pub unpublished: bool,
}

/// Everything the firewall judges a package by. Slices `releases` and `known` have the same length.
pub struct Dossier<'a> {
    /// The package.
    pub package: &'a PackageName,
    /// How the package stands with its registry.
    pub standing: &'a Standing,
    /// Its releases, in the order of the registry's document.
    pub releases: &'a [Release],
    /// What this house knows of each.
    pub known: &'a [ReleaseFacts],
    /// The ecosystem's version order.
    pub order: &'a (dyn Fn(&str, &str) -> Ordering + Sync),
    /// The package is published to this house.
    pub hosted: bool,
    /// When this house first heard of the package.
    pub first_seen: Option<Timestamp>,
    /// Whether advisories can be relied upon.
    pub advisories: AdvisoryState,
    /// The far more popular package its name can be confused with, and in which way: a sentence.
    pub looks_like: Option<&'a str>,
    /// Whose word there is on dates.
    pub dates: Dates,
    /// The moment as of which a client wants to see the registry, if it is not the present: what was not there
    /// yet is out of its sight, whatever the policy says.
    pub as_of: Option<Timestamp>,
    /// Who asks.
    pub class: PrincipalClass,
    /// The moment of judgement.
    pub now: Timestamp,
}
