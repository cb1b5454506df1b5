//! How the go command is told of the gateway, and what it tells of the proxy it uses now.

use super::{details::PROXY, sumdb};
use crate::{Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput};
use lazaret_vocabulary::{BaseUrl, Malformed};

/// The question; [`adopt`] reads the answer.
pub(super) const PROBES: &[Probe] = &[Probe {
    program: "go",
    arguments: &["env", "GOPROXY", "GOSUMDB"],
    tells: "the module proxy and the checksum database that the go command uses",
}];

/// The first proxy that is a server, and the checksum database: its own address where one is named, else as
/// that proxy passes it on.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let printed = outputs.first().map(|output| output.stdout.as_str()).unwrap_or_default();
    let mut lines = printed.lines().map(str::trim);
    let proxies = lines.next().unwrap_or_default();
    let proxy = first_proxy(proxies).ok_or_else(|| {
        let shown: String = proxies.chars().take(80).collect();
        Malformed::new(format!("`go env GOPROXY` names no server: `{}`", shown.escape_debug()))
    })?;
    let mut words = lines.next().unwrap_or_default().split_whitespace();
    // A key is `{name}+{hash}+{key}`; the name alone stands for a key that the go command knows.
    let database = words.next().map(|key| key.split('+').next().unwrap_or(key));
    let database = database.filter(|name| *name != "off" && name.contains('.'));
    let mut addresses = vec![(PROXY.into(), proxy.clone())];
    let address = match (database, words.next()) {
        (Some(_), Some(url)) if is_http(url) => Some(url.trim_end_matches('/').to_owned()),
        (Some(name), _) => Some(format!("{proxy}/sumdb/{name}")),
        (None, _) => None,
    };
    addresses.extend(address.map(|address| (sumdb::UPSTREAM.into(), address)));
    Ok(Adopted { addresses, source: "go env".to_owned() })
}

/// The first entry of a list of proxies that is a server's address.
pub(super) fn first_proxy(list: &str) -> Option<String> {
    let mut entries = list.split([',', '|']).map(str::trim);
    entries.find(|entry| is_http(entry)).map(|entry| entry.trim_end_matches('/').to_owned())
}

fn is_http(address: &str) -> bool {
    address.starts_with("http://") || address.starts_with("https://")
}

/// What the go command is to be told. The gateway stands alone: behind a comma, `direct` would fetch what the
/// gateway does not have. `GONOPROXY=none` sends the modules of `GOPRIVATE` through it as well, and leaves
/// `GOPRIVATE` with its other meaning, that of modules which are not looked up in the checksum database.
fn settings(base: &BaseUrl) -> Vec<(String, String)> {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    vec![pair("GOPROXY", base.as_str()), pair("GONOPROXY", "none")]
}

/// The host of an address, with its port taken off, as netrc files name it.
fn host(base: &BaseUrl) -> &str {
    let rest = base.as_str().split_once("://").map_or(base.as_str(), |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// For one command: variables, and a netrc file where there is a token.
pub(super) fn pointing(base: &BaseUrl, token: Option<&str>, scratch: &str) -> Pointing {
    let mut environment = settings(base);
    // No version control system is to be run, whatever else is configured.
    environment.push(("GOVCS".to_owned(), "*:off".to_owned()));
    let mut caveats = vec![
        "go: modules in the module cache and in vendor folders are built without a request to the gateway"
            .to_owned(),
    ];
    let mut files = Vec::new();
    if let Some(token) = token {
        let scratch = scratch.trim_end_matches('/');
        environment.push(("NETRC".to_owned(), format!("{scratch}/go/netrc")));
        files.push((
            "go/netrc".to_owned(),
            format!("machine {} login lazaret password {token}\n", host(base)),
        ));
        if base.as_str().starts_with("http://") {
            caveats.push(
                "go: the go command shows no credential over plain http; the gateway needs TLS, or has to let \
                 anybody read"
                    .to_owned(),
            );
        }
    }
    Pointing { environment, removed: vec!["GOINSECURE".to_owned()], files, caveats }
}

/// The same for good. A token goes into the user's netrc file by hand, since other programs read that as well.
pub(super) fn edits(base: &BaseUrl) -> Vec<ConfigEdit> {
    vec![ConfigEdit { client: "go", file: ".config/go/env", kind: EditKind::Lines(settings(base)) }]
}
