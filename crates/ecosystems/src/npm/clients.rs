//! npm's clients, and what in their settings leads around a gateway.

use crate::client::{last_address, line_of, lines, shown};
use crate::{Client, Detour, Probe, Variable, lies_on};

const SCOPES: &str = "take it out: the gateway answers for every scope, and for your own where it hosts them";
const REPLACE: &str = "take it out, or run `lazaret setup npm`";

/// Every client that this ecosystem's mount answers.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "npm",
        publishes_only: false,
        program: "npm",
        version: Probe { program: "npm", arguments: &["--version"], tells: "npm's version" },
        since: (10, 0),
        before: "fails on a range whose newest release is withheld, instead of taking the newest allowed",
        registry: &[Probe {
            program: "npm",
            arguments: &["config", "get", "registry"],
            tells: "npm's registry",
        }],
        read_registry: last_address,
        edits: &["npm"],
        by_hand: "",
    },
    Client {
        name: "pnpm",
        publishes_only: false,
        program: "pnpm",
        version: Probe { program: "pnpm", arguments: &["--version"], tells: "pnpm's version" },
        since: (10, 0),
        before: "was never tried: whether it shows why something is withheld is not known",
        registry: &[Probe {
            program: "pnpm",
            arguments: &["config", "get", "registry"],
            tells: "pnpm's registry",
        }],
        read_registry: last_address,
        edits: &["npm"],
        by_hand: "",
    },
    Client {
        name: "yarn",
        publishes_only: false,
        program: "yarn",
        version: Probe { program: "yarn", arguments: &["--version"], tells: "yarn's version" },
        since: (1, 22),
        before: "was never tried: whether it shows why something is withheld is not known",
        // yarn 1 answers with its own default, whatever it uses: it is judged by its files instead.
        registry: &[Probe {
            program: "yarn",
            arguments: &["config", "get", "npmRegistryServer"],
            tells: "yarn's registry",
        }],
        read_registry: last_address,
        edits: &["npm", "yarn"],
        by_hand: "",
    },
    Client {
        name: "bun",
        publishes_only: false,
        program: "bun",
        version: Probe { program: "bun", arguments: &["--version"], tells: "bun's version" },
        since: (1, 2),
        before: "was never tried: whether it shows why something is withheld is not known",
        registry: &[],
        read_registry: last_address,
        edits: &["bun"],
        by_hand: "",
    },
];

/// What npm's family hears of the environment.
pub(super) const VARIABLES: &[Variable] = &[
    Variable { name: "npm_config_registry", adds: false },
    Variable { name: "NPM_CONFIG_REGISTRY", adds: false },
    Variable { name: "pnpm_config_registry", adds: false },
    Variable { name: "YARN_REGISTRY", adds: false },
    Variable { name: "YARN_NPM_REGISTRY_SERVER", adds: false },
    Variable { name: "BUN_CONFIG_REGISTRY", adds: false },
];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    matches!(
        file,
        ".npmrc"
            | ".yarnrc"
            | ".yarnrc.yml"
            | "pnpm-workspace.yaml"
            | "bunfig.toml"
            | ".bunfig.toml"
            | "package.json"
    )
}

/// What in such a file leads around the gateway.
pub(super) fn detours(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    match file {
        "package.json" => dependencies(text),
        "bunfig.toml" | ".bunfig.toml" => bunfig(text, gateway),
        _ => registries(text, gateway),
    }
}

/// `registry=…`, `@scope:registry=…`, `npmRegistryServer: …` and whatever else names a registry, in files of
/// one setting a line.
fn registries(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let mut found = Vec::new();
    for (number, line) in lines(text, &['#', ';']) {
        let Some(at) = line.find("http://").or_else(|| line.find("https://")) else { continue };
        let (before, rest) = line.split_at(at);
        let key = before
            .trim_end_matches(|letter: char| "=: \t\"'".contains(letter))
            .trim_matches(['"', '\'', ' ']);
        let address = rest.split(|letter: char| letter.is_whitespace() || "\"',".contains(letter)).next();
        let address = address.unwrap_or_default();
        let names_registry = key.to_ascii_lowercase().contains("registry") || key.starts_with('@');
        if !names_registry || key.to_ascii_lowercase().contains("publish") || lies_on(address, gateway) {
            continue;
        }
        let remedy = if key.starts_with('@') { SCOPES } else { REPLACE };
        found.push(Detour::new(number, format!("`{key}` leads to {}", shown(address)), remedy));
    }
    found
}

