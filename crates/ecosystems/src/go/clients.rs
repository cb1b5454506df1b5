//! The go command, and what in its settings leads around a gateway.

use super::setup::first_proxy;
use crate::client::{lines, shown};
use crate::{Client, Detour, Probe, Variable, lies_on};

/// The one client of this ecosystem.
pub(super) const CLIENTS: &[Client] = &[Client {
    name: "go",
    publishes_only: false,
    program: "go",
    version: Probe { program: "go", arguments: &["version"], tells: "the go command's version" },
    since: (1, 14),
    before: "does not print what a proxy says about a refusal",
    registry: &[Probe {
        program: "go",
        arguments: &["env", "GOPROXY"],
        tells: "the module proxy that the go command uses",
    }],
    read_registry: first_proxy,
    edits: &["go"],
    by_hand: "",
}];

/// What the go command hears of the environment.
pub(super) const VARIABLES: &[Variable] = &[Variable { name: "GOPROXY", adds: false }];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    matches!(file, "env" | "go.env" | "vendor/modules.txt")
}

/// What in such a file leads around the gateway. Files called `env` are others' as well; only Go's variables in
/// them count.
pub(super) fn detours(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    if file == "vendor/modules.txt" {
        return vendored(text);
    }
    let pairs: Vec<(usize, &str, &str)> = lines(text, &['#'])
        .filter_map(|(line, text)| text.split_once('=').map(|(key, value)| (line, key.trim(), value.trim())))
        .collect();
    let set = |key: &str| pairs.iter().find(|(_, name, _)| *name == key).map(|(_, _, value)| *value);
    let all_through = set("GONOPROXY") == Some("none");
    let mut found = Vec::new();
    for (line, key, value) in &pairs {
        let told = match *key {
            "GOPROXY" => proxies(value, gateway),
            "GONOPROXY" if !matches!(*value, "" | "none") => {
                Some((format!("{value} is fetched from its origin"), "set GONOPROXY=none"))
            }
            "GOPRIVATE" if !value.is_empty() && !all_through => {
                Some((format!("{value} is fetched from its origin"), "set GONOPROXY=none beside it"))
            }
            "GOSUMDB" if *value == "off" => {
                Some(("no module is verified".to_owned(), "take it out: the gateway passes the database on"))
            }
            "GOSUMDB" if value.contains(char::is_whitespace) => Some((
                "the checksum database is asked directly, and hears the names of your modules".to_owned(),
                "leave its address out: the gateway passes the database on",
            )),
            "GONOSUMDB" | "GONOSUMCHECK" if value.split(',').any(|pattern| pattern.trim() == "*") => {
                Some(("no module is verified".to_owned(), "name your own prefixes in GOPRIVATE instead"))
            }
            "GOINSECURE" if !value.is_empty() => {
                Some((format!("{value} may be fetched without TLS"), "take it out"))
            }
            _ => None,
        };
        found.extend(told.map(|(what, remedy)| Detour::new(*line, format!("{key}: {what}"), remedy)));
    }
    found
}

/// A list of proxies in which another entry than the gateway stands.
fn proxies(list: &str, gateway: Option<&str>) -> Option<(String, &'static str)> {
    let mut others = list
        .split([',', '|'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty() && *entry != "off" && !lies_on(entry, gateway));
    let other = others.next()?;
    let what = if other == "direct" {
        "what the gateway does not have is fetched from its origin".to_owned()
    } else {
        format!("leads to {}", shown(other))
    };
    Some((what, "set GOPROXY to the gateway alone, or run `lazaret setup go`"))
}

fn vendored(text: &str) -> Vec<Detour> {
    let modules: Vec<usize> =
        lines(text, &[]).filter(|(_, line)| line.starts_with("# ")).map(|(line, _)| line).collect();
    let Some(first) = modules.first() else { return Vec::new() };
    let count = modules.len();
    vec![Detour::new(
        *first,
        format!(
            "{count} modules lie in the project's own vendor folder, and are built without being asked for"
        ),
        "run `lazaret check go.sum`, which judges them",
    )]
}
