//! Upstream addresses from the package managers on this machine.

use lazaret_ecosystems::{Ecosystem, Probe, ProbeOutput};
use lazaret_gateway::{Settings, UpstreamSettings};
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// A package manager that takes longer to answer is taken as absent.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest output read.
const MAX_OUTPUT: usize = 1 << 20;

/// What was found for one ecosystem.
pub(crate) struct Found {
    pub(crate) id: &'static str,
    pub(crate) result: Result<(UpstreamSettings, String), String>,
}

/// Asks the clients of every ecosystem that `is_open` names, all at once.
pub(crate) async fn adopt(is_open: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut tasks = tokio::task::JoinSet::new();
    for ecosystem in lazaret_ecosystems::all() {
        if is_open(ecosystem.profile().id.as_str()) {
            tasks.spawn(ask(*ecosystem));
        }
    }
    let mut found = Vec::new();
    while let Some(result) = tasks.join_next().await {
        found.extend(result);
    }
    found.sort_by_key(|found| found.id);
    found
}

async fn ask(ecosystem: &'static dyn Ecosystem) -> Found {
    let mut outputs = Vec::new();
    for probe in ecosystem.probes() {
        outputs.push(run(probe).await);
    }
    let id = ecosystem.profile().id.as_str();
    let result = match ecosystem.adopt(&outputs) {
        Ok(adopted) if adopted.addresses.is_empty() => Err("no client told an upstream".to_owned()),
        Ok(adopted) => {
            let addresses = adopted.addresses.into_iter().map(|(role, url)| (role.to_owned(), url)).collect();
            Ok((UpstreamSettings { addresses, ..UpstreamSettings::default() }, adopted.source))
        }
        Err(error) => Err(error.to_string()),
    };
    Found { id, result }
}

/// What a probe prints; nothing when its program is absent, fails or takes too long.
pub(crate) async fn run(probe: &Probe) -> ProbeOutput {
    let child = Command::new(probe.program)
        .args(probe.arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(PATIENCE, child).await {
        Ok(Ok(output)) if output.status.success() && output.stdout.len() <= MAX_OUTPUT => {
            ProbeOutput { stdout: String::from_utf8_lossy(&output.stdout).into_owned() }
        }
        _ => ProbeOutput::default(),
    }
}

/// Fills in what the configuration leaves open. Says on `tell` what was taken from where. An address that is
/// the gateway's own would make it ask itself and is left out.
pub(crate) async fn fill(settings: &mut Settings, own: &str, mut tell: impl FnMut(String)) {
    // Nobody is asked in vain: a package manager takes longer to answer than the gateway to start.
    for Found { id, result } in adopt(|id| !settings.upstreams.contains_key(id)).await {
        match result {
            Ok((upstream, _))
                if upstream.addresses.values().any(|url| !own.is_empty() && url.contains(own)) =>
            {
                tell(format!(
                    "{id}: this machine's client points at this gateway already; set [upstreams.{id}]"
                ));
            }
            Ok((upstream, source)) => {
                tell(format!("{id}: upstream taken from {source}"));
                settings.upstreams.insert(id.to_owned(), upstream);
            }
            Err(why) => tell(format!("{id}: no upstream ({why}); hosted packages only")),
        }
    }
}

/// `lazaret upstreams`.
pub(crate) async fn show() -> anyhow::Result<ExitCode> {
    for Found { id, result } in adopt(|_| true).await {
        match result {
            Ok((upstream, source)) => {
                for (role, url) in &upstream.addresses {
                    println!("{id} {role}: {} (from {source})", without_secret(url));
                }
            }
            Err(why) => println!("{id}: none ({why})"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An address whose user and password are hidden.
pub(crate) fn without_secret(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}://***@{}", url.get(..scheme).unwrap_or(""), url.get(at + 1..).unwrap_or(""))
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_secret;

    #[test]
    fn secrets_are_hidden() {
        assert_eq!(without_secret("https://me:pw@registry.example/x"), "https://***@registry.example/x");
        assert_eq!(without_secret("https://registry.example/@x"), "https://***@x");
        assert_eq!(without_secret("https://registry.example/"), "https://registry.example/");
    }
}
