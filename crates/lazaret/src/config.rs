//! `lazaret.toml`: what the operator may say. Everything has a default; nothing is silently ignored.

use crate::Place;
use crate::complaint::Source;
use anyhow::Context as _;
use lazaret_gateway::{AdvisorySource, Settings, UpstreamSettings};
use lazaret_policy::suggestion;
use lazaret_vocabulary::Span;
use serde::Deserialize;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Where the gateway listens unless told otherwise.
pub(crate) const LISTEN: &str = "127.0.0.1:7117";

/// The file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    data: Option<PathBuf>,
    database: Option<String>,
    listen: Option<SocketAddr>,
    base_url: Option<String>,
    policy: Option<PathBuf>,
    anonymous_read: Option<bool>,
    allow_plain_http: Option<bool>,
    #[serde(default)]
    trusted_proxies: Vec<IpAddr>,
    tls: Option<Tls>,
    #[serde(default)]
    upstreams: HashMap<String, UpstreamTable>,
    #[serde(default)]
    advisories: HashMap<String, String>,
    /// Ecosystem id → list of popular names.
    #[serde(default)]
    popular: HashMap<String, PathBuf>,
    fresh: Option<String>,
    max_stale: Option<String>,
    advisory_staleness: Option<String>,
    store_limit_bytes: Option<u64>,
    document_limit_bytes: Option<usize>,
    artifact_limit_bytes: Option<u64>,
}

/// The operator's certificate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM file with the certificate and its chain.
    pub(crate) certificate: PathBuf,
    /// PEM file with the private key.
    pub(crate) key: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
struct UpstreamTable {
    authorization: Option<String>,
    /// Role → credential, where roles have different ones.
    #[serde(default)]
    credentials: HashMap<String, String>,
    #[serde(default)]
    private_hosts: Vec<String>,
    #[serde(flatten)]
    addresses: HashMap<String, String>,
}

impl Config {
    /// Relative paths are meant from the folder that the file lies in, wherever the program was started.
    fn anchored(mut self, folder: &Path) -> Self {
        let anchor = |path: &mut PathBuf| *path = folder.join(&*path);
        self.data.iter_mut().for_each(anchor);
        self.policy.iter_mut().for_each(anchor);
        self.popular.values_mut().for_each(anchor);
        if let Some(tls) = &mut self.tls {
            anchor(&mut tls.certificate);
            anchor(&mut tls.key);
        }
        for location in self.advisories.values_mut() {
            if !location.contains("://") {
                *location = folder.join(&*location).to_string_lossy().into_owned();
            }
        }
        self
    }
}

/// Configuration and what the command line laid over it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) allow_plain_http: bool,
}

impl Loaded {
    /// Where a client on this machine reaches the gateway that is configured so.
    pub(crate) fn own_address(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("{scheme}://{address}")
    }
}

/// The data directory of this user.
fn default_data() -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XDG_DATA_HOME").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir).join("lazaret"));
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.context("neither --data, XDG_DATA_HOME nor HOME says where the data directory is")?;
    Ok(PathBuf::from(home).join(".local/share/lazaret"))
}

