//! git, curl, and the clients that fetch from git, in front of repositories of our own.

use crate::house::{House, LAZARET};
use lazaret_testkit::{FakeUpstream, Fault};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::process::Command;

/// What is seen for the first time may be had at once; nothing else is off.
const AT_ONCE: &str = "[release-too-new]\nfirst_sight_age = \"0d\"\n[package-too-new]\nfirst_sight_age = \"0d\"\n\
                       unknown = \"warn\"\n";

const PROJECT: &str = "acme/demo";

/// Commits of the demo repository.
struct Demo {
    first: String,
    tip: String,
}

/// A repository with two tags, a release and a branch beside the main one.
async fn host() -> (FakeUpstream, Demo) {
    let upstream = FakeUpstream::start().await;
    let demo = upstream.github(|host| {
        let one = host
            .repository(PROJECT)
            .commit(
                "2020-01-01T00:00:00Z",
                &[("README.md", "one\n"), ("action.yml", "runs:\n  using: node20\n")],
            )
            .tag("v1.0.0");
        let first = one.id("HEAD");
        let two = one
            .commit("2021-01-01T00:00:00Z", &[("src/lib.rs", "// two\n")])
            .light_tag("v1.1.0")
            .release("v1.1.0", "2021-01-02T00:00:00Z", "alice")
            .asset("demo.bin", &b"the bytes"[..]);
        let tip = two.id("HEAD");
        two.branch("feature/x").commit("2022-01-01T00:00:00Z", &[("README.md", "three\n")]);
        Demo { first, tip }
    });
    (upstream, demo)
}

/// A gateway before it, with `roles` of the host configured.
async fn gate(upstream: FakeUpstream, policy: &str, roles: &[&str]) -> House {
    let addresses: Vec<String> =
        roles.iter().map(|role| format!("{role} = \"{}\"\n", upstream.github_url(role))).collect();
    let mut house = House::before(upstream, policy);
    let config = house.path("lazaret.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[upstreams.github]\n{}", addresses.concat())).unwrap();
    house.start().await;
    house
}

/// A scratch home in which clients run that know nothing of this machine's user.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("git-").tempdir().unwrap())
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for name in ["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let (None, Some(home)) = (std::env::var_os("RUSTUP_HOME"), std::env::var_os("HOME")) {
            command.env("RUSTUP_HOME", Path::new(&home).join(".rustup"));
        }
        command.env("HOME", self.0.path()).env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    async fn git(&self, arguments: &[&str]) -> Output {
        self.command("git", arguments).output().await.unwrap()
    }

    async fn curl(&self, url: &str, file: &str) -> Output {
        let arguments = [
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--location",
            "--output",
            file,
            "--write-out",
            "%{http_code}",
            url,
        ];
        self.command("curl", &arguments).output().await.unwrap()
    }

    fn read(&self, file: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path(file)).unwrap_or_default()).into_owned()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn succeeded(output: &Output, house: &House) {
    assert!(output.status.success(), "{}\n{}", said(output), house.log());
}

/// The questions for commits that reached the host.
fn fetches(house: &House) -> usize {
    let asked = house.upstream().requests_for("git-upload-pack");
    asked.iter().filter(|request| request.body.windows(5).any(|window| window == b"want ")).count()
}

