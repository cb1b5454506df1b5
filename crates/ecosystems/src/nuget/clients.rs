//! `dotnet` and `nuget`, and what in their settings and in projects leads around a gateway.

use super::lockfile::is_project;
use super::setup::{LIST_DOTNET, LIST_NUGET, enabled};
use super::xml;
use crate::client::shown;
use crate::{Client, Detour, Probe, Variable, lies_on};

/// The clients of this ecosystem. Both are built of the same libraries: those of nuget.exe 5.8 are dotnet's
/// of 5.0.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "dotnet",
        publishes_only: false,
        program: "dotnet",
        version: Probe { program: "dotnet", arguments: &["--version"], tells: "dotnet's version" },
        since: (5, 0),
        before: "was not tried",
        registry: &[LIST_DOTNET],
        read_registry: first,
        edits: &["dotnet"],
        by_hand: "",
    },
    Client {
        name: "nuget",
        publishes_only: false,
        program: "nuget",
        version: Probe { program: "nuget", arguments: &["help"], tells: "nuget's version" },
        since: (5, 8),
        before: "was not tried; before 3.0 it does not know the protocol at all",
        registry: &[LIST_NUGET],
        read_registry: first,
        edits: &["nuget"],
        by_hand: "",
    },
];

/// The first source in use.
fn first(printed: &str) -> Option<String> {
    let web = |address: &String| address.starts_with("https://") || address.starts_with("http://");
    enabled(printed).into_iter().find(web)
}

/// MSBuild properties, which it takes from the environment too.
pub(super) const VARIABLES: &[Variable] = &[
    Variable { name: "RestoreAdditionalProjectSources", adds: true },
    Variable { name: "RestoreSources", adds: false },
];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    is_configuration(file) || is_project(file)
}

fn is_configuration(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.eq_ignore_ascii_case("nuget.config")
}

/// What in such a file leads around the gateway.
pub(super) fn detours(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(root) = xml::parse(text.as_bytes(), file) else { return Vec::new() };
    let mut found = Vec::new();
    if is_configuration(file) {
        for source in root.all("packageSources").flat_map(|section| section.all("add")) {
            let (Some(key), Some(address)) = (source.attribute("key"), source.attribute("value")) else {
                continue;
            };
            if !lies_on(address, gateway) {
                found.push(Detour::new(
                    source.line,
                    format!("the package source `{}` leads to {}", shown(key), shown(address)),
                    "take it out, or put `<clear />` and the gateway into `packageSources`",
                ));
            }
        }
        return found;
    }
    for property in root.walk() {
        let named = ["RestoreSources", "RestoreAdditionalProjectSources"]
            .iter()
            .any(|name| property.name.eq_ignore_ascii_case(name));
        for address in property.text.split(';').map(str::trim).filter(|_| named) {
            if !address.is_empty() && !address.starts_with("$(") && !lies_on(address, gateway) {
                found.push(Detour::new(
                    property.line,
                    format!("`{}` leads to {}", property.name, shown(address)),
                    "take it out; sources belong into NuGet.Config",
                ));
            }
        }
    }
    found
}