/// Reads the file, if one is named, and lays the command line over it.
pub(crate) fn load(place: &Place) -> anyhow::Result<Loaded> {
    let text = match &place.config {
        None => String::new(),
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?
        }
    };
    let path = place.config.as_deref().unwrap_or(Path::new("lazaret.toml"));
    let source = Source::new(path, &text);
    let config: Config = toml::from_str(&text).map_err(|error| source.on_reading(&error))?;
    let config = config.anchored(path.parent().unwrap_or(Path::new("")));
    let data = match place.data.clone().or(config.data) {
        Some(data) => data,
        None => default_data()?,
    };
    let mut settings = Settings::new(data);
    settings.database = config.database;
    if let Some(url) = config.base_url.as_ref().filter(|url| !is_web(url)) {
        return Err(source.malformed(&["base_url"], url));
    }
    settings.base_url = config.base_url.map(|url| url.trim_end_matches('/').to_owned());
    settings.policy = config.policy;
    settings.anonymous_read = config.anonymous_read;
    settings.trusted_proxies = config.trusted_proxies;
    let span = |text: Option<String>, key: &str, slot: &mut Span| -> anyhow::Result<()> {
        if let Some(text) = text {
            *slot = Span::parse(&text).ok_or_else(|| source.malformed(&[key], &text))?;
        }
        Ok(())
    };
    span(config.fresh, "fresh", &mut settings.fresh)?;
    span(config.max_stale, "max_stale", &mut settings.max_stale)?;
    span(config.advisory_staleness, "advisory_staleness", &mut settings.advisory_staleness)?;
    settings.store_limit_bytes = config.store_limit_bytes.unwrap_or(settings.store_limit_bytes);
    settings.document_limit_bytes = config.document_limit_bytes.unwrap_or(settings.document_limit_bytes);
    settings.artifact_limit_bytes = config.artifact_limit_bytes.unwrap_or(settings.artifact_limit_bytes);
    for id in config.popular.keys() {
        check_ecosystem(&source, "popular", id)?;
    }
    settings.popular = config.popular;
    for (id, table) in config.upstreams {
        check_upstream(&source, &id, &table)?;
        let own = UpstreamSettings {
            addresses: table.addresses,
            authorization: table.authorization,
            credentials: table.credentials,
            private_hosts: table.private_hosts,
        };
        settings.upstreams.insert(id, own);
    }
    settings.advisories =
        config.advisories.into_iter().map(|(name, location)| AdvisorySource { name, location }).collect();
    let listen = match config.listen {
        Some(listen) => listen,
        None => LISTEN.parse().context("the default address is wrong")?,
    };
    let allow_plain_http = config.allow_plain_http.unwrap_or(false);
    Ok(Loaded { settings, listen, tls: config.tls, allow_plain_http })
}

fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace))
}

fn check_ecosystem(
    source: &Source<'_>,
    table: &str,
    id: &str,
) -> anyhow::Result<&'static dyn lazaret_ecosystems::Ecosystem> {
    lazaret_ecosystems::by_id(id).ok_or_else(|| {
        let known: Vec<&str> =
            lazaret_ecosystems::all().iter().map(|known| known.profile().id.as_str()).collect();
        let near = suggestion(id, known.iter().copied());
        let message =
            format!("there is no such ecosystem as `{id}`{near} (expected one of {})", known.join(", "));
        source.on(&[table, id], &message)
    })
}

/// Whether a word can name an upstream of the operator's own: it stands in addresses.
fn is_role(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(plain)
}