#[tokio::test]
async fn git_reads_through_the_gateway_what_it_reads_directly() {
    let (upstream, demo) = host().await;
    let direct = format!("{}/{PROJECT}.git", upstream.github_url("web"));
    let house = gate(upstream, AT_ONCE, &["web"]).await;
    let through = format!("{}/github/{PROJECT}", house.url());
    let scratch = Scratch::new();
    for version in ["protocol.version=0", "protocol.version=2"] {
        for (url, folder) in [(&direct, "direct"), (&through, "through")] {
            let _ = std::fs::remove_dir_all(scratch.path(folder));
            succeeded(
                &scratch.git(&["-c", version, "clone", "--quiet", "--mirror", url, folder]).await,
                &house,
            );
        }
        let [left, right] = ["direct", "through"].map(|folder| scratch.path(folder));
        let refs = |folder: &Path| {
            let output =
                std::process::Command::new("git").arg("-C").arg(folder).arg("show-ref").output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(refs(&left), refs(&right), "{version}");
        assert!(refs(&right).contains(&demo.tip));
        // What is judged is whole, so a partial clone is none.
        let partial = scratch.git(&["-c", version, "clone", "--filter=blob:none", &through, version]).await;
        succeeded(&partial, &house);
        assert!(said(&partial).contains("filtering not recognized"), "{}", said(&partial));
    }
    succeeded(&scratch.git(&["init", "--quiet", "one"]).await, &house);
    let one = scratch.git(&["-C", "one", "fetch", "--quiet", "--depth=1", &through, &demo.first]).await;
    succeeded(&one, &house);
    let pushed = scratch.git(&["-C", "through", "push", &through, "refs/heads/main:refs/heads/mine"]).await;
    assert!(
        !pushed.status.success() && said(&pushed).contains("pushing is not possible"),
        "{}",
        said(&pushed)
    );
    let absent = scratch.git(&["clone", &format!("{}/github/acme/nothing", house.url())]).await;
    assert!(said(&absent).contains("not found"), "{}", said(&absent));
}

#[tokio::test]
async fn what_is_asked_for_the_first_time_waits_and_git_says_so() {
    let (upstream, demo) = host().await;
    let house = gate(upstream, "", &["web"]).await;
    let through = format!("{}/github/{PROJECT}", house.url());
    let scratch = Scratch::new();
    for version in ["protocol.version=0", "protocol.version=2"] {
        let refused = scratch.git(&["-c", version, "clone", &through]).await;
        let text = said(&refused);
        assert!(!refused.status.success());
        assert!(text.contains("remote error: acme/demo@") && text.contains("release-too-new"), "{text}");
    }
    assert_eq!(fetches(&house), 0, "nothing was asked of the host that may not be had");
    let archive = scratch.curl(&format!("{through}/archive/{}.tar.gz", demo.first), "refused").await;
    assert!(!archive.status.success() && said(&archive).starts_with("403"), "{}", said(&archive));
    assert!(scratch.read("refused").contains("release-too-new"), "{}", scratch.read("refused"));
    let clone = scratch.git(&["clone", &through]).await;
    House::check_told("git-too-new", &format!("git clone {through}"), &clone, &scratch.path(""));
    let address = format!("{through}/archive/refs/heads/main.tar.gz");
    let arguments = ["--silent", "--show-error", "--fail-with-body", &address];
    let download = scratch.command("curl", &arguments).output().await.unwrap();
    House::check_told("curl-too-new", &format!("curl {}", arguments.join(" ")), &download, &scratch.path(""));
    assert!(house.upstream().requests_for("/archive/").is_empty());
}

#[tokio::test]
async fn a_tag_that_was_moved_is_refused_and_a_branch_is_not() {
    let (upstream, _) = host().await;
    let house = gate(upstream, AT_ONCE, &["web"]).await;
    let through = format!("{}/github/{PROJECT}", house.url());
    let archive = format!("{through}/archive/refs/tags/v1.0.0.tar.gz");
    let scratch = Scratch::new();
    succeeded(&scratch.curl(&archive, "before.tar.gz").await, &house);
    succeeded(
        &scratch.git(&["clone", "--quiet", "--branch=v1.0.0", "--depth=1", &through, "before"]).await,
        &house,
    );
    house.upstream().github(|host| {
        let moved = host.repository(PROJECT).commit("2023-01-01T00:00:00Z", &[("README.md", "evil\n")]);
        moved.tag("v1.0.0");
    });
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let before = fetches(&house);
    let clone = scratch.git(&["clone", "--branch=v1.0.0", "--depth=1", &through, "after"]).await;
    assert!(said(&clone).contains("reference-moved"), "{}", said(&clone));
    let command = format!("git clone --branch=v1.0.0 --depth=1 {through} after");
    House::check_told("git-moved", &command, &clone, &scratch.path(""));
    assert_eq!(fetches(&house), before);
    let refused = scratch.curl(&archive, "after.tar.gz").await;
    assert!(said(&refused).starts_with("403"), "{}", said(&refused));
    assert!(scratch.read("after.tar.gz").contains("reference-moved"), "{}", scratch.read("after.tar.gz"));
    let branch = format!("{through}/archive/refs/heads/feature/x.tar.gz");
    succeeded(&scratch.curl(&branch, "branch.tar.gz").await, &house);
}

#[tokio::test]
async fn an_answer_that_is_cut_does_not_pass() {
    let (upstream, _) = host().await;
    let house = gate(upstream, AT_ONCE, &["web"]).await;
    let through = format!("{}/github/{PROJECT}", house.url());
    let scratch = Scratch::new();
    let first_version = ["-c", "protocol.version=0", "clone", "--quiet", &through];
    let cut = house.upstream().fail("/git-upload-pack", Fault::CutQuietly(300));
    let clone = scratch.git(&first_version).await;
    assert!(!clone.status.success() && said(&clone).contains("remote error"), "{}", said(&clone));
    assert!(!scratch.path("demo").exists());
    drop(cut);
    house.upstream().heal();
    succeeded(&scratch.git(&first_version).await, &house);
}

#[tokio::test]
async fn downloads_have_the_hosts_own_bytes() {
    let (upstream, demo) = host().await;
    let direct = |role: &str| format!("{}/{PROJECT}", upstream.github_url(role));
    let (web, codeload, raw) = (direct("web"), direct("codeload"), direct("raw"));
    let house = gate(upstream, AT_ONCE, &["web", "codeload", "raw"]).await;
    let base = format!("{}/github", house.url());
    let scratch = Scratch::new();
    let first = &demo.first;
    for (through, direct) in [
        (format!("{base}/{PROJECT}/archive/{first}.tar.gz"), format!("{web}/archive/{first}.tar.gz")),
        (format!("{base}/{PROJECT}/archive/v1.1.0.zip"), format!("{web}/archive/v1.1.0.zip")),
        (
            format!("{base}/-/codeload/{PROJECT}/tar.gz/refs/tags/v1.0.0"),
            format!("{codeload}/tar.gz/refs/tags/v1.0.0"),
        ),
        (format!("{base}/repos/{PROJECT}/tarball/main"), format!("{codeload}/legacy.tar.gz/main")),
        (format!("{base}/-/raw/{PROJECT}/{first}/README.md"), format!("{raw}/{first}/README.md")),
        (format!("{base}/{PROJECT}/raw/feature/x/README.md"), format!("{raw}/feature%2Fx/README.md")),
        (
            format!("{base}/{PROJECT}/releases/download/v1.1.0/demo.bin"),
            format!("{web}/releases/download/v1.1.0/demo.bin"),
        ),
    ] {
        succeeded(&scratch.curl(&through, "through").await, &house);
        succeeded(&scratch.curl(&direct, "direct").await, &house);
        let read = |file: &str| std::fs::read(scratch.path(file)).unwrap();
        assert!(!read("through").is_empty() && read("through") == read("direct"), "{through}");
    }
    let absent = scratch.curl(&format!("{base}/{PROJECT}/archive/nothing.zip"), "absent").await;
    assert!(said(&absent).starts_with("404"), "{}", said(&absent));
}

#[tokio::test]
async fn names_can_be_refused_and_commits_let_in() {
    let (upstream, demo) = host().await;
    let policy = format!("{AT_ONCE}[mutable-reference]\naction = \"refuse\"\n");
    let house = gate(upstream, &policy, &["web"]).await;
    let base = format!("{}/github/{PROJECT}", house.url());
    let scratch = Scratch::new();
    for name in ["main", "refs/tags/v1.0.0"] {
        let refused = scratch.curl(&format!("{base}/archive/{name}.zip"), "refused").await;
        assert!(said(&refused).starts_with("403"), "{name}: {}", said(&refused));
        let text = scratch.read("refused");
        assert!(text.contains("mutable-reference") && text.contains("names it for good"), "{text}");
    }
    succeeded(&scratch.curl(&format!("{base}/archive/{}.zip", demo.tip), "admitted").await, &house);
    std::fs::write(
        house.path("ci.yml"),
        format!(
            "on: push\njobs:\n  a:\n    steps:\n      - uses: {PROJECT}@main\n      - uses: {PROJECT}@{}\n",
            demo.tip
        ),
    )
    .unwrap();
    let checked = house.try_command(&["check", &house.path("ci.yml").to_string_lossy()]).await;
    let text = said(&checked);
    assert!(text.contains("ci.yml:5: acme/demo@main") && text.contains("1 let through"), "{text}");
}

#[tokio::test]
async fn release_files_have_the_dates_and_digests_of_the_api() {
    let (upstream, _) = host().await;
    upstream.github(|host| {
        let page = host.repository(PROJECT).release("v1.2.0", "2021-06-01T00:00:00Z", "alice");
        let now = lazaret_gateway::Clock::system().now().to_string();
        page.asset("good.bin", &b"good"[..])
            .asset_at("new.bin", &b"new"[..], &now)
            .asset("bad.bin", &b"declared"[..]);
    });
    let bad = "/github/web/acme/demo/releases/download/v1.2.0/bad.bin";
    upstream.route(bad, lazaret_testkit::upstream::Reply::file("application/octet-stream", &b"others"[..]));
    // After years without a release another check would speak first.
    let policy = "[publisher-changed]\naction = \"off\"\n";
    let house = gate(upstream, policy, &["web", "api"]).await;
    let base = format!("{}/github", house.url());
    let scratch = Scratch::new();
    let download = |file: &str| format!("{base}/{PROJECT}/releases/download/v1.2.0/{file}");
    succeeded(&scratch.curl(&download("good.bin"), "good").await, &house);
    assert_eq!(scratch.read("good"), "good");
    let new = scratch.curl(&download("new.bin"), "new").await;
    assert!(
        said(&new).starts_with("403") && scratch.read("new").contains("release-too-new"),
        "{}",
        said(&new)
    );
    let wrong = scratch.curl(&download("bad.bin"), "bad").await;
    assert!(!wrong.status.success() && !scratch.read("bad").contains("others"), "{}", scratch.read("bad"));
    succeeded(
        &scratch.curl(&format!("{base}/{PROJECT}/releases/latest/download/good.bin"), "latest").await,
        &house,
    );
    assert_eq!(scratch.read("latest"), "good");
    let list = house.fetch("/github/repos/acme/demo/releases").await;
    assert!(list.contains("good.bin") && !list.contains("new.bin"), "{list}");
}

/// `lazaret run -- COMMAND` before the host of `house`, in a scratch folder.
async fn run(house: &House, scratch: &Scratch, command: &[&str]) -> Output {
    let mut lazaret = scratch.command(LAZARET, &["run", "--config"]);
    lazaret
        .arg(house.path("lazaret.toml"))
        .arg("--data")
        .arg(house.path("data-of-run"))
        .arg("--")
        .args(command);
    lazaret.output().await.unwrap()
}

#[tokio::test]
async fn dependencies_from_git_come_through_the_gateway() {
    let (upstream, _) = host().await;
    let web = upstream.github_url("web");
    let commit = upstream.github(|host| {
        let package = host.repository("acme/lib").commit(
            "2020-01-01T00:00:00Z",
            &[
                ("Cargo.toml", "[package]\nname = \"lib\"\nversion = \"1.0.0\"\nedition = \"2021\"\n"),
                ("src/lib.rs", ""),
                ("package.json", "{\"name\":\"lib\",\"version\":\"1.0.0\"}"),
            ],
        );
        package.tag("v1.0.0").id("HEAD")
    });
    let house = gate(upstream, AT_ONCE, &["web"]).await;
    let scratch = Scratch::new();
    let url = format!("{web}/acme/lib.git");
    std::fs::create_dir_all(scratch.path("src")).unwrap();
    std::fs::write(scratch.path("src/lib.rs"), "").unwrap();
    let manifest = format!(
        "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n\
         lib = {{ git = \"{url}\", rev = \"{commit}\" }}\n[workspace]\n"
    );
    std::fs::write(scratch.path("Cargo.toml"), manifest).unwrap();
    std::fs::write(scratch.path("package.json"), "{\"name\":\"p\",\"version\":\"1.0.0\"}").unwrap();
    let npm = format!("git+{url}#{commit}");
    for command in [
        &["git", "clone", "--quiet", &url, "cloned"][..],
        &["cargo", "fetch"],
        &["npm", "install", "--no-audit", &npm],
    ] {
        house.upstream().clear_log();
        let output = run(&house, &scratch, command).await;
        succeeded(&output, &house);
        let agents: Vec<String> = house
            .upstream()
            .requests_for("/github/web/acme/lib")
            .iter()
            .map(|request| request.header("user-agent").unwrap_or_default().to_owned())
            .collect();
        let gated = !agents.is_empty() && agents.iter().all(|agent| !agent.starts_with("git/"));
        assert!(gated, "{command:?} asked the host itself: {agents:?}\n{}", said(&output));
    }
}
