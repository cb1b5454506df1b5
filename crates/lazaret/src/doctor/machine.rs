//! What the gateway itself stands on: configuration, policy, data directory, advisories.

use super::Diagnosis;
use crate::{Place, administer};
use lazaret_gateway::Settings;
use lazaret_metadata::Metadata;
use std::path::Path;

/// Less free space than this is a mistake.
const LEAST_FREE_BYTES: u64 = 1 << 30;
const GIB: f64 = (1u64 << 30) as f64;

pub(super) fn configured(place: &Place) -> String {
    match &place.config {
        Some(path) => format!("{} is valid", path.display()),
        None => "none is named; the defaults hold".to_owned(),
    }
}

pub(super) fn policy(settings: &Settings) -> Diagnosis {
    let name = settings.policy.as_ref().map_or("the baseline".to_owned(), |path| path.display().to_string());
    match administer::policy_in_force(settings) {
        Ok(policy) => Diagnosis::good(
            "policy",
            format!("{name}, revision {}, mode {}", policy.short_revision(), policy.mode().as_str()),
        ),
        Err(error) => Diagnosis::problem(
            "policy",
            format!("{error:#}"),
            "correct the file; a gateway that starts now refuses it, a running one keeps the policy before",
        ),
    }
}

pub(super) fn data(settings: &Settings) -> Vec<Diagnosis> {
    let data = &settings.data;
    // What does not exist yet is made at start, in the nearest folder that does.
    let Some(there) = data.ancestors().find(|folder| folder.is_dir()) else {
        let found = format!("{} is no folder, nor is anything above it", data.display());
        return vec![Diagnosis::problem("data directory", found, "name another with `data` or --data")];
    };
    let mut found = Vec::new();
    match tempfile::Builder::new().prefix(".lazaret-doctor-").tempfile_in(there) {
        Ok(_) if there == data => {
            found.push(Diagnosis::good("data directory", format!("{} can be written", data.display())));
        }
        Ok(_) => found.push(Diagnosis::good("data directory", format!("{} will be made", data.display()))),
        Err(error) => found.push(Diagnosis::problem(
            "data directory",
            format!("{} cannot be written: {error}", there.display()),
            "give it to the user that the gateway runs as, or name another with `data` or --data",
        )),
    }
    found.push(disk(there, settings.store_limit_bytes));
    found
}

fn disk(folder: &Path, limit: u64) -> Diagnosis {
    let subject = "disk";
    match rustix::fs::statvfs(folder) {
        Err(error) => Diagnosis::note(subject, format!("free space could not be read: {error}"), ""),
        Ok(disk) => space(disk.f_bavail.saturating_mul(disk.f_frsize), limit),
    }
}

/// What so many free bytes mean beside the store's bound.
pub(super) fn space(free: u64, limit: u64) -> Diagnosis {
    let text = format!("{:.1} GiB free", free as f64 / GIB);
    if free < LEAST_FREE_BYTES {
        return Diagnosis::problem("disk", text, "free some, or lower `store_limit_bytes` in lazaret.toml");
    }
    if free < limit {
        let found = format!("{text}; upstream files may take up to {:.1} GiB", limit as f64 / GIB);
        return Diagnosis::note(
            "disk",
            found,
            "set `store_limit_bytes` in lazaret.toml to what the disk has",
        );
    }
    Diagnosis::good("disk", text)
}

pub(super) async fn advisories(settings: &Settings) -> Vec<Diagnosis> {
    let subject = "advisories";
    let file = settings.data.join("lazaret.db");
    let opened = match &settings.database {
        Some(url) => Metadata::open(url).await,
        None if file.is_file() => Metadata::open_file(&file).await,
        None => {
            return match settings.advisories.len() {
                0 => vec![none_configured()],
                count => vec![Diagnosis::note(
                    subject,
                    format!("{count} sources are configured and were never read"),
                    "they are read when the gateway starts",
                )],
            };
        }
    };
    let rows = match opened {
        Err(error) => {
            return vec![Diagnosis::problem(
                "database",
                error.to_string(),
                "docs/install.md has the forms of `database`",
            )];
        }
        Ok(data) => {
            let rows = data.sources().await;
            data.close().await;
            rows
        }
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            return vec![Diagnosis::problem("database", error.to_string(), "look into the gateway's log")];
        }
    };
    if rows.is_empty() && settings.advisories.is_empty() {
        return vec![none_configured()];
    }
    let now = administer::now();
    let mut found = Vec::new();
    for row in &rows {
        let age = now.since(row.fetched);
        let text = format!("{}: {} records, read {age} ago", row.name, row.records);
        found.push(if age < settings.advisory_staleness {
            Diagnosis::good(subject, text)
        } else {
            Diagnosis::problem(
                subject,
                text,
                "what is new is held until it is read again: `lazaret advisories import`, or name it under \
                 [advisories] and look into the log why it is not read",
            )
        });
    }
    for source in settings.advisories.iter().filter(|source| rows.iter().all(|row| row.name != source.name)) {
        let text = format!("{} was never read", source.name);
        found.push(Diagnosis::problem(
            subject,
            text,
            "start the gateway, and look into its log if it stays so",
        ));
    }
    found
}

fn none_configured() -> Diagnosis {
    Diagnosis::problem(
        "advisories",
        "no source is configured, so known malware and vulnerabilities are not recognised",
        "name one under [advisories] in lazaret.toml, or read one with `lazaret advisories import`",
    )
}