fn check_upstream(source: &Source<'_>, id: &str, table: &UpstreamTable) -> anyhow::Result<()> {
    let ecosystem = check_ecosystem(source, "upstreams", id)?;
    let mut roles: Vec<&str> = ecosystem.profile().upstreams.iter().map(|role| role.name).collect();
    for (role, url) in &table.addresses {
        let path = ["upstreams", id, role];
        let named = ecosystem.profile().open_roles && is_role(role);
        if !named && !roles.contains(&role.as_str()) {
            roles.extend(["authorization", "credentials", "private_hosts"]);
            let near = suggestion(role, roles.iter().copied());
            let message =
                format!("there is no such key as `{role}`{near} (expected one of {})", roles.join(", "));
            return Err(source.on(&path, &message));
        }
        if !is_web(url) {
            // Not shown: it may hold a password.
            return Err(source.on(&path, &format!("`{role}` is no address; expected http(s)://HOST/…")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> anyhow::Result<Loaded> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lazaret.toml");
        std::fs::write(&file, text).unwrap();
        load(&Place { config: Some(file), data: Some(dir.path().to_owned()) })
    }

    #[test]
    fn wrong_files_say_where_and_what() {
        let id = lazaret_ecosystems::all()[0].profile().id;
        let role = lazaret_ecosystems::all()[0].profile().upstreams[0].name;
        let upstream = |text: &str| format!("# mine\n[upstreams.{id}]\n{text}\n");
        for (text, expected) in [
            (
                "data = \"x\"\nlisen = \"127.0.0.1:1\"".to_owned(),
                ":2:1: there is no such key as `lisen`; did you mean `listen`? (expected one of data, "
                    .to_owned(),
            ),
            (
                "[tls]\ncertificat = \"x\"".to_owned(),
                ":2:1: there is no such key as `certificat`; did you mean `certificate`?".to_owned(),
            ),
            (
                "\nfresh = \"soon\"".to_owned(),
                ":2:1: `fresh` is `soon`; expected a duration such as \"5m\"".to_owned(),
            ),
            ("listen = 5".to_owned(), "expected ADDRESS:PORT such as \"127.0.0.1:7117\"".to_owned()),
            ("listen = \"here\"".to_owned(), ":1:10: ".to_owned()),
            ("listen = \"here\"".to_owned(), "expected ADDRESS:PORT".to_owned()),
            ("base_url = \"gate\"".to_owned(), ":1:1: `base_url` is `gate`; expected an address".to_owned()),
            ("trusted_proxies = [\"x\"]".to_owned(), "expected a list of addresses".to_owned()),
            ("data = ".to_owned(), ":1:".to_owned()),
            (
                "[upstreams.nothing]\nx = \"https://registry.example\"".to_owned(),
                ":1:12: there is no such ecosystem as `nothing`".to_owned(),
            ),
            (
                upstream(&format!("{role}x = \"https://registry.example\"")),
                format!(":3:1: there is no such key as `{role}x`; did you mean `{role}`?"),
            ),
            (
                upstream(&format!("{role} = \"me:pw@registry\"")),
                format!(":3:1: `{role}` is no address; expected http(s)://HOST"),
            ),
        ] {
            let error = format!("{:#}", load_text(&text).unwrap_err());
            assert!(error.contains("lazaret.toml:") && error.contains(&expected), "{error}\n{expected}");
            assert!(!error.contains("me:pw"), "{error}");
        }
    }

    #[test]
    fn relative_paths_start_at_the_files_folder() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lazaret.toml");
        let id = lazaret_ecosystems::all()[0].profile().id;
        let text = format!(
            "data = \"data\"\npolicy = \"rules/policy.toml\"\n\
             [tls]\ncertificate = \"c.pem\"\nkey = \"/etc/k.pem\"\n[popular]\n{id} = \"names\"\n\
             [advisories]\nhouse = \"records\"\nosv = \"https://advisories.example/all.zip\""
        );
        std::fs::write(&file, text).unwrap();
        let loaded = load(&Place { config: Some(file), data: None }).unwrap();
        let at = |path: &str| dir.path().join(path);
        assert_eq!(loaded.settings.data, at("data"));
        assert_eq!(loaded.settings.policy, Some(at("rules/policy.toml")));
        assert_eq!(loaded.settings.popular[id.as_str()], at("names"));
        let tls = loaded.tls.unwrap();
        assert_eq!((tls.certificate, tls.key), (at("c.pem"), PathBuf::from("/etc/k.pem")));
        let mut locations: Vec<String> =
            loaded.settings.advisories.into_iter().map(|source| source.location).collect();
        locations.sort_by_key(|location| location.contains("://"));
        assert_eq!(locations, [at("records").to_string_lossy(), "https://advisories.example/all.zip".into()]);
    }

    #[test]
    fn an_upstream_is_taken_over() {
        let ecosystem = lazaret_ecosystems::all()[0].profile();
        let (id, role) = (ecosystem.id, ecosystem.upstreams[0].name);
        let loaded = load_text(&format!(
            "fresh = \"1m\"\n[upstreams.{id}]\n{role} = \"https://registry.example\"\nauthorization = \"Bearer x\""
        ))
        .unwrap();
        assert_eq!(loaded.settings.fresh, Span::seconds(60));
        let own = &loaded.settings.upstreams[id.as_str()];
        assert_eq!(own.addresses[role], "https://registry.example");
        assert_eq!(own.authorization.as_deref(), Some("Bearer x"));
    }
}
