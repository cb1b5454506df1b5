//! What people decided beside the policy: waivers, kill switches, and the names this house publishes.

use crate::checks::{self, Waivable};
use crate::codes::KILLED;
use crate::facts::KnownAdvisory;
use crate::pattern::{KnownEcosystem, NamePattern, Pattern, shorten};
use crate::problem::suggestion;
use crate::verdict::{Action, Withheld};
use lazaret_vocabulary::{Digest, EcosystemId, PackageName, Span, Timestamp};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
            problems.push(format!("{code} needs somebody other than {} to agree", self.author));
        }
    }

    fn has_second_person(&self) -> bool {
        let normal = |name: &str| name.trim().to_lowercase();
        let approver = self.approver.as_deref().map(normal).filter(|approver| !approver.is_empty());
        approver.is_some_and(|approver| approver != normal(&self.author))
    }

    fn names_version(&self, version: &str) -> bool {
        self.versions.iter().any(|one| &**one == "*" || &**one == version)
    }

    fn names_code(&self, code: &str) -> bool {
        self.codes.iter().any(|one| &**one == code)
    }

    fn names_advisory(&self, advisory: &KnownAdvisory) -> bool {
        let ids = || std::iter::once(&advisory.id).chain(&advisory.aliases);
        self.advisories.iter().any(|named| ids().any(|id| id.eq_ignore_ascii_case(named)))
    }
}

/// Something refused at once, above every waiver.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Its id, as records name it.
    pub id: Arc<str>,
    /// What is refused.
    pub target: KillTarget,
    /// Why, in a sentence.
    pub why: Arc<str>,
    /// Who threw the switch.
    pub author: Arc<str>,
    /// When.
    pub created: Timestamp,
}

/// What a kill switch refuses.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillTarget {
    /// Releases by name.
    Package {
        /// The ecosystem's id.
        ecosystem: Arc<str>,
        /// A pattern over keys, in which `*` stands for any run of characters.
        package: Arc<str>,
        /// A pattern over versions; `None` is every one.
        version: Option<Arc<str>>,
    },
    /// Files by digest, as `sha256:<hex>`.
    Digest(Arc<str>),
}

/// The text names nothing that can be refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a package URL such as pkg:npm/left-pad@1.3.*, or sha256:<64 hex digits>; found `{found}`{hint}"
)]
pub struct InvalidKill {
    found: String,
    hint: String,
}

impl KillTarget {
    /// Reads `pkg:npm/%40acme/*`, `pkg:npm/left-pad@1.3.*` or `sha256:<hex>`. In a package URL `*` stands for
    /// any run of characters, in the name and in the version.
    pub fn parse(text: &str, known: &[KnownEcosystem<'_>]) -> Result<Self, InvalidKill> {
        let text = text.trim();
        let invalid = |hint: String| InvalidKill { found: shorten(text), hint };
        if !text.starts_with("pkg:") {
            let digest = Digest::from_str(text).map_err(|_| invalid(String::new()))?;
            return Ok(Self::Digest(digest.to_string().into()));
        }
        let purl = lazaret_vocabulary::Purl::parse(text).ok_or_else(|| invalid(String::new()))?;
        let ecosystem = known
            .iter()
            .find(|one| one.purl_type == purl.kind)
            .ok_or_else(|| invalid(suggestion(&purl.kind, known.iter().map(|one| one.purl_type))))?;
        let named = NamePattern::read(&purl.name, Some(ecosystem.id.as_str()), known);
        let package = named
            .ok()
            .and_then(|all| all.into_iter().next())
            .ok_or_else(|| invalid(format!("; `{}` is no name in {}", shorten(&purl.name), ecosystem.id)))?;
        let version = match purl.version {
            Some(version) => {
                let pattern = Pattern::new(&version).ok_or_else(|| invalid(String::new()))?;
                Some(pattern.as_str().into())
            }
            None => None,
        };
        let package = package.pattern.as_str().into();
        Ok(Self::Package { ecosystem: ecosystem.id.as_str().into(), package, version })
    }
}

impl Kill {
    /// Whether a file with this digest is refused.
    pub fn matches_digest(&self, digest: &Digest) -> bool {
        match &self.target {
            KillTarget::Digest(text) => Digest::from_str(text).is_ok_and(|killed| killed == *digest),
            KillTarget::Package { .. } => false,
        }
    }

    pub(crate) fn sentence(&self) -> String {
        format!("refused at once by {}: {}", self.author, self.why.trim_end_matches('.'))
    }
}

/// A kill of releases, ready to be compared.
struct NamedKill {
    kill: Kill,
    ecosystem: Arc<str>,
    package: Pattern,
    version: Option<Pattern>,
}

/// A waiver and how often it was of use.
pub(crate) struct Counted {
    pub(crate) waiver: Waiver,
    pub(crate) matched: AtomicU64,
}

/// An immutable snapshot of every exception. Replaced as a whole.
#[derive(Default)]
pub struct Exceptions {
    waivers: HashMap<Arc<str>, HashMap<Arc<str>, Vec<Counted>>>,
    named: Vec<NamedKill>,
    digests: HashMap<Digest, Kill>,
    hosted: HashMap<EcosystemId, HashSet<Arc<str>>>,
    problems: Vec<String>,
}

impl Exceptions {
    /// Takes waivers, kill switches and the names (ecosystem and key) published to this house. A waiver that
    /// cannot be is left out, and told by [`Exceptions::problems`]; a kill switch that cannot be read is told
    /// there too. `rule_codes` are the codes of the policy's own rules.
    pub fn new(
        waivers: impl IntoIterator<Item = Waiver>,
        kills: impl IntoIterator<Item = Kill>,
        hosted: impl IntoIterator<Item = (EcosystemId, Arc<str>)>,
        rule_codes: &[&str],
    ) -> Self {
        let mut exceptions = Self::default();
        for waiver in waivers {
            match waiver.validate(rule_codes) {
                Ok(()) => exceptions.add_waiver(waiver),
                Err(problem) => exceptions.problems.push(problem.to_string()),
            }
        }
        for kill in kills {
            exceptions.add_kill(kill);
        }
        for (ecosystem, key) in hosted {
            exceptions.hosted.entry(ecosystem).or_default().insert(key);
        }
        exceptions
    }

