//! Real package managers, each in a scratch home of its own, pointed at a registry by environment and
//! configuration files only.
//!
//! ```ignore
//! let Some(npm) = Client::find("npm-10") else { return };       // said loudly when absent
//! let session = npm.session(&Endpoints::of_upstream(&upstream));
//! let run = session.run(&["install", "good-lib"]).await;
//! assert!(run.success(), "{run}");
//! ```
//!
//! `e2e/clients.toml` lists them with their versions and `e2e/install-clients.sh` installs them into
//! `$LAZARET_TOOLS`, or `target/tools` of the repository; [`find_tool`] finds what else tests run.

#[cfg(test)]
mod pointed;
mod settings;
mod table;
#[cfg(test)]
mod tests;

pub use table::{find_tool, tools_folder};

use crate::FakeUpstream;
use serde::Deserialize;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// How long a client may take unless a test says otherwise.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(120);

/// How a client is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `.npmrc`.
    Npm,
    /// `.npmrc`.
    Pnpm,
    /// `.yarnrc` and `.npmrc`.
    YarnClassic,
    /// `.yarnrc.yml`.
    YarnModern,
    /// `.bunfig.toml` in `XDG_CONFIG_HOME`.
    Bun,
    /// `PIP_*`.
    Pip,
    /// `UV_*`.
    Uv,
    /// `config.toml` in `CARGO_HOME`.
    Cargo,
    /// `TWINE_*`.
    Twine,
    /// A source in the project's `pyproject.toml`, see [`Session::poetry_source`].
    Poetry,
    /// `.m2/settings.xml` in a home that `MAVEN_OPTS` names, since Java does not look at `HOME`.
    Maven,
    /// `GOPROXY` and its kin.
    Go,
    /// `NuGet.Config`.
    Nuget,
    /// `containers/*` for skopeo and `.docker/config.json` for all; images are named by the endpoint.
    Oci,
    /// A file that `APT_CONFIG` names, see [`Session::apt_source`].
    Apt,
    /// `GIT_CONFIG_GLOBAL`; repositories of [`FORGE`] are fetched from the endpoint.
    Git,
    /// `.curlrc` and `.netrc`; addresses are named by tests.
    Curl,
}

/// A forge that is not there: what git fetches below it comes from [`Endpoints::github`].
pub const FORGE: &str = "https://forge.test/";

/// A package manager on this machine.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name in `clients.toml`.
    pub name: String,
    /// Its version there; empty for one of the machine's own.
    pub version: String,
    /// How it is configured.
    pub dialect: Dialect,
    program: PathBuf,
    first_arguments: Vec<OsString>,
}

impl Client {
    /// Every client's name, in the table's order.
    pub fn names() -> Vec<String> {
        table::table().client.into_iter().map(|row| row.tool.name).collect()
    }

    /// The client of this name; `None`, after saying so loudly, when it is not installed.
    ///
    /// # Panics
    /// When the table has no such name, and when it is not installed although
    /// [`crate::registries::REQUIRE_VARIABLE`] is `1`.
    pub fn find(name: &str) -> Option<Self> {
        let found = Self::installed(name);
        if found.is_none() {
            table::say_missing(&format!("client {name} not installed"));
        }
        found
    }

    /// The same without a word.
    pub fn installed(name: &str) -> Option<Self> {
        let row = table::table().client.into_iter().find(|row| row.tool.name == name);
        let Some(row) = row else { panic!("e2e/clients.toml has no client `{name}`") };
        let file = row.tool.place().filter(|file| file.is_file())?;
        if !row.needs.iter().all(|need| table::tool(need).is_some()) {
            return None;
        }
        let (program, first_arguments) = match &row.runtime {
            Some(runtime) => (table::in_path(runtime)?, vec![file.into_os_string()]),
            None => (file, Vec::new()),
        };
        Some(Self {
            name: row.tool.name,
            version: row.version,
            dialect: row.dialect,
            program,
            first_arguments,
        })
    }

