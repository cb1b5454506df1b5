//! The fake registries as a process of their own, for benches and scripts.
//!
//! Prints the address of each registry on standard output, one line each, and serves until it is killed.

use clap::Parser;
use lazaret_testkit::spec::Spec;
use lazaret_testkit::{Behaviour, FakeUpstream, world};
use lazaret_vocabulary::Timestamp;
use std::path::PathBuf;

/// Fake npm, PyPI, crates.io and NuGet registries on a loopback port.
#[derive(Parser)]
struct Arguments {
    /// The port; 0 for a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Packages described in a JSON file.
    #[arg(long)]
    spec: Option<PathBuf>,
    /// The fixed world of packages.
    #[arg(long)]
    demo: bool,
    /// The moment that the world's dates are relative to (RFC 3339); the clock's when left out.
    #[arg(long)]
    now: Option<String>,
    /// Files come no faster than this on each connection, in bytes a second.
    #[arg(long)]
    file_bytes_per_second: Option<u64>,
    /// Every answer takes so many milliseconds longer.
    #[arg(long, default_value_t = 0)]
    distance_millis: u64,
    /// Writes OSV records about the world into this folder.
    #[arg(long)]
    advisories: Option<PathBuf>,
}

#[expect(clippy::disallowed_methods, reason = "the edge of a test program, where a default moment is read")]
fn clock() -> Result<Timestamp, Box<dyn std::error::Error>> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Timestamp::from_seconds(i64::try_from(since.as_secs())?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let now = match &arguments.now {
        Some(text) => Timestamp::parse(text)?,
        None => clock()?,
    };
    let upstream = FakeUpstream::start_on(arguments.port).await;
    if arguments.demo || arguments.spec.is_none() {
        world::demo(now).apply(&upstream);
    }
    if let Some(path) = &arguments.spec {
        let spec: Spec = serde_json::from_slice(&std::fs::read(path)?)?;
        spec.apply(&upstream);
    }
    upstream.behave(Behaviour {
        file_bytes_per_second: arguments.file_bytes_per_second,
        distance: std::time::Duration::from_millis(arguments.distance_millis),
        ..Behaviour::default()
    });
    if let Some(folder) = &arguments.advisories {
        std::fs::create_dir_all(folder)?;
        for (name, record) in world::advisories(now) {
            std::fs::write(folder.join(name), record.to_string())?;
        }
    }
    println!("url {}", upstream.url());
    println!("npm {}", upstream.npm_url());
    println!("pypi {}", upstream.pypi_url());
    println!("cargo sparse+{}", upstream.cargo_url());
    println!("nuget {}", upstream.nuget_url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
