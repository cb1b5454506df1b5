//! Upstream addresses from the package managers on this machine.

use crate::adopted::{Adopted, Kept};
use crate::cli::Place;
use crate::config;
use lazaret_ecosystems::{Ecosystem, Probe, ProbeOutput};
use lazaret_gateway::{Clock, Settings, UpstreamSettings};
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
            let addresses =
                adopted.addresses.into_iter().map(|(role, url)| (role.into_owned(), url)).collect();
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

/// Fills in what the configuration leaves open. Says on `tell` what was taken from where. `own` is where a
/// gateway that stays listens, or empty: such a one goes by what was adopted at its first start, any other
/// asks anew. An address that is the gateway's own would make it ask itself and is left out.
pub(crate) async fn fill(settings: &mut Settings, own: &str, mut tell: impl FnMut(String)) {
    let mut adopted = Adopted::read(&settings.data).unwrap_or_else(|error| {
        tell(format!("{error:#}"));
        Adopted::default()
    });
    if !own.is_empty() {
        for ecosystem in lazaret_ecosystems::all() {
            let id = ecosystem.profile().id.as_str();
            let open = |kept: &&Kept| {
                let leads_here = |url: &String| url.contains(own) || is_gateway_here(*ecosystem, url);
                !settings.upstreams.contains_key(id) && !kept.settings().addresses.values().any(leads_here)
            };
            if let Some(kept) = adopted.get(id).filter(open) {
                tell(format!(
                    "{id}: upstream from {}, adopted {}; `lazaret upstreams --adopt` asks again",
                    kept.source, kept.day
                ));
                settings.upstreams.insert(id.to_owned(), kept.settings());
            }
        }
    }
    let mut news = false;
    // Nobody is asked in vain: a package manager takes longer to answer than the gateway to start.
    for Found { id, result } in adopt(|id| !settings.upstreams.contains_key(id)).await {
        let owns = [own, settings.base_url.as_deref().unwrap_or_default()];
        let is_own = |url: &String| {
            owns.iter().any(|own| !own.is_empty() && url.contains(own))
                || lazaret_ecosystems::by_id(id).is_some_and(|ecosystem| is_gateway_here(ecosystem, url))
        };
        let kept = adopted.get(id).filter(|kept| !kept.settings().addresses.values().any(is_own)).cloned();
        let (missing, kept) = match result {
            Ok((upstream, source)) if !upstream.addresses.values().any(is_own) => {
                tell(format!("{id}: upstream taken from {source}"));
                news |= adopted.keep(id, Kept::new(&upstream, &source, Clock::system().now()));
                settings.upstreams.insert(id.to_owned(), upstream);
                continue;
            }
            // One command may well go through the gateway that runs here. It is never kept: that gateway would
            // ask itself at its next start.
            Ok((upstream, source)) if own.is_empty() && kept.is_none() => {
                tell(format!("{id}: upstream is a gateway on this machine, from {source}"));
                settings.upstreams.insert(id.to_owned(), upstream);
                continue;
            }
            Ok(_) => ("this machine's client points at a gateway here already".to_owned(), kept),
            Err(why) => (why, kept),
        };
        match kept {
            Some(kept) => {
                tell(format!("{id}: {missing}; upstream from {}, adopted {}", kept.source, kept.day));
                settings.upstreams.insert(id.to_owned(), kept.settings());
            }
            None => {
                tell(format!("{id}: no upstream ({missing}); hosted packages only, or set [upstreams.{id}]"))
            }
        }
    }
    if news && let Err(error) = adopted.write(&settings.data) {
        tell(format!("what was adopted is not kept: {error:#}"));
    }
}

/// The upstream addresses that are configured or were adopted, by ecosystem: for clients that are pointed at a
/// gateway by rewriting them.
pub(crate) fn known_addresses(settings: &Settings) -> impl Fn(&str) -> Vec<(String, String)> + use<> {
    let adopted = Adopted::read(&settings.data).unwrap_or_default();
    let configured = settings.upstreams.clone();
    move |id: &str| {
        let upstream =
            configured.get(id).cloned().or_else(|| adopted.get(id).map(Kept::settings)).unwrap_or_default();
        let mut addresses: Vec<(String, String)> = upstream.addresses.into_iter().collect();
        addresses.sort();
        addresses
    }
}

