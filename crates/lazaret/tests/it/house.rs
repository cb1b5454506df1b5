//! A gateway as its users run it: the binary, a configuration file, a data directory, an upstream of ours.

use lazaret_gateway::Clock;
use lazaret_testkit::clients::Endpoints;
use lazaret_testkit::registries::RealRegistries;
use lazaret_testkit::{FakeUpstream, transcript, world};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The binary under test.
pub(crate) const LAZARET: &str = env!("CARGO_BIN_EXE_lazaret");

/// The gateway and what it stands on. Everything ends and vanishes when this is dropped.
pub(crate) struct House {
    upstream: Option<FakeUpstream>,
    data: PathBuf,
    folder: tempfile::TempDir,
    server: Option<Child>,
    url: String,
}

impl House {
    /// In front of the world of `lazaret_testkit::world`, with its advisories and the baseline policy.
    pub(crate) async fn open() -> Self {
        Self::with_policy("").await
    }

    /// The same with a policy of its own.
    pub(crate) async fn with_policy(policy: &str) -> Self {
        let now = Clock::system().now();
        let upstream = FakeUpstream::start().await;
        world::demo(now).apply(&upstream);
        let mut house = Self::before(upstream, policy);
        let records = house.folder.path().join("advisories");
        std::fs::create_dir(&records).unwrap();
        for (name, record) in world::advisories(now) {
            std::fs::write(records.join(name), record.to_string()).unwrap();
        }
        house.command(&["advisories", "import", &records.to_string_lossy()]).await;
        house.start().await;
        house
    }

    /// Compares what a client told with the manual's transcript of this name. `command` is what a human would
    /// have typed; `folder` is where it ran.
    pub(crate) fn check_told(name: &str, command: &str, output: &Output, folder: &Path) {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/transcripts/{name}.txt"));
        let code =
            output.status.code().map_or_else(|| "killed".to_owned(), |code| format!("exit code {code}"));
        let told = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        let text = format!("$ {command}\n{}\n[{code}]\n", told.concat().trim_end());
        let folder = folder.to_string_lossy();
        transcript::check(&golden, &transcript::normalise(&text, &[(&folder, "SCRATCH")]));
    }

    /// In front of an upstream, not started.
    pub(crate) fn before(upstream: FakeUpstream, policy: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("house-").tempdir().unwrap();
        let root = upstream.url();
        let addresses = format!(
            "[upstreams.npm]\nregistry = \"{root}/npm\"\n\
             [upstreams.pypi]\nsimple = \"{root}/pypi/simple\"\njson = \"{root}/pypi/pypi\"\n\
             [upstreams.cargo]\nindex = \"{root}/cargo/index\"\napi = \"{root}/cargo\"\n\
             [upstreams.oci]\nregistry = \"{root}/oci\"\nhub = \"{root}/oci\"\n\
             [upstreams.maven]\nrepository = \"{root}/maven\"\n\
             [upstreams.nuget]\nindex = \"{root}/nuget/v3/index.json\"\n"
        );
        let data = folder.path().join("data");
        let house = Self { upstream: Some(upstream), data, folder, server: None, url: String::new() };
        std::fs::write(house.path("policy.toml"), policy).unwrap();
        let policy = house.path("policy.toml");
        let config = format!("policy = \"{}\"\nfresh = \"1s\"\n{addresses}", policy.display());
        std::fs::write(house.path("lazaret.toml"), config).unwrap();
        house
    }

    /// In front of the real registries, not started. Its store outlives the test, so that the next run asks
    /// them for nothing twice.
    pub(crate) fn of_real(real: &RealRegistries, policy: &str, name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("house-").tempdir().unwrap();
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real").join(name);
        let mut config = format!("policy = \"policy.toml\"\nfresh = \"1h\"\ndata = \"{}\"\n", kept.display());
        let trim = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
        config.push_str(&format!("[upstreams.npm]\nregistry = \"{}\"\n", trim(&real.npm)));
        config.push_str(&format!("[upstreams.pypi]\nsimple = \"{}\"\n", trim(&real.pypi)));
        config.push_str(&format!("[upstreams.cargo]\nindex = \"{}\"\n", trim(&real.cargo)));
        std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
        std::fs::write(folder.path().join("lazaret.toml"), config).unwrap();
        Self { upstream: None, data: kept, folder, server: None, url: String::new() }
    }

    /// A path in the house's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn binary(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LAZARET);
        command
            .args(arguments)
            .env("LAZARET_CONFIG", self.path("lazaret.toml"))
            .env("LAZARET_DATA", &self.data)
            .env("LAZARET_LOG", "warn")
            .env_remove("LAZARET_URL")
            .env_remove("LAZARET_TOKEN")
            .kill_on_drop(true);
        command
    }

    /// Runs another of its commands to its end, whatever that is.
    pub(crate) async fn try_command(&self, arguments: &[&str]) -> Output {
        self.binary(arguments).stdin(Stdio::null()).output().await.unwrap()
    }

    /// Runs another of its commands, which must succeed; what it printed.
    pub(crate) async fn command(&self, arguments: &[&str]) -> String {
        let output = self.try_command(arguments).await;
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "lazaret {}: {text}", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts the server and waits until it says where it listens.
    pub(crate) async fn start(&mut self) {
        let log = std::fs::File::create(self.path("serve.log")).unwrap();
        let mut child = self
            .binary(&["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        loop {
            let line = lines.next_line().await.unwrap();
            let Some(line) = line else { panic!("the gateway ended: {}", self.log()) };
            if let Some(url) = line.strip_prefix("Lazaret serves on ") {
                self.url = url.to_owned();
                break;
            }
        }
        // It goes on printing; a closed pipe would end it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.server = Some(child);
    }

    /// What the server logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }

    /// Ends the server without a word of warning.
    pub(crate) async fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().await.unwrap();
    }

    /// Writes another policy and waits until the server has taken it up, by itself.
    pub(crate) async fn change_policy(&self, text: &str) {
        let before = self.fetch("/why/npm/fresh-lib").await;
        std::fs::write(self.path("policy.toml"), text).unwrap();
        for _ in 0..100 {
            if self.fetch("/why/npm/fresh-lib").await != before {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the policy did not change: {}", self.log());
    }

    /// One of the server's own pages.
    pub(crate) async fn fetch(&self, path: &str) -> String {
        let url = format!("{}{path}", self.url);
        let output = Command::new("curl").args(["-sS", &url]).output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The upstream of our own.
    pub(crate) fn upstream(&self) -> &FakeUpstream {
        self.upstream.as_ref().unwrap()
    }

    /// Its address, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What clients are pointed at.
    pub(crate) fn endpoints(&self) -> Endpoints {
        let url = &self.url;
        Endpoints {
            npm: format!("{url}/npm/"),
            pypi: format!("{url}/pypi/simple/"),
            pypi_upload: format!("{url}/pypi/legacy/"),
            cargo: format!("{url}/cargo/"),
            ..Endpoints::of_mounts(url)
        }
    }

    /// A token with these scopes.
    pub(crate) async fn token(&self, owner: &str, scopes: &[&str]) -> String {
        let mut arguments = vec!["token", "create", "--owner", owner];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        let text = self.command(&arguments).await;
        text.lines().find(|line| line.starts_with("lzt_")).unwrap().to_owned()
    }
}
