//! The real registries that this machine reaches, or a loud skip.

use crate::adopt::{self, Adopted, Machine, NotLearned};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use url::Url;

/// With this variable set to `1`, a test that would be skipped fails instead.
pub const REQUIRE_VARIABLE: &str = "LAZARET_REQUIRE_REGISTRIES";

/// A file that gets one line per skipped test, so that a test run can count them at its end.
pub const SKIP_LOG_VARIABLE: &str = "LAZARET_SKIP_LOG";

/// Registries that answered.
#[derive(Debug, Clone)]
pub struct RealRegistries {
    /// npm's registry.
    pub npm: Url,
    /// The simple index of Python packages.
    pub pypi: Url,
    /// cargo's sparse index.
    pub cargo: Url,
}

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// The real registries, learned from the clients on this machine and asked once per process; `None`,
/// after saying so loudly, when one of them does not answer.
///
/// # Panics
/// When they do not answer and [`REQUIRE_VARIABLE`] is `1`.
pub fn real_registries_or_skip(test_name: &str) -> Option<&'static RealRegistries> {
    static FOUND: OnceLock<Result<RealRegistries, String>> = OnceLock::new();
    match FOUND.get_or_init(discover) {
        Ok(found) => Some(found),
        Err(reason) => {
            skip(test_name, "no registry reachable", reason);
            None
        }
    }
}

/// Says loudly, past the test harness's capture, that a test was skipped, and counts it.
///
/// # Panics
/// When [`REQUIRE_VARIABLE`] is `1`.
pub fn skip(test_name: &str, what: &str, reason: &str) {
    if std::env::var(REQUIRE_VARIABLE).as_deref() == Ok("1") {
        panic!("{test_name} may not be skipped here ({REQUIRE_VARIABLE}=1), but: {what}: {reason}");
    }
    let count = SKIPPED.fetch_add(1, Ordering::SeqCst) + 1;
    let line = format!("SKIPPED ({what}): {test_name} [{count} in this process] {reason}\n");
    // Nothing can be done about a closed standard error.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Ok(path) = std::env::var(SKIP_LOG_VARIABLE) {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("cannot note the skip in {path}: {error}"));
    }
}

/// How many tests of this process were skipped so far.
pub fn skipped() -> usize {
    SKIPPED.load(Ordering::SeqCst)
}

fn discover() -> Result<RealRegistries, String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let found = adopt::upstreams(&Machine, scratch.path(), home.as_deref());
    let url = |found: Result<Adopted, NotLearned>| {
        found.map(|adopted| adopted.url).map_err(|error| error.to_string())
    };
    let found = RealRegistries { npm: url(found.npm)?, pypi: url(found.pypi)?, cargo: url(found.cargo)? };
    // A test may run inside a runtime of its own, in which nothing may block on another.
    let (npm, pypi, cargo) = (found.npm.clone(), found.pypi.clone(), found.cargo.clone());
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            reachable(&npm, "is-number").await?;
            reachable(&pypi, "pip/").await?;
            reachable(&cargo, "config.json").await
        })
    });
    asked.join().unwrap_or_else(|_| Err("the question itself failed".to_owned()))?;
    Ok(found)
}

/// Whether `path` below a registry's base is answered with 200, within a quarter of a minute and two tries.
pub async fn reachable(base: &Url, path: &str) -> Result<(), String> {
    crate::install_tls_provider();
    let url = base.join(path).map_err(|error| format!("{base}: {error}"))?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(15)).build();
    let client = client.map_err(|error| error.to_string())?;
    let mut last = String::new();
    for _ in 0..2 {
        last = match client.get(url.clone()).send().await {
            Ok(reply) if reply.status().is_success() => return Ok(()),
            Ok(reply) => format!("{url} answers {}", reply.status()),
            Err(error) => format!("{url} does not answer: {error:?}"),
        };
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_registry_is_reachable_when_it_answers_with_success() {
        let upstream = crate::FakeUpstream::start().await;
        let base = Url::parse(&upstream.cargo_url()).unwrap();
        reachable(&base, "config.json").await.unwrap();
        assert!(reachable(&base, "nothing").await.unwrap_err().contains("404"));
    }

    #[test]
    fn the_real_registries_are_learned_from_the_clients() {
        if let Some(found) = real_registries_or_skip("the_real_registries_are_learned_from_the_clients") {
            for url in [&found.npm, &found.pypi, &found.cargo] {
                assert!(url.path().ends_with('/') && url.host_str().is_some(), "{url}");
            }
        }
    }
}