    /// A scratch home and project for this client, pointed at `endpoints`.
    pub fn session(&self, endpoints: &Endpoints) -> Session {
        let folder = tempfile::Builder::new().prefix("client-").tempdir().expect("a temporary folder");
        for name in ["home", "project", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder in a temporary one");
        }
        let mut session = Session {
            client: self.clone(),
            endpoints: endpoints.clone(),
            variables: settings::clean_environment(folder.path()),
            time_limit: DEFAULT_TIME_LIMIT,
            folder,
        };
        settings::point_at(&mut session);
        session
    }
}

/// Where the registries are, and with what token.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// npm's registry, with a slash at the end.
    pub npm: String,
    /// The simple index, with a slash at the end.
    pub pypi: String,
    /// Where Python packages are uploaded.
    pub pypi_upload: String,
    /// cargo's sparse index without `sparse+`, with a slash at the end.
    pub cargo: String,
    /// A Maven repository, with a slash at the end.
    pub maven: String,
    /// NuGet's service index, which is a file.
    pub nuget: String,
    /// A Go module proxy, without a slash at the end.
    pub go: String,
    /// Host and port of an OCI registry, as they begin the name of an image.
    pub oci: String,
    /// What precedes `dists/` and `pool/`, without a slash at the end.
    pub deb: String,
    /// What precedes `owner/repository.git`, without a slash at the end.
    pub github: String,
    /// Sent in each client's own form: bearer, Basic with the user name `__token__`, or verbatim.
    pub token: Option<String>,
}

impl Endpoints {
    /// A fake upstream, directly.
    pub fn of_upstream(upstream: &FakeUpstream) -> Self {
        Self {
            npm: upstream.npm_url(),
            pypi: upstream.pypi_url(),
            pypi_upload: format!("{}/pypi/legacy/", upstream.url()),
            cargo: upstream.cargo_url(),
            github: format!("{}/github/web", upstream.url()),
            ..Self::of_mounts(&upstream.url())
        }
    }

    /// Those that the gateway at this address mounts under the ecosystem's own name; the others are empty. A
    /// fake upstream has most of them in the same places.
    pub fn of_mounts(url: &str) -> Self {
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        Self {
            maven: format!("{url}/maven/"),
            nuget: format!("{url}/nuget/v3/index.json"),
            go: format!("{url}/go"),
            oci: host.to_owned(),
            deb: format!("{url}/deb"),
            github: format!("{url}/github"),
            ..Self::default()
        }
    }

    /// With a token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }
}

/// One client in one scratch home, with one project folder; both vanish when this is dropped.
pub struct Session {
    client: Client,
    endpoints: Endpoints,
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    time_limit: Duration,
}

