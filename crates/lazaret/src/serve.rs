//! `lazaret serve`.

use crate::{Place, adopt, config};
use anyhow::{Context as _, bail};
use lazaret_gateway::{Clock, Gateway};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) async fn serve(place: &Place, listen: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    let mut loaded = config::load(place)?;
    let listen = listen.unwrap_or(loaded.listen);
    if loaded.tls.is_none() && !listen.ip().is_loopback() && !loaded.allow_plain_http {
        bail!(
            "{listen} is not loopback and no certificate is configured: tokens would travel in the clear. \
             Set [tls] certificate and key, or allow_plain_http = true behind a proxy of your own"
        );
    }
    let tls = match &loaded.tls {
        None => None,
        Some(tls) => {
            let read = |path: &std::path::Path| {
                std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
            };
            let config = lazaret_gateway::tls_config(&read(&tls.certificate)?, &read(&tls.key)?);
            Some(config.map_err(anyhow::Error::msg)?)
        }
    };
    let listener =
        tokio::net::TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    adopt::fill(&mut loaded.settings, &address.to_string(), |line| say!("{line}")).await;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let base = loaded.settings.base_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    let gateway = open(loaded.settings).await?;
    say!("Lazaret serves on {base}");
    for ecosystem in lazaret_ecosystems::all() {
        let profile = ecosystem.profile();
        say!(
            "{}: {}",
            profile.title,
            profile.setup_line.replace("{base}", &format!("{base}/{}", profile.mount))
        );
    }
    gateway.note_policy().await;
    gateway.start_jobs();
    tokio::spawn(reload_when_told(gateway.clone()));
    lazaret_gateway::serve(listener, tls, gateway.clone(), stop()).await;
    gateway.close().await;
    say!("Lazaret has stopped");
    Ok(ExitCode::SUCCESS)
}

/// SIGHUP reads the policy file anew; a change of the file is noticed without it.
async fn reload_when_told(gateway: Arc<Gateway>) {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::hangup()) {
        Ok(mut told) => {
            while told.recv().await.is_some() {
                gateway.reload_policy().await;
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGHUP cannot be heard; the policy file is watched all the same")
        }
    }
}

/// Bounds of the histograms' buckets, in seconds.
const SECONDS: [f64; 9] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0];

/// Opens the gateway with its metrics page.
pub(crate) async fn open(settings: lazaret_gateway::Settings) -> anyhow::Result<Arc<Gateway>> {
    let gateway = Gateway::open(settings, Clock::system()).await?;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
        .set_buckets(&SECONDS)
        .and_then(metrics_exporter_prometheus::PrometheusBuilder::install_recorder);
    if let Ok(handle) = recorder {
        let upkeep = handle.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(std::time::Duration::from_secs(5));
            loop {
                ticks.tick().await;
                upkeep.run_upkeep();
            }
        });
        gateway.set_metrics_page(move || handle.render());
    }
    if gateway.advisories_never_read() {
        tell_error!("lazaret: reading advisories for the first time…");
        gateway.sync_advisories().await;
    }
    let blind = gateway.ecosystems_without_advisories();
    if !blind.is_empty() {
        tell_error!(
            "lazaret: warning: no advisory source speaks of {}, so known malware and vulnerabilities are not \
             recognised there; see `lazaret advisories import --help`",
            blind.join(", ")
        );
    }
    Ok(gateway)
}

/// Resolves when the process is told to stop.
pub(crate) async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_gateway::Settings;

    #[tokio::test]
    async fn a_changed_policy_file_is_put_in_force_and_a_wrong_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("policy.toml");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        write("mode = \"observe\"\n");
        let mut settings = Settings::new(dir.path().join("data"));
        settings.policy = Some(file.clone());
        let gateway = Gateway::open(settings, Clock::system()).await.unwrap();
        gateway.note_policy().await;
        let known = async || -> Vec<String> {
            let rows = gateway.metadata().policies(10).await.unwrap();
            rows.into_iter().map(|row| row.body).collect()
        };
        assert_eq!(known().await, ["mode = \"observe\"\n"]);
        write("mode = \"wrong\"\n");
        gateway.reload_policy().await;
        assert_eq!(known().await.len(), 1);
        write("mode = \"enforce\"\n");
        gateway.reload_policy().await;
        gateway.reload_policy().await;
        assert_eq!(known().await, ["mode = \"enforce\"\n", "mode = \"observe\"\n"]);
        // Without being told.
        gateway.start_jobs();
        let last = "[release-too-new]\nmin_age = \"3d\"\n";
        write(last);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while known().await[0] != last {
            assert!(std::time::Instant::now() < deadline, "the change was not noticed");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        gateway.close().await;
    }
}
