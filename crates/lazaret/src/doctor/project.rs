//! What in a project's folder leads its clients around the gateway.

use super::Diagnosis;
use crate::adopt;
use lazaret_ecosystems::{Ecosystem, Locked, lies_on};
use std::collections::BTreeMap;
use std::path::Path;

/// Files looked at in one folder, at most.
const MOST_FILES: usize = 2000;
/// Largest file of settings read, in bytes.
const LARGEST_SETTINGS: u64 = 4 << 20;
/// Largest lock file read, in bytes.
const LARGEST_LOCK: u64 = 64 << 20;
/// Where cargo looks besides the folder itself.
const SUBFOLDER: &str = ".cargo";

/// Everything in one folder, in the order of names.
pub(super) fn folder(folder: &Path, gateway: Option<&str>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    for (below, prefix) in [(folder.to_owned(), ""), (folder.join(SUBFOLDER), ".cargo/")] {
        let Ok(entries) = std::fs::read_dir(&below) else { continue };
        let mut paths: Vec<_> =
            entries.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            found.extend(file(&path, &format!("{prefix}{name}"), gateway));
        }
    }
    found
}

fn file(path: &Path, name: &str, gateway: Option<&str>) -> Vec<Diagnosis> {
    let Some(size) = std::fs::metadata(path).ok().filter(|found| found.is_file()).map(|found| found.len())
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for ecosystem in lazaret_ecosystems::all() {
        if ecosystem.reads_settings(name)
            && size <= LARGEST_SETTINGS
            && let Ok(text) = std::fs::read_to_string(path)
        {
            found.extend(detours(*ecosystem, path, name, &text, gateway));
        }
        // Nothing but a name decides whether it is a lock file, so an empty one is asked first.
        if ecosystem.lock_file(name, b"").is_some()
            && size <= LARGEST_LOCK
            && let Ok(bytes) = std::fs::read(path)
        {
            found.extend(match ecosystem.lock_file(name, &bytes) {
                None => None,
                Some(Ok(locked)) => lock_file(*ecosystem, path, name, &locked, gateway),
                Some(Err(error)) => Some(Diagnosis::note(
                    path.display().to_string(),
                    format!("could not be read: {error}"),
                    "",
                )),
            });
        }
    }
    found
}

pub(super) fn detours(
    ecosystem: &dyn Ecosystem,
    path: &Path,
    name: &str,
    text: &str,
    gateway: Option<&str>,
) -> Vec<Diagnosis> {
    let told = ecosystem.detours(name, text, gateway).into_iter().map(|detour| {
        let line = detour.line.map_or_else(String::new, |line| format!(":{line}"));
        Diagnosis::problem(format!("{}{line}", path.display()), detour.what, detour.remedy)
    });
    told.collect()
}

/// The hosts besides the gateway that a lock file's own addresses name.
fn lock_file(
    ecosystem: &dyn Ecosystem,
    path: &Path,
    name: &str,
    locked: &[Locked],
    gateway: Option<&str>,
) -> Option<Diagnosis> {
    let mut hosts: BTreeMap<String, (usize, Option<usize>)> = BTreeMap::new();
    for pinned in locked {
        let Some(address) = pinned.resolved.as_deref().filter(|address| address.contains("://")) else {
            continue;
        };
        if lies_on(address, gateway) {
            continue;
        }
        let shown = adopt::without_secret(address);
        let host = shown.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let entry = hosts.entry(host.to_owned()).or_insert((0, pinned.line));
        entry.0 += 1;
    }
    let count: usize = hosts.values().map(|(count, _)| count).sum();
    let line = hosts.values().filter_map(|(_, line)| *line).min();
    let names: Vec<&str> = hosts.keys().map(String::as_str).take(5).collect();
    if count == 0 {
        return None;
    }
    let subject = format!("{}{}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")));
    let what = format!("{count} releases name {} as their address", names.join(", "));
    Some(if ecosystem.follows_lock_addresses(name) {
        Diagnosis::problem(
            subject,
            format!("{what}, and are fetched from there"),
            "point the client at the gateway, then make the lock file anew",
        )
    } else {
        let remedy = "`lazaret setup` and `lazaret run` set replace-registry-host=always, which fetches them from the gateway";
        Diagnosis::note(subject, what, remedy)
    })
}