    fn add_waiver(&mut self, waiver: Waiver) {
        let of_ecosystem = self.waivers.entry(waiver.ecosystem.clone()).or_default();
        let of_package = of_ecosystem.entry(waiver.package.clone()).or_default();
        of_package.push(Counted { waiver, matched: AtomicU64::new(0) });
    }

    fn add_kill(&mut self, kill: Kill) {
        match &kill.target {
            KillTarget::Digest(text) => match Digest::from_str(text) {
                Ok(digest) => {
                    self.digests.insert(digest, kill);
                }
                Err(error) => self.problems.push(format!("kill {}: {error}", kill.id)),
            },
            KillTarget::Package { ecosystem, package, version } => {
                let patterns = (Pattern::new(package), version.as_deref().map(Pattern::new));
                let (package, version) = match patterns {
                    (Some(package), None) => (package, None),
                    (Some(package), Some(Some(version))) => (package, Some(version)),
                    _ => {
                        self.problems.push(format!("kill {}: its pattern cannot be read", kill.id));
                        return;
                    }
                };
                let ecosystem = ecosystem.clone();
                self.named.push(NamedKill { kill, ecosystem, package, version });
            }
        }
    }

    /// What was left out and why.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Whether the name was published to this house.
    pub fn is_hosted(&self, package: &PackageName) -> bool {
        self.hosted.get(&package.ecosystem()).is_some_and(|keys| keys.contains(package.key()))
    }

    /// Why a file with this digest must not be served, whatever the policy says; asked where the bytes are.
    pub fn kill_for_digest(&self, digest: &Digest) -> Option<Withheld> {
        self.digests.get(digest).map(killed)
    }

    /// Waivers that took nothing's force since the snapshot was made, by id.
    pub fn unmatched(&self) -> Vec<Arc<str>> {
        let all = self.waivers.values().flat_map(HashMap::values).flatten();
        let unmatched = all.filter(|counted| counted.matched.load(Ordering::Relaxed) == 0);
        unmatched.map(|counted| counted.waiver.id.clone()).collect()
    }

    /// The exceptions that speak of a package at `now`.
    pub(crate) fn of(&self, package: &PackageName, now: Timestamp) -> PackageExceptions<'_> {
        let ecosystem = package.ecosystem().as_str();
        let waivers = self.waivers.get(ecosystem).and_then(|all| all.get(package.key()));
        let named = self.named.iter().filter(|kill| {
            &*kill.ecosystem == ecosystem
                && (kill.package.matches(package.key()) || kill.package.matches(package.as_str()))
        });
        PackageExceptions {
            waivers: waivers.into_iter().flatten().filter(|one| now < one.waiver.expires).collect(),
            named: named.collect(),
            digests: &self.digests,
        }
    }
}

/// The refusal that a kill switch comes to.
pub(crate) fn killed(kill: &Kill) -> Withheld {
    Withheld {
        action: Action::Refuse,
        code: KILLED.into(),
        sentence: kill.sentence(),
        until: None,
        codes: vec![KILLED.into()],
    }
}

/// The exceptions that speak of one package.
pub(crate) struct PackageExceptions<'e> {
    pub(crate) waivers: Vec<&'e Counted>,
    named: Vec<&'e NamedKill>,
    digests: &'e HashMap<Digest, Kill>,
}

impl<'e> PackageExceptions<'e> {
    pub(crate) fn kill(&self, release: &lazaret_vocabulary::Release) -> Option<&'e Kill> {
        let fits = |kill: &&&NamedKill| kill.version.as_ref().is_none_or(|one| one.matches(&release.version));
        if let Some(named) = self.named.iter().find(fits) {
            return Some(&named.kill);
        }
        if self.digests.is_empty() {
            return None;
        }
        release
            .artifacts
            .iter()
            .flat_map(|artifact| &artifact.digests)
            .find_map(|digest| self.digests.get(digest))
    }

    /// The waiver that takes a finding's force, if the waivers on the release name all that it rests on.
    pub(crate) fn waiver<'s>(
        &self,
        code: &str,
        waivable: Waivable,
        of_package: bool,
        version: &str,
        rests_on: impl FnOnce() -> Vec<&'s KnownAdvisory>,
    ) -> Option<&'e Waiver> {
        if self.waivers.is_empty() || waivable == Waivable::No {
            return None;
        }
        let fits = |counted: &&&Counted| {
            let waiver = &counted.waiver;
            let every = !of_package && waiver.versions.iter().any(|one| &**one == "*");
            waiver.names_code(code) && waiver.names_version(version) && !every
        };
        let fitting: Vec<&&Counted> = self.waivers.iter().filter(fits).collect();
        let first = fitting.first()?;
        if matches!(waivable, Waivable::ByAdvisory | Waivable::ByTwo) {
            let advisories = rests_on();
            let named =
                |one: &&KnownAdvisory| fitting.iter().any(|counted| counted.waiver.names_advisory(one));
            if advisories.is_empty() || !advisories.iter().all(named) {
                return None;
            }
        }
        for counted in &fitting {
            counted.matched.fetch_add(1, Ordering::Relaxed);
        }
        Some(&first.waiver)
    }
}
