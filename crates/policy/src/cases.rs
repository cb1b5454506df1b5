//! Test cases beside a policy: facts in, verdict out, as the house means it.

use crate::exceptions::Exceptions;
use crate::facts::{AdvisoryState, Dossier, KnownAdvisory, ReleaseFacts, Severity};
use crate::firewall::Firewall;
use crate::pattern::KnownEcosystem;
use crate::policy::ValidPolicy;
use crate::problem::{PolicyProblems, Source};
use crate::verdict::{Judgement, Verdict};
use lazaret_vocabulary::{PackageName, PrincipalClass, Release, Span, Standing, Timestamp};
use serde::Deserialize;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;
use toml::Spanned;

/// Largest file that is read, in bytes.
const FILE_LIMIT_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    case: Vec<Spanned<Case>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    expect: Verdict,
    /// Codes that hold or refuse; all of them and no others, in any order.
    codes: Option<Vec<String>>,
    facts: Spanned<CaseFacts>,
}

/// A release that any policy lets in, but for what the case says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFacts {
    ecosystem: String,
    package: String,
    #[serde(default = "one")]
    version: String,
    /// Facts that nobody tells.
    #[serde(default)]
    unknown: Vec<Unknown>,
    #[serde(default = "year")]
    age: String,
    #[serde(default)]
    prerelease: bool,
    #[serde(default = "years")]
    package_age: String,
    #[serde(default = "somebody")]
    publisher: String,
    #[serde(default = "somebody")]
    previous_publisher: String,
    /// How long before this release the previous one was published.
    #[serde(default = "month")]
    previous: String,
    #[serde(default = "mit")]
    licence: String,
    #[serde(default = "maintainers")]
    maintainers: Vec<Arc<str>>,
    #[serde(default)]
    install_script: bool,
    deprecated: Option<Arc<str>>,
    retired: Option<Arc<str>>,
    withdrawn: Option<Arc<str>>,
    #[serde(default)]
    unpublished: bool,
    #[serde(default)]
    disagreements: Vec<Arc<str>>,
    #[serde(default)]
    advisories: Vec<CaseAdvisory>,
    #[serde(default)]
    advisory_sources: Sources,
    looks_like: Option<String>,
    #[serde(default)]
    hosted: bool,
    #[serde(default)]
    admitted_before: bool,
    #[serde(default = "person")]
    class: PrincipalClass,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Unknown {
    Age,
    PackageAge,
    Publisher,
    PreviousPublisher,
    Licence,
    Maintainers,
    InstallScript,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseAdvisory {
    id: Arc<str>,
    severity: Option<Severity>,
    #[serde(default)]
    malware: bool,
    #[serde(default)]
    unmaintained: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Sources {
    #[default]
    Current,
    Stale,
    NotConfigured,
}

fn one() -> String {
    "1.0.0".to_owned()
}

fn month() -> String {
    "30d".to_owned()
}

fn year() -> String {
    "1y".to_owned()
}

fn years() -> String {
    "3y".to_owned()
}

fn mit() -> String {
    "MIT".to_owned()
}

fn somebody() -> String {
    "somebody".to_owned()
}

fn maintainers() -> Vec<Arc<str>> {
    vec!["somebody".into()]
}

fn person() -> PrincipalClass {
    PrincipalClass::Person
}

/// What became of one case.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CaseResult {
    /// Its name.
    pub name: String,
    /// Where it stands: `policy.test.toml:3`.
    pub source: String,
    /// What it expects.
    pub expected: Verdict,
    /// The codes it expects, if it does.
    pub expected_codes: Option<Vec<String>>,
    /// What the policy decides.
    pub found: Verdict,
    /// The codes that hold or refuse.
    pub found_codes: Vec<Cow<'static, str>>,
    /// Why, in a sentence; empty when it is admitted.
    pub sentence: String,
}

impl CaseResult {
    /// Whether the policy does what the case expects.
    pub fn passed(&self) -> bool {
        let codes = self.expected_codes.as_ref().is_none_or(|expected| {
            let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            let mut found: Vec<&str> = self.found_codes.iter().map(AsRef::as_ref).collect();
            expected.sort_unstable();
            found.sort_unstable();
            expected == found
        });
        self.expected == self.found && codes
    }
}

/// Judges every case of a file by the policy, without any waiver or kill switch. What a case does not say is
/// as good as it can be: old, licensed, maintained, free of advisories. Fails when the file cannot be read.
pub fn run_cases(
    policy: &Arc<ValidPolicy>,
    text: &str,
    file_name: &str,
    ecosystems: &[KnownEcosystem<'_>],
    now: Timestamp,
) -> Result<Vec<CaseResult>, PolicyProblems> {
    let mut source = Source::new(text, file_name);
    if text.len() > FILE_LIMIT_BYTES {
        source.complain(0..0, format!("expected at most {FILE_LIMIT_BYTES} bytes, found {}", text.len()));
        return source.finish(Vec::new());
    }
    let cases = match toml::from_str::<CaseFile>(text) {
        Ok(file) => file.case,
        Err(error) => {
            source.complain(error.span().unwrap_or(0..0), error.message().replace('\n', ", "));
            return source.finish(Vec::new());
        }
    };
    let firewall = Firewall::new(policy.clone(), Arc::new(Exceptions::default()));
    let mut results = Vec::new();
    for case in cases {
        let line = source.line(case.span().start);
        let case = case.into_inner();
        match case.facts.get_ref().judge(&firewall, ecosystems, now) {
            Ok(judgement) => results.push(case.result(judgement, format!("{file_name}:{line}"))),
            Err(problem) => source.complain(case.facts.span(), format!("[[case]] {}: {problem}", case.name)),
        }
    }
    source.finish(results)
}

impl Case {
    fn result(self, judgement: Judgement, source: String) -> CaseResult {
        let found = judgement.verdict();
        let (found_codes, sentence) =
            judgement.withheld.map(|one| (one.codes, one.sentence)).unwrap_or_default();
        CaseResult {
            name: self.name,
            source,
            expected: self.expect,
            expected_codes: self.codes,
            found,
            found_codes,
            sentence,
        }
    }
}

impl CaseFacts {
    fn judge(
        &self,
        firewall: &Firewall,
        ecosystems: &[KnownEcosystem<'_>],
        now: Timestamp,
    ) -> Result<Judgement, String> {
        let known = ecosystems.iter().find(|one| one.id.as_str() == self.ecosystem);
        let ecosystem = known.ok_or_else(|| format!("there is no ecosystem `{}`", self.ecosystem))?;
        let key = (ecosystem.key)(&self.package);
        let key = key.ok_or_else(|| format!("`{}` is no name in {}", self.package, self.ecosystem))?;
        let package = PackageName::new(ecosystem.id, &self.package, &key);
        let age = span("age", &self.age)?;
        let known_unless = |unknown: Unknown| !self.unknown.contains(&unknown);
        let published = now - age;
        let before = Release {
            version: "0.0.1-before".into(),
            published: Some(published - span("previous", &self.previous)?),
            publisher: known_unless(Unknown::PreviousPublisher)
                .then(|| self.previous_publisher.as_str().into()),
            ..Release::default()
        };
        let release = Release {
            version: self.version.as_str().into(),
            prerelease: self.prerelease,
            published: known_unless(Unknown::Age).then_some(published),
            publisher: known_unless(Unknown::Publisher).then(|| self.publisher.as_str().into()),
            licence: known_unless(Unknown::Licence).then(|| self.licence.as_str().into()),
            deprecated: self.deprecated.clone(),
            withdrawn: self.withdrawn.clone(),
            install_script: known_unless(Unknown::InstallScript).then_some(self.install_script),
            ..Release::default()
        };
        let package_age = span("package_age", &self.package_age)?;
        let standing = Standing {
            first_published: known_unless(Unknown::PackageAge).then_some(now - package_age),
            maintainers: known_unless(Unknown::Maintainers).then(|| self.maintainers.clone()),
            retired: self.retired.clone(),
        };
        // A package younger than the gap has this release alone, or there would be an older one.
        let alone = now - package_age > published - span("previous", &self.previous)?
            || !known_unless(Unknown::PackageAge);
        let releases = if alone { vec![release] } else { vec![release, before] };
        let mut facts = vec![ReleaseFacts::default(); releases.len()];
        if let Some(first) = facts.first_mut() {
            *first = self.known();
        }
        let dossier = Dossier {
            package: &package,
            standing: &standing,
            releases: &releases,
            known: &facts,
            order: &|_, _| Ordering::Equal,
            hosted: self.hosted,
            first_seen: None,
            advisories: match self.advisory_sources {
                Sources::Current => AdvisoryState::Current,
                Sources::Stale => AdvisoryState::Stale { since: None },
                Sources::NotConfigured => AdvisoryState::NotConfigured,
            },
            looks_like: self.looks_like.as_deref(),
            dates: lazaret_vocabulary::Dates::Registry,
            as_of: None,
            class: self.class,
            now,
        };
        Ok(firewall.judge(&dossier, 0))
    }

    fn known(&self) -> ReleaseFacts {
        let advisories = self.advisories.iter().map(|one| KnownAdvisory {
            id: one.id.clone(),
            aliases: Vec::new(),
            summary: "".into(),
            severity: one.severity,
            malware: one.malware,
            unmaintained: one.unmaintained,
        });
        ReleaseFacts {
            advisories: advisories.collect(),
            first_seen: None,
            admitted_before: self.admitted_before,
            disagreements: self.disagreements.clone(),
            unpublished: self.unpublished,
        }
    }
}

fn span(key: &str, text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| format!("{key}: expected a duration such as \"30d\", found \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::trial::{ECOSYSTEM, NOW};

    fn run(policy: &str, cases: &str) -> Result<Vec<CaseResult>, PolicyProblems> {
        let known = [KnownEcosystem {
            id: ECOSYSTEM,
            purl_type: "toy",
            key: Box::new(|name: &str| Some(name.to_lowercase())),
        }];
        let policy = Arc::new(ValidPolicy::parse(policy, "policy.toml", &known).unwrap());
        run_cases(&policy, cases, "policy.test.toml", &known, NOW)
    }

    #[test]
    fn cases_pass_and_fail() {
        let results = run(
            "",
            r#"
[[case]]
name = "what is good is let in"
expect = "admit"
facts = { ecosystem = "toy", package = "left-pad" }

[[case]]
name = "what is young waits"
expect = "hold"
codes = ["release-too-new"]
facts = { ecosystem = "toy", package = "left-pad", age = "2d" }

[[case]]
name = "no date"
expect = "refuse"
codes = ["release-too-new"]
[case.facts]
ecosystem = "toy"
package = "left-pad"
unknown = ["age"]

[[case]]
name = "another publisher"
expect = "hold"
codes = ["publisher-changed"]
facts = { ecosystem = "toy", package = "left-pad", age = "40d", publisher = "eve" }

[[case]]
name = "wrong"
expect = "admit"
facts = { ecosystem = "toy", package = "left-pad", advisories = [{ id = "MAL-1", malware = true }] }
"#,
        )
        .unwrap();
        let failed: Vec<_> = results
            .iter()
            .filter(|one| !one.passed())
            .map(|one| (one.name.as_str(), one.found, one.source.as_str()))
            .collect();
        assert_eq!(failed, [("wrong", Verdict::Refuse, "policy.test.toml:28")]);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            (
                "[[case]]\nname = \"x\"\nexpect = \"deny\"\nfacts = {}\n",
                "policy.test.toml:3:10: unknown variant `deny`",
            ),
            (
                "[[case]]\nname = \"x\"\nexpect = \"hold\"\nfacts = { ecosystem = \"toy\", package = \"x\", agee = \"1d\" }\n",
                "policy.test.toml:4:45: unknown field `agee`",
            ),
            (
                "[[case]]\nname = \"x\"\nexpect = \"hold\"\nfacts = { ecosystem = \"toy\", package = \"x\", age = \"1\" }\n",
                "policy.test.toml:4:9: [[case]] x: age: expected a duration",
            ),
            (
                "[[case]]\nname = \"x\"\nexpect = \"hold\"\nfacts = { ecosystem = \"tin\", package = \"x\" }\n",
                "there is no ecosystem `tin`",
            ),
        ] {
            let found = run("", text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}");
        }
    }
}
