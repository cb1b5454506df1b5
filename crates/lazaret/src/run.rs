//! `lazaret run -- CMD`.

use crate::{Place, adopt, config, serve};
use anyhow::bail;
use lazaret_gateway::{Clock, Gateway, Summary};
use lazaret_vocabulary::{BaseUrl, Refusal};
use rustix::process::{Pid, Signal};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tokio::process::Command;

/// Releases that were kept from a command which failed, told at most.
const MOST_TOLD: usize = 20;

pub(crate) async fn run(place: &Place, at: Option<&str>, command: Vec<OsString>) -> anyhow::Result<ExitCode> {
    if let Some(text) = at
        && lazaret_gateway::parse_moment(text).is_none_or(|moment| moment > Clock::system().now())
    {
        bail!(
            "--at `{text}`: expected a day or a moment that has passed, such as 2026-10-01 or 2026-10-01T12:00:00Z"
        );
    }
    let began = Instant::now();
    let token = std::env::var("LAZARET_TOKEN").ok().filter(|token| !token.is_empty());
    let addresses = adopt::known_addresses(&config::load(place)?.settings);
    let (root, gateway, stopper) = match std::env::var("LAZARET_URL").ok().filter(|url| !url.is_empty()) {
        Some(url) => (url.trim_end_matches('/').to_owned(), None, None),
        None => {
            let (root, gateway, stopper) = begin(place).await?;
            (root, Some(gateway), Some(stopper))
        }
    };
    let scratch = tempfile::Builder::new().prefix("lazaret-run-").tempdir()?;
    // What this process just adopted is known to its own gateway alone.
    let own = gateway.as_ref().map(|gateway| adopt::known_addresses(gateway.settings()));
    let upstreams = |id: &str| own.as_ref().map_or_else(|| addresses(id), |own| own(id));
    let mut child = point(&root, at, token.as_deref(), scratch.path(), &upstreams, command)?;
    // Heard from before the child begins, so that none goes astray.
    let mut signals = Signals::listen()?;
    let mut running = match child.spawn() {
        Ok(running) => running,
        // As a shell has it: 127 for a command that is not there, 126 for one that cannot be run.
        Err(error) => {
            let program = child.as_std().get_program().to_string_lossy().into_owned();
            tell_error!("lazaret: `{program}` cannot be started: {error}");
            let absent = error.kind() == std::io::ErrorKind::NotFound;
            return Ok(ExitCode::from(if absent { 127 } else { 126 }));
        }
    };
    let status = loop {
        tokio::select! {
            status = running.wait() => break status?,
            signal = signals.next() => pass_on(signal, running.id()),
        }
    };
    if let Some(stopper) = stopper {
        let _ = stopper.send(());
    }
    if let Some(gateway) = gateway {
        summary(&gateway, began, status.success());
        gateway.close().await;
    }
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// A gateway in this process, on a free port of loopback.
async fn begin(place: &Place) -> anyhow::Result<(String, Arc<Gateway>, tokio::sync::oneshot::Sender<()>)> {
    let mut loaded = config::load(place)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let root = format!("http://{}", listener.local_addr()?);
    adopt::fill(&mut loaded.settings, "", |line| tracing::info!("{line}")).await;
    loaded.settings.base_url = None;
    loaded.settings.anonymous_read = Some(true);
    let gateway = serve::open(loaded.settings).await?;
    gateway.start_jobs();
    let (stopper, stopped) = tokio::sync::oneshot::channel();
    let serving = gateway.clone();
    tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        lazaret_gateway::serve(listener, None, serving, stopped).await;
    });
    Ok((root, gateway, stopper))
}

