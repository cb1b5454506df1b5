//! git and curl, and what in git's settings leads around a gateway.

use crate::client::{last_address, lines, shown};
use crate::{Client, Detour, Probe, Variable, lies_on};

/// The clients of this ecosystem.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "git",
        publishes_only: false,
        program: "git",
        version: Probe { program: "git", arguments: &["--version"], tells: "git's version" },
        since: (2, 31),
        before: "takes no settings from the environment, so that `lazaret run` does not reach it",
        registry: &[],
        read_registry: last_address,
        edits: &["git"],
        by_hand: "",
    },
    Client {
        name: "curl",
        publishes_only: false,
        program: "curl",
        version: Probe { program: "curl", arguments: &["--version"], tells: "curl's version" },
        since: (7, 76),
        before: "shows the reason without --fail only",
        registry: &[],
        read_registry: last_address,
        edits: &[],
        by_hand: "write {base}/ where the git host's address stands, and use --fail-with-body",
    },
];

/// Nothing that git hears of the environment leads it to another host.
pub(super) const VARIABLES: &[Variable] = &[];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    matches!(file, ".gitconfig" | ".config/git/config")
}

/// A rule that rewrites addresses.
struct Rule {
    line: usize,
    base: String,
    beginning: String,
}

/// Rules that win over the gateway's own: git follows the one with the longest beginning, and of two alike the
/// one that it reads first.
pub(super) fn detours(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let (ours, others): (Vec<Rule>, Vec<Rule>) =
        rules(text).into_iter().partition(|rule| lies_on(&rule.base, gateway));
    let wins = |rule: &&Rule| ours.iter().any(|our| rule.beginning.starts_with(&our.beginning));
    others
        .iter()
        .filter(wins)
        .map(|rule| {
            Detour::new(
                rule.line,
                format!("{} is rewritten to {}", shown(&rule.beginning), shown(&rule.base)),
                "take the rule out: it wins over the gateway's",
            )
        })
        .collect()
}

fn rules(text: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut base: Option<String> = None;
    for (line, content) in lines(text, &['#', ';']) {
        if let Some(section) = content.strip_prefix('[') {
            let quoted = section.split('"').nth(1);
            let is_url = section.trim_start().get(..3).is_some_and(|word| word.eq_ignore_ascii_case("url"));
            base = quoted.filter(|_| is_url).map(|quoted| quoted.replace('\\', ""));
            continue;
        }
        let (Some(base), Some((key, value))) = (&base, content.split_once('=')) else { continue };
        if key.trim().eq_ignore_ascii_case("insteadof") {
            let beginning = value.trim().trim_matches('"').to_owned();
            rules.push(Rule { line, base: base.clone(), beginning });
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_win_over_the_gateways_are_found() {
        let text = "[user]\nname = a\n[url \"https://gate.example/github/\"]\n\tinsteadOf = https://git.example/\n\
            \tinsteadOf = git@git.example:\n[url \"ssh://git@git.example/\"]\n  InsteadOf = \"https://git.example/\"\n\
            [url \"https://me:secret@git.example/acme/\"]\ninsteadOf = https://git.example/acme/\n\
            [url \"https://other.example/\"]\ninsteadOf = https://far.example/\ninsteadOf = https://git\n\
            [url \"https://push.example/\"]\npushInsteadOf = https://git.example/\n";
        let found = detours(text, Some("https://gate.example"));
        let told: Vec<_> = found.iter().map(|detour| (detour.line, detour.what.as_str())).collect();
        assert_eq!(
            told,
            [
                (Some(7), "https://git.example is rewritten to ssh://git.example"),
                (Some(9), "https://git.example/acme is rewritten to https://git.example/acme"),
            ]
        );
        assert!(detours(text, None).is_empty(), "without a gateway nothing goes around it");
        assert!(detours("[[[\n=\n[url \"", Some("https://gate.example")).is_empty());
    }
}
