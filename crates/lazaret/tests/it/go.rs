//! The go command against the binary, in front of modules of our own.

use crate::house::House;
use lazaret_gateway::Clock;
use lazaret_testkit::{FakeUpstream, registries, transcript, upstream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// A go command with a home, a cache and a project of its own.
struct Go {
    program: PathBuf,
    folder: tempfile::TempDir,
    proxy: String,
    more: Vec<(&'static str, String)>,
}

/// What a command came to.
struct Run {
    success: bool,
    text: String,
}

impl Go {
    /// With `GOPROXY` set to this; `None`, after saying so loudly, when there is no go command.
    fn find(proxy: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program =
            std::env::split_paths(&path).map(|folder| folder.join("go")).find(|file| file.is_file());
        let Some(program) = program else {
            let thread = std::thread::current();
            registries::skip(thread.name().unwrap_or("a test"), "client go not installed", "no go in PATH");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("go-").tempdir().unwrap();
        let go = Self { program, folder, proxy: proxy.to_owned(), more: Vec::new() };
        go.write("go.mod", "module probe.test/probe\n\ngo 1.21\n");
        Some(go)
    }

    fn of(house: &House) -> Option<Self> {
        Self::find(&format!("{}/go", house.url()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    async fn run(&self, arguments: &[&str]) -> Run {
        let place = |name: &str| self.folder.path().join(name);
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(place("project"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", place("home"))
            .env("GOMODCACHE", place("modules"))
            .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-build"))
            .env("GOFLAGS", "-modcacherw")
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", &self.proxy)
            .env("GONOPROXY", "none")
            // The fake database signs nothing.
            .env("GONOSUMDB", "lib.test,corp.test")
            .envs(self.more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Run { success: output.status.success(), text: text.concat() }
    }
}

/// A gateway in front of the modules of `lazaret_testkit`, with this policy and advisories on `evil-lib`.
async fn house(policy: &str) -> House {
    let now = Clock::system().now();
    let fake = FakeUpstream::start().await;
    fake.go(|proxy| upstream::go_demo(proxy, now));
    let root = fake.url();
    let mut house = House::before(fake, policy);
    let config = std::fs::read_to_string(house.path("lazaret.toml")).unwrap();
    let config = format!("{config}[upstreams.go]\nproxy = \"{root}/go\"\nsumdb = \"{root}/go/sumdb\"\n");
    std::fs::write(house.path("lazaret.toml"), config).unwrap();
    let record = serde_json::json!({
        "id": "MAL-2026-9300", "modified": now.to_string(), "published": now.to_string(),
        "summary": "Malicious code in evil-lib",
        "affected": [{
            "package": {"ecosystem": "Go", "name": "lib.test/evil-lib"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.1"}]}],
        }],
    });
    let records = house.path("advisories");
    std::fs::create_dir(&records).unwrap();
    std::fs::write(records.join("MAL-2026-9300.json"), record.to_string()).unwrap();
    house.command(&["advisories", "import", &records.to_string_lossy()]).await;
    house.start().await;
    house
}

#[tokio::test]
async fn go_gets_the_newest_allowed() {
    let house = house("").await;
    let Some(go) = Go::of(&house) else { return };
    let wanted = ["app-lib", "fresh-lib", "gone-lib", "backdated-lib", "Upper-Lib", "evil-lib"];
    let paths = wanted.map(|name| format!("lib.test/{name}"));
    let mut arguments = vec!["get"];
    arguments.extend(paths.iter().map(String::as_str));
    let run = go.run(&arguments).await;
    assert!(run.success, "{}\n{}", run.text, house.log());
    let chosen = go.read("go.mod");
    for line in [
        "lib.test/app-lib v1.0.0",
        "lib.test/good-lib v1.0.0",
        "lib.test/fresh-lib v1.0.0",
        "lib.test/gone-lib v1.0.0",
        "lib.test/backdated-lib v1.0.0",
        "lib.test/Upper-Lib v1.0.0-RC.1",
        "lib.test/evil-lib v1.0.0",
    ] {
        assert!(chosen.contains(line), "`{line}` is missing: {chosen}");
    }
    for withheld in ["fresh-lib/@v/v1.1.0.zip", "backdated-lib/@v/v1.1.0.zip", "evil-lib/@v/v1.0.1.zip"] {
        assert!(house.upstream().requests_for(withheld).is_empty(), "{withheld}");
    }
    go.write("main.go", "package main\n\nimport _ \"lib.test/app-lib\"\n\nfunc main() {}\n");
    let built = go.run(&["build", "./..."]).await;
    assert!(built.success, "{}", built.text);
}

#[tokio::test]
async fn go_says_why() {
    let house = house("").await;
    let cases = [
        ("pinned-too-new", "lib.test/fresh-lib@v1.1.0"),
        ("all-too-new", "lib.test/new-lib"),
        ("malware", "lib.test/evil-lib@v1.0.1"),
        ("locked", ""),
    ];
    for (case, wanted) in cases {
        let Some(go) = Go::of(&house) else { return };
        let run = if wanted.is_empty() {
            go.write("go.mod", "module probe.test/probe\n\ngo 1.21\n\nrequire lib.test/fresh-lib v1.1.0\n");
            go.run(&["mod", "download"]).await
        } else {
            go.run(&["get", wanted]).await
        };
        assert!(!run.success, "{}", run.text);
        let text = transcript::normalise(&run.text, &[(&go.folder.path().to_string_lossy(), "FOLDER")]);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transcripts");
        transcript::check(&file.join(format!("go-{case}.txt")), &text);
    }
}

#[tokio::test]
async fn a_refusal_does_not_lead_to_the_origin() {
    let house = house("[reserved-name]\npatterns = [\"corp.test\", \"corp.test/*\"]\n").await;
    for wanted in
        ["lib.test/fresh-lib@v1.1.0", "lib.test/agpl-lib", "corp.test/billing", "corp.test/billing@v99.9.9"]
    {
        let Some(mut go) = Go::of(&house) else { return };
        go.proxy = format!("{},direct", go.proxy);
        let run = go.run(&["get", wanted]).await;
        assert!(!run.success, "{wanted}: {}", run.text);
        for origin in ["unrecognized import path", "https://lib.test", "https://corp.test", "git ls-remote"] {
            assert!(!run.text.contains(origin), "{wanted} went to its origin: {}", run.text);
        }
    }
    assert!(house.upstream().requests_for("corp.test").is_empty(), "the upstream heard of a reserved name");
}

#[tokio::test]
async fn branches_and_commits_are_judged_by_their_versions() {
    let house = house("").await;
    let Some(go) = Go::of(&house) else { return };
    let run = go.run(&["get", "lib.test/branch-lib@main", "lib.test/untagged-lib"]).await;
    assert!(run.success, "{}\n{}", run.text, house.log());
    let chosen = go.read("go.mod");
    for line in
        ["branch-lib v1.0.1-0.20200101000000-daa7c04131f5", "untagged-lib v0.0.0-20200101000000-daa7c04131f5"]
    {
        assert!(chosen.contains(line), "{chosen}");
    }
    house.upstream().go(|proxy| {
        proxy
            .module("lib.test/branch-lib")
            .release("v1.0.1-0.20260101000000-eaa7c04131f5")
            .unlisted()
            .unlogged()
            .branch("next");
    });
    let Some(later) = Go::of(&house) else { return };
    let run = later.run(&["get", "lib.test/branch-lib@next"]).await;
    assert!(!run.success && run.text.contains("release-too-new"), "{}", run.text);
}

#[tokio::test]
async fn a_zip_that_is_none_is_not_handed_on() {
    let house = house("").await;
    let Some(go) = Go::of(&house) else { return };
    let run = go.run(&["get", "lib.test/tampered-lib"]).await;
    assert!(!run.success && !run.text.contains("not a valid zip file"), "{}", run.text);
}

#[tokio::test]
async fn a_mirror_may_forbid_what_it_does_not_have() {
    let house = house("").await;
    house.upstream().go(upstream::GoProxy::forbid_what_is_absent);
    let Some(go) = Go::of(&house) else { return };
    let run = go.run(&["get", "lib.test/good-lib/nosuch"]).await;
    assert!(!run.success && run.text.contains("does not contain package"), "{}", run.text);
    let run = go.run(&["get", "lib.test/good-lib"]).await;
    assert!(run.success, "{}", run.text);
}

#[tokio::test]
async fn modules_are_published_by_their_zip() {
    let house = house("[reserved-name]\npatterns = [\"corp.test\", \"corp.test/*\"]\n").await;
    let token = house.token("ann", &["read", "publish:go/corp.test/*"]).await;
    let Some(go) = Go::of(&house) else { return };
    let none = go.run(&["get", "corp.test/Tool/cmd"]).await;
    assert!(!none.success, "{}", none.text);
    let put = async |version: &str, bytes: &[u8]| {
        let file = go.path("module.zip");
        std::fs::write(&file, bytes).unwrap();
        let address = format!("{}/go/corp.test/!tool/@v/{version}.zip", house.url());
        let output = Command::new("curl")
            .args(["-sS", "--fail-with-body", "-H", &format!("authorization: Bearer {token}")])
            .args(["--upload-file", &file.to_string_lossy(), &address])
            .output()
            .await
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let zip = |version: &str, text: &str| {
        let files = [
            ("go.mod".to_owned(), b"module corp.test/Tool\n\ngo 1.21\n".to_vec()),
            ("cmd/cmd.go".to_owned(), format!("package cmd\n\nconst Text = \"{text}\"\n").into_bytes()),
        ];
        upstream::module_zip("corp.test/Tool", version, &files)
    };
    for version in ["v1.0.0", "v1.1.0"] {
        let (done, said) = put(version, &zip(version, version)).await;
        assert!(done, "{said}\n{}", house.log());
    }
    let (again, said) = put("v1.1.0", &zip("v1.1.0", "other bytes")).await;
    assert!(!again && said.contains("v1.1.0"), "{said}");
    let (wrong, said) = put("v1.2.0", b"not a zip").await;
    assert!(!wrong && said.contains("zip"), "{said}");
    let got = go.run(&["get", "corp.test/Tool/cmd"]).await;
    assert!(got.success, "{}\n{}", got.text, house.log());
    assert!(go.read("go.mod").contains("corp.test/Tool v1.1.0"), "{}", go.read("go.mod"));
    assert!(house.upstream().requests_for("corp.test").is_empty(), "the upstream heard of a reserved name");

    let Some(mut verifying) = Go::of(&house) else { return };
    verifying.more.push(("GONOSUMDB", "lib.test".to_owned()));
    let run = verifying.run(&["get", "corp.test/Tool/cmd"]).await;
    assert!(!run.success && run.text.contains("GOPRIVATE"), "{}", run.text);
    assert!(house.upstream().requests_for("corp.test").is_empty(), "the database heard of a reserved name");
}

#[tokio::test]
async fn an_install_ends_with_the_same_bytes_as_without_a_gateway() {
    let house = house("mode = \"observe\"\n").await;
    let direct = format!("{}/go", house.upstream().url());
    let mut ends = Vec::new();
    for proxy in [direct, format!("{}/go", house.url())] {
        let Some(go) = Go::find(&proxy) else { return };
        let modules = ["app-lib", "fresh-lib", "Upper-Lib", "gone-lib", "untagged-lib"];
        let paths = modules.map(|name| format!("lib.test/{name}"));
        let mut arguments = vec!["get"];
        arguments.extend(paths.iter().map(String::as_str));
        let run = go.run(&arguments).await;
        assert!(run.success, "{}\n{}", run.text, house.log());
        ends.push((go.read("go.mod"), go.read("go.sum")));
    }
    assert_eq!(ends[0], ends[1]);
}
