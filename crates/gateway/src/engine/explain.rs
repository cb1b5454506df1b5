//! What the gateway thinks of a package or a release, for people and programs.

use super::Gateway;
use super::documents::LoadError;
use lazaret_policy::Withheld;
use lazaret_vocabulary::{PackageName, PrincipalClass, Purl, Timestamp};
use serde_json::{Value, json};

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExplainError(String);

impl From<LoadError> for ExplainError {
    fn from(error: LoadError) -> Self {
        Self(error.to_string())
    }
}

/// Withheld releases listed at most.
const MAX_HIDDEN: usize = 500;

impl Gateway {
    /// The verdict on one release with every finding, or with `version` `None` on the whole package: what is
    /// hidden now and why.
    pub async fn explain(&self, name: &PackageName, version: Option<&str>) -> Result<Value, ExplainError> {
        let package = self.load(name).await?.package;
        let class = PrincipalClass::Anonymous;
        let judged = self.judge(&package, class);
        let newest = package.newest_allowed(&judged.allowed);
        let kind = package.ecosystem.profile().purl_type;
        let purl = Purl {
            kind: kind.to_owned(),
            name: name.as_str().to_owned(),
            version: version.map(str::to_owned),
        };
        let releases = package.index.releases();
        let mut answer = json!({
            "purl": purl.to_string(),
            "policy_revision": judged.allowed.revision(),
            "newest_allowed": newest,
            "hosted": package.hosted,
        });
        let Some(version) = version else {
            let mut hidden: Vec<Value> = (0..releases.len())
                .rev()
                .filter_map(|index| {
                    let withheld = judged.allowed.withheld(index)?;
                    let release = releases.get(index)?;
                    Some(hidden_release(&release.version, withheld))
                })
                .collect();
            let count = hidden.len();
            hidden.truncate(MAX_HIDDEN);
            set(&mut answer, "releases", json!(releases.len()));
            set(&mut answer, "hidden_count", json!(count));
            set(&mut answer, "hidden", Value::Array(hidden));
            return Ok(answer);
        };
        let matching: Vec<usize> = releases
            .iter()
            .enumerate()
            .filter(|(_, release)| *release.version == *version)
            .map(|(index, _)| index)
            .collect();
        // Several entries are files of one version that came at different times: the worst one speaks.
        let index = matching
            .iter()
            .copied()
            .find(|index| judged.allowed.withheld(*index).is_some())
            .or_else(|| matching.first().copied())
            .ok_or_else(|| ExplainError(format!("`{name}` has no version {version}")))?;
        let judgement = self.findings(&package, index, class);
        let verdict = match &judgement.withheld {
            None => "admit",
            Some(withheld) => withheld.action.as_str(),
        };
        set(&mut answer, "verdict", json!(verdict));
        if let Some(withheld) = &judgement.withheld {
            set(&mut answer, "code", json!(withheld.code));
            set(&mut answer, "sentence", json!(withheld.sentence));
            set(&mut answer, "until", json!(withheld.until.map(|until| until.to_string())));
        }
        if let Some(observed) = &judgement.observed {
            let would = json!({
                "verdict": observed.action.as_str(), "code": observed.code, "sentence": observed.sentence,
            });
            set(&mut answer, "observed", would);
        }
        let findings: Vec<Value> = judgement
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "code": finding.code, "outcome": finding.outcome, "action": finding.action,
                    "sentence": finding.sentence, "until": finding.until.map(|until| until.to_string()),
                    "source": finding.source, "waived_by": finding.waived_by,
                })
            })
            .collect();
        set(&mut answer, "findings", Value::Array(findings));
        let published = releases.get(index).and_then(|release| release.published);
        set(&mut answer, "published", json!(published.map(|at: Timestamp| at.to_string())));
        Ok(answer)
    }
}

fn hidden_release(version: &str, withheld: &Withheld) -> Value {
    json!({
        "version": version, "verdict": withheld.action.as_str(), "code": withheld.code,
        "sentence": withheld.sentence, "until": withheld.until.map(|until| until.to_string()),
    })
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}
