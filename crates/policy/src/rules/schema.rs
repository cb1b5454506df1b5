//! The facts that rules can name, version 1. Names are only ever added. It is `pkg` and not `package`, since
//! CEL keeps that word for itself (CEL specification, "Syntax", RESERVED).

use crate::checks::Subject;
use crate::facts::{AdvisoryState, Dossier, KnownAdvisory, ReleaseFacts, Severity};
use cel::Value;
use lazaret_vocabulary::{
    Dates, EcosystemId, PackageName, PrincipalClass, Release, Span, Standing, Timestamp,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Longest list a rule sees; what is beyond is not there.
pub(crate) const LIST_LIMIT: usize = 100;
/// Longest text a rule sees, in characters.
const TEXT_LIMIT: usize = 4000;

/// What kind of thing a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Flag,
    /// A whole number of days since a moment: changes by itself.
    Days,
    Texts,
}

/// Every fact.
pub(crate) const FACTS: [(&str, Type); 27] = [
    ("pkg.name", Type::Text),
    ("pkg.ecosystem", Type::Text),
    ("pkg.maintainers", Type::Texts),
    ("pkg.first_published_days", Type::Days),
    ("pkg.first_seen_days", Type::Days),
    ("pkg.releases", Type::Number),
    ("pkg.retired", Type::Flag),
    ("pkg.looks_alike", Type::Flag),
    ("release.version", Type::Text),
    ("release.prerelease", Type::Flag),
    ("release.age_days", Type::Days),
    ("release.first_seen_days", Type::Days),
    ("release.claimed_days", Type::Days),
    ("release.reference", Type::Text),
    ("release.publisher", Type::Text),
    ("release.licence", Type::Text),
    ("release.repository", Type::Text),
    ("release.install_script", Type::Flag),
    ("release.deprecated", Type::Flag),
    ("release.withdrawn", Type::Flag),
    ("release.unpublished", Type::Flag),
    ("release.admitted_before", Type::Flag),
    ("release.files", Type::Number),
    ("release.size_bytes", Type::Number),
    ("release.kept_dependencies", Type::Flag),
    ("release.new_publisher", Type::Flag),
    ("principal.class", Type::Text),
];

/// The fields of an entry of `advisories`.
pub(crate) const ADVISORY_FIELDS: [&str; 7] =
    ["id", "aliases", "summary", "severity", "severity_rank", "malware", "unmaintained"];

/// A fact by its name.
pub(crate) fn declared(name: &str) -> Option<(&'static str, Type)> {
    FACTS.into_iter().find(|(known, _)| *known == name)
}

/// Where facts are read from.
pub(crate) struct Facts<'a> {
    pub(crate) dossier: &'a Dossier<'a>,
    release: &'a Release,
    known: &'a ReleaseFacts,
    kept_dependencies: Option<bool>,
    new_publisher: Option<bool>,
    releases: usize,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(subject: &'a Subject<'a>) -> Self {
        let earlier = subject.history.earlier(subject.index);
        let publishers = earlier.publishers_known && subject.release.publisher.is_some();
        Self {
            dossier: subject.dossier,
            release: subject.release,
            known: subject.known,
            kept_dependencies: subject.history.kept_dependencies(subject.index),
            new_publisher: publishers.then_some(!earlier.same_publisher),
            releases: subject.history.releases(),
        }
    }
}

/// The moment that a number of days is counted from.
fn moment(name: &str, facts: &Facts<'_>) -> Option<Timestamp> {
    match name {
        "pkg.first_published_days" => facts.dossier.standing.first_published,
        "pkg.first_seen_days" => facts.dossier.first_seen,
        "release.age_days" => facts.release.published,
        "release.first_seen_days" => facts.known.first_seen,
        "release.claimed_days" => facts.release.claimed,
        _ => None,
    }
}

/// The same, if it has come.
pub(super) fn begin(name: &str, facts: &Facts<'_>) -> Option<Timestamp> {
    moment(name, facts).filter(|moment| *moment <= facts.dossier.now)
}

/// The same, if it has not.
pub(super) fn begin_to_come(name: &str, facts: &Facts<'_>) -> Option<Timestamp> {
    moment(name, facts).filter(|moment| *moment > facts.dossier.now)
}

/// A fact's value; `None` where it is not known.
pub(super) fn fact(name: &str, facts: &Facts<'_>) -> Option<Value> {
    let (dossier, release, known) = (facts.dossier, facts.release, facts.known);
    let number = |count: usize| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    Some(match name {
        "pkg.name" => text(dossier.package.as_str()),
        "pkg.ecosystem" => text(dossier.package.ecosystem().as_str()),
        "pkg.maintainers" => texts(dossier.standing.maintainers.as_deref()?),
        "pkg.releases" => number(facts.releases),
        "pkg.retired" => Value::Bool(dossier.standing.retired.is_some()),
        "pkg.looks_alike" => Value::Bool(dossier.looks_like.is_some()),
        "release.version" => text(&release.version),
        "release.prerelease" => Value::Bool(release.prerelease),
        "release.publisher" => text(release.publisher.as_deref()?),
        "release.reference" => text(&release.reference.as_ref()?.name),
        "release.licence" => text(release.licence.as_deref()?),
        "release.repository" => text(release.repository.as_deref()?),
        "release.install_script" => Value::Bool(release.install_script?),
        "release.deprecated" => Value::Bool(release.deprecated.is_some()),
        "release.withdrawn" => Value::Bool(release.withdrawn.is_some()),
        "release.unpublished" => Value::Bool(known.unpublished),
        "release.admitted_before" => Value::Bool(known.admitted_before),
        "release.files" => number(release.artifacts.len()),
        "release.size_bytes" => {
            let sizes = release.artifacts.iter().map(|artifact| artifact.size_bytes);
            let total = sizes.sum::<Option<u64>>()?;
            Value::Int(i64::try_from(total).unwrap_or(i64::MAX))
        }
        "release.kept_dependencies" => Value::Bool(facts.kept_dependencies?),
        "release.new_publisher" => Value::Bool(facts.new_publisher?),
        "principal.class" => text(dossier.class.as_str()),
        days => Value::Int(dossier.now.since(begin(days, facts)?).millis() / Span::days(1).millis()),
    })
}

