use lazaret_vocabulary::EcosystemId;

/// What an ecosystem is, as data: configuration keys, metric labels, pages and documentation come from it.
#[derive(Debug)]
pub struct Profile {
    /// Short id, used in configuration, metrics and stored rows.
    pub id: EcosystemId,
    /// Its name for people.
    pub title: &'static str,
    /// Its type in package URLs.
    pub purl_type: &'static str,
    /// First path segment of its mount, without slashes.
    pub mount: &'static str,
    /// How OSV records name it.
    pub osv_names: &'static [&'static str],
    /// The addresses it needs of an upstream.
    pub upstreams: &'static [UpstreamRole],
    /// The chapter on pointing clients at the gateway, in Markdown, with `{base}` and `{token}` to fill in.
    pub setup_guide: &'static str,
    /// One line a person can type to point the main client at `{base}`.
    pub setup_line: &'static str,
    /// The most popular names, most popular first, one a line, compressed with gzip; or empty.
    pub popular: &'static [u8],
}

/// One address that an upstream of this ecosystem has.
#[derive(Debug)]
pub struct UpstreamRole {
    /// Its key in `lazaret.toml`.
    pub name: &'static str,
    /// What it is, for people, in a few words.
    pub what: &'static str,
}

/// A command that tells something about the clients on this machine. It must print and change nothing.
#[derive(Debug)]
pub struct Probe {
    /// Program to run.
    pub program: &'static str,
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// What it tells, for people: "npm's configured registry".
    pub tells: &'static str,
}

/// What a probe printed; empty when the program is absent or failed.
#[derive(Debug, Clone, Default)]
pub struct ProbeOutput {
    /// Standard output, at most 1 MiB.
    pub stdout: String,
}

/// Upstream addresses found on this machine.
#[derive(Debug, Clone, Default)]
pub struct Adopted {
    /// Role → address.
    pub addresses: Vec<(&'static str, String)>,
    /// Where they were found, for people.
    pub source: String,
}

/// How to point clients at a gateway for one command.
#[derive(Debug, Clone, Default)]
pub struct Pointing {
    /// Environment variables to set. `{PATH}` in a value stands for the caller's own `PATH`.
    pub environment: Vec<(String, String)>,
    /// Variables to take away, since they would win over ours.
    pub removed: Vec<String>,
    /// Files to write below the scratch directory: relative path and content. A content that begins with
    /// `#!` is made executable.
    pub files: Vec<(String, String)>,
    /// What cannot be pointed this way, for people.
    pub caveats: Vec<String>,
}

/// One change `setup` makes to a file of the user's.
#[derive(Debug, Clone)]
pub struct ConfigEdit {
    /// The client it is for, as typed after `setup`.
    pub client: &'static str,
    /// The file, relative to the home directory.
    pub file: &'static str,
    /// The change.
    pub kind: EditKind,
}

/// A change that can be shown, made, and taken back exactly.
#[derive(Debug, Clone)]
pub enum EditKind {
    /// `key=value` lines (`.npmrc`): each key's line is replaced or added.
    Lines(Vec<(String, String)>),
    /// Keys of one section of an INI file (`pip.conf`).
    Ini {
        /// Section without brackets.
        section: &'static str,
        /// Keys and values.
        keys: Vec<(String, String)>,
    },
    /// A TOML fragment that is merged, table by table (`uv.toml`, cargo's `config.toml`).
    Toml(String),
    /// A YAML fragment of top-level keys (`.yarnrc.yml`).
    Yaml(Vec<(String, String)>),
}
