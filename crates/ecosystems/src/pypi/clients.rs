//! Python's clients, and what in their settings leads around a gateway.

use super::setup::ASK_PIP;
use crate::client::{last_address, line_of, lines, shown};
use crate::{Client, Detour, Probe, Variable, lies_on};

const TAKE_OUT: &str =
    "take it out: with two indexes anybody can answer for a name; the gateway answers for all";
const POETRY: &str = "in each project: `poetry source add --priority=primary lazaret {base}/simple/`";

/// Every client that this ecosystem's mount answers.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "pip",
        publishes_only: false,
        program: "pip",
        version: Probe { program: "pip", arguments: &["--version"], tells: "pip's version" },
        since: (22, 2),
        before: "reads only the HTML index, without dates of its own",
        registry: &[
            Probe { program: "python3", arguments: &["-c", ASK_PIP], tells: "pip's index" },
            Probe { program: "python", arguments: &["-c", ASK_PIP], tells: "pip's index" },
        ],
        read_registry: last_address,
        edits: &["pip"],
        by_hand: "",
    },
    Client {
        name: "uv",
        publishes_only: false,
        program: "uv",
        version: Probe { program: "uv", arguments: &["--version"], tells: "uv's version" },
        since: (0, 5),
        before: "knows no `[[index]]` tables, so that `lazaret setup uv` does not reach it",
        registry: &[],
        read_registry: last_address,
        edits: &["uv"],
        by_hand: "",
    },
    Client {
        name: "poetry",
        publishes_only: false,
        program: "poetry",
        version: Probe { program: "poetry", arguments: &["--version"], tells: "poetry's version" },
        since: (1, 5),
        before: "knows no primary sources, so that it asks the public index as well",
        registry: &[],
        read_registry: last_address,
        edits: &[],
        by_hand: POETRY,
    },
    Client {
        name: "twine",
        publishes_only: true,
        program: "twine",
        version: Probe { program: "twine", arguments: &["--version"], tells: "twine's version" },
        since: (3, 0),
        before: "was never tried",
        registry: &[],
        read_registry: last_address,
        edits: &["twine"],
        by_hand: "",
    },
];

/// What Python's clients hear of the environment.
pub(super) const VARIABLES: &[Variable] = &[
    Variable { name: "PIP_INDEX_URL", adds: false },
    Variable { name: "PIP_EXTRA_INDEX_URL", adds: true },
    Variable { name: "PIP_FIND_LINKS", adds: true },
    Variable { name: "UV_DEFAULT_INDEX", adds: false },
    Variable { name: "UV_INDEX_URL", adds: false },
    Variable { name: "UV_INDEX", adds: true },
    Variable { name: "UV_EXTRA_INDEX_URL", adds: true },
    Variable { name: "UV_FIND_LINKS", adds: true },
    Variable { name: "PDM_PYPI_URL", adds: false },
    Variable { name: "PIPENV_PYPI_MIRROR", adds: false },
];

/// Whether [`detours`] reads a file of this name.
pub(super) fn reads(file: &str) -> bool {
    let requirements =
        file.ends_with(".txt") && (file.contains("requirements") || file.contains("constraints"));
    requirements || matches!(file, "pip.conf" | "uv.toml" | "pyproject.toml" | "Pipfile")
}

/// What in such a file leads around the gateway.
pub(super) fn detours(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    match file {
        "pip.conf" => pip_configuration(text, gateway),
        "uv.toml" | "pyproject.toml" | "Pipfile" => tables(file, text, gateway),
        _ => requirements(text, gateway),
    }
}

fn requirements(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let mut found = Vec::new();
    for (number, line) in lines(text, &['#']) {
        let mut words = line.splitn(2, |letter: char| letter.is_whitespace() || letter == '=');
        let (option, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().trim());
        let address = rest.split_whitespace().next().unwrap_or_default();
        match option {
            "--extra-index-url" | "--find-links" | "-f" | "--index-url" | "-i"
                if !lies_on(address, gateway) =>
            {
                let what = format!("`{option}` leads to {}", shown(address));
                found.push(Detour::new(number, what, TAKE_OUT));
            }
            _ if option.starts_with("--") && option != "--editable" => {}
            "-e" | "--editable" if !address.contains("://") => {}
            _ if line.starts_with("git+")
                || line.contains("@ git+")
                || line.contains("@ http")
                || address.starts_with("git+") =>
            {
                let what = line.split_once("://").map_or(line, |(_, rest)| rest);
                let what = what.rsplit('@').next().unwrap_or(what);
                let what: String = what.chars().take(100).collect();
                found.push(Detour::new(
                    number,
                    format!("a requirement comes from {what}"),
                    "take a release from an index, or publish it to the gateway",
                ));
            }
            _ => {}
        }
    }
    found
}

