//! apt and debootstrap, and what in their settings leads around a gateway.

use super::setup::LIST_SOURCES;
use super::sources;
use crate::client::shown;
use crate::{Client, Detour, Probe, Variable, lies_on};

const APT: &str = "as root: in /etc/apt/sources.list and /etc/apt/sources.list.d put `{base}/debian` where the \
    archive's address stands, and `{base}/security` where that of its security updates stands";
const DEBOOTSTRAP: &str = "name the gateway as the mirror: `debootstrap bookworm /target {base}/debian`";

/// Every client that this ecosystem's mount answers.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "apt",
        publishes_only: false,
        program: "apt-get",
        version: Probe { program: "apt-get", arguments: &["--version"], tells: "apt's version" },
        since: (2, 2),
        before: "was never tried",
        registry: &[Probe {
            program: "sh",
            arguments: &["-c", LIST_SOURCES],
            tells: "the archives in apt's lists of sources",
        }],
        read_registry: first,
        edits: &[],
        by_hand: APT,
    },
    Client {
        name: "debootstrap",
        publishes_only: false,
        program: "debootstrap",
        version: Probe { program: "debootstrap", arguments: &["--version"], tells: "debootstrap's version" },
        since: (1, 0),
        before: "was never tried",
        registry: &[],
        read_registry: first,
        edits: &[],
        by_hand: DEBOOTSTRAP,
    },
];

/// What apt hears of the environment.
pub(super) const VARIABLES: &[Variable] = &[Variable { name: "APT_CONFIG", adds: false }];

/// The first archive that is reached over the web.
fn first(printed: &str) -> Option<String> {
    let mut found = sources::read(printed).into_iter().map(|source| source.address);
    let address = found.find(|address| address.starts_with("http://") || address.starts_with("https://"))?;
    Some(address.trim_end_matches('/').to_owned())
}

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    let file = file.rsplit('/').next().unwrap_or(file);
    file == "sources.list"
        || file.ends_with(".sources")
        || (file.starts_with("apt") && file.ends_with(".list"))
}

/// The archives in such a file that are not asked of the gateway.
pub(super) fn detours(_file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let around = sources::read(text).into_iter().filter(|source| !lies_on(&source.address, gateway));
    let told = around.map(|source| {
        let what = format!("an archive is read from {}", shown(&source.address));
        Detour::new(source.line, what, "put the gateway's address for this archive in its place")
    });
    told.collect()
}
