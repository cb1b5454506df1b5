//! The clients' own audits, answered here: `advisories/bulk` (npm, pnpm, yarn 4) and the older one that
//! sends the whole tree (`audits/quick`, `audits`).

use super::name;
use super::route::{BULK, TREE};
use crate::{AuditHit, Auditing};
use lazaret_vocabulary::{Malformed, PackageName, Reply};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Packages in one question; more than any dependency tree has.
const MOST_PACKAGES: usize = 100_000;
const MOST_VERSIONS: usize = 1_000;
/// Paths told for one finding; the rest would only be longer.
const MOST_PATHS: usize = 100;

/// Answers audits.
#[derive(Debug)]
pub(super) struct Audits;

/// A member of the tree that the older audit sends.
#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Node>,
}

type Asked = BTreeMap<String, BTreeSet<String>>;
/// Name and version → the paths that lead there.
type Paths = BTreeMap<(String, String), Vec<String>>;

impl Auditing for Audits {
    fn question(&self, kind: &str, body: &[u8]) -> Result<Vec<(PackageName, Vec<String>)>, Malformed> {
        let asked = if kind == BULK { bulk(body)? } else { flatten(&tree(body)?)?.0 };
        let known = asked.into_iter().filter_map(|(name, versions)| {
            // A folder in the project can be called anything, and is of no registry.
            Some((name::parse(&name).ok()?, versions.into_iter().take(MOST_VERSIONS).collect()))
        });
        Ok(known.collect())
    }

    fn answer(&self, kind: &str, body: &[u8], hits: &[AuditHit]) -> Result<Reply, Malformed> {
        let answer = if kind == TREE { tree_answer(body, hits)? } else { bulk_answer(hits) };
        Ok(Reply::json(answer.to_string()))
    }
}

fn bulk(body: &[u8]) -> Result<Asked, Malformed> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| {
        Malformed::new(format!("the audit is not an object of names and versions: {error}"))
    })?;
    if asked.len() > MOST_PACKAGES { Err(too_many()) } else { Ok(asked) }
}

fn too_many() -> Malformed {
    Malformed::new(format!("the audit asks about more than {MOST_PACKAGES} packages"))
}

fn tree(body: &[u8]) -> Result<Node, Malformed> {
    serde_json::from_slice(body)
        .map_err(|error| Malformed::new(format!("the audit is not a dependency tree: {error}")))
}

/// Every version of every package in the tree, and the ways to it. serde_json has bounded the depth.
fn flatten(root: &Node) -> Result<(Asked, Paths), Malformed> {
    let mut asked = Asked::new();
    let mut paths = Paths::new();
    let mut open: Vec<(String, &Node)> = vec![(String::new(), root)];
    let mut count = 0usize;
    while let Some((path, node)) = open.pop() {
        for (name, child) in &node.dependencies {
            count += 1;
            if count > MOST_PACKAGES {
                return Err(too_many());
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}>{name}") };
            if let Some(version) = &child.version {
                asked.entry(name.clone()).or_default().insert(version.clone());
                let known = paths.entry((name.clone(), version.clone())).or_default();
                if known.len() < MOST_PATHS {
                    known.push(path.clone());
                }
            }
            open.push((path, child));
        }
    }
    Ok((asked, paths))
}

/// The clients take an advisory's id for a number. The same id is always the same number.
fn number(id: &str) -> u64 {
    let hash = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
    let first = hash.as_ref().first_chunk::<4>().copied().unwrap_or_default();
    u64::from(u32::from_be_bytes(first))
}

fn bulk_answer(hits: &[AuditHit]) -> Value {
    let mut answer: Map<String, Value> = Map::new();
    for hit in hits {
        let entry = answer.entry(hit.package.as_str()).or_insert_with(|| json!([]));
        let advisory = json!({
            "id": number(&hit.id),
            "url": hit.url,
            "title": hit.title,
            "severity": hit.severity,
            "vulnerable_versions": hit.vulnerable,
            "cwe": [],
            "cvss": { "score": 0, "vectorString": null },
        });
        if let Some(list) = entry.as_array_mut() {
            list.push(advisory);
        }
    }
    Value::Object(answer)
}

fn tree_answer(body: &[u8], hits: &[AuditHit]) -> Result<Value, Malformed> {
    let (asked, paths) = flatten(&tree(body)?)?;
    let mut advisories = Map::new();
    let mut counts: BTreeMap<&str, usize> =
        ["info", "low", "moderate", "high", "critical"].into_iter().map(|name| (name, 0)).collect();
    for hit in hits {
        let id = number(&hit.id);
        let findings: Vec<Value> = hit
            .versions
            .iter()
            .map(|version| {
                let key = (hit.package.as_str().to_owned(), version.clone());
                json!({ "version": version, "paths": paths.get(&key).cloned().unwrap_or_default() })
            })
            .collect();
        *counts.entry(hit.severity).or_default() += findings.len();
        let aliases: Vec<&str> =
            std::iter::once(hit.id.as_str()).filter(|id| id.starts_with("CVE-")).collect();
        advisories.insert(
            id.to_string(),
            json!({
                "id": id,
                "title": hit.title,
                "module_name": hit.package.as_str(),
                "severity": hit.severity,
                "vulnerable_versions": hit.vulnerable,
                "patched_versions": "",
                "findings": findings,
                "url": hit.url,
                "overview": hit.title,
                "recommendation": "",
                "references": hit.url,
                "github_advisory_id": hit.id,
                "cves": aliases,
                "cwe": [],
                "access": "public",
                "deleted": null,
            }),
        );
    }
    let dependencies = asked.values().map(BTreeSet::len).sum::<usize>();
    Ok(json!({
        "actions": [],
        "advisories": advisories,
        "muted": [],
        "metadata": {
            "vulnerabilities": counts,
            "dependencies": dependencies,
            "devDependencies": 0,
            "optionalDependencies": 0,
            "totalDependencies": dependencies,
        },
    }))
}
