//! How cargo is told of the gateway, and what it tells of the registry it uses now.

use super::{documents::INDEX_UPSTREAM, search::API_UPSTREAM};
use crate::{Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput};
use lazaret_vocabulary::{BaseUrl, Malformed};
use serde::Deserialize;

/// Cargo has no command that prints where its index is, but names it when it cannot reach it. So it is run
/// in a scratch project behind a proxy that is not there, with the user's configuration and no cache:
/// source replacements are heard, and nothing leaves the machine.
pub(super) const ASK_CARGO: &str = r#"
home=${CARGO_HOME:-$HOME/.cargo}
scratch=$(mktemp -d) || exit 0
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/home" "$scratch/src" && : > "$scratch/src/lib.rs"
for name in config.toml config; do
  if [ -f "$home/$name" ]; then cp "$home/$name" "$scratch/home/$name"; fi
done
printf '%s\n' '[package]' 'name = "question"' 'version = "0.0.0"' 'edition = "2021"' \
  '[dependencies]' 'libc = "*"' '[workspace]' > "$scratch/Cargo.toml"
cd "$scratch" || exit 0
unset NO_PROXY no_proxy
CARGO_HOME="$scratch/home" CARGO_HTTP_PROXY=http://127.0.0.1:9 CARGO_NET_RETRY=0 CARGO_NET_OFFLINE=false \
  CARGO_TERM_COLOR=never cargo generate-lockfile 2>&1
exit 0
"#;

/// The indexes cargo has talked to, each with the configuration it got: `{host}-{hash}` and JSON in turn.
const LIST_INDEXES: &str = r#"
cd "${CARGO_HOME:-$HOME/.cargo}/registry/index" 2>/dev/null || exit 0
for name in *; do
  if [ -f "$name/config.json" ]; then echo "$name"; tr -d '\n' < "$name/config.json"; echo; fi
done
"#;

/// The questions; [`adopt`] reads the answers in this order.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        program: "sh",
        arguments: &["-c", ASK_CARGO],
        tells: "the index that cargo's configuration leads to",
    },
    Probe {
        program: "sh",
        arguments: &["-c", LIST_INDEXES],
        tells: "the registry configurations that cargo has kept",
    },
];

#[derive(Deserialize)]
struct KeptConfig {
    #[serde(default)]
    api: Option<String>,
}

/// The index's address from cargo's own complaint, otherwise from the one index it has kept; and the web
/// API that the kept configuration of the same host names.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let printed = |at: usize| outputs.get(at).map(|output| output.stdout.as_str()).unwrap_or_default();
    let kept = kept_indexes(printed(1));
    let (index, source) = match named_index(printed(0)) {
        Some(index) => (index, "cargo's own configuration"),
        None => match kept.as_slice() {
            [(host, _)] => (format!("https://{host}"), "the index that cargo has kept"),
            [] => return Err(Malformed::new("cargo named no sparse index, and has kept none")),
            _ => return Err(Malformed::new("cargo named no sparse index, and has kept more than one")),
        },
    };
    let mut addresses = vec![(INDEX_UPSTREAM.into(), index.clone())];
    let api = kept.into_iter().find(|(host, _)| host_of(&index) == host).and_then(|(_, api)| api);
    addresses.extend(api.map(|api| (API_UPSTREAM.into(), api)));
    Ok(Adopted { addresses, source: source.to_owned() })
}

/// The first quoted address of a `config.json`.
pub(super) fn named_index(complaint: &str) -> Option<String> {
    let bases = complaint.split('`').skip(1).step_by(2).filter_map(|text| text.strip_suffix("/config.json"));
    bases.map(str::to_owned).find(|base| is_http(base))
}

fn is_http(address: &str) -> bool {
    address.starts_with("http://") || address.starts_with("https://")
}

fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    host.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default()
}

