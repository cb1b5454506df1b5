//! mvn and Gradle, and what in their settings leads around a gateway.

use super::pom;
use super::setup::{PROBES, registry};
use super::xml::{self, Element};
use crate::client::{last_address, line_of, lines, shown};
use crate::{Client, Detour, Probe, Variable, lies_on};

/// Every client that this ecosystem's mount answers.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "mvn",
        publishes_only: false,
        program: "mvn",
        version: Probe { program: "mvn", arguments: &["--version"], tells: "Maven's version" },
        since: (3, 8),
        before: "was never tried, and may fetch from repositories without https",
        registry: PROBES,
        read_registry: registry,
        edits: &["mvn"],
        by_hand: "",
    },
    Client {
        name: "gradle",
        publishes_only: false,
        program: "gradle",
        version: Probe { program: "gradle", arguments: &["--version"], tells: "Gradle's version" },
        since: (6, 0),
        before: "runs no script before a build's settings, so that plugins named there are fetched past the gateway",
        registry: &[],
        read_registry: last_address,
        edits: &["gradle"],
        by_hand: "",
    },
];

/// None that names a source: what there is names files of settings.
pub(super) const VARIABLES: &[Variable] = &[];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    let bare = bare(file);
    matches!(
        bare,
        "pom.xml"
            | "settings.xml"
            | "build.gradle"
            | "build.gradle.kts"
            | "settings.gradle"
            | "settings.gradle.kts"
            | "gradle-wrapper.properties"
            | "maven-wrapper.properties"
    )
}

fn bare(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// What in such a file leads around the gateway.
pub(super) fn detours(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    match bare(file) {
        "pom.xml" => project(text, gateway),
        "settings.xml" => settings(text, gateway),
        "gradle-wrapper.properties" | "maven-wrapper.properties" => wrapper(text, gateway),
        _ => script(text, gateway),
    }
}

fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

fn project(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(pom) = pom::read(text.as_bytes()) else { return Vec::new() };
    let outside = |(_, address, _): &(&str, String, usize)| is_web(address) && !lies_on(address, gateway);
    pom.repositories
        .into_iter()
        .filter(outside)
        .map(|(kind, address, line)| {
            Detour::new(
                line,
                format!("a `{kind}` leads to {} wherever no mirror takes everything", shown(&address)),
                "take it out; with `lazaret setup mvn` the gateway is the mirror of all repositories",
            )
        })
        .collect()
}

fn settings(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(root) = xml::parse(text) else { return Vec::new() };
    let mut found = Vec::new();
    let line = |element: &Element| line_of(text, element.span.start);
    for mirror in root.find(&["mirrors", "mirror"]) {
        let of = mirror.text_of("mirrorOf").unwrap_or_default();
        let address = mirror.text_of("url").unwrap_or_default();
        if mirror.text_of("blocked") == Some("true") {
            continue;
        }
        if !lies_on(address, gateway) {
            found.push(Detour::new(
                line(mirror),
                format!(
                    "the mirror of `{}` leads to {}",
                    of.chars().take(100).collect::<String>(),
                    shown(address)
                ),
                "take it out; a mirror of one repository wins over the mirror of all",
            ));
        } else if of != "*" {
            found.push(Detour::new(
                line(mirror),
                format!("the gateway is the mirror of `{}` only", of.chars().take(100).collect::<String>()),
                "let it be the mirror of `*`, or run `lazaret setup mvn`",
            ));
        }
    }
    found
}

/// The address of the program itself.
fn wrapper(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let address = |line: &str| {
        let (key, value) = line.split_once('=')?;
        matches!(key.trim(), "distributionUrl" | "wrapperUrl").then(|| value.trim().replace('\\', ""))
    };
    lines(text, &['#', '!'])
        .filter_map(|(at, line)| Some((at, address(line)?)))
        .filter(|(_, address)| is_web(address) && !lies_on(address, gateway))
        .map(|(at, address)| {
            Detour::new(
                at,
                format!("the wrapper fetches the build tool itself from {}", shown(&address)),
                "serve it from the company's own host, with its `distributionSha256Sum`",
            )
        })
        .collect()
}

/// Addresses in a Gradle build's `url`s. Which repositories a script makes cannot be told without running it.
fn script(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let mut found = Vec::new();
    for (at, line) in lines(text, &['/', '*']) {
        let names_source = line.contains("url") || line.contains("maven(") || line.contains("ivy");
        if !names_source {
            continue;
        }
        let quoted = line.split(['"', '\'']).skip(1).step_by(2);
        for address in quoted.filter(|address| is_web(address) && !lies_on(address, gateway)) {
            found.push(Detour::new(
                at,
                format!("a repository leads to {}", shown(address)),
                "take it out; with `lazaret setup gradle` the gateway stands for every Maven repository",
            ));
        }
    }
    found
}
