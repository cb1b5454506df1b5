use lazaret_vocabulary::{Algorithm, Dates, EcosystemId};

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
    /// The addresses it needs of an upstream. The first is the one that bare addresses are relative to.
    pub upstreams: &'static [UpstreamRole],
    /// Whether the operator may name further roles, such as one for each registry of images.
    pub open_roles: bool,
    /// Whose word there is on when something was published.
    pub dates: Dates,
    /// Digests, beside SHA-256, that are computed of every file, because clients ask for them.
    pub checksums: &'static [Algorithm],
    /// Files beside an artifact, by what is appended to its address, that upstream declares its digest in.
    pub sidecars: &'static [(&'static str, Algorithm)],
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
    pub addresses: Vec<(std::borrow::Cow<'static, str>, String)>,
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
    /// Children of an XML document's root (`NuGet.Config`, Maven's `settings.xml`): each one of that name is
    /// replaced by the text, or the text is added before the root's end.
    Xml {
        /// The root element's name; a missing file becomes an empty one.
        root: &'static str,
        /// Names, and whole elements as they shall stand there.
        sections: Vec<(&'static str, String)>,
    },
    /// Entries of one section of git's settings, where a key may stand several times: each is added unless it is
    /// there, and nothing is replaced.
    Git {
        /// Section without brackets, with its subsection: `url "https://gate.example/"`.
        section: String,
        /// Keys and values.
        entries: Vec<(String, String)>,
    },
    /// A YAML fragment of top-level keys (`.yarnrc.yml`).
    Yaml(Vec<(String, String)>),
    /// Entries of lists that are children of an XML document's root (Maven's `settings.xml`). The entry whose key
    /// has this value is replaced, otherwise the entry becomes the first of its list; a list or a file that is not
    /// there is made.
    XmlEntries {
        /// The root element's name.
        root: &'static str,
        /// What shall stand there.
        entries: Vec<XmlEntry>,
    },
    /// A file that belongs to us alone, with this content (Gradle's `init.d`).
    Whole(String),
}

/// An entry of a list in an XML document.
#[derive(Debug, Clone)]
pub struct XmlEntry {
    /// Name of the list, a child of the root.
    pub list: &'static str,
    /// Name of the entry's child that tells entries apart.
    pub key: &'static str,
    /// That child's text in this entry.
    pub value: &'static str,
    /// The whole entry.
    pub text: String,
}