impl Session {
    /// The folder in which the client runs.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The client's home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The whole scratch folder, for [`crate::transcript`].
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the project.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        write(&self.project().join(path), text.as_ref());
        self
    }

    /// Reads a file of the project as text.
    ///
    /// # Panics
    /// When there is none.
    pub fn read(&self, path: &str) -> String {
        let path = self.project().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Whether the project has this file or folder.
    pub fn has(&self, path: &str) -> bool {
        self.project().join(path).exists()
    }

    /// Appends to a file in the client's home, such as `.npmrc`.
    pub fn configure(&self, path: &str, text: &str) -> &Self {
        let path = self.home().join(path);
        let mut whole = std::fs::read_to_string(&path).unwrap_or_default();
        whole.push_str(text);
        write(&path, whole.as_bytes());
        self
    }

    /// Sets an environment variable for later runs.
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.retain(|(have, _)| have != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The variables that a run gets, and no others.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Kills later runs after this time.
    pub fn time_limit(&mut self, limit: Duration) -> &mut Self {
        self.time_limit = limit;
        self
    }

    /// Forgets everything that the client cached and installed, so that the next run is cold. Settings stay.
    pub fn forget_caches(&self) {
        let caches = [
            "home/cache",
            "home/.npm",
            "home/.cache",
            "home/.yarn",
            "home/.local/share/yarn",
            "project/.yarn",
            "home/.bun",
            "home/cargo/registry",
            "home/.m2/repository",
            "home/.nuget",
            "home/.local/share/NuGet",
            "home/apt/state/lists",
            "home/apt/cache",
            "tmp/NuGetScratch",
            "project/node_modules",
            "project/target",
            "project/installed",
            "project/.venv",
        ];
        for path in caches {
            // Most of them do not exist for any one client.
            let _ = std::fs::remove_dir_all(self.folder.path().join(path));
        }
        if self.client.dialect == Dialect::Maven {
            settings::give_plugins(self);
        }
    }

    /// The lines of `pyproject.toml` that make poetry use these endpoints only.
    pub fn poetry_source(&self) -> String {
        format!(
            "[[tool.poetry.source]]\nname = \"gateway\"\nurl = \"{}\"\npriority = \"primary\"\n",
            self.endpoints.pypi
        )
    }

    /// Makes apt read this suite of the endpoint, below `path` of it. `options` stand in brackets before the
    /// address, such as `trusted=yes`.
    pub fn apt_source(&self, options: &str, path: &str, suite: &str, components: &str) -> &Self {
        let deb = &self.endpoints.deb;
        self.configure("apt/etc/sources.list", &format!("deb [{options}] {deb}{path} {suite} {components}\n"))
    }

    /// Runs the client with these arguments in the project folder.
    pub async fn run(&self, arguments: &[&str]) -> Run {
        let mut command = tokio::process::Command::new(&self.client.program);
        command.args(&self.client.first_arguments).args(arguments);
        self.finish(command, format!("{} {}", self.client.name, arguments.join(" "))).await
    }

    /// Runs another program in the same environment, such as the node or Python that loads what was
    /// installed.
    pub async fn run_program(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Run {
        let mut command = tokio::process::Command::new(program.as_ref());
        command.args(arguments);
        self.finish(command, format!("{} {}", program.as_ref().display(), arguments.join(" "))).await
    }

    async fn finish(&self, mut command: tokio::process::Command, title: String) -> Run {
        command
            .current_dir(self.project())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that a client that hangs dies with its children.
            .process_group(0)
            .kill_on_drop(true);
        let started = std::time::Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{title}: {error}"));
        let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let group = child.id();
        let whole = async {
            let (_, _, status) =
                tokio::join!(out.read_to_end(&mut stdout), err.read_to_end(&mut stderr), child.wait());
            status.ok().and_then(|status| status.code())
        };
        let ended = tokio::time::timeout(self.time_limit, whole).await;
        if let (Err(_), Some(group)) = (&ended, group) {
            // Without `unsafe` there is no killpg; the shell has it built in.
            let line = format!("kill -KILL -- -{group}");
            let _ = std::process::Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
        }
        Run {
            title,
            status: ended.as_ref().ok().copied().flatten(),
            timed_out: ended.is_err(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            took: started.elapsed(),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// What became of one command. Its `Display` shows everything, for the message of an assertion.
#[derive(Debug, Clone)]
pub struct Run {
    /// The client's name and arguments.
    pub title: String,
    /// Exit code; `None` when it was killed.
    pub status: Option<i32>,
    /// It was killed after the session's time limit.
    pub timed_out: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took; never to be asserted.
    pub took: Duration,
}

impl Run {
    /// Exit code 0.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }

    /// Both outputs, standard output first.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Whether either output contains the text.
    pub fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match (self.status, self.timed_out) {
            (Some(code), _) => format!("exit code {code}"),
            (None, true) => "killed after its time limit".to_owned(),
            (None, false) => "killed".to_owned(),
        };
        write!(
            formatter,
            "$ {}\n[{status}]\n--- stdout\n{}\n--- stderr\n{}",
            self.title, self.stdout, self.stderr
        )
    }
}