/// A name that has facts below it, as a map of those that are known; or the list of advisories, which is
/// known only where the sources can be relied upon.
pub(super) fn root(name: &str, facts: &Facts<'_>) -> Option<Value> {
    if name == "advisories" {
        let current = facts.dossier.advisories == AdvisoryState::Current;
        let list = facts.known.advisories.iter().take(LIST_LIMIT).map(advisory);
        return current.then(|| Value::List(Arc::new(list.collect())));
    }
    let below = FACTS.iter().filter_map(|(path, _)| {
        let field = path.strip_prefix(name)?.strip_prefix('.')?;
        Some((field.to_owned(), fact(path, facts)?))
    });
    Some(Value::from(below.collect::<HashMap<String, Value>>()))
}

fn advisory(advisory: &KnownAdvisory) -> Value {
    let mut fields = HashMap::from([
        ("id".to_owned(), text(&advisory.id)),
        ("aliases".to_owned(), texts(&advisory.aliases)),
        ("summary".to_owned(), text(&advisory.summary)),
        ("malware".to_owned(), Value::Bool(advisory.malware)),
        ("unmaintained".to_owned(), Value::Bool(advisory.unmaintained)),
    ]);
    if let Some(severity) = advisory.severity {
        fields.insert("severity".to_owned(), text(severity.as_str()));
        let rank = Severity::ALL.iter().position(|one| *one == severity).unwrap_or(0);
        fields.insert("severity_rank".to_owned(), Value::Int(i64::try_from(rank).unwrap_or(0)));
    }
    Value::from(fields)
}

fn text(text: &str) -> Value {
    let end = text.char_indices().nth(TEXT_LIMIT).map_or(text.len(), |(at, _)| at);
    Value::String(Arc::new(text.get(..end).unwrap_or(text).to_owned()))
}

fn texts(list: &[Arc<str>]) -> Value {
    Value::List(Arc::new(list.iter().take(LIST_LIMIT).map(|one| text(one)).collect()))
}

/// Two releases of which everything is known, one with all flags set and one with none, to try a rule on.
pub(super) fn samples() -> Vec<Facts<'static>> {
    static SAMPLES: std::sync::LazyLock<[Sample; 2]> =
        std::sync::LazyLock::new(|| [Sample::new(true), Sample::new(false)]);
    SAMPLES.iter().map(Sample::facts).collect()
}

struct Sample {
    dossier: Dossier<'static>,
    release: Release,
    known: ReleaseFacts,
    flag: bool,
}

static SAMPLE_STANDING: std::sync::LazyLock<Standing> = std::sync::LazyLock::new(|| Standing {
    first_published: Some(Timestamp::EPOCH),
    maintainers: Some(vec!["sample".into()]),
    retired: None,
});
static SAMPLE_NAME: std::sync::LazyLock<PackageName> =
    std::sync::LazyLock::new(|| PackageName::new(EcosystemId::new("sample"), "sample", "sample"));

impl Sample {
    fn new(flag: bool) -> Self {
        let now = Timestamp::EPOCH + Span::days(1000);
        let dossier = Dossier {
            package: &SAMPLE_NAME,
            standing: &SAMPLE_STANDING,
            releases: &[],
            known: &[],
            order: &|left, right| left.cmp(right),
            hosted: false,
            first_seen: Some(Timestamp::EPOCH),
            advisories: AdvisoryState::Current,
            looks_like: flag.then_some("sample"),
            dates: Dates::Registry,
            as_of: None,
            class: PrincipalClass::Person,
            now,
        };
        let sample = || -> Arc<str> { "sample".into() };
        let release = Release {
            version: sample(),
            prerelease: flag,
            published: Some(now - Span::days(if flag { 1 } else { 900 })),
            publisher: Some(sample()),
            licence: Some(sample()),
            deprecated: flag.then(sample),
            withdrawn: flag.then(sample),
            install_script: Some(flag),
            dependencies: Some(1),
            repository: Some(sample()),
            claimed: Some(now - Span::days(1)),
            reference: Some(lazaret_vocabulary::Reference {
                name: sample(),
                kind: lazaret_vocabulary::ReferenceKind::Moving,
                moved_from: None,
            }),
            ..Release::default()
        };
        let advisory = KnownAdvisory {
            id: sample(),
            aliases: vec![sample()],
            summary: sample(),
            severity: Some(if flag { Severity::Critical } else { Severity::Low }),
            malware: flag,
            unmaintained: flag,
        };
        let known = ReleaseFacts {
            advisories: vec![advisory],
            first_seen: Some(now),
            admitted_before: flag,
            disagreements: Vec::new(),
            unpublished: flag,
        };
        Self { dossier, release, known, flag }
    }

    fn facts(&'static self) -> Facts<'static> {
        Facts {
            dossier: &self.dossier,
            release: &self.release,
            known: &self.known,
            kept_dependencies: Some(self.flag),
            new_publisher: Some(self.flag),
            releases: 1,
        }
    }
}