/// Whether an address is one that a gateway on this machine serves: loopback, and our own mount.
fn is_gateway_here(ecosystem: &dyn Ecosystem, url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    let here = host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
    here && path.split('/').next() == Some(ecosystem.profile().mount)
}

/// `lazaret upstreams`: what the clients tell now, and with `keep` from now on what gateways here go by.
pub(crate) async fn show(place: &Place, keep: bool) -> anyhow::Result<ExitCode> {
    let data = config::load(place)?.settings.data;
    let mut adopted = Adopted::read(&data)?;
    for Found { id, result } in adopt(|_| true).await {
        match result {
            Ok((upstream, source)) => {
                for (role, url) in &upstream.addresses {
                    say!("{id} {role}: {} (from {source})", without_secret(url));
                }
                let told = Kept::new(&upstream, &source, Clock::system().now());
                let here = |url: &String| {
                    lazaret_ecosystems::by_id(id).is_some_and(|ecosystem| is_gateway_here(ecosystem, url))
                };
                if keep && upstream.addresses.values().any(here) {
                    say!("{id}: that is a gateway on this machine; not kept");
                } else if keep {
                    adopted.keep(id, told);
                } else if adopted.get(id).is_some_and(|kept| kept.settings().addresses != upstream.addresses)
                {
                    say!("{id}: another was adopted earlier and is gone by; --adopt takes this one");
                }
            }
            Err(why) => say!("{id}: none ({why})"),
        }
    }
    if keep {
        adopted.write(&data)?;
        say!("kept; a gateway that runs takes them at its next start");
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
    use super::*;

    #[test]
    fn a_gateway_on_this_machine_is_recognised() {
        let ecosystem = lazaret_ecosystems::all()[0];
        let mount = ecosystem.profile().mount;
        for (url, expected) in [
            (format!("http://127.0.0.1:7117/{mount}"), true),
            (format!("https://__token__:x@localhost:7117/{mount}/simple"), true),
            (format!("http://[::1]:7117/{mount}/"), true),
            ("http://127.0.0.1:4873".to_owned(), false),
            (format!("https://registry.example/{mount}"), false),
            (String::new(), false),
        ] {
            assert_eq!(is_gateway_here(ecosystem, &url), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn a_gateway_that_stays_goes_by_what_was_adopted() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(dir.path());
        let mut adopted = Adopted::default();
        for ecosystem in lazaret_ecosystems::all() {
            let role = ecosystem.profile().upstreams[0].name.to_owned();
            let addresses = [(role, "https://registry.example".to_owned())].into();
            let upstream = UpstreamSettings { addresses, ..UpstreamSettings::default() };
            let kept =
                Kept::new(&upstream, "somebody's settings", lazaret_vocabulary::Timestamp::from_millis(0));
            adopted.keep(ecosystem.profile().id.as_str(), kept);
        }
        adopted.write(dir.path()).unwrap();
        let configured = lazaret_ecosystems::all()[0].profile().id.as_str();
        settings.upstreams.insert(configured.to_owned(), UpstreamSettings::default());
        let mut told = Vec::new();
        fill(&mut settings, "127.0.0.1:7117", |line| told.push(line)).await;
        assert_eq!(told.len(), lazaret_ecosystems::all().len() - 1, "{told:?}");
        assert!(told[0].contains("from somebody's settings, adopted 1970-01-01"), "{told:?}");
        assert!(settings.upstreams[configured].addresses.is_empty(), "the configuration wins");
        assert_eq!(settings.upstreams.len(), lazaret_ecosystems::all().len());
    }

    #[test]
    fn secrets_are_hidden() {
        assert_eq!(without_secret("https://me:pw@registry.example/x"), "https://***@registry.example/x");
        assert_eq!(without_secret("https://registry.example/@x"), "https://***@x");
        assert_eq!(without_secret("https://registry.example/"), "https://registry.example/");
    }
}
