//! Learns the addresses of this machine's registries from the package managers installed on it, so that
//! none has to stand in our source and a company's own mirror is found by itself.
//!
//! | client | how it is asked |
//! |---|---|
//! | npm | `npm config get registry` |
//! | pip | the default of its own `--index-url`, which has heard every configuration file and variable |
//! | cargo | no command tells it; cargo names the address when it fails to reach it, so it is run in a scratch project behind a proxy that is not there. It hears `[source]` replacements, and nothing leaves the machine |
//!
//! The reading of answers is pure ([`npm_registry`], [`pip_index`], [`cargo_index`]); whatever runs a
//! command is behind [`Runner`]. This file depends on nothing else of the testkit.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use url::Url;

/// A command that is to be run.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The program, looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables set beside the inherited ones.
    pub variables: Vec<(String, String)>,
    /// Working directory.
    pub directory: Option<PathBuf>,
}

/// What a command printed.
#[derive(Debug, Clone, Default)]
pub struct Printed {
    /// Whether it ended with success.
    pub success: bool,
    /// Standard output, at most [`MAX_OUTPUT_BYTES`].
    pub stdout: String,
    /// Standard error, at most [`MAX_OUTPUT_BYTES`].
    pub stderr: String,
}

/// More than any of the commands here prints.
pub const MAX_OUTPUT_BYTES: u64 = 1 << 20;

/// How long one command may take.
pub const MAX_COMMAND_TIME: Duration = Duration::from_secs(20);

/// Runs commands. Tests answer from a table.
pub trait Runner {
    /// Runs it to its end, or fails when it cannot be started or takes longer than [`MAX_COMMAND_TIME`].
    fn run(&self, invocation: &Invocation) -> io::Result<Printed>;
}

/// Runs commands on this machine with its own environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Runner for Machine {
    fn run(&self, invocation: &Invocation) -> io::Result<Printed> {
        let mut command = Command::new(&invocation.program);
        command
            .args(&invocation.arguments)
            .envs(invocation.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &invocation.directory {
            command.current_dir(directory);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if started.elapsed() > MAX_COMMAND_TIME {
                child.kill()?;
                child.wait()?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not end in time"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |thread: std::thread::JoinHandle<String>| thread.join().unwrap_or_default();
        Ok(Printed { success: status.success(), stdout: text(stdout), stderr: text(stderr) })
    }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before a failure is still worth looking at.
            let _ = pipe.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A registry's address as a client on this machine uses it.
#[derive(Clone, PartialEq, Eq)]
pub struct Adopted {
    /// Base address with a slash at the end and without credentials.
    pub url: Url,
    /// User name and password that stood in the address.
    pub credentials: Option<(String, String)>,
    /// The command that told it.
    pub learned_from: &'static str,
}

impl fmt::Debug for Adopted {
    /// Never shows the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.credentials.as_ref().map(|(user, _)| user);
        write!(formatter, "{} (user {user:?}, from {})", self.url, self.learned_from)
    }
}

/// Why a client told no address: what was asked, and what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotLearned {
    /// The client.
    pub client: &'static str,
    /// One line.
    pub reason: String,
}

impl fmt::Display for NotLearned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} tells no registry: {}", self.client, self.reason)
    }
}

impl std::error::Error for NotLearned {}

/// The addresses of one machine.
#[derive(Debug, Clone)]
pub struct Upstreams {
    /// npm's registry.
    pub npm: Result<Adopted, NotLearned>,
    /// pip's simple index.
    pub pypi: Result<Adopted, NotLearned>,
    /// cargo's sparse index.
    pub cargo: Result<Adopted, NotLearned>,
}

/// Asks every client. `scratch` is an empty folder that cargo's question needs; `cargo_home` is where the
/// user's cargo configuration is.
pub fn upstreams(runner: &dyn Runner, scratch: &Path, cargo_home: Option<&Path>) -> Upstreams {
    Upstreams { npm: ask_npm(runner), pypi: ask_pip(runner), cargo: ask_cargo(runner, scratch, cargo_home) }
}

