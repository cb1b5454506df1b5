//! `lazaret explain` and `lazaret check`.

use crate::{FOUND, Place, adopt, config, serve};
use anyhow::{Context as _, bail};
use lazaret_gateway::Gateway;
use lazaret_vocabulary::{PackageName, Purl};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Largest lock file read.
const MAX_LOCK_FILE: u64 = 64 << 20;

pub(crate) async fn open(place: &Place) -> anyhow::Result<Arc<Gateway>> {
    let mut loaded = config::load(place)?;
    adopt::fill(&mut loaded.settings, "", |line| tracing::debug!("{line}")).await;
    serve::open(loaded.settings).await
}

/// The package a purl names.
pub(crate) fn package(purl: &str) -> anyhow::Result<(PackageName, Option<String>)> {
    let parsed = Purl::parse(purl)
        .with_context(|| format!("`{purl}` is no package URL; expected pkg:TYPE/NAME@VERSION"))?;
    let Some(ecosystem) = lazaret_ecosystems::by_purl_type(&parsed.kind) else {
        bail!("no ecosystem here has package URLs of type `{}`", parsed.kind);
    };
    Ok((ecosystem.name(&parsed.name)?, parsed.version))
}

pub(crate) async fn explain(place: &Place, purl: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let (name, version) = package(purl)?;
    let gateway = open(place).await?;
    let facts = gateway.explain(&name, version.as_deref()).await?;
    gateway.close().await;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&facts)?);
    } else {
        print_facts(&facts);
    }
    let admitted = facts.get("verdict").and_then(Value::as_str).is_none_or(|verdict| verdict == "admit");
    Ok(if admitted { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn print_facts(facts: &Value) {
    println!("{}", text(facts, "purl"));
    if let Some(verdict) = facts.get("verdict").and_then(Value::as_str) {
        println!("verdict: {verdict}");
    }
    if !text(facts, "until").is_empty() {
        println!("the hold ends: {}", text(facts, "until"));
    }
    if !text(facts, "newest_allowed").is_empty() {
        println!("newest allowed: {}", text(facts, "newest_allowed"));
    }
    let list = |key: &str| facts.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for finding in list("findings") {
        let outcome = text(&finding, "outcome");
        let action = if outcome == "pass" { "" } else { text(&finding, "action") };
        println!(
            "  {:<18} {outcome:<8} {action:<7} {} [{}]",
            text(&finding, "code"),
            text(&finding, "sentence"),
            text(&finding, "source")
        );
    }
    if let Some(count) = facts.get("hidden_count").and_then(Value::as_u64) {
        println!(
            "hidden: {count} of {} releases",
            facts.get("releases").and_then(Value::as_u64).unwrap_or(0)
        );
    }
    for hidden in list("hidden") {
        println!(
            "  {:<14} {:<7} {:<18} {}",
            text(&hidden, "version"),
            text(&hidden, "verdict"),
            text(&hidden, "code"),
            text(&hidden, "sentence")
        );
    }
    println!("policy: {}", text(facts, "policy_revision").get(..12).unwrap_or(""));
}

pub(crate) async fn check(place: &Place, file: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let size = std::fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?.len();
    if size > MAX_LOCK_FILE {
        bail!("{}: a lock file of {size} bytes is too large", file.display());
    }
    let content = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let read = lazaret_ecosystems::all().iter().find_map(|ecosystem| ecosystem.lock_file(&name, &content));
    let Some(read) = read else {
        bail!("{}: this is no lock file that any ecosystem here knows by its name", file.display())
    };
    let locked = read.with_context(|| format!("{} cannot be read", file.display()))?;
    let gateway = open(place).await?;
    let mut results = Vec::new();
    let mut bad = 0usize;
    for pinned in &locked {
        let (verdict, sentence, code) = match gateway.explain(&pinned.package, Some(&pinned.version)).await {
            Ok(facts) => (
                text(&facts, "verdict").to_owned(),
                text(&facts, "sentence").to_owned(),
                text(&facts, "code").to_owned(),
            ),
            Err(error) => ("unknown".to_owned(), error.to_string(), String::new()),
        };
        if verdict != "admit" {
            bad += 1;
            if !as_json {
                let line = pinned.line.map_or_else(String::new, |line| format!(":{line}"));
                println!(
                    "{}{line}: {}@{}: {verdict} {code}: {sentence}",
                    file.display(),
                    pinned.package,
                    pinned.version
                );
            }
        }
        results.push(json!({
            "package": pinned.package.as_str(), "version": pinned.version, "line": pinned.line,
            "verdict": verdict, "code": code, "sentence": sentence,
        }));
    }
    gateway.close().await;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        println!(
            "{}: {} releases, {} would be let through, {bad} would not",
            file.display(),
            locked.len(),
            locked.len() - bad
        );
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}
