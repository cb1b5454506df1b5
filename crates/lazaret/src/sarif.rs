//! Findings on a lock file as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a change.

use crate::judge::percent_encode;
use serde_json::{Value, json};
use std::path::Path;

/// One finding on one pinned release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Stable code, such as `release-too-new`.
    pub(crate) code: String,
    pub(crate) level: Level,
    /// What is found, in a sentence or two.
    pub(crate) message: String,
    /// The release, as a package URL or name and version.
    pub(crate) release: String,
    /// Line of the lock file, counted from 1.
    pub(crate) line: Option<usize>,
}

/// How grave it is (section 3.27.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warning,
    Note,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A log with one run.
pub(crate) fn log(file: &Path, findings: &[Finding]) -> Value {
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| json!({ "id": code, "shortDescription": { "text": code.replace('-', " ") } }))
        .collect();
    let address = address(file);
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let mut place = json!({ "artifactLocation": { "uri": address } });
            if let (Some(line), Some(place)) = (finding.line, place.as_object_mut()) {
                place.insert("region".to_owned(), json!({ "startLine": line }));
            }
            json!({
                "ruleId": finding.code,
                "ruleIndex": codes.binary_search(&finding.code.as_str()).unwrap_or(0),
                "level": finding.level.as_str(),
                "message": { "text": format!("{}: {}", finding.release, finding.message) },
                "locations": [{ "physicalLocation": place }],
                // A finding is the same one wherever the lock file puts the release.
                "partialFingerprints": { "release/v1": format!("{} {}", finding.release, finding.code) },
            })
        })
        .collect();
    json!({
        "version": "2.1.0",
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "runs": [{
            "tool": { "driver": {
                "name": "Lazaret", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// The file as a URI reference, relative where the path is (section 3.4.3).
fn address(file: &Path) -> String {
    let shown = file.to_string_lossy();
    let shown = shown.strip_prefix("./").unwrap_or(&shown);
    let path: Vec<String> = shown.split('/').map(percent_encode).collect();
    let path = path.join("/");
    if file.is_absolute() { format!("file://{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &str, level: Level, line: Option<usize>) -> Finding {
        Finding {
            code: code.into(),
            level,
            message: "it is young".into(),
            release: "left-pad@1.3.0".into(),
            line,
        }
    }

    #[test]
    fn a_log_names_rules_once_and_places_results() {
        let findings = [
            finding("vulnerable", Level::Error, Some(7)),
            finding("release-too-new", Level::Warning, None),
            finding("vulnerable", Level::Note, Some(9)),
        ];
        let log = log(Path::new("./a b/package-lock.json"), &findings);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(
            rules.iter().map(|rule| &rule["id"]).collect::<Vec<_>>(),
            ["release-too-new", "vulnerable"]
        );
        for result in run["results"].as_array().unwrap() {
            let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[at]["id"], result["ruleId"]);
        }
        let place = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/package-lock.json");
        assert_eq!(place["region"]["startLine"], 7);
        assert!(run["results"][1]["locations"][0]["physicalLocation"]["region"].is_null());
        assert_eq!(run["results"][2]["level"], "note");
    }

    #[test]
    fn paths_become_addresses() {
        assert_eq!(address(Path::new("/srv/ä/uv.lock")), "file:///srv/%C3%A4/uv.lock");
        assert_eq!(address(Path::new("uv.lock")), "uv.lock");
    }
}