fn ask_npm(runner: &dyn Runner) -> Result<Adopted, NotLearned> {
    let answer = runner.run(&Invocation {
        program: "npm".to_owned(),
        arguments: ["config", "get", "registry"].map(str::to_owned).to_vec(),
        ..Invocation::default()
    });
    let url = answer.map_err(|error| error.to_string()).and_then(|printed| npm_registry(&printed.stdout));
    adopted("npm", "npm config get registry", url)
}

/// What pip's own option parser has for `--index-url`; older and newer pips alike.
const PIP_QUESTION: &str = "from pip._internal.commands import create_command\n\
print(create_command('download').parser.get_default_values().index_url)";

fn ask_pip(runner: &dyn Runner) -> Result<Adopted, NotLearned> {
    let mut last = Err("no Python found".to_owned());
    for program in ["python3", "python"] {
        let answer = runner.run(&Invocation {
            program: program.to_owned(),
            arguments: vec!["-c".to_owned(), PIP_QUESTION.to_owned()],
            ..Invocation::default()
        });
        last = answer
            .map_err(|error| error.to_string())
            .and_then(|printed| pip_index(&printed.stdout, &printed.stderr));
        if last.is_ok() {
            break;
        }
    }
    adopted("pip", "pip's --index-url", last)
}

/// Nothing listens there: port 9 is "discard", and it is asked on loopback only.
const NO_PROXY_THERE: &str = "http://127.0.0.1:9";

