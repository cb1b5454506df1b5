//! How NuGet's clients are told of the gateway, and what they tell of the feed they use now.

use super::documents::INDEX_UPSTREAM;
use super::xml::{self, escape};
use crate::{Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput};
use lazaret_vocabulary::{BaseUrl, Malformed};

/// What the gateway is called in a client's configuration.
pub(super) const SOURCE: &str = "lazaret";

/// The user's own configuration: where `dotnet` keeps it, then where nuget.exe does.
const SHOW_CONFIGURATION: &str = r#"
for file in "${DOTNET_CLI_HOME:-$HOME}/.nuget/NuGet/NuGet.Config" \
  "${XDG_CONFIG_HOME:-$HOME/.config}/NuGet/NuGet.Config" "$HOME/.config/NuGet/NuGet.Config"; do
  if [ -f "$file" ]; then cat "$file"; exit 0; fi
done
"#;

/// `dotnet nuget list source`: `E` for a source in use, `D` for one that is not.
pub(super) const LIST_DOTNET: Probe = Probe {
    program: "dotnet",
    arguments: &["nuget", "list", "source", "--format", "short"],
    tells: "the package sources that dotnet uses",
};
/// The same of nuget.exe.
pub(super) const LIST_NUGET: Probe = Probe {
    program: "nuget",
    arguments: &["sources", "list", "-Format", "Short", "-NonInteractive"],
    tells: "the package sources that nuget uses",
};

/// The questions; [`adopt`] reads the answers in this order.
pub(super) const PROBES: &[Probe] = &[
    LIST_DOTNET,
    LIST_NUGET,
    Probe {
        program: "sh",
        arguments: &["-c", SHOW_CONFIGURATION],
        tells: "the user's own NuGet configuration",
    },
];

/// The first source that is in use and speaks the protocol of today.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let printed = |at: usize| outputs.get(at).map(|output| output.stdout.as_str()).unwrap_or_default();
    let lists = [
        (enabled(printed(0)), "the sources that dotnet lists"),
        (enabled(printed(1)), "the sources that nuget lists"),
        (configured(printed(2)), "the user's own NuGet configuration"),
    ];
    let mut old = None;
    for (addresses, source) in lists {
        for address in addresses.into_iter().filter(|address| is_remote(address)) {
            if address.to_ascii_lowercase().ends_with(".json") {
                let addresses = vec![(INDEX_UPSTREAM.into(), address)];
                return Ok(Adopted { addresses, source: source.to_owned() });
            }
            old = Some(address);
        }
    }
    Err(Malformed::new(match old {
        Some(_) => {
            "NuGet's clients use no source with a service index (`…/index.json`), only one of the old protocol"
        }
        None => "NuGet's clients named no package source",
    }))
}

fn is_remote(address: &str) -> bool {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.starts_with("localhost") && !rest.starts_with("127.") && !rest.starts_with("[::1]")
    })
}

/// The addresses of a short list that are in use.
pub(super) fn enabled(listing: &str) -> Vec<String> {
    let lines = listing.lines().take(200).filter_map(|line| line.trim().split_once(' '));
    lines
        .filter(|(flags, _)| flags.starts_with('E') && flags.bytes().all(|byte| byte.is_ascii_uppercase()))
        .map(|(_, address)| address.trim().to_owned())
        .collect()
}

/// The sources of a configuration that are not switched off.
fn configured(text: &str) -> Vec<String> {
    let Ok(root) = xml::parse(text.as_bytes(), "the configuration") else { return Vec::new() };
    let entries = |section: &'static str| {
        root.all(section).flat_map(|section| section.all("add")).filter_map(|entry| {
            Some((entry.attribute("key")?.to_owned(), entry.attribute("value")?.to_owned()))
        })
    };
    let off: Vec<String> = entries("disabledPackageSources")
        .filter(|(_, value)| value.eq_ignore_ascii_case("true"))
        .map(|(key, _)| key)
        .collect();
    entries("packageSources")
        .filter(|(key, _)| !off.iter().any(|off| off.eq_ignore_ascii_case(key)))
        .map(|(_, value)| value)
        .collect()
}

/// The sections of `NuGet.Config` that leave the gateway as the only source.
fn sections(base: &BaseUrl, token: Option<&str>) -> Vec<(&'static str, String)> {
    let address = escape(&format!("{base}/v3/index.json"));
    // Clients of today refuse a source without TLS that does not say so itself; older ones read over it.
    let insecure =
        if base.as_str().starts_with("http://") { " allowInsecureConnections=\"true\"" } else { "" };
    let mut sections = vec![
        (
            "packageSources",
            format!(
                "<packageSources>\n    <clear />\n    \
                 <add key=\"{SOURCE}\" value=\"{address}\" protocolVersion=\"3\"{insecure} />\n  </packageSources>"
            ),
        ),
        ("disabledPackageSources", emptied("disabledPackageSources")),
        ("packageSourceMapping", emptied("packageSourceMapping")),
    ];
    if let Some(token) = token {
        let token = escape(token);
        sections.push((
            "packageSourceCredentials",
            format!(
                "<packageSourceCredentials>\n    <{SOURCE}>\n      \
                 <add key=\"Username\" value=\"{SOURCE}\" />\n      \
                 <add key=\"ClearTextPassword\" value=\"{token}\" />\n    </{SOURCE}>\n  </packageSourceCredentials>"
            ),
        ));
    }
    sections
}