/// `index-url`, `extra-index-url` and `find-links`, whose values may go on over indented lines.
fn pip_configuration(text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let mut found = Vec::new();
    let mut key = String::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with(['#', ';', '[']) {
            continue;
        }
        let value = if line.starts_with([' ', '\t']) {
            line
        } else {
            let Some((name, value)) = line.split_once(['=', ':']) else { continue };
            key = name.trim().to_ascii_lowercase().replace('_', "-");
            value
        };
        if !matches!(key.as_str(), "index-url" | "extra-index-url" | "find-links") {
            continue;
        }
        for address in value.split_whitespace().filter(|address| !lies_on(address, gateway)) {
            let remedy = if key == "index-url" { "run `lazaret setup pip`" } else { TAKE_OUT };
            found.push(Detour::new(at + 1, format!("`{key}` leads to {}", shown(address)), remedy));
        }
    }
    found
}

/// uv's `[[index]]`, `index-url` and `extra-index-url`, at the top or below `tool.uv`; poetry's and pdm's
/// `[[tool.….source]]`; pipenv's `[[source]]`.
fn tables(file: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
    let Ok(root) = text.parse::<toml::Table>() else { return Vec::new() };
    let root = toml::Value::Table(root);
    let tool = |name: &str| root.get("tool").and_then(|tool| tool.get(name));
    let mut addresses: Vec<(String, String)> = Vec::new();
    let uv = if file == "uv.toml" { Some(&root) } else { tool("uv") };
    let pipenv = (file == "Pipfile").then_some(&root);
    for (table, list) in
        [(uv, "index"), (tool("poetry"), "source"), (tool("pdm"), "source"), (pipenv, "source")]
    {
        let sources = table.and_then(|table| table.get(list)).and_then(toml::Value::as_array);
        for source in sources.into_iter().flatten() {
            let text = |key: &str| source.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            if let Some(url) = text("url") {
                addresses.push((format!("{list} {}", text("name").unwrap_or_default()), url));
            }
        }
    }
    for key in ["index-url", "extra-index-url", "find-links"] {
        match uv.and_then(|uv| uv.get(key)) {
            Some(toml::Value::String(url)) => addresses.push((key.to_owned(), url.clone())),
            Some(toml::Value::Array(urls)) => addresses
                .extend(urls.iter().filter_map(|url| Some((key.to_owned(), url.as_str()?.to_owned())))),
            _ => {}
        }
    }
    addresses.retain(|(_, address)| !lies_on(address, gateway));
    addresses
        .into_iter()
        .map(|(key, address)| Detour {
            line: text.find(address.as_str()).map(|at| line_of(text, at)),
            what: format!("`{}` leads to {}", key.trim(), shown(&address)),
            remedy: TAKE_OUT.to_owned(),
        })
        .collect()
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
    fn further_indexes_are_found() {
        let text = "# --extra-index-url https://old.example\n-i https://gate.example/pypi/simple/\n\
                    --extra-index-url=https://me:pw@other.example/simple\nsix==1.16.0\n\
                    left @ git+https://code.example/left\n";
        assert_eq!(
            told("requirements-dev.txt", text),
            [
                (3, "`--extra-index-url` leads to https://other.example/simple".to_owned()),
                (5, "a requirement comes from code.example/left".to_owned())
            ]
        );
        let text = "[global]\nindex_url = https://gate.example/pypi/simple/\nextra-index-url =\n  https://a.example\n  https://b.example\n";
        let found = told("pip.conf", text);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5]);
        let text = "[[index]]\nname = \"lazaret\"\nurl = \"https://gate.example/pypi/simple/\"\ndefault = true\n\
                    [[index]]\nname = \"x\"\nurl = \"https://x.example/simple\"\n";
        assert_eq!(told("uv.toml", text), [(7, "`index x` leads to https://x.example/simple".to_owned())]);
        let text = "[[tool.poetry.source]]\nname = \"y\"\nurl = \"https://y.example/simple\"\n[tool.uv]\nindex-url = \"https://z.example\"\n";
        assert_eq!(told("pyproject.toml", text).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 5]);
    }

    proptest! {
        #[test]
        fn any_file_is_answered(text in "\\PC{0,200}", at in 0usize..5) {
            let files = ["requirements.txt", "pip.conf", "uv.toml", "pyproject.toml", "Pipfile"];
            let _ = detours(files[at], &text, GATEWAY);
        }
    }
}