/// The command with every client pointed at the gateway, by environment and scratch files alone.
fn point(
    root: &str,
    at: Option<&str>,
    token: Option<&str>,
    scratch: &Path,
    upstreams: &dyn Fn(&str) -> Vec<(String, String)>,
    command: Vec<OsString>,
) -> anyhow::Result<Command> {
    let mut words = command.into_iter();
    let Some(program) = words.next() else { bail!("expected a command after `--`") };
    let mut child = Command::new(program);
    child.args(words);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut search = path.clone();
    for ecosystem in lazaret_ecosystems::all() {
        let own = scratch.join(ecosystem.profile().mount);
        std::fs::create_dir_all(&own)?;
        let moment = at.map_or_else(String::new, |moment| format!("/at/{moment}"));
        let base = BaseUrl::new(&format!("{root}{moment}/{}", ecosystem.profile().mount));
        let pointing = ecosystem.pointing(
            &base,
            token,
            &own.to_string_lossy(),
            &upstreams(ecosystem.profile().id.as_str()),
        );
        for (name, content) in &pointing.files {
            let file = own.join(name);
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&file, content)?;
            let mode = if content.starts_with("#!") { 0o700 } else { 0o600 };
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode))?;
        }
        for name in &pointing.removed {
            child.env_remove(name);
        }
        for (name, value) in &pointing.environment {
            if name == "PATH" {
                // Several ecosystems may put something in front.
                search = value.replace("{PATH}", &search);
                child.env("PATH", &search);
            } else {
                child.env(name, value.replace("{PATH}", &path));
            }
        }
        for caveat in &pointing.caveats {
            tracing::info!("{}: {}", ecosystem.profile().title, caveat);
        }
    }
    for name in ["NO_PROXY", "no_proxy"] {
        let before = std::env::var(name).unwrap_or_default();
        let comma = if before.is_empty() { "" } else { "," };
        child.env(name, format!("{before}{comma}127.0.0.1,localhost"));
    }
    Ok(child)
}

/// The signals that end a program.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
            _ = self.quit.recv() => Signal::QUIT,
        }
    }
}

/// The child hears what we hear. What a terminal's keys send, it has heard already: a second one would make
/// many clients stop without cleaning up.
fn pass_on(signal: Signal, child: Option<u32>) {
    let from_keys = matches!(signal, Signal::INT | Signal::QUIT) && std::io::stdin().is_terminal();
    let child = child.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(child) = child.filter(|_| !from_keys) {
        // One that has just ended cannot be told any more.
        let _ = rustix::process::kill_process(child, signal);
    }
}

/// What a client says of a release that it was not shown is often "no version matches": where the command
/// failed, what was kept from it is told here.
fn summary(gateway: &Gateway, began: Instant, succeeded: bool) {
    let summary = gateway.summary();
    tell_error!("lazaret: {}; {:.1} s", told(&summary), began.elapsed().as_secs_f64());
    for refusal in &summary.refused {
        tell_error!("lazaret: {}", refusal.line());
    }
    if !succeeded {
        for refusal in summary.held_back.iter().filter(|one| !is_told(&summary.refused, one)).take(MOST_TOLD)
        {
            tell_error!("lazaret: {}", refusal.line());
        }
    }
}

/// What happened, in one line: `12 files, 9 of them from cache, 3 admitted for the first time; 1 release held`.
fn is_told(refused: &[Refusal], one: &Refusal) -> bool {
    refused.iter().any(|told| told.package == one.package && told.version == one.version)
}

fn told(summary: &Summary) -> String {
    let many = |count: u64, thing: &str| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
    let mut parts = vec![if summary.served == 0 {
        "no file was asked for".to_owned()
    } else {
        format!(
            "{}, {} of them from cache, {} admitted for the first time",
            many(summary.served, "file"),
            summary.served.saturating_sub(summary.fetched),
            summary.admitted
        )
    }];
    let (held, refused): (Vec<_>, Vec<_>) = summary.refused.iter().partition(|one| one.until.is_some());
    for (count, what) in [(held.len(), "held"), (refused.len(), "refused")] {
        if count > 0 {
            parts.push(format!("{} {what}", many(count as u64, "release")));
        }
    }
    if !summary.held_back.is_empty() {
        let count = summary.held_back.len() as u64;
        parts.push(format!("newer releases of {} held back", many(count, "package")));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_happened() {
        let name = lazaret_ecosystems::all()[0].name("left-pad").unwrap();
        let refusal = |until| lazaret_vocabulary::Refusal {
            package: name.clone(),
            version: Some("1.3.1".into()),
            code: "release-too-new".into(),
            sentence: "it is new".into(),
            until,
            newest_allowed: None,
            page: String::new(),
        };
        let mut summary = Summary {
            admitted: 3,
            served: 12,
            fetched: 3,
            refusals: 0,
            held_back: Vec::new(),
            refused: Vec::new(),
        };
        assert_eq!(told(&summary), "12 files, 9 of them from cache, 3 admitted for the first time");
        summary.refused =
            vec![refusal(Some(lazaret_vocabulary::Timestamp::MAX)), refusal(None), refusal(None)];
        (summary.held_back, summary.served, summary.fetched) = (vec![refusal(None)], 1, 2);
        assert_eq!(
            told(&summary),
            "1 file, 0 of them from cache, 3 admitted for the first time; 1 release held; \
             2 releases refused; newer releases of 1 package held back"
        );
    }
}
