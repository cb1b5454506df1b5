//! The clients of this machine: whether they are new enough, and whether they go through the gateway.

use super::{Diagnosis, on_path};
use crate::adopt;
use crate::setup::Places;
use lazaret_ecosystems::{Client, Ecosystem, lies_on};
use lazaret_vocabulary::BaseUrl;
use std::collections::BTreeSet;
use std::path::Path;

/// Largest file of settings that is read, in bytes.
const LARGEST: u64 = 1 << 20;

pub(super) async fn all(gateway: Option<&str>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    let places = Places::of_this_user().ok();
    let mut asked = tokio::task::JoinSet::new();
    for ecosystem in lazaret_ecosystems::all() {
        for client in ecosystem.clients().iter().filter(|client| on_path(client.program).is_some()) {
            let (places, gateway) = (places.clone(), gateway.map(str::to_owned));
            asked.spawn(async move { look(*ecosystem, client, places.as_ref(), gateway.as_deref()).await });
        }
    }
    while let Some(looked) = asked.join_next().await {
        found.extend(looked.unwrap_or_default());
    }
    found.sort_by(|left, right| left.subject.cmp(&right.subject));
    if let Some(places) = &places {
        found.extend(user_files(places, gateway));
    }
    found.extend(environment(gateway, |name| std::env::var(name).ok()));
    found
}

async fn look(
    ecosystem: &'static dyn Ecosystem,
    client: &'static Client,
    places: Option<&Places>,
    gateway: Option<&str>,
) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    let printed = adopt::run(&client.version).await.stdout;
    found.push(version(client, &printed));
    if client.publishes_only {
        return found;
    }
    let mut registry = None;
    for probe in client.registry {
        registry = (client.read_registry)(&adopt::run(probe).await.stdout);
        if registry.is_some() {
            break;
        }
    }
    let remedy = if client.by_hand.is_empty() {
        let url = gateway.map_or_else(String::new, |gateway| format!(" --url {gateway}"));
        format!("`lazaret setup {}{url}`, or `lazaret run -- {} …`", client.name, client.program)
    } else {
        let base = format!("{}/{}", gateway.unwrap_or("{base}"), ecosystem.profile().mount);
        client.by_hand.replace("{base}", &base)
    };
    found.push(match registry {
        Some(address) => registry_used(client, &address, gateway, &remedy),
        None if client.edits.is_empty() => {
            Diagnosis::note(client.name, "names its index in each project", remedy)
        }
        None => from_files(ecosystem, client, places, gateway, &remedy),
    });
    found
}

/// The first dotted number of what a client prints.
pub(super) fn number(printed: &str) -> Option<(u32, u32)> {
    printed.split(|letter: char| letter.is_whitespace() || "()v/".contains(letter)).find_map(|word| {
        let mut parts = word.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
        Some((major, minor.parse().ok()?))
    })
}

pub(super) fn version(client: &Client, printed: &str) -> Diagnosis {
    let subject = client.name;
    match number(printed) {
        None => Diagnosis::note(
            subject,
            "does not tell its version",
            format!("look whether `{} --version` works", client.program),
        ),
        Some((major, minor)) if (major, minor) < client.since => Diagnosis::problem(
            subject,
            format!("version {major}.{minor} {}", client.before),
            format!("install {}.{} or newer", client.since.0, client.since.1),
        ),
        Some((major, minor)) => Diagnosis::good(subject, format!("version {major}.{minor}")),
    }
}

pub(super) fn registry_used(
    client: &Client,
    address: &str,
    gateway: Option<&str>,
    remedy: &str,
) -> Diagnosis {
    let shown = adopt::without_secret(address);
    if lies_on(address, gateway) {
        Diagnosis::good(client.name, format!("uses the gateway ({shown})"))
    } else {
        Diagnosis::problem(client.name, format!("goes around the gateway: it uses {shown}"), remedy)
    }
}

/// For a client that no command asks: whether a file that `setup` would change names the gateway.
fn from_files(
    ecosystem: &dyn Ecosystem,
    client: &Client,
    places: Option<&Places>,
    gateway: Option<&str>,
    remedy: &str,
) -> Diagnosis {
    let edits = ecosystem.setup(&BaseUrl::new(""), None, &[]);
    let texts = edits.iter().filter(|edit| client.edits.contains(&edit.client)).filter_map(|edit| {
        let path = places?.file(edit.file);
        Some((read(&path)?, path))
    });
    let names_gateway = |text: &str| {
        text.split(|letter: char| letter.is_whitespace() || "\"'=,".contains(letter))
            .any(|word| lies_on(word, gateway))
    };
    match texts.into_iter().find(|(text, _)| names_gateway(text)) {
        Some((_, path)) => Diagnosis::good(client.name, format!("{} names the gateway", path.display())),
        None => {
            Diagnosis::problem(client.name, "goes around the gateway: none of its own files names it", remedy)
        }
    }
}

fn read(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    std::fs::read_to_string(path).ok()
}

/// What in the user's own files leads around the gateway.
fn user_files(places: &Places, gateway: Option<&str>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    for ecosystem in lazaret_ecosystems::all() {
        let files: BTreeSet<&str> =
            ecosystem.setup(&BaseUrl::new(""), None, &[]).iter().map(|edit| edit.file).collect();
        for path in files.into_iter().map(|file| places.file(file)) {
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            if !ecosystem.reads_settings(&name) {
                continue;
            }
            let Some(text) = read(&path) else { continue };
            found.extend(super::project::detours(*ecosystem, &path, &name, &text, gateway));
        }
    }
    found
}

/// Variables that lead elsewhere.
pub(super) fn environment(gateway: Option<&str>, value: impl Fn(&str) -> Option<String>) -> Vec<Diagnosis> {
    let variables = lazaret_ecosystems::all().iter().flat_map(|ecosystem| ecosystem.variables());
    variables
        .filter_map(|variable| {
            let set = value(variable.name).filter(|value| !value.trim().is_empty())?;
            // uv's indexes may have a name in front: `name=https://…`.
            let outside = |word: &&str| {
                let at = word.find("http").unwrap_or(0);
                !lies_on(word.get(at..).unwrap_or(""), gateway)
            };
            let word = set.split_whitespace().find(outside)?;
            let what =
                if variable.adds { "adds a source besides the gateway" } else { "leads around the gateway" };
            Some(Diagnosis::problem(
                format!("variable {}", variable.name),
                format!("{what}: {}", adopt::without_secret(word)),
                format!("unset {}", variable.name),
            ))
        })
        .collect()
}
