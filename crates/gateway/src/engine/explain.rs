//! What the gateway thinks of a package or a release, for people and programs.

use super::Gateway;
use super::documents::LoadError;
use super::package::{Package, Viewer};
use lazaret_policy::Withheld;
use lazaret_vocabulary::{PackageName, PrincipalClass, Purl, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

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
    /// The package as it has to be looked at to judge one version: the release may be one that no index lists, or
    /// one that is named by a name that can be moved.
    async fn package_with(&self, package: &Arc<Package>, version: &str) -> Result<Arc<Package>, LoadError> {
        let listed = package.index.releases().iter().position(|release| *release.version == *version);
        if let Some(at) = listed {
            self.detail(package, at).await?;
            return Ok(package.clone());
        }
        if package.hosted {
            return Ok(package.clone());
        }
        let viewer = Viewer::now(PrincipalClass::Anonymous);
        let details = package.ecosystem.details();
        if let Some(file) = details.and_then(|details| details.main_file(&package.name, version))
            && let Some(single) = self.find_unlisted(package, &file, viewer).await?
        {
            return Ok(single);
        }
        match self.at_pointer(package, version).await? {
            Some(single) => Ok(single),
            None => Ok(package.clone()),
        }
    }

    /// The verdict on one release with every finding, or with `version` `None` on the whole package: what is
    /// hidden now and why.
    pub async fn explain(&self, name: &PackageName, version: Option<&str>) -> Result<Value, ExplainError> {
        let viewer = Viewer::now(PrincipalClass::Anonymous);
        let loaded = self.load(name).await?.package;
        let package = match version {
            Some(version) => self.package_with(&loaded, version).await?,
            None if loaded.blank => return Err(LoadError::Absent(name.to_string()).into()),
            None => {
                self.detail_all(&loaded).await?;
                loaded
            }
        };
        let judged = self.judge(&package, viewer);
        let newest = package.newest_allowed(&judged.allowed);
        let kind = package.ecosystem.profile().purl_type;
        let purl = Purl::new(kind, name.as_str(), version);
        let releases = package.index.releases();
        let mut answer = json!({
            "purl": purl.map(|purl| purl.to_string()),
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
        // Named by a name that can be moved, it is the one release there is.
        let single = releases.first().filter(|release| releases.len() == 1 && release.reference.is_some());
        let version = single.map_or(version, |release| &release.version);
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
        let judgement = self.findings(&package, index, viewer);
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
