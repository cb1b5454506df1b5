//! What is wrong with `lazaret.toml`, with its place and what was expected.

use lazaret_policy::suggestion;
use std::path::Path;
use toml_edit::{Document, Key, TableLike};

/// A configuration file as it was read.
pub(crate) struct Source<'t> {
    name: String,
    text: &'t str,
}

/// What the values of the keys look like.
const FORMS: [(&str, &str); 20] = [
    ("data", "a directory such as \"/var/lib/lazaret\""),
    ("database", "an address such as \"postgres://user@host/lazaret\""),
    ("listen", "ADDRESS:PORT such as \"127.0.0.1:7117\""),
    ("base_url", "an address such as \"https://gate.example\""),
    ("policy", "a file such as \"policy.toml\""),
    ("anonymous_read", "true or false"),
    ("allow_plain_http", "true or false"),
    ("trusted_proxies", "a list of addresses such as [\"10.0.0.1\"]"),
    ("private_hosts", "a list of hosts such as [\"mirror.example\"]"),
    ("authorization", "a header's value such as \"Bearer …\""),
    ("certificate", "a PEM file such as \"gate.pem\""),
    ("key", "a PEM file such as \"gate.key\""),
    ("fresh", "a duration such as \"5m\""),
    ("max_stale", "a duration such as \"7d\""),
    ("advisory_staleness", "a duration such as \"7d\""),
    ("store_limit_bytes", "a number of bytes such as 50_000_000_000"),
    ("document_limit_bytes", "a number of bytes such as 64_000_000"),
    ("artifact_limit_bytes", "a number of bytes such as 4_000_000_000"),
    ("upstreams", "a table such as [upstreams.ECOSYSTEM]"),
    ("advisories", "a table of sources: NAME = \"https://… or a path\""),
];

impl<'t> Source<'t> {
    pub(crate) fn new(path: &Path, text: &'t str) -> Self {
        Self { name: path.display().to_string(), text }
    }

    /// What the TOML reader says, made to name the nearest key or the form that is expected.
    pub(crate) fn on_reading(&self, error: &toml::de::Error) -> anyhow::Error {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().replace('\n', ", ");
        if let Some((found, known)) = unknown_key(&message) {
            let near = suggestion(&found, known.iter().map(String::as_str));
            let known = known.join(", ");
            return self
                .at(offset, &format!("there is no such key as `{found}`{near} (expected one of {known})"));
        }
        match self.key_at(offset).and_then(form) {
            Some(form) => self.at(offset, &format!("{message}; expected {form}")),
            None => self.at(offset, &message),
        }
    }

    /// A complaint on the key that is reached by `path`, table by table; on the file where there is none.
    pub(crate) fn on(&self, path: &[&str], message: &str) -> anyhow::Error {
        match self.place(path) {
            Some(offset) => self.at(offset, message),
            None => anyhow::anyhow!("{}: {message}", self.name),
        }
    }

    /// The same for a value that has not the form that its key wants.
    pub(crate) fn malformed(&self, path: &[&str], found: &str) -> anyhow::Error {
        let key = path.last().copied().unwrap_or_default();
        let form = form(key).unwrap_or("another value");
        self.on(path, &format!("`{key}` is `{found}`; expected {form}"))
    }

    fn at(&self, offset: usize, message: &str) -> anyhow::Error {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        anyhow::anyhow!("{}:{line}:{column}: {message}", self.name)
    }

    /// The key on whose line a byte lies.
    fn key_at(&self, offset: usize) -> Option<&str> {
        let start = self.text.get(..offset)?.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(start..)?.lines().next()?;
        Some(line.split_once('=')?.0.trim().trim_matches(['"', '\'']))
    }

    fn place(&self, path: &[&str]) -> Option<usize> {
        let document = Document::parse(self.text).ok()?;
        let mut table: &dyn TableLike = document.as_table();
        let mut place = None;
        for name in path {
            let (key, item) = table.get_key_value(name)?;
            place = Key::span(key).map(|span| span.start).or(place);
            match item.as_table_like() {
                Some(inner) => table = inner,
                None => break,
            }
        }
        place
    }
}

fn form(key: &str) -> Option<&'static str> {
    FORMS.iter().find(|(known, _)| *known == key).map(|(_, form)| *form)
}

/// The key and the known ones of serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let mut quoted = rest.split('`').step_by(2).map(str::to_owned);
    let found = quoted.next()?;
    Some((found, quoted.filter(|known| !known.is_empty()).collect()))
}