fn bunfig(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let Some(install) = table.get("install") else { return Vec::new() };
    let url = |value: &toml::Value| match value {
        toml::Value::String(url) => Some(url.clone()),
        other => other.get("url").and_then(toml::Value::as_str).map(str::to_owned),
    };
    let mut named: Vec<(String, String, &str)> = Vec::new();
    if let Some(url) = install.get("registry").and_then(url) {
        named.push(("registry".to_owned(), url, REPLACE));
    }
    if let Some(scopes) = install.get("scopes").and_then(toml::Value::as_table) {
        named.extend(
            scopes.iter().filter_map(|(scope, value)| Some((format!("scopes.{scope}"), url(value)?, SCOPES))),
        );
    }
    named.retain(|(_, address, _)| address.contains("://") && !lies_on(address, gateway));
    named
        .into_iter()
        .map(|(key, address, remedy)| {
            let line = text.find(address.as_str()).map(|at| line_of(text, at));
            Detour {
                line,
                what: format!("`install.{key}` leads to {}", shown(&address)),
                remedy: remedy.to_owned(),
            }
        })
        .collect()
}

/// Dependencies from repositories and addresses, which no registry answers.
fn dependencies(text: &str) -> Vec<Detour> {
    let Ok(manifest) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let mut found = Vec::new();
    for kind in ["dependencies", "devDependencies", "optionalDependencies"] {
        let Some(list) = manifest.get(kind).and_then(serde_json::Value::as_object) else { continue };
        for (name, wanted) in list {
            let Some(wanted) = wanted.as_str().filter(|wanted| is_foreign(wanted)) else { continue };
            let line = text.find(&format!("\"{name}\"")).map(|at| line_of(text, at));
            found.push(Detour {
                line,
                what: format!("{name} comes from {}", shown(wanted)),
                remedy: "take a release from a registry, or publish it to the gateway".to_owned(),
            });
        }
    }
    found
}

fn is_foreign(wanted: &str) -> bool {
    let schemes =
        ["git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "gist:", "http://", "https://", "ssh:"];
    let short = wanted.split_once('/').is_some_and(|(user, repository)| {
        let plain = |text: &str| !text.is_empty() && !text.contains([':', '@', ' ', '*', '/']);
        !user.starts_with(['.', '~', '^', '>', '<', '=']) && plain(user) && plain(repository)
    });
    schemes.iter().any(|scheme| wanted.starts_with(scheme)) || short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GATEWAY: Option<&str> = Some("https://gate.example");

    fn told(file: &str, text: &str) -> Vec<(usize, String)> {
        assert!(reads(file));
        let found = detours(file, text, GATEWAY);
        found.into_iter().map(|detour| (detour.line.unwrap_or(0), detour.what)).collect()
    }

    #[test]
    fn other_registries_are_found() {
        let text = "; registry=https://old.example\nregistry=https://gate.example/npm/\n\
                    @acme:registry=https://me:pw@other.example/x/\n//other.example/:_authToken=secret\n";
        assert_eq!(
            told(".npmrc", text),
            [(3, "`@acme:registry` leads to https://other.example/x".to_owned())]
        );
        let text = "npmScopes:\n  acme:\n    npmRegistryServer: \"https://other.example\"\n";
        assert_eq!(
            told(".yarnrc.yml", text),
            [(3, "`npmRegistryServer` leads to https://other.example".to_owned())]
        );
        let text = "[install]\nregistry = \"https://gate.example/npm/\"\n[install.scopes]\n\
                    acme = { url = \"https://other.example/\", token = \"secret\" }\n";
        assert_eq!(
            told("bunfig.toml", text),
            [(4, "`install.scopes.acme` leads to https://other.example".to_owned())]
        );
    }

    #[test]
    fn foreign_dependencies_are_found() {
        let text = "{\"dependencies\": {\n\"a\": \"^1.0.0\",\n\"b\": \"github:x/y\",\n\"c\": \"x/y\",\n\
                    \"d\": \"npm:other@1\",\n\"e\": \"workspace:*\",\n\"f\": \"file:../f\",\n\"g\": \"../g\"\n}}";
        let names: Vec<usize> = told("package.json", text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(names, [3, 4]);
    }

    proptest! {
        #[test]
        fn any_file_is_answered(text in "\\PC{0,200}", at in 0usize..7) {
            let files = [".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", "bunfig.toml", ".bunfig.toml", "package.json"];
            let _ = detours(files[at], &text, GATEWAY);
        }
    }
}
