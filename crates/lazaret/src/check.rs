//! `lazaret explain` and `lazaret check`.

use crate::FOUND;
use crate::cli::Place;
use crate::judge::{Judge, Question};
use crate::sarif::{self, Finding, Level};
use anyhow::{Context as _, bail};
use lazaret_ecosystems::Locked;
use lazaret_vocabulary::{PackageName, Purl};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Largest lock file read.
const MAX_LOCK_FILE: u64 = 64 << 20;
/// Releases asked about at once.
const AT_ONCE: usize = 16;
/// Code of a release that could not be judged.
const NOT_JUDGED: &str = "not-judged";

/// The package a purl names.
pub(crate) fn package(purl: &str) -> anyhow::Result<(PackageName, Option<String>)> {
    question(purl).map(|question| (question.package, question.version))
}

fn question(purl: &str) -> anyhow::Result<Question> {
    let parsed = Purl::parse(purl)
        .with_context(|| format!("`{purl}` is no package URL; expected pkg:TYPE/NAME@VERSION"))?;
    let Some(ecosystem) = lazaret_ecosystems::by_purl_type(&parsed.kind) else {
        let known: Vec<&str> = lazaret_ecosystems::all().iter().map(|one| one.profile().purl_type).collect();
        bail!(
            "no ecosystem here has package URLs of type `{}`; expected one of {}",
            parsed.kind,
            known.join(", ")
        );
    };
    Ok(Question {
        package: ecosystem.name(&parsed.name)?,
        purl_type: ecosystem.profile().purl_type,
        version: parsed.version,
    })
}

