//! How Python's clients are told of the gateway, and what they tell of the index they use now.

use super::documents::{JSON_UPSTREAM, SIMPLE_UPSTREAM};
use crate::{Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput};
use lazaret_vocabulary::{BaseUrl, Malformed};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// pip's own option parser, which has heard its built-in default, every configuration file and variable.
pub(super) const ASK_PIP: &str = "from pip._internal.commands import create_command; \
    print(create_command('download').parser.get_default_values().index_url)";

/// The questions; [`adopt`] reads the answers in this order.
pub(super) const PROBES: &[Probe] = &[
    Probe { program: "python3", arguments: &["-c", ASK_PIP], tells: "pip's index" },
    Probe { program: "python", arguments: &["-c", ASK_PIP], tells: "pip's index" },
    Probe {
        program: "python3",
        arguments: &["-m", "pip", "config", "list"],
        tells: "further indexes in pip's configuration",
    },
    Probe {
        program: "python3",
        arguments: &["-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"],
        tells: "pip's built-in index",
    },
];

/// The index pip uses; the legacy JSON API stands beside it by convention, which mirrors keep.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let printed = |at: usize| outputs.get(at).map(|output| output.stdout.as_str()).unwrap_or_default();
    let found =
        [(0, "pip's own index setting"), (1, "pip's own index setting"), (3, "pip's built-in default")]
            .into_iter()
            .find_map(|(at, source)| Some((address(printed(at))?, source)));
    let configured = || Some((configured_index(printed(2))?, "pip's configuration"));
    let (simple, source) = found.or_else(configured).ok_or_else(|| {
        Malformed::new("no pip was found that names its index; set the addresses `simple` and `json` by hand")
    })?;
    let mut addresses = vec![(SIMPLE_UPSTREAM.into(), simple.clone())];
    if let Some(root) = simple.strip_suffix("/simple") {
        addresses.push((JSON_UPSTREAM.into(), format!("{root}/pypi")));
    }
    let mut source = source.to_owned();
    if printed(2).lines().any(|line| line.contains("extra-index-url")) {
        source
            .push_str("; its extra indexes are left out, since two sources of one name cannot be told apart");
    }
    Ok(Adopted { addresses, source })
}

/// The last line that is an http address, without a slash at its end.
fn address(printed: &str) -> Option<String> {
    let lines = printed.lines().rev().map(str::trim);
    let web = |line: &&str| line.starts_with("https://") || line.starts_with("http://");
    lines.into_iter().find(web).map(|line| line.trim_end_matches('/').to_owned())
}

/// `global.index-url='https://…'`, the environment's before the files'.
fn configured_index(listing: &str) -> Option<String> {
    let value = |key: &str| {
        let line = listing.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        address(line.trim_matches(|quote| matches!(quote, '\'' | '"')))
    };
    [":env:.index-url", "install.index-url", "global.index-url"].into_iter().find_map(value)
}

/// `base` with the token as the password of `__token__`, as PyPI's own are used.
fn with_token(base: &BaseUrl, token: Option<&str>) -> String {
    match (token, base.as_str().split_once("://")) {
        (Some(token), Some((scheme, rest))) => {
            format!("{scheme}://__token__:{}@{rest}", utf8_percent_encode(token, NON_ALPHANUMERIC))
        }
        _ => base.as_str().to_owned(),
    }
}

/// Host and port, where pip has to be told that plain http is meant: it keeps nothing in its cache otherwise.
fn trusted_host(base: &BaseUrl) -> Option<&str> {
    base.as_str().strip_prefix("http://")?.split('/').next()
}

/// Variables for one command. pip, uv, pdm and pipenv hear them; what would add another source is taken away.
pub(super) fn pointing(base: &BaseUrl, token: Option<&str>, _scratch: &str) -> Pointing {
    let index = format!("{}/simple/", with_token(base, token));
    let mut environment = vec![
        ("PIP_INDEX_URL".to_owned(), index.clone()),
        // A further index in a configuration file cannot be taken away by a variable; reading none can.
        ("PIP_CONFIG_FILE".to_owned(), "/dev/null".to_owned()),
        ("PIP_DISABLE_PIP_VERSION_CHECK".to_owned(), "1".to_owned()),
        ("UV_DEFAULT_INDEX".to_owned(), index.clone()),
        // Before uv 0.4.23.
        ("UV_INDEX_URL".to_owned(), index.clone()),
        ("PDM_PYPI_URL".to_owned(), index.clone()),
        ("PIPENV_PYPI_MIRROR".to_owned(), index),
        ("UV_PUBLISH_URL".to_owned(), format!("{base}/legacy/")),
        ("TWINE_REPOSITORY_URL".to_owned(), format!("{base}/legacy/")),
    ];
    if let Some(host) = trusted_host(base) {
        environment.push(("PIP_TRUSTED_HOST".to_owned(), host.to_owned()));
    }
    if let Some(token) = token {
        environment.push(("TWINE_USERNAME".to_owned(), "__token__".to_owned()));
        environment.push(("TWINE_PASSWORD".to_owned(), token.to_owned()));
        environment.push(("UV_PUBLISH_TOKEN".to_owned(), token.to_owned()));
    }
    let removed = [
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_NO_INDEX",
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_NO_INDEX",
    ];
    Pointing {
        environment,
        removed: removed.map(str::to_owned).to_vec(),
        files: Vec::new(),
        caveats: [
            "pip's configuration files are not read; give settings such as `cert` as variables (PIP_CERT)",
            "local wheel folders (find-links) are left out, since what lies there was not judged",
            "uv: indexes named in pyproject.toml or uv.toml are still asked; `lazaret setup uv` replaces the default one",
            "poetry has no variable for its index: `poetry source add --priority=primary lazaret {index}`",
            "requirements that name an address or a repository (`name @ https://…`) are fetched from there",
        ]
        .map(|line| line.replace("{index}", &format!("{base}/simple/")))
        .to_vec(),
    }
}

/// Changes to the user's own files.
pub(super) fn edits(base: &BaseUrl, token: Option<&str>) -> Vec<ConfigEdit> {
    let index = format!("{}/simple/", with_token(base, token));
    let upload = format!("{base}/legacy/");
    let mut pip = vec![("index-url".to_owned(), index.clone())];
    if let Some(host) = trusted_host(base) {
        pip.push(("trusted-host".to_owned(), host.to_owned()));
    }
    let mut account =
        vec![("repository".to_owned(), upload.clone()), ("username".to_owned(), "__token__".to_owned())];
    account.extend(token.map(|token| ("password".to_owned(), token.to_owned())));
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let uv = format!(
        "publish-url = {}\n\n[[index]]\nname = \"lazaret\"\nurl = {}\ndefault = true\n",
        quoted(&upload),
        quoted(&index)
    );
    vec![
        ConfigEdit {
            client: "pip",
            file: ".config/pip/pip.conf",
            kind: EditKind::Ini { section: "global", keys: pip },
        },
        ConfigEdit { client: "uv", file: ".config/uv/uv.toml", kind: EditKind::Toml(uv) },
        ConfigEdit {
            client: "twine",
            file: ".pypirc",
            kind: EditKind::Ini {
                section: "distutils",
                keys: vec![("index-servers".to_owned(), "lazaret".to_owned())],
            },
        },
        ConfigEdit {
            client: "twine",
            file: ".pypirc",
            kind: EditKind::Ini { section: "lazaret", keys: account },
        },
    ]
}
