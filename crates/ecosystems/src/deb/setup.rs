//! How apt is told of the gateway, and what it tells of the archives it uses now.

use super::{name, route, sources};
use crate::{Adopted, Pointing, Probe, ProbeOutput};
use lazaret_vocabulary::{BaseUrl, Malformed};
use std::borrow::Cow;

/// Most archives taken over from a machine.
const MOST_ARCHIVES: usize = 64;

/// Prints every list of sources that apt reads, an empty line after each.
pub(super) const LIST_SOURCES: &str = r#"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  if [ -r "$file" ]; then cat "$file"; echo; echo; fi
done
exit 0
"#;

/// The question; [`adopt`] reads the answer.
pub(super) const PROBES: &[Probe] = &[Probe {
    program: "sh",
    arguments: &["-c", LIST_SOURCES],
    tells: "the archives in apt's lists of sources",
}];

/// Each archive once, under a name made of its address: the last folder, or the host where that says nothing.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let printed = outputs.first().map(|output| output.stdout.as_str()).unwrap_or_default();
    let mut addresses: Vec<(Cow<'static, str>, String)> = Vec::new();
    for source in sources::read(printed) {
        let address = source.address.trim_end_matches('/').to_owned();
        let web = address.starts_with("http://") || address.starts_with("https://");
        let known = addresses.iter().any(|(_, have)| plain(have) == plain(&address));
        if !web || known || addresses.len() >= MOST_ARCHIVES {
            continue;
        }
        let taken = |name: &str| addresses.iter().any(|(have, _)| have == name) || name == route::HOSTED;
        let name = called(&address);
        let numbered = (2..100).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name));
        addresses.extend(free.map(|name| (name.into(), address)));
    }
    if addresses.is_empty() {
        return Err(Malformed::new("apt's lists name no archive that is reached over http or https"));
    }
    Ok(Adopted { addresses, source: "apt's lists of sources".to_owned() })
}

/// An address without its scheme: archives answer under both.
fn plain(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/')
}

/// A name for an archive.
fn called(address: &str) -> String {
    let rest = plain(address);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host).split(':').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let label = || host.rsplit('.').nth(1).unwrap_or(host);
    let chosen = match last {
        "debian-security" => "security",
        "" | "apt" | "deb" | "repo" | "repos" | "repository" | "linux" | "stable" => label(),
        // Whoever else calls their archive so is not the distribution itself.
        "debian" if !label().starts_with("debian") && path != "debian" => label(),
        other => other,
    };
    let lower = chosen.to_ascii_lowercase();
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let safe: String = lower.chars().map(safe).take(40).collect();
    let safe = safe.trim_matches('-').to_owned();
    if name::is_archive(&safe) { safe } else { "archive".to_owned() }
}

/// Stands in front of apt's programs in `PATH`. What apt is to read instead of the machine's lists can only be
/// made on the machine, so it is made when the first of them is called.
const WRAPPER: &str = r#"#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
home=${here%/bin}
rest=
IFS=:
for directory in $PATH; do
  [ "$directory" = "$here" ] || rest=$rest${rest:+:}$directory
done
unset IFS
real=$(PATH=$rest command -v "${0##*/}") || { echo "lazaret: no ${0##*/} in PATH" >&2; exit 127; }
[ -e "$home/sources.list.d/pointed" ] || "$home/point" "$home" || exit 1
APT_CONFIG=$home/apt.conf
export APT_CONFIG
exec "$real" "$@"
"#;