fn ask_cargo(runner: &dyn Runner, scratch: &Path, cargo_home: Option<&Path>) -> Result<Adopted, NotLearned> {
    let answer = cargo_scratch(scratch, cargo_home).and_then(|project| {
        let home = scratch.join("cargo-home").to_string_lossy().into_owned();
        runner.run(&Invocation {
            program: "cargo".to_owned(),
            arguments: vec!["generate-lockfile".to_owned()],
            variables: [
                ("CARGO_HOME", home.as_str()),
                ("CARGO_HTTP_PROXY", NO_PROXY_THERE),
                ("CARGO_NET_RETRY", "0"),
                ("CARGO_NET_OFFLINE", "false"),
                ("CARGO_TERM_COLOR", "never"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            directory: Some(project),
        })
    });
    let url = answer.map_err(|error| error.to_string()).and_then(|printed| cargo_index(&printed.stderr));
    adopted("cargo", "cargo's own error, without network", url)
}

/// A project with one dependency and a cargo home that has the user's configuration but no cache, since
/// with a cached index cargo would not ask for `config.json`.
fn cargo_scratch(scratch: &Path, cargo_home: Option<&Path>) -> io::Result<PathBuf> {
    let (home, project) = (scratch.join("cargo-home"), scratch.join("cargo-project"));
    std::fs::create_dir_all(&home)?;
    std::fs::create_dir_all(project.join("src"))?;
    for name in ["config.toml", "config"] {
        if let Some(from) = cargo_home.map(|folder| folder.join(name)).filter(|path| path.is_file()) {
            std::fs::copy(from, home.join(name))?;
        }
    }
    let manifest = "[package]\nname = \"question\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
                    [dependencies]\nlibc = \"*\"\n\n[workspace]\n";
    std::fs::write(project.join("Cargo.toml"), manifest)?;
    std::fs::write(project.join("src/lib.rs"), "")?;
    Ok(project)
}

/// Reads the answer of `npm config get registry`: the last line that is an address (warnings may come
/// before it).
pub fn npm_registry(stdout: &str) -> Result<String, String> {
    last_address(stdout).ok_or_else(|| format!("expected an address, got `{}`", excerpt(stdout)))
}

/// Reads the answer of pip's option parser.
pub fn pip_index(stdout: &str, stderr: &str) -> Result<String, String> {
    last_address(stdout).ok_or_else(|| {
        let shown = if stdout.trim().is_empty() { stderr } else { stdout };
        format!("expected an address, got `{}`", excerpt(shown))
    })
}

/// Reads the address of the index out of cargo's complaint that it cannot fetch `config.json`.
pub fn cargo_index(stderr: &str) -> Result<String, String> {
    let quoted = stderr.split('`').skip(1).step_by(2);
    let mut bases = quoted.filter_map(|text| text.strip_suffix("config.json"));
    let found = bases.find(|base| base.starts_with("http://") || base.starts_with("https://"));
    found.map(str::to_owned).ok_or_else(|| {
        format!(
            "expected an error that names the index (a Git or vendored source has none), got `{}`",
            excerpt(stderr)
        )
    })
}

fn last_address(text: &str) -> Option<String> {
    let is_address = |line: &&str| line.starts_with("http://") || line.starts_with("https://");
    text.lines().rev().map(str::trim).find(is_address).map(str::to_owned)
}

fn excerpt(text: &str) -> String {
    let line = text.trim().lines().last().unwrap_or_default();
    if line.is_empty() { "nothing".to_owned() } else { line.chars().take(200).collect() }
}

/// Parses an address, takes credentials out of it and puts a slash at its end.
fn adopted(
    client: &'static str,
    learned_from: &'static str,
    text: Result<String, String>,
) -> Result<Adopted, NotLearned> {
    let parse = |text: String| -> Result<Adopted, String> {
        // The text may hold a password, so it is not repeated.
        let mut url = Url::parse(&text).map_err(|error| format!("expected an address: {error}"))?;
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let credentials = (!url.username().is_empty() || url.password().is_some())
            .then(|| (decode(url.username()), decode(url.password().unwrap_or_default())));
        if url.host_str().is_none() || url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err("expected an address with a host".to_owned());
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Adopted { url, credentials, learned_from })
    };
    text.and_then(parse).map_err(|reason| NotLearned { client, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(fn(&str) -> io::Result<Printed>);

    impl Runner for Table {
        fn run(&self, invocation: &Invocation) -> io::Result<Printed> {
            (self.0)(&invocation.program)
        }
    }

    #[test]
    fn answers_become_addresses_without_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let table = Table(|program| {
            let (stdout, stderr) = match program {
                "npm" => ("npm warn something\nhttps://registry.example/npm\n", ""),
                "python3" => ("None\n", ""),
                "python" => ("https://user:p%40ss@pypi.example/simple\n", ""),
                _ => (
                    "",
                    "Caused by:\n  failed to download from `https://index.example/a/config.json`\n\nCaused by:\n  [7]",
                ),
            };
            Ok(Printed { success: true, stdout: stdout.to_owned(), stderr: stderr.to_owned() })
        });
        let found = upstreams(&table, folder.path(), None);
        assert_eq!(found.npm.unwrap().url.as_str(), "https://registry.example/npm/");
        let pypi = found.pypi.unwrap();
        assert_eq!(pypi.url.as_str(), "https://pypi.example/simple/");
        assert!(!format!("{pypi:?}").contains("p@ss"));
        assert_eq!(pypi.credentials, Some(("user".to_owned(), "p@ss".to_owned())));
        assert_eq!(found.cargo.unwrap().url.as_str(), "https://index.example/a/");
    }

    #[test]
    fn a_client_that_is_absent_or_says_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = upstreams(&Table(|_| Err(io::ErrorKind::NotFound.into())), folder.path(), None);
        assert!(absent.npm.unwrap_err().to_string().starts_with("npm tells no registry: "));
        let silent = upstreams(&Table(|_| Ok(Printed::default())), folder.path(), None);
        for answer in [silent.npm, silent.pypi, silent.cargo] {
            assert!(answer.unwrap_err().reason.contains("got `nothing`"));
        }
    }

    #[test]
    fn cargo_on_this_machine_names_its_index_even_when_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let config = "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\nregistry = \"sparse+http://mirror.test/idx/\"\n";
        std::fs::write(home.join("config.toml"), config).unwrap();
        let found = ask_cargo(&Machine, folder.path(), Some(&home)).unwrap();
        assert_eq!(found.url.as_str(), "http://mirror.test/idx/");
    }
}