fn kept_indexes(listing: &str) -> Vec<(String, Option<String>)> {
    let lines: Vec<&str> = listing.lines().take(200).collect();
    let pairs = lines.chunks_exact(2).filter_map(|pair| match pair {
        [name, config] => Some((*name, *config)),
        _ => None,
    });
    pairs
        .filter_map(|(name, config)| {
            let (host, hash) = name.rsplit_once('-')?;
            let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let local = host == "localhost" || host.starts_with("127.");
            let api = serde_json::from_str::<KeptConfig>(config).ok()?.api.filter(|api| is_http(api));
            let api = api.map(|api| api.trim_end_matches('/').to_owned());
            (is_hash && !local && !host.is_empty()).then(|| (host.to_owned(), api))
        })
        .collect()
}

/// The configuration that replaces the public registry by the gateway. The lock file keeps naming the
/// public one, so it stays good without the gateway.
fn configuration(base: &BaseUrl) -> String {
    let index = quoted(&format!("sparse+{base}/"));
    format!(
        "[source.crates-io]\nreplace-with = \"lazaret\"\n\n\
         [source.lazaret]\nregistry = {index}\n\n\
         [registries.lazaret]\nindex = {index}\ncredential-provider = \"cargo:token\"\n"
    )
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Stands in front of cargo in `PATH`. Cargo reads no variable for its sources, and a configuration file
/// nearer to the project would win over the scratch home's: `--config` wins over all. The scratch home is
/// also where rustup's own wrappers look first, so a cargo that cargo starts comes by here as well.
const WRAPPER: &str = r#"#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
home=${here%/bin}
rest=
IFS=:
for directory in $PATH; do
  [ "$directory" = "$here" ] || rest=$rest${rest:+:}$directory
done
unset IFS
real=$(PATH=$rest command -v cargo) || { echo "lazaret: no cargo in PATH" >&2; exit 127; }
CARGO_HOME=$home
CARGO_INSTALL_ROOT=${CARGO_INSTALL_ROOT:-$HOME/.cargo}
export CARGO_HOME CARGO_INSTALL_ROOT
case ${1-} in
  +*) toolchain=$1; shift; exec "$real" "$toolchain" --config "$home/config.toml" "$@" ;;
  *) exec "$real" --config "$home/config.toml" "$@" ;;
esac
"#;

/// For one command: a cargo home of its own below `scratch`, and the wrapper in front of `PATH`.
pub(super) fn pointing(base: &BaseUrl, token: Option<&str>, scratch: &str) -> Pointing {
    let home = format!("{}/cargo", scratch.trim_end_matches('/'));
    let mut environment =
        vec![("PATH".to_owned(), format!("{home}/bin:{{PATH}}")), ("CARGO_HOME".to_owned(), home)];
    if let Some(token) = token {
        environment.push(("CARGO_REGISTRIES_LAZARET_TOKEN".to_owned(), token.to_owned()));
    }
    Pointing {
        environment,
        removed: vec![
            "CARGO_NET_OFFLINE".to_owned(),
            "CARGO_REGISTRIES_LAZARET_INDEX".to_owned(),
            "CARGO_REGISTRIES_LAZARET_CREDENTIAL_PROVIDER".to_owned(),
        ],
        files: vec![
            ("cargo/config.toml".to_owned(), configuration(base)),
            ("cargo/bin/cargo".to_owned(), WRAPPER.to_owned()),
        ],
        caveats: vec![
            "cargo: dependencies from git repositories, and from other registries that a manifest names, do \
             not pass the gateway"
                .to_owned(),
            "cargo: crates that cargo has kept from earlier are not used, and logins to other registries are \
             not seen, while the command runs"
                .to_owned(),
        ],
    }
}

/// The same for good, in the user's own files. The token goes where `cargo login` would put it.
pub(super) fn edits(base: &BaseUrl, token: Option<&str>) -> Vec<ConfigEdit> {
    let client = "cargo";
    let mut edits =
        vec![ConfigEdit { client, file: ".cargo/config.toml", kind: EditKind::Toml(configuration(base)) }];
    if let Some(token) = token {
        let fragment = format!("[registries.lazaret]\ntoken = {}\n", quoted(token));
        edits.push(ConfigEdit { client, file: ".cargo/credentials.toml", kind: EditKind::Toml(fragment) });
    }
    edits
}