/// Makes the lists: every archive whose address is configured at the gateway is asked there instead; every
/// other one is left out, and said so. The signatures are checked against the same keys as before.
const POINT: &str = r#"#!/bin/sh
home=$1
etc=${2:-/etc/apt}
mkdir -p "$home/sources.list.d" "$home/lists/partial" "$home/cache/archives/partial" || exit 1
mapped='
BEGIN {
  while ((getline line < map) > 0) {
    split(line, pair, "\t"); to[pair[1]] = pair[2]
  }
}
function there(address,  plain) {
  plain = address
  sub(/^https?:\/\//, "", plain); sub(/\/+$/, "", plain)
  if (plain in to) return to[plain]
  print "lazaret: left out, since the gateway has no address for it: " address > "/dev/stderr"
  return ""
}'
lines='
/^[ \t]*deb(-src)?[ \t]/ {
  line = $0; sub(/#.*/, "", line)
  match(line, /^[ \t]*deb(-src)?[ \t]+(\[[^]]*\][ \t]*)?/)
  head = substr(line, 1, RLENGTH); rest = substr(line, RLENGTH + 1)
  split(rest, word, /[ \t]+/); address = there(word[1])
  if (address != "") print head address substr(rest, length(word[1]) + 1)
}'
stanzas='
function flush(  i, address, addresses) {
  for (i = 1; i <= words; i++) {
    address = there(word[i]); if (address != "") addresses = addresses " " address
  }
  if (addresses != "") printf "%sURIs:%s\n\n", kept, addresses
  kept = ""; words = 0; field = ""
}
/^#/ { next }
/^[ \t]*\r?$/ { flush(); next }
/^[^ \t]/ { field = tolower($0); sub(/[ \t]*:.*/, "", field) }
{
  if (field != "uris") { kept = kept $0 "\n"; next }
  value = $0; sub(/^[Uu][Rr][Ii][Ss][ \t]*:/, "", value)
  count = split(value, part, /[ \t]+/)
  for (i = 1; i <= count; i++) if (part[i] != "") word[++words] = part[i]
}
END { flush() }'
number=0
for file in "$etc/sources.list" "$etc"/sources.list.d/*.list; do
  [ -r "$file" ] || continue
  number=$((number + 1))
  awk -v map="$home/map" "$mapped$lines" "$file" > "$home/sources.list.d/$number.list" || exit 1
done
for file in "$etc"/sources.list.d/*.sources; do
  [ -r "$file" ] || continue
  number=$((number + 1))
  awk -v map="$home/map" "$mapped$stanzas" "$file" > "$home/sources.list.d/$number.sources" || exit 1
done
: > "$home/sources.list.d/pointed"
"#;

/// The programs that read apt's settings.
const PROGRAMS: [&str; 5] = ["apt", "apt-get", "apt-cache", "apt-file", "aptitude"];

/// For one command: lists, indexes and files of its own below `scratch`, and the wrappers in front of `PATH`.
pub(super) fn pointing(
    base: &BaseUrl,
    token: Option<&str>,
    scratch: &str,
    upstreams: &[(String, String)],
) -> Pointing {
    let home = format!("{}/apt", scratch.trim_end_matches('/'));
    let map: String =
        upstreams.iter().map(|(role, address)| format!("{}\t{base}/{role}\n", plain(address))).collect();
    let mut files = vec![
        ("apt/apt.conf".to_owned(), configuration(base, &home)),
        ("apt/map".to_owned(), map),
        ("apt/point".to_owned(), POINT.to_owned()),
        ("apt/auth.conf".to_owned(), token.map(|token| credential(base, token)).unwrap_or_default()),
    ];
    files.extend(PROGRAMS.map(|program| (format!("apt/bin/{program}"), WRAPPER.to_owned())));
    let caveat = |text: &str| text.to_owned();
    Pointing {
        environment: vec![
            ("PATH".to_owned(), format!("{home}/bin:{{PATH}}")),
            ("APT_CONFIG".to_owned(), format!("{home}/apt.conf")),
        ],
        removed: Vec::new(),
        files,
        caveats: vec![
            caveat("apt: starts without indexes: run `apt-get update` first"),
            caveat("apt: archives that have no address here are left out, each named when apt first runs"),
            caveat("apt: `sudo apt-get` forgets the environment; run the whole command as root instead"),
            caveat("debootstrap: reads no settings; name the gateway's address of the archive as its mirror"),
        ],
    }
}

fn configuration(base: &BaseUrl, home: &str) -> String {
    let host = host(base);
    format!(
        "// The address of the gateway: {base}\n\
         Dir::Etc::sourcelist \"/dev/null\";\n\
         Dir::Etc::sourceparts \"{home}/sources.list.d/\";\n\
         Dir::Etc::netrc \"{home}/auth.conf\";\n\
         Dir::State::lists \"{home}/lists/\";\n\
         Dir::Cache \"{home}/cache/\";\n\
         // The folder is the caller's own, and the user _apt cannot look into it.\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::http::Proxy::{host} \"DIRECT\";\n\
         Acquire::https::Proxy::{host} \"DIRECT\";\n"
    )
}

fn host(base: &BaseUrl) -> &str {
    let authority = plain(base.as_str()).split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// A line of apt_auth.conf(5). Without a scheme it would hold for https alone.
fn credential(base: &BaseUrl, token: &str) -> String {
    format!("machine {base}/ login __token__ password {token}\n")
}
