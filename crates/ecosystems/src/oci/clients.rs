//! The clients of registries, and what in their settings leads around a gateway. What a project's own files name
//! is read as what they pin.

use super::setup::{Configured, LIST_REGISTRIES};
use crate::client::{last_address, line_of, shown};
use crate::{Client, Detour, Probe, Variable, lies_on};

const BY_NAME: &str = "name images by the gateway: the host of `{base}`, then the image";
const DAEMON: &str = "as root, put the address before `/v2` of `{base}` into `registry-mirrors` in \
    /etc/docker/daemon.json and restart docker; it asks the usual registry itself where the gateway refuses, so \
    close that way in the network";

const REGISTRIES: &[Probe] = &[Probe {
    program: "sh",
    arguments: &["-c", LIST_REGISTRIES],
    tells: "the registries that podman, skopeo and buildah are configured with",
}];

/// The first registry that short names are looked for in.
fn searched(printed: &str) -> Option<String> {
    let first = Configured::read(printed).searched.into_iter().next()?;
    Some(format!("https://{first}"))
}

/// A client that reads `registries.conf`.
const fn contained(
    name: &'static str,
    version: Probe,
    since: (u32, u32),
    edits: &'static [&'static str],
) -> Client {
    Client {
        name,
        publishes_only: false,
        program: name,
        version,
        since,
        before: "reads no files below registries.conf.d",
        registry: REGISTRIES,
        read_registry: searched,
        edits,
        by_hand: "",
    }
}

/// A client that is told of a registry by the name of the image alone.
const fn plain(name: &'static str, version: Probe, since: (u32, u32), before: &'static str) -> Client {
    Client {
        name,
        publishes_only: false,
        program: name,
        version,
        since,
        before,
        registry: &[],
        read_registry: last_address,
        edits: &[],
        by_hand: BY_NAME,
    }
}

const fn version(program: &'static str, arguments: &'static [&'static str], tells: &'static str) -> Probe {
    Probe { program, arguments, tells }
}

/// Every client that this mount answers.
pub(super) const CLIENTS: &[Client] = &[
    contained("podman", version("podman", &["--version"], "podman's version"), (2, 0), &["podman"]),
    contained("skopeo", version("skopeo", &["--version"], "skopeo's version"), (1, 0), &["podman"]),
    contained("buildah", version("buildah", &["--version"], "buildah's version"), (1, 16), &["podman"]),
    Client {
        by_hand: DAEMON,
        ..plain(
            "docker",
            version("docker", &["--version"], "docker's version"),
            (19, 3),
            "does not verify what it pulls by digest",
        )
    },
    plain("crane", version("crane", &["version"], "crane's version"), (0, 8), "was never tried"),
    plain("oras", version("oras", &["version"], "oras' version"), (1, 0), "does not list referrers"),
];

/// What they hear of the environment.
pub(super) const VARIABLES: &[Variable] = &[
    Variable { name: "CONTAINERS_REGISTRIES_CONF", adds: false },
    Variable { name: "REGISTRIES_CONFIG_PATH", adds: false },
];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    let plain = file.rsplit(['/', '\\']).next().unwrap_or(file);
    matches!(plain, "registries.conf" | "daemon.json")
        || file.contains("registries.conf.d/") && file.ends_with(".conf")
}

/// What in such a file leads around the gateway.
pub(super) fn detours(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    if file.ends_with("daemon.json") { daemon(text, gateway) } else { registries(text, gateway) }
}

/// Whether a registry, known by host alone, is the gateway's.
fn is_gateway(registry: &str, gateway: Option<&str>) -> bool {
    let host = |address: &str| {
        address.split_once("://").map_or_else(String::new, |(_, rest)| {
            rest.split('/').next().unwrap_or_default().to_ascii_lowercase()
        })
    };
    gateway.is_some_and(|gateway| host(gateway) == host(registry))
}

/// Mirrors of docker's daemon.
fn daemon(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(settings) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let mirrors =
        settings.get("registry-mirrors").and_then(serde_json::Value::as_array).into_iter().flatten();
    let others = mirrors.filter_map(serde_json::Value::as_str).filter(|mirror| !lies_on(mirror, gateway));
    others
        .take(20)
        .map(|mirror| Detour {
            line: text.find(mirror).map(|at| line_of(text, at)),
            what: format!("docker's mirror {}", shown(mirror)),
            remedy: "take it out: docker asks each mirror in turn, and then the registry itself".to_owned(),
        })
        .collect()
}

/// Registries that are asked under another address than the gateway's.
fn registries(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let registries = table.get("registry").and_then(toml::Value::as_array).into_iter().flatten();
    let mut found = Vec::new();
    for registry in registries.take(200) {
        if registry.get("blocked").and_then(toml::Value::as_bool) == Some(true) {
            continue;
        }
        let mirrors = registry.get("mirror").and_then(toml::Value::as_array).into_iter().flatten();
        let places = std::iter::once(registry).chain(mirrors.take(20));
        let locations = places.filter_map(|place| place.get("location").and_then(toml::Value::as_str));
        for location in locations.filter(|location| !is_gateway(&format!("https://{location}"), gateway)) {
            found.push(Detour {
                line: text.find(location).map(|at| line_of(text, at)),
                what: format!("images are fetched from {}", shown(&format!("https://{location}"))),
                remedy: "take it out, or run `lazaret setup podman`".to_owned(),
            });
        }
    }
    found
}
