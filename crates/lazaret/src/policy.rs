//! `lazaret policy test` and `lazaret policy replay`.

use crate::administer::{database, now, policy_in_force, read_policy};
use crate::cli::Place;
use crate::{FOUND, config};
use anyhow::{Context as _, bail};
use lazaret_gateway::known_ecosystems;
use lazaret_metadata::{DecisionRow, Metadata};
use lazaret_policy::{CaseResult, DossierRecord, Exceptions, Firewall, Replayed, run_cases};
use lazaret_vocabulary::{EcosystemId, Span, Timestamp};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Decisions read from the database at once.
const PAGE: u32 = 500;
/// Decisions replayed at most; the database keeps fewer.
const MOST_PAGES: u32 = 2000;
/// Changes told to a human; JSON has them all.
const MOST_TOLD: usize = 100;

/// Where the cases of a policy stand unless told otherwise: `policy.toml` → `policy.test.toml`.
fn cases_beside(policy: &Path) -> PathBuf {
    policy.with_extension("test.toml")
}

/// Runs the cases in `file`, or those beside the policy in force.
pub(crate) fn test(place: &Place, file: Option<PathBuf>, json: bool) -> anyhow::Result<ExitCode> {
    let settings = config::load(place)?.settings;
    let file = match (file, &settings.policy) {
        (Some(file), _) => file,
        (None, Some(policy)) => cases_beside(policy),
        (None, None) => bail!(
            "expected a file with [[case]] tables; without one, those beside the policy that the configuration \
             names are run, and it names none"
        ),
    };
    let policy = Arc::new(policy_in_force(&settings)?);
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let results = run_cases(&policy, &text, &file.display().to_string(), &known_ecosystems(), now())
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    if results.is_empty() {
        bail!("{}: there is no [[case]] in it", file.display());
    }
    let failed = results.iter().filter(|result| !result.passed()).count();
    if json {
        say!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        for result in &results {
            say!("{}", case_line(result));
        }
        say!("{} cases, {failed} failed; policy {}", results.len(), policy.short_revision());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn case_line(result: &CaseResult) -> String {
    if result.passed() {
        return format!("pass  {}", result.name);
    }
    let codes = |codes: &str| if codes.is_empty() { String::new() } else { format!(" ({codes})") };
    let expected = result.expected_codes.as_ref().map(|codes| codes.join(", ")).unwrap_or_default();
    let because = if result.sentence.is_empty() { String::new() } else { format!(": {}", result.sentence) };
    format!(
        "FAIL  {} [{}]: expected {}{}, found {}{}{because}",
        result.name,
        result.source,
        result.expected.as_str(),
        codes(&expected),
        result.found.as_str(),
        codes(&result.found_codes.join(", ")),
    )
}

/// What another policy makes of the recorded decisions.
#[derive(Debug, Default, serde::Serialize)]
struct Comparison {
    /// Decisions judged again.
    decisions: usize,
    /// Those whose verdict would be another.
    changes: Vec<Replayed>,
    /// Records that cannot be judged again, with the reason.
    unfit: Vec<String>,
}

impl Comparison {
    fn take(&mut self, row: &DecisionRow, firewall: &Firewall, ecosystems: &[EcosystemId]) {
        let record = serde_json::from_str::<DossierRecord>(&row.dossier).map_err(|error| error.to_string());
        let replayed =
            record.and_then(|record| firewall.replay(&record, ecosystems).map_err(|error| error.to_string()));
        match replayed {
            Ok(replayed) => {
                self.decisions += 1;
                if replayed.differs() {
                    self.changes.push(replayed);
                }
            }
            Err(why) => self.unfit.push(format!("{}@{}: {why}", row.package, row.version)),
        }
    }
}

/// Judges the decisions of the last `days` days by the policy in `against`.
pub(crate) async fn replay(
    place: &Place,
    against: &Path,
    days: Option<i64>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let policy = Arc::new(read_policy(against)?);
    let firewall = Firewall::new(policy, Arc::new(Exceptions::default()));
    let since = days.map(|days| now() - Span::days(days));
    let data = database(place).await?;
    let compared = compare(&data, &firewall, since).await;
    data.close().await;
    let compared = compared?;
    if json {
        say!("{}", serde_json::to_string_pretty(&compared)?);
    } else {
        tell(&compared, against);
    }
    Ok(if compared.changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

async fn compare(
    data: &Metadata,
    firewall: &Firewall,
    since: Option<Timestamp>,
) -> anyhow::Result<Comparison> {
    let ecosystems: Vec<EcosystemId> =
        lazaret_ecosystems::all().iter().map(|ecosystem| ecosystem.profile().id).collect();
    let mut compared = Comparison::default();
    let mut last: Option<DecisionRow> = None;
    for _ in 0..MOST_PAGES {
        let rows = data.decisions(last.as_ref(), PAGE).await?;
        for row in rows.iter().filter(|row| since.is_none_or(|since| row.at >= since)) {
            compared.take(row, firewall, &ecosystems);
        }
        match rows.into_iter().next_back() {
            Some(row) => last = Some(row),
            None => break,
        }
    }
    Ok(compared)
}

fn tell(compared: &Comparison, against: &Path) {
    for change in compared.changes.iter().take(MOST_TOLD) {
        say!("{}", change_line(change));
    }
    if compared.changes.len() > MOST_TOLD {
        say!("… and {} more; --json has them all", compared.changes.len() - MOST_TOLD);
    }
    for unfit in compared.unfit.iter().take(MOST_TOLD) {
        tell_error!("lazaret: left out: {unfit}");
    }
    say!(
        "{}: {} recorded decisions judged again, {} would change",
        against.display(),
        compared.decisions,
        compared.changes.len()
    );
    if compared.decisions == 0 {
        say!("nothing was recorded yet: decisions are written down when a client asks for a file");
    }
}

fn change_line(change: &Replayed) -> String {
    let before = match change.codes_before.as_slice() {
        [] => String::new(),
        codes => format!(" ({})", codes.join(", ")),
    };
    let after = match change.codes_after.as_slice() {
        [] => String::new(),
        codes => format!(" ({}): {}", codes.join(", "), change.sentence),
    };
    format!(
        "{} {}@{}: {}{before} → {}{after}",
        change.ecosystem,
        change.package,
        change.version,
        change.before.as_str(),
        change.after.as_str(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_policy::ValidPolicy;

    fn firewall(policy: &str) -> Firewall {
        let policy = ValidPolicy::parse(policy, "policy.toml", &known_ecosystems()).unwrap();
        Firewall::new(Arc::new(policy), Arc::new(Exceptions::default()))
    }

    fn row(version: &str, verdict: &str, at: Timestamp, published: Timestamp) -> DecisionRow {
        let id = lazaret_ecosystems::all()[0].profile().id;
        let dossier = serde_json::json!({
            "format": 1, "ecosystem": id.as_str(), "package": "left-pad", "key": "left-pad",
            "version": version, "at": at, "class": "person", "verdict": verdict,
            "first_published": published - Span::days(900), "published": published,
            "maintainers": ["somebody"], "licence": "MIT", "publisher": "somebody",
            "advisories_current": true, "advisories_configured": true,
        });
        DecisionRow {
            ecosystem: id.to_string(),
            package_key: "left-pad".into(),
            version: version.into(),
            package: "left-pad".into(),
            dossier: dossier.to_string(),
            verdict: verdict.into(),
            at,
        }
    }

    #[test]
    fn cases_stand_beside_the_policy() {
        assert_eq!(cases_beside(Path::new("/etc/policy.toml")), Path::new("/etc/policy.test.toml"));
    }

    #[tokio::test]
    async fn a_stricter_policy_changes_what_it_says_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let data = Metadata::open_file(&dir.path().join("lazaret.db")).await.unwrap();
        let at = now();
        let mut damaged = row("3.0.0", "admit", at, at);
        damaged.dossier = "{}".into();
        let old = row("1.0.0", "admit", at, at - Span::days(300));
        let younger = row("2.0.0", "admit", at, at - Span::days(45));
        data.record_decisions(&[old, younger, damaged]).await.unwrap();
        let strict = firewall("[release-too-new]\nmin_age = \"60d\"\n");
        let compared = compare(&data, &strict, None).await.unwrap();
        assert_eq!((compared.decisions, compared.unfit.len()), (2, 1));
        let lines: Vec<String> = compared.changes.iter().map(change_line).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("left-pad@2.0.0: admit → hold (release-too-new): "), "{lines:?}");
        let none = compare(&data, &strict, Some(at + Span::days(1))).await.unwrap();
        assert_eq!(none.decisions + none.unfit.len(), 0);
        data.close().await;
    }
}
