//! cargo, and what in its settings leads around a gateway.

use super::setup::{ASK_CARGO, named_index};
use crate::client::{line_of, shown};
use crate::{Client, Detour, Probe, Variable, lies_on};

/// The one client of this ecosystem.
pub(super) const CLIENTS: &[Client] = &[Client {
    name: "cargo",
    publishes_only: false,
    program: "cargo",
    version: Probe { program: "cargo", arguments: &["--version"], tells: "cargo's version" },
    since: (1, 74),
    before: "shows no reason of an authenticated registry, or knows no sparse index at all (before 1.68)",
    registry: &[Probe {
        program: "sh",
        arguments: &["-c", ASK_CARGO],
        tells: "the index that cargo's configuration leads to",
    }],
    read_registry: named_index,
    edits: &["cargo"],
    by_hand: "",
}];

/// What cargo hears of the environment.
pub(super) const VARIABLES: &[Variable] = &[
    Variable { name: "CARGO_REGISTRY_DEFAULT", adds: true },
    Variable { name: "CARGO_REGISTRIES_LAZARET_INDEX", adds: false },
];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    matches!(file, "Cargo.toml" | "config.toml" | ".cargo/config.toml" | ".cargo/config")
}

/// What in such a file leads around the gateway.
pub(super) fn detours(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    if file == "Cargo.toml" { manifest(&table, text) } else { configuration(&table, text, gateway) }
}

fn configuration(table: &toml::Table, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let mut found = Vec::new();
    for (kind, keys) in [("source", ["registry", "git"]), ("registries", ["index", "index"])] {
        let Some(entries) = table.get(kind).and_then(toml::Value::as_table) else { continue };
        for (name, entry) in entries {
            let address = keys.iter().find_map(|key| entry.get(*key).and_then(toml::Value::as_str));
            let Some(address) = address.filter(|address| !lies_on(address, gateway)) else { continue };
            found.push(Detour {
                line: text.find(address).map(|at| line_of(text, at)),
                what: format!("`{kind}.{name}` leads to {}", shown(address)),
                remedy: "take it out, or run `lazaret setup cargo` where it replaces crates.io".to_owned(),
            });
        }
    }
    found
}

fn manifest(table: &toml::Table, text: &str) -> Vec<Detour> {
    let mut found = Vec::new();
    let mut read = |dependencies: Option<&toml::Value>| {
        for (name, wanted) in dependencies.and_then(toml::Value::as_table).into_iter().flatten() {
            let git = wanted.get("git").and_then(toml::Value::as_str);
            let registry = wanted.get("registry").and_then(toml::Value::as_str);
            let registry = registry.filter(|registry| *registry != "lazaret");
            let Some(from) = git.or(registry) else { continue };
            found.push(Detour {
                line: text.find(from).map(|at| line_of(text, at)),
                what: format!("{name} comes from {}", shown(from)),
                remedy: "take a release from crates.io, or publish it to the gateway".to_owned(),
            });
        }
    };
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        read(table.get(kind));
        read(table.get("workspace").and_then(|workspace| workspace.get(kind)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: Option<&str> = Some("https://gate.example");

    #[test]
    fn other_registries_and_repositories_are_found() {
        let text = "[source.crates-io]\nreplace-with = \"lazaret\"\n[source.lazaret]\n\
                    registry = \"sparse+https://gate.example/cargo/\"\n[registries.acme]\nindex = \"sparse+https://acme.example/\"\n";
        let found = detours(".cargo/config.toml", text, GATEWAY);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].what.as_str()),
            (Some(6), "`registries.acme` leads to sparse+https://acme.example")
        );
        let text = "[dependencies]\na = \"1\"\nb = { git = \"https://code.example/b\" }\n[workspace.dependencies]\nc = { version = \"1\", registry = \"acme\" }\n";
        let found = detours("Cargo.toml", text, GATEWAY);
        assert_eq!(found.iter().map(|detour| detour.line).collect::<Vec<_>>(), [Some(3), Some(5)]);
        assert!(detours("Cargo.toml", "[[[", GATEWAY).is_empty());
    }
}
