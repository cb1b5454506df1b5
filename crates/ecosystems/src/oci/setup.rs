//! How clients are told of the gateway, and what they tell of the registries they use now.

use super::name::{self, REGISTRY};
use crate::{Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lazaret_vocabulary::{BaseUrl, Malformed};
use serde_json::json;
use std::borrow::Cow;

/// What podman, skopeo and buildah read, nearest to the user first. Files that come later count less here.
pub(super) const LIST_REGISTRIES: &str = r#"
home=${XDG_CONFIG_HOME:-$HOME/.config}/containers
for file in ${CONTAINERS_REGISTRIES_CONF:+"$CONTAINERS_REGISTRIES_CONF"} \
  "$home"/registries.conf.d/*.conf "$home"/registries.conf \
  /etc/containers/registries.conf.d/*.conf /etc/containers/registries.conf; do
  if [ -f "$file" ]; then echo "::: $file"; cat "$file"; echo; fi
done
exit 0
"#;

/// The questions; [`adopt`] reads the answers in this order.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        program: "docker",
        arguments: &["info", "--format", "{{json .RegistryConfig.Mirrors}}"],
        tells: "the mirrors that docker's daemon asks",
    },
    Probe {
        program: "docker",
        arguments: &["info", "--format", "{{.IndexServerAddress}}"],
        tells: "the registry that docker takes for the usual one",
    },
    Probe {
        program: "sh",
        arguments: &["-c", LIST_REGISTRIES],
        tells: "the registries that podman, skopeo and buildah are configured with",
    },
];

/// Most registries taken over.
const MOST: usize = 20;

/// The usual registry, or what stands in for it: a mirror before the registry itself. Further registries that
/// short names are looked for in get a role each.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let printed = |at: usize| outputs.get(at).map(|output| output.stdout.trim()).unwrap_or_default();
    let mirrors: Vec<String> = serde_json::from_str(printed(0)).unwrap_or_default();
    let configured = Configured::read(printed(2));
    let mirror = mirrors.iter().find_map(|mirror| address(mirror)).map(|found| (found, "docker's mirror"));
    let index = address(printed(1)).map(|found| {
        let found = found.trim_end_matches("/v1").trim_end_matches('/').to_owned();
        (found, "docker's usual registry")
    });
    let searched = configured.searched.iter().map(|host| (host, "the registries that podman searches"));
    let usual = configured.usual.iter().map(|host| (host, "the short names that podman knows"));
    let mut searched = searched.chain(usual).map(|(host, source)| (configured.address(host), source));
    let first = mirror.or(index).or_else(|| searched.next());
    let Some((registry, source)) = first else {
        return Err(Malformed::new("neither docker nor a registries.conf names a registry"));
    };
    let mut addresses: Vec<(Cow<'static, str>, String)> = vec![(REGISTRY.into(), registry.clone())];
    for (found, _) in searched.take(MOST) {
        let role = role_of(&found);
        let known = |(have, address): &(Cow<'_, str>, String)| **have == *role || *address == found;
        if found != registry && !role.is_empty() && !addresses.iter().any(known) {
            addresses.push((role.into(), found));
        }
    }
    Ok(Adopted { addresses, source: source.to_owned() })
}

fn address(text: &str) -> Option<String> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    web.then(|| text.trim_end_matches('/').to_owned())
}

/// A short word for a registry: the part of its host before the last one.
fn role_of(address: &str) -> String {
    let host = host_of(address).split(':').next().unwrap_or_default();
    let mut parts = host.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let word = parts.next().unwrap_or(last).to_ascii_lowercase();
    if name::parse(&word).is_ok() { word } else { String::new() }
}

/// Host and port of an address.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().rsplit('@').next().unwrap_or_default()
}

/// What stands in files called `registries.conf`.
#[derive(Debug, Default)]
pub(super) struct Configured {
    /// The registries that are searched for short names.
    pub(super) searched: Vec<String>,
    /// The registry that official images come from, by the short names they have.
    usual: Option<String>,
    /// What is asked instead of a registry: prefix, location, whether without encryption.
    instead: Vec<(String, String, bool)>,
}

impl Configured {
    /// Reads what [`LIST_REGISTRIES`] printed.
    pub(super) fn read(listing: &str) -> Self {
        let mut configured = Self::default();
        for file in listing.split("::: ").skip(1).take(100) {
            let text = file.split_once('\n').map_or("", |(_, text)| text);
            if let Ok(table) = text.parse::<toml::Table>() {
                configured.add(&table);
            }
        }
        configured
    }

    fn add(&mut self, table: &toml::Table) {
        let texts = |value: Option<&toml::Value>| -> Vec<String> {
            let list = value.and_then(toml::Value::as_array).into_iter().flatten();
            list.filter_map(toml::Value::as_str).map(str::to_owned).take(MOST).collect()
        };
        // The second form is of the first version of the file.
        let old =
            table.get("registries").and_then(|all| all.get("search")).and_then(|all| all.get("registries"));
        for list in [table.get("unqualified-search-registries"), old] {
            if self.searched.is_empty() {
                self.searched = texts(list);
            }
        }
        let aliases = table.get("aliases").and_then(toml::Value::as_table);
        let official = aliases.into_iter().flatten().find_map(|(name, image)| {
            let image = image.as_str()?;
            image.strip_suffix(name.as_str())?.strip_suffix("/library/").map(str::to_owned)
        });
        self.usual = self.usual.take().or(official);
        let registries = table.get("registry").and_then(toml::Value::as_array).into_iter().flatten();
        for registry in registries.take(100) {
            let text = |table: &toml::Value, key: &str| {
                table.get(key).and_then(toml::Value::as_str).map(str::to_owned)
            };
            let insecure =
                |table: &toml::Value| table.get("insecure").and_then(toml::Value::as_bool) == Some(true);
            let Some(prefix) = text(registry, "prefix").or_else(|| text(registry, "location")) else {
                continue;
            };
            let mirror = registry.get("mirror").and_then(toml::Value::as_array).and_then(|all| all.first());
            let place = mirror.unwrap_or(registry);
            if let Some(location) = text(place, "location") {
                self.instead.push((prefix, location, insecure(place)));
            }
        }
    }

    /// Where a registry is really asked. The usual one answers under another host than it has in names.
    fn address(&self, host: &str) -> String {
        let instead = self.instead.iter().find(|(prefix, _, _)| prefix == host);
        if instead.is_none() && self.usual.as_deref() == Some(host) {
            return format!("https://index.{host}");
        }
        let (place, insecure) =
            instead.map_or((host, false), |(_, location, insecure)| (location.as_str(), *insecure));
        format!("{}://{}", if insecure { "http" } else { "https" }, place.trim_end_matches('/'))
    }
}

/// The gateway as images are named by it: host, port and whatever stands before the mount. Clients add the
/// mount themselves.
pub(super) fn location(base: &BaseUrl) -> &str {
    let place = base.as_str().split_once("://").map_or(base.as_str(), |(_, place)| place);
    place.strip_suffix("/v2").unwrap_or(place)
}

/// The names by which images of an upstream are called. The usual registry answers under hosts that nobody writes
/// into a name.
fn prefixes(address: &str) -> Vec<String> {
    let host = host_of(address).to_owned();
    let written = ["index.", "registry-1."].iter().find_map(|front| host.strip_prefix(front));
    let written = written.filter(|rest| rest.contains('.')).map(str::to_owned);
    written.into_iter().chain([host]).filter(|host| !host.is_empty()).collect()
}

/// `registries.conf`: what is asked of an upstream is asked of the gateway, which is no mirror: a mirror that
/// refuses is passed by. The list stands in one value, so that it replaces what was there before.
fn registries(base: &BaseUrl, upstreams: &[(String, String)]) -> String {
    let place = location(base);
    let insecure = base.as_str().starts_with("http://");
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let entry = |prefix: &str, location: &str| {
        format!(
            "  {{ prefix = {}, location = {}, insecure = {insecure} }},\n",
            quoted(prefix),
            quoted(location)
        )
    };
    let mut entries = entry(place, place);
    let mut seen = vec![place.to_owned()];
    for (role, address) in upstreams {
        let below = if role == REGISTRY { place.to_owned() } else { format!("{place}/{role}") };
        for prefix in prefixes(address) {
            if !seen.contains(&prefix) {
                entries.push_str(&entry(&prefix, &below));
                seen.push(prefix);
            }
        }
    }
    format!("registry = [\n{entries}]\n")
}

/// Short names are looked for where they were before: in the usual registry, which the gateway stands in for.
fn searched(upstreams: &[(String, String)]) -> String {
    let usual = upstreams.iter().find(|(role, _)| role == REGISTRY);
    let host = usual.and_then(|(_, address)| prefixes(address).into_iter().next());
    host.map_or_else(String::new, |host| {
        format!("unqualified-search-registries = [{}]\n", toml::Value::from(host))
    })
}

/// The credential as `docker login` and `podman login` keep it.
fn credentials(base: &BaseUrl, token: &str) -> String {
    let host = location(base).split('/').next().unwrap_or_default();
    let pair = STANDARD.encode(format!("__token__:{token}"));
    json!({ "auths": { host: { "auth": pair } } }).to_string()
}

/// Stands in front of skopeo in `PATH`, which hears of no variable where its registries are configured.
const WRAPPER: &str = r#"#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
rest=
IFS=:
for directory in $PATH; do
  [ "$directory" = "$here" ] || rest=$rest${rest:+:}$directory
done
unset IFS
real=$(PATH=$rest command -v skopeo) || { echo "lazaret: no skopeo in PATH" >&2; exit 127; }
exec "$real" --registries-conf "${here%/bin}/registries.conf" "$@"
"#;

/// For one command: a `registries.conf` and, with a token, files of credentials of its own.
pub(super) fn pointing(
    base: &BaseUrl,
    token: Option<&str>,
    scratch: &str,
    upstreams: &[(String, String)],
) -> Pointing {
    let scratch = scratch.trim_end_matches('/');
    let conf = format!("{}{}", searched(upstreams), registries(base, upstreams));
    let home = format!("{scratch}/containers");
    let mut environment = vec![
        ("CONTAINERS_REGISTRIES_CONF".to_owned(), format!("{home}/registries.conf")),
        ("PATH".to_owned(), format!("{home}/bin:{{PATH}}")),
    ];
    let mut files = vec![
        ("containers/registries.conf".to_owned(), conf),
        ("containers/bin/skopeo".to_owned(), WRAPPER.to_owned()),
    ];
    let mut caveats = vec![
        format!(
            "docker, crane and oras know no setting for one command: name images by the gateway, as in \
             {}/library/debian",
            location(base)
        ),
        "skopeo asks for the list of tags of a repository (`inspect`, `list-tags`) where its name says, not where \
         registries.conf does"
            .to_owned(),
        "files below registries.conf.d still count, and count more; an image of a registry that the gateway \
         does not stand in for is fetched from there"
            .to_owned(),
        "images that a client has kept from earlier are used without a request".to_owned(),
    ];
    if let Some(token) = token {
        let credentials = credentials(base, token);
        environment.push(("REGISTRY_AUTH_FILE".to_owned(), format!("{home}/auth.json")));
        environment.push(("DOCKER_CONFIG".to_owned(), format!("{scratch}/docker")));
        files.push(("containers/auth.json".to_owned(), credentials.clone()));
        files.push(("docker/config.json".to_owned(), credentials));
        caveats.push("with a token, logins to other registries are not seen".to_owned());
    }
    Pointing { environment, removed: vec!["REGISTRIES_CONFIG_PATH".to_owned()], files, caveats }
}

/// The same for good, in a file of its own below the user's configuration. Credentials are kept by `podman login`
/// and `docker login`, encrypted where the machine can.
pub(super) fn edits(base: &BaseUrl, upstreams: &[(String, String)]) -> Vec<ConfigEdit> {
    vec![ConfigEdit {
        client: "podman",
        file: ".config/containers/registries.conf.d/lazaret.conf",
        kind: EditKind::Toml(registries(base, upstreams)),
    }]
}
