//! How git is told of the gateway. It has no setting for a host, but rewrites addresses: whatever begins with
//! the host's address begins with ours instead (`git-config`, `url.<base>.insteadOf`).

use super::WEB_UPSTREAM;
use crate::{Adopted, ConfigEdit, Ecosystem as _, EditKind, Pointing, Probe, ProbeOutput};
use lazaret_vocabulary::{BaseUrl, Malformed};

/// Nothing on a machine tells which host is meant.
pub(super) const PROBES: &[Probe] = &[];

/// Says what to do instead.
pub(super) fn adopt(_outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    Err(Malformed::new(
        "nothing on this machine tells which git host is meant: set `web` under [upstreams.github] to its address",
    ))
}

/// The beginnings of addresses that are rewritten: the host's own, and those of ssh where it has no path.
fn rewritten(base: &BaseUrl, upstreams: &[(String, String)]) -> Vec<String> {
    let Some((_, web)) = upstreams.iter().find(|(role, _)| role == WEB_UPSTREAM) else { return Vec::new() };
    let web = web.trim_end_matches('/');
    let mut beginnings = vec![format!("{web}/")];
    let Some((scheme, rest)) = web.split_once("://") else { return beginnings };
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    if path.is_empty() {
        beginnings.extend([format!("git@{host}:"), format!("ssh://git@{host}/"), format!("git://{host}/")]);
    }
    beginnings.extend(as_npm_asks(base, scheme, &path).into_iter().flatten());
    beginnings
}

/// Told to replace the host of every address in a lock file (`replace-registry-host=always`), npm does so with
/// those of git too: `https://git.example/o/r.git` becomes `https://gate.example/npm/o/r.git`.
fn as_npm_asks(base: &BaseUrl, scheme: &str, path: &str) -> Option<[String; 2]> {
    let (_, rest) = base.as_str().split_once("://")?;
    let below = rest.rsplit_once('/').map_or(rest, |(below, _)| below);
    let place = format!("{below}/{}{path}/", crate::npm::Npm.profile().mount);
    Some([format!("{scheme}://{place}"), format!("ssh://git@{place}")])
}

fn credential(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// For one command: settings in the environment, which count beside those of all files.
pub(super) fn pointing(base: &BaseUrl, token: Option<&str>, upstreams: &[(String, String)]) -> Pointing {
    let beginnings = rewritten(base, upstreams);
    let mut caveats = vec![
        "git: a rule of your own (`url.….insteadOf`) that names a longer beginning of the host's address, or the \
         same, wins over the gateway's; `lazaret doctor` finds them"
            .to_owned(),
        "npm: a dependency written as `github:owner/repository` is fetched from the host of archives directly; \
         write `git+https://…` instead"
            .to_owned(),
    ];
    if beginnings.is_empty() {
        caveats.push("git: no address of the git host is configured, so nothing is rewritten".to_owned());
    }
    let rules = beginnings.into_iter().map(|beginning| (format!("url.{base}/.insteadOf"), beginning));
    let header = token.map(|token| (format!("http.{base}/.extraHeader"), credential(token)));
    let settings: Vec<(String, String)> = rules.chain(header).collect();
    let mut environment = vec![
        ("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string()),
        // cargo's own git knows neither these variables nor a header.
        ("CARGO_NET_GIT_FETCH_WITH_CLI".to_owned(), "true".to_owned()),
    ];
    for (at, (key, value)) in settings.into_iter().enumerate() {
        environment.push((format!("GIT_CONFIG_KEY_{at}"), key));
        environment.push((format!("GIT_CONFIG_VALUE_{at}"), value));
    }
    Pointing { environment, removed: Vec::new(), files: Vec::new(), caveats }
}

/// The same for good, in the user's own settings.
pub(super) fn edits(base: &BaseUrl, token: Option<&str>, upstreams: &[(String, String)]) -> Vec<ConfigEdit> {
    let edit = |section: String, entries: Vec<(String, String)>| ConfigEdit {
        client: "git",
        file: ".gitconfig",
        kind: EditKind::Git { section, entries },
    };
    let rules: Vec<(String, String)> =
        rewritten(base, upstreams).into_iter().map(|beginning| ("insteadOf".to_owned(), beginning)).collect();
    let mut edits = vec![edit(format!("url \"{base}/\""), rules)];
    if let Some(token) = token {
        let header = vec![("extraHeader".to_owned(), credential(token))];
        edits.push(edit(format!("http \"{base}/\""), header));
    }
    edits
}