pub(crate) async fn explain(place: &Place, purl: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let question = question(purl)?;
    let judge = Judge::open(place).await?;
    let facts = judge.explain(&question).await;
    judge.close().await;
    let facts = facts?;
    if as_json {
        say!("{}", serde_json::to_string_pretty(&facts)?);
    } else {
        print_facts(&facts);
    }
    let admitted = facts.get("verdict").and_then(Value::as_str).is_none_or(|verdict| verdict == "admit");
    Ok(if admitted { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn print_facts(facts: &Value) {
    say!("{}", text(facts, "purl"));
    if let Some(verdict) = facts.get("verdict").and_then(Value::as_str) {
        say!("verdict: {verdict}");
    }
    if let Some(observed) = facts.get("observed") {
        say!(
            "the policy only observes here; it would {} it ({}): {}",
            text(observed, "verdict"),
            text(observed, "code"),
            text(observed, "sentence")
        );
    }
    if !text(facts, "until").is_empty() {
        say!("the hold ends: {}", text(facts, "until"));
    }
    if !text(facts, "newest_allowed").is_empty() {
        say!("newest allowed: {}", text(facts, "newest_allowed"));
    }
    for finding in list(facts, "findings") {
        let outcome = text(finding, "outcome");
        let action = if outcome == "pass" { "" } else { text(finding, "action") };
        say!(
            "  {:<18} {outcome:<8} {action:<7} {} [{}]",
            text(finding, "code"),
            text(finding, "sentence"),
            text(finding, "source")
        );
    }
    if let Some(count) = facts.get("hidden_count").and_then(Value::as_u64) {
        say!("hidden: {count} of {} releases", facts.get("releases").and_then(Value::as_u64).unwrap_or(0));
    }
    for hidden in list(facts, "hidden") {
        say!(
            "  {:<14} {:<7} {:<18} {}",
            text(hidden, "version"),
            text(hidden, "verdict"),
            text(hidden, "code"),
            text(hidden, "sentence")
        );
    }
    say!("policy: {}", text(facts, "policy_revision").get(..12).unwrap_or(""));
}

/// How `check` prints what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Human,
    /// One JSON array, an object a release.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

/// What the gate says of one pinned release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Judged {
    package: String,
    version: String,
    line: Option<usize>,
    /// `admit`, `hold`, `refuse`, or `unknown` when it could not be judged.
    verdict: String,
    code: String,
    sentence: String,
    until: Option<String>,
    newest_allowed: Option<String>,
    /// Codes and sentences of what is told without being stopped.
    warnings: Vec<(String, String)>,
}

impl Judged {
    fn new(pinned: &Locked, facts: anyhow::Result<Value>) -> Self {
        let mut judged = Self {
            package: pinned.package.as_str().to_owned(),
            version: pinned.version.clone(),
            line: pinned.line,
            ..Self::default()
        };
        match facts {
            Err(error) => {
                judged.verdict = "unknown".to_owned();
                judged.code = NOT_JUDGED.to_owned();
                judged.sentence = format!("{error:#}");
            }
            Ok(facts) => {
                let optional = |key: &str| Some(text(&facts, key).to_owned()).filter(|text| !text.is_empty());
                judged.verdict = text(&facts, "verdict").to_owned();
                judged.code = text(&facts, "code").to_owned();
                judged.sentence = text(&facts, "sentence").to_owned();
                judged.until = optional("until");
                judged.newest_allowed = optional("newest_allowed");
                judged.warnings = list(&facts, "findings")
                    .iter()
                    .filter(|finding| text(finding, "action") == "warn" && text(finding, "outcome") != "pass")
                    .map(|finding| (text(finding, "code").to_owned(), text(finding, "sentence").to_owned()))
                    .collect();
            }
        }
        judged
    }

    fn admitted(&self) -> bool {
        self.verdict == "admit"
    }

    fn release(&self) -> String {
        format!("{}@{}", self.package, self.version)
    }

    /// The reason, when it ends, and what is there instead.
    fn reason(&self) -> String {
        let mut reason = self.sentence.clone();
        if let Some(until) = &self.until {
            reason.push_str(&format!("; held until {until}"));
        }
        if let Some(newest) = &self.newest_allowed {
            reason.push_str(&format!("; newest allowed: {newest}"));
        }
        reason
    }

    fn findings(&self) -> Vec<Finding> {
        let finding = |code: &str, level: Level, message: String| Finding {
            code: code.to_owned(),
            level,
            message,
            release: self.release(),
            line: self.line,
        };
        let level = match self.verdict.as_str() {
            "refuse" => Level::Error,
            _ => Level::Warning,
        };
        let stopped = (!self.admitted()).then(|| finding(&self.code, level, self.reason()));
        let warned = self.warnings.iter().map(|(code, said)| finding(code, Level::Note, said.clone()));
        stopped.into_iter().chain(warned).collect()
    }
}

pub(crate) async fn check(place: &Place, file: &Path, form: Form) -> anyhow::Result<ExitCode> {
    let (purl_type, locked) = read(file)?;
    let judge = Judge::open(place).await?;
    let judged = judge_all(&judge, purl_type, locked).await;
    judge.close().await;
    let bad = judged.iter().filter(|judged| !judged.admitted()).count();
    match form {
        Form::Json => say!("{}", serde_json::to_string_pretty(&judged)?),
        Form::Sarif => {
            let findings: Vec<Finding> = judged.iter().flat_map(Judged::findings).collect();
            say!("{}", serde_json::to_string_pretty(&sarif::log(file, &findings))?);
        }
        Form::Human => report(file, &judged).iter().for_each(|line| say!("{line}")),
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// What a lock file pins, and of which type of package URL that is.
fn read(file: &Path) -> anyhow::Result<(&'static str, Vec<Locked>)> {
    let size = std::fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?.len();
    if size > MAX_LOCK_FILE {
        bail!("{}: a lock file of {size} bytes is too large", file.display());
    }
    let content = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let found = lazaret_ecosystems::all()
        .iter()
        .find_map(|ecosystem| Some((ecosystem.profile().purl_type, ecosystem.lock_file(&name, &content)?)));
    let Some((purl_type, read)) = found else {
        bail!(
            "{}: no ecosystem here knows a lock file of this name; expected package-lock.json, pnpm-lock.yaml, \
             yarn.lock, bun.lock, requirements.txt, uv.lock, poetry.lock, Cargo.lock, go.sum, packages.lock.json, \
             pom.xml, a Dockerfile, a compose file or a workflow",
            file.display()
        )
    };
    Ok((purl_type, read.with_context(|| format!("{} cannot be read", file.display()))?))
}

/// Asks about every release, several at once; the answers come in the lock file's order.
async fn judge_all(judge: &Judge, purl_type: &'static str, locked: Vec<Locked>) -> Vec<Judged> {
    let room = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut tasks = tokio::task::JoinSet::new();
    for (at, pinned) in locked.into_iter().enumerate() {
        let (judge, room) = (judge.clone(), room.clone());
        tasks.spawn(async move {
            let _permit = room.acquire_owned().await;
            let package = pinned.package.clone();
            let question = Question { package, purl_type, version: Some(pinned.version.clone()) };
            (at, Judged::new(&pinned, judge.explain(&question).await))
        });
    }
    let mut judged: Vec<(usize, Judged)> = tasks.join_all().await;
    judged.sort_by_key(|(at, _)| *at);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

/// The lines for people: the worst first, alike ones together.
fn report(file: &Path, judged: &[Judged]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut count = |verdict: &str, title: &str| {
        let mut group: Vec<&Judged> = judged.iter().filter(|judged| judged.verdict == verdict).collect();
        group.sort_by(|left, right| (&left.code, left.line).cmp(&(&right.code, right.line)));
        if !group.is_empty() {
            lines.push(format!("{title} ({}):", group.len()));
        }
        let mut code = None;
        for judged in &group {
            if code != Some(&judged.code) && judged.code != NOT_JUDGED {
                lines.push(format!("  {}", judged.code));
            }
            code = Some(&judged.code);
            let line = judged.line.map_or_else(String::new, |line| format!(":{line}"));
            lines.push(format!("    {}{line}: {}: {}", file.display(), judged.release(), judged.reason()));
        }
        group.len()
    };
    let refused = count("refuse", "refused");
    let held = count("hold", "held");
    let unknown = count("unknown", "not judged");
    let warnings: usize = judged.iter().map(|judged| judged.warnings.len()).sum();
    lines.push(format!(
        "{}: {} releases: {} let through, {refused} refused, {held} held, {unknown} not judged; {warnings} warnings{}",
        file.display(),
        judged.len(),
        judged.len() - refused - held - unknown,
        if warnings == 0 { "" } else { " (--json and --sarif tell them)" },
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pinned(version: &str, line: usize) -> Locked {
        Locked {
            package: lazaret_ecosystems::all()[0].name("left-pad").unwrap(),
            version: version.into(),
            line: Some(line),
            resolved: None,
        }
    }

    fn some() -> Vec<Judged> {
        let warn =
            json!({ "code": "licence", "outcome": "unknown", "action": "warn", "sentence": "none is named" });
        let pass = json!({ "code": "vulnerable", "outcome": "pass", "action": "warn", "sentence": "" });
        let facts = [
            Ok(json!({ "verdict": "admit", "findings": [warn, pass] })),
            Ok(json!({ "verdict": "hold", "code": "release-too-new", "sentence": "it is 2 days old",
                "until": "2026-12-01T00:00:00Z", "newest_allowed": "1.0.0" })),
            Ok(json!({ "verdict": "refuse", "code": "known-malware", "sentence": "MAL-1 covers it" })),
            Err(anyhow::anyhow!("upstream does not answer")),
        ];
        facts
            .into_iter()
            .enumerate()
            .map(|(at, facts)| Judged::new(&pinned(&format!("1.0.{at}"), at + 1), facts))
            .collect()
    }

    #[test]
    fn the_worst_comes_first() {
        assert_eq!(
            report(Path::new("lock"), &some()),
            [
                "refused (1):",
                "  known-malware",
                "    lock:3: left-pad@1.0.2: MAL-1 covers it",
                "held (1):",
                "  release-too-new",
                "    lock:2: left-pad@1.0.1: it is 2 days old; held until 2026-12-01T00:00:00Z; newest allowed: 1.0.0",
                "not judged (1):",
                "    lock:4: left-pad@1.0.3: upstream does not answer",
                "lock: 4 releases: 1 let through, 1 refused, 1 held, 1 not judged; 1 warnings (--json and --sarif tell them)",
            ]
        );
    }

    #[test]
    fn findings_have_levels() {
        let levels: Vec<(String, Level)> =
            some().iter().flat_map(Judged::findings).map(|finding| (finding.code, finding.level)).collect();
        let expected = [
            ("licence", Level::Note),
            ("release-too-new", Level::Warning),
            ("known-malware", Level::Error),
            (NOT_JUDGED, Level::Warning),
        ];
        assert_eq!(levels, expected.map(|(code, level)| (code.to_owned(), level)));
    }

    #[test]
    fn what_is_no_package_url_is_told() {
        for (text, expected) in
            [("left-pad", "is no package URL"), ("pkg:tin/x@1", "type `tin`; expected one of")]
        {
            let error = question(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_unknown_file_is_told_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notes.md");
        std::fs::write(&file, "x").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("expected package-lock.json"));
        assert!(read(&dir.path().join("absent")).is_err());
    }
}
