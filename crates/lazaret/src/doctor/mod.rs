//! `lazaret doctor`: the usual mistakes, and what to do about each.

mod clients;
mod machine;
mod project;
#[cfg(test)]
mod tests;
mod upstreams;

use crate::{FOUND, Place, adopt, config};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// Worth knowing, no mistake.
    Note,
    /// A mistake.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Diagnosis {
    pub(crate) state: State,
    /// What was looked at.
    pub(crate) subject: String,
    /// What was found.
    pub(crate) found: String,
    /// What to do about it; empty when there is nothing to do.
    pub(crate) remedy: String,
}

impl Diagnosis {
    pub(crate) fn good(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Good, subject: subject.into(), found: found.into(), remedy: String::new() }
    }

    pub(crate) fn note(
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { state: State::Note, subject: subject.into(), found: found.into(), remedy: remedy.into() }
    }

    pub(crate) fn problem(
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { state: State::Problem, subject: subject.into(), found: found.into(), remedy: remedy.into() }
    }
}

pub(crate) async fn doctor(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut found = Vec::new();
    let named = std::env::var("LAZARET_URL").ok().filter(|url| !url.is_empty());
    let mut own = None;
    match config::load(place) {
        Err(error) => found.push(Diagnosis::problem(
            "configuration",
            format!("{error:#}"),
            "correct the file; docs/install.md has every key",
        )),
        Ok(mut loaded) => {
            found.push(Diagnosis::good("configuration", machine::configured(place)));
            found.push(machine::policy(&loaded.settings));
            found.extend(machine::data(&loaded.settings));
            found.extend(machine::advisories(&loaded.settings).await);
            let address = loaded.settings.base_url.clone().unwrap_or_else(|| loaded.own_address());
            let mut told = Vec::new();
            let listening = loaded.own_address();
            let listening = listening.split("://").nth(1).unwrap_or_default();
            // Who only looks makes no data directory: what is adopted meanwhile is kept nowhere then.
            let scratch = tempfile::tempdir()?;
            let data = loaded.settings.data.clone();
            if !data.is_dir() {
                loaded.settings.data = scratch.path().to_owned();
            }
            adopt::fill(&mut loaded.settings, listening, |line| told.push(line)).await;
            // With a company's gateway named, it is the one that needs upstreams.
            found.extend(upstreams::all(&loaded.settings, &told, named.is_some()).await);
            own = Some(address);
        }
    }
    let gateway = named.clone().or(own);
    if let Some(gateway) = &gateway {
        found.push(upstreams::gateway(gateway, named.is_some()).await);
    }
    found.extend(clients::all(gateway.as_deref()).await);
    let folder = std::env::current_dir()?;
    found.extend(project::folder(&folder, gateway.as_deref()));
    Ok(tell(&found, as_json)?)
}

fn tell(found: &[Diagnosis], as_json: bool) -> Result<ExitCode, serde_json::Error> {
    let problems = found.iter().filter(|one| one.state == State::Problem).count();
    if as_json {
        say!("{}", serde_json::to_string_pretty(found)?);
    } else {
        for one in found {
            let sign = match one.state {
                State::Good => "ok     ",
                State::Note => "note   ",
                State::Problem => "PROBLEM",
            };
            say!("{sign} {}: {}", one.subject, one.found);
            if !one.remedy.is_empty() {
                say!("        → {}", one.remedy);
            }
        }
        say!("{}", if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") });
    }
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// Where in `PATH` a program lies.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |path: &PathBuf| {
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(runs)
}