fn emptied(section: &str) -> String {
    format!("<{section}>\n    <clear />\n  </{section}>")
}

/// A whole configuration.
fn configuration(base: &BaseUrl) -> String {
    let sections: Vec<String> =
        sections(base, None).into_iter().map(|(_, text)| format!("  {text}\n")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n{}</configuration>\n",
        sections.concat()
    )
}

/// How both wrappers begin: where they are, and the real program behind them in `PATH`.
const FIND: &str = r#"#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
home=${here%/bin}
program=$(basename -- "$0")
rest=
IFS=:
for directory in $PATH; do
  [ "$directory" = "$here" ] || rest=$rest${rest:+:}$directory
done
unset IFS
real=$(PATH=$rest command -v "$program") || { echo "lazaret: no $program in PATH" >&2; exit 127; }
"#;

/// dotnet takes the user's configuration from below this home. Packages stay in the user's own folder, since
/// what is restored there is used after the command has ended.
const DOTNET: &str = r#"NUGET_PACKAGES=${NUGET_PACKAGES:-${DOTNET_CLI_HOME:-$HOME}/.nuget/packages}
DOTNET_CLI_HOME=$home
DOTNET_NOLOGO=${DOTNET_NOLOGO:-1}
DOTNET_GENERATE_ASPNET_CERTIFICATE=${DOTNET_GENERATE_ASPNET_CERTIFICATE:-false}
DOTNET_ADD_GLOBAL_TOOLS_TO_PATH=${DOTNET_ADD_GLOBAL_TOOLS_TO_PATH:-false}
export NUGET_PACKAGES DOTNET_CLI_HOME DOTNET_NOLOGO DOTNET_GENERATE_ASPNET_CERTIFICATE DOTNET_ADD_GLOBAL_TOOLS_TO_PATH
exec "$real" "$@"
"#;

/// nuget.exe reads the configurations of all folders above as well, unless it is told of one file; the
/// commands that cannot be told take the user's.
const NUGET: &str = r#"NUGET_PACKAGES=${NUGET_PACKAGES:-$HOME/.nuget/packages}
XDG_CONFIG_HOME=$home/config
export NUGET_PACKAGES XDG_CONFIG_HOME
case ${1-} in
  install | restore | update | push | delete | list)
    exec "$real" "$@" -ConfigFile "$home/.nuget/NuGet/NuGet.Config" ;;
  *) exec "$real" "$@" ;;
esac
"#;

/// For one command: a configuration of its own below `scratch`, named to MSBuild by a variable, and wrappers in
/// front of `PATH` for what MSBuild does not do.
pub(super) fn pointing(base: &BaseUrl, token: Option<&str>, scratch: &str) -> Pointing {
    let home = format!("{}/nuget", scratch.trim_end_matches('/'));
    let mut environment = vec![
        ("PATH".to_owned(), format!("{home}/bin:{{PATH}}")),
        ("RestoreConfigFile".to_owned(), format!("{home}/.nuget/NuGet/NuGet.Config")),
    ];
    if let Some(token) = token {
        let credential = format!("Username={SOURCE};Password={token};ValidAuthenticationTypes=Basic");
        environment.push((format!("NuGetPackageSourceCredentials_{SOURCE}"), credential));
    }
    Pointing {
        environment,
        removed: vec!["RestoreSources".to_owned(), "RestoreAdditionalProjectSources".to_owned()],
        files: vec![
            ("nuget/.nuget/NuGet/NuGet.Config".to_owned(), configuration(base)),
            ("nuget/config/NuGet/NuGet.Config".to_owned(), configuration(base)),
            ("nuget/bin/dotnet".to_owned(), format!("{FIND}{DOTNET}")),
            ("nuget/bin/nuget".to_owned(), format!("{FIND}{NUGET}")),
        ],
        caveats: vec![
            "nuget: packages that are in the global packages folder from earlier are used without a request"
                .to_owned(),
            "nuget: sources that a project names itself, and those given with --source, do not pass the gateway"
                .to_owned(),
        ],
    }
}

/// The same for good, in the user's own files.
pub(super) fn edits(base: &BaseUrl, token: Option<&str>) -> Vec<ConfigEdit> {
    let edit = |client, file| ConfigEdit {
        client,
        file,
        kind: EditKind::Xml { root: "configuration", sections: sections(base, token) },
    };
    vec![edit("dotnet", ".nuget/NuGet/NuGet.Config"), edit("nuget", ".config/NuGet/NuGet.Config")]
}
