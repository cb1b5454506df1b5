//! apt against the binary: signed indexes that pass untouched, refusals at the pool, a suite of the house's own.

use crate::house::House;
use lazaret_gateway::Clock;
use lazaret_testkit::{FakeUpstream, archive, registries, transcript};
use lazaret_vocabulary::Span;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// What a distribution publishes waits here as well, so that there is something to hold.
const WAITING: &str = "[release-too-new]\ncurated_age = \"30d\"\n";

/// apt in a scratch folder: lists, indexes and files of its own, nothing installed.
struct Apt {
    folder: tempfile::TempDir,
}

struct Run {
    text: String,
    status: Option<i32>,
}

impl Apt {
    /// Reading these lines; nothing, said loudly, where there is no apt.
    fn reading(lines: &str) -> Option<Self> {
        if !Path::new("/usr/bin/apt-get").exists() {
            let thread = std::thread::current();
            registries::skip(thread.name().unwrap_or("a test"), "apt is not installed", "it is Debian's");
            return None;
        }
        let apt = Self { folder: tempfile::Builder::new().prefix("apt-").tempdir().unwrap() };
        for folder in ["lists/partial", "cache/archives/partial", "project"] {
            std::fs::create_dir_all(apt.path(folder)).unwrap();
        }
        let root = apt.folder.path().display();
        let settings = format!(
            "Dir::Etc::sourcelist \"{root}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
             Dir::Etc::parts \"/dev/null\";\nDir::Etc::netrc \"{root}/auth.conf\";\n\
             Dir::Etc::preferencesparts \"/dev/null\";\nDir::State::lists \"{root}/lists/\";\n\
             Dir::State::status \"{root}/status\";\nDir::Cache \"{root}/cache/\";\n\
             APT::Sandbox::User \"root\";\nAPT::Architecture \"amd64\";\nAcquire::Languages \"none\";\n\
             Acquire::Retries \"0\";\nAcquire::http::Proxy \"DIRECT\";\n"
        );
        for (file, text) in
            [("apt.conf", settings.as_str()), ("sources.list", lines), ("status", ""), ("auth.conf", "")]
        {
            std::fs::write(apt.path(file), text).unwrap();
        }
        Some(apt)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn run(&self, arguments: &[&str]) -> Run {
        let output = Command::new("/usr/bin/apt-get")
            .args(["-q", "-y"])
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("HOME", self.folder.path())
            .env("APT_CONFIG", self.path("apt.conf"))
            .current_dir(self.path("project"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
        Run { text, status: output.status.code() }
    }

    /// Both outputs of a run that must succeed.
    async fn done(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments).await;
        assert_eq!(run.status, Some(0), "apt-get {}: {}", arguments.join(" "), run.text);
        run.text
    }

    /// Every file that was downloaded.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(self.path("project")).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .collect()
    }
}

/// A signed archive of this world's packages; the second is the line's option that names its key.
async fn archive_of_packages() -> (FakeUpstream, tempfile::TempDir, String) {
    let now = Clock::system().now();
    let keys = tempfile::Builder::new().prefix("keys-").tempdir().unwrap();
    let upstream = FakeUpstream::start().await;
    let mut signed = false;
    upstream.deb(|archives| {
        archives
            .package("debian", "good-lib")
            .release("1.0-1")
            .release("1:1.2-1")
            .published("2024-02-29T10:00:00Z")
            .binary("good-tool");
        archives
            .package("debian", "fresh-lib")
            .release("1.0-1")
            .published(&(now - Span::days(100)).to_string())
            .release("1.1-1")
            .published(&(now - Span::hours(2)).to_string());
        archives.package("debian", "agpl-lib").release("1.0-1").licence("AGPL-3+");
        archives.package("debian", "evil-lib").release("1.0-1").release("1.0.1-1");
        archives
            .package("debian", "tampered-lib")
            .release("1.0-1")
            .tampered(b"!<arch>\nsomething else".to_vec());
        archives.package("debian", "confused-lib").release("1.0-1").packed_version("0.9-1");
        archives.package("other", "good-lib").release("9.9-1");
        archives.package("other", "theirs").release("9.9-1").binary("acme-tool");
        signed = archives.sign(keys.path());
    });
    let option = if signed {
        format!("[signed-by={}]", keys.path().join("archive.asc").display())
    } else {
        "[trusted=yes]".to_owned()
    };
    (upstream, keys, option)
}

/// A gateway in front of it, started.
async fn house(upstream: FakeUpstream, policy: &str) -> House {
    let (debian, other) = (upstream.deb_url("debian"), upstream.deb_url("other"));
    let mut house = House::before(upstream, policy);
    let path = house.path("lazaret.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let more = format!("[upstreams.deb]\ndebian = \"{debian}\"\nother = \"{other}\"\n");
    std::fs::write(path, config + &more).unwrap();
    let records = house.path("advisories");
    std::fs::create_dir(&records).unwrap();
    let record = serde_json::json!({
        "id": "MAL-2026-9009", "modified": "2026-11-01T00:00:00Z", "summary": "Malicious code in evil-lib",
        "affected": [{
            "package": { "ecosystem": "Debian:12", "name": "evil-lib" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "1.0.1-1" }] }],
        }],
    });
    std::fs::write(records.join("MAL-2026-9009.json"), record.to_string()).unwrap();
    house.command(&["advisories", "import", &records.to_string_lossy()]).await;
    house.start().await;
    house
}

fn line(option: &str, root: &str) -> String {
    format!("deb {option} {root} stable main\ndeb-src {option} {root} stable main\n")
}

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/transcripts/apt-{case}.txt"))
}

#[tokio::test]
async fn apt_says_why() {
    let (upstream, _keys, option) = archive_of_packages().await;
    let house = house(upstream, WAITING).await;
    let Some(apt) = Apt::reading(&line(&option, &format!("{}/deb/debian", house.url()))) else { return };
    apt.done(&["update"]).await;
    apt.done(&["download", "good-lib", "good-tool", "fresh-lib=1.0-1"]).await;
    assert_eq!(apt.files().len(), 3, "{:?}", apt.files().keys());
    for (case, package, code) in [
        ("too-new", "fresh-lib", "release-too-new"),
        ("malware", "evil-lib", "known-malware"),
        ("licence", "agpl-lib", "licence"),
        ("confused", "confused-lib", "bytes-changed"),
    ] {
        let run = apt.run(&["download", package]).await;
        assert!(run.status == Some(100) && run.text.contains(code), "{}\n{}", run.text, house.log());
        let told = format!("$ apt-get download {package}\n{}[exit code 100]\n", run.text);
        // apt names the port once more, behind a blank.
        let port = format!("127.0.0.1 {}]", house.url().rsplit(':').next().unwrap_or_default());
        transcript::check(&golden(case), &transcript::normalise(&told, &[(&port, "127.0.0.1 PORT]")]));
    }
    let run = apt.run(&["download", "tampered-lib"]).await;
    assert_eq!(run.status, Some(100), "{}", run.text);
    assert_eq!(apt.files().len(), 3, "{:?}", apt.files().keys());
    // The release that may be had, named as apt names it.
    apt.done(&["download", "evil-lib=1.0-1"]).await;
}

#[tokio::test]
async fn direct_and_through_the_gateway_are_the_same() {
    let (upstream, _keys, option) = archive_of_packages().await;
    let direct = line(&option, &upstream.deb_url("debian"));
    let house = house(upstream, "mode = \"observe\"\n").await;
    let gated = line(&option, &format!("{}/deb/debian", house.url()));
    let (Some(direct), Some(gated)) = (Apt::reading(&direct), Apt::reading(&gated)) else { return };
    for apt in [&direct, &gated] {
        apt.done(&["update"]).await;
        let packages = ["good-lib", "good-tool", "fresh-lib", "agpl-lib", "evil-lib", "evil-lib=1.0-1"];
        for package in packages {
            apt.done(&["download", package]).await;
        }
        apt.done(&["source", "--download-only", "good-lib", "fresh-lib=1.0-1"]).await;
    }
    assert_eq!(direct.files().len(), 10, "{:?}", direct.files().keys());
    assert!(direct.files() == gated.files());
    // A second look costs nobody a byte: what is unchanged is not sent again.
    house.upstream().clear_log();
    let again = gated.done(&["update"]).await;
    assert!(again.contains("Hit:1"), "{again}");
}

#[tokio::test]
async fn a_file_that_no_index_listed_is_not_served() {
    let (upstream, _keys, _) = archive_of_packages().await;
    let house = house(upstream, "").await;
    let told = house.fetch("/deb/debian/pool/main/g/good-lib/good-lib_1.0-1_amd64.deb").await;
    assert!(told.contains("apt-get update"), "{told}");
    let outside = house.upstream().requests_for("/pool/");
    assert!(outside.is_empty(), "{outside:?}");
    for elsewhere in
        ["/deb/nowhere/dists/stable/InRelease", "/deb/debian/dists/stable/main/installer/x.tar.gz"]
    {
        let told = house.fetch(elsewhere).await;
        assert!(!told.contains("BEGIN PGP"), "{told}");
    }
}

fn package(name: &str, version: &str, source: &str) -> Vec<u8> {
    let control = format!(
        "Package: {name}\n{source}Version: {version}\nArchitecture: all\nMaintainer: Ann\nDescription: ours\n"
    );
    let meta = archive::tar_gz(&[("./control".to_owned(), control.into_bytes())]);
    let data = archive::tar_gz(&[(format!("./usr/share/{name}"), version.as_bytes().to_vec())]);
    archive::ar(
        1_700_000_000,
        &[("debian-binary", b"2.0\n"), ("control.tar.gz", &meta), ("data.tar.gz", &data)],
    )
}

/// curl as the manual has it; the status and the text.
async fn curl(arguments: &[&str]) -> (String, String) {
    let output =
        Command::new("curl").args(["-sS", "-w", "\n%{http_code}"]).args(arguments).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (text, status) = text.rsplit_once('\n').unwrap();
    (status.to_owned(), text.to_owned())
}

#[tokio::test]
async fn a_suite_of_the_house() {
    let (upstream, _keys, option) = archive_of_packages().await;
    let house = house(upstream, "").await;
    let token =
        house.token("ann", &["read", "publish:deb/acme", "publish:deb/acme-*", "publish:deb/good-lib"]).await;
    let (root, credential) = (format!("{}/deb/hosted", house.url()), format!("__token__:{token}"));
    let publish = async |file: &str, bytes: Vec<u8>| {
        let path = house.path(file);
        std::fs::write(&path, bytes).unwrap();
        let path = path.to_string_lossy().into_owned();
        curl(&["-u", &credential, "--upload-file", &path, &format!("{root}/pool/")]).await
    };
    let (status, text) =
        publish("acme-tool_1.0-1_all.deb", package("acme-tool", "1.0-1", "Source: acme\n")).await;
    assert_eq!(status, "201", "{text}\n{}", house.log());
    let (status, text) =
        publish("acme-doc_1.0-1_all.deb", package("acme-doc", "1.0-1", "Source: acme\n")).await;
    assert_eq!(status, "201", "a second package of the same source: {text}\n{}", house.log());
    let (status, text) =
        publish("acme-tool_1.0-1_all.deb", package("acme-tool", "1.0-1", "Source: acme\nX: y\n")).await;
    assert_eq!(status, "409", "{text}");
    let (status, text) = publish("theirs_1_all.deb", package("theirs", "1", "")).await;
    assert!(status == "403" && text.contains("publish:deb/theirs"), "{status} {text}");
    let (status, _) =
        curl(&["--upload-file", "/dev/null", &format!("{root}/pool/acme-tool_2_all.deb")]).await;
    assert_eq!(status, "401");

    let key = house.path("key.asc");
    let (_, text) = curl(&[&format!("{root}/key.asc")]).await;
    std::fs::write(&key, text).unwrap();
    let ours = format!("deb [signed-by={}] {root} stable main\n", key.display());
    let theirs = line(&option, &format!("{}/deb/debian", house.url()))
        + &line(&option, &format!("{}/deb/other", house.url()));
    let Some(apt) = Apt::reading(&(ours + &theirs)) else { return };
    apt.done(&["update"]).await;
    apt.done(&["download", "acme-doc", "acme-tool=1.0-1", "good-lib=1:1.2-1"]).await;
    assert_eq!(apt.files().len(), 3, "{:?}", apt.files().keys());

    // Its source's name is nobody else's from now on; the upstream's own of that name is refused.
    let (status, text) = publish("good-lib_0.1_all.deb", package("good-lib", "0.1", "")).await;
    assert_eq!(status, "201", "{text}");
    let run = apt.run(&["download", "good-lib=1.0-1"]).await;
    assert!(run.status == Some(100), "{}", run.text);
    apt.done(&["update"]).await;
    apt.done(&["download", "good-lib=0.1"]).await;

    let gone = format!("{root}/packages/acme/1.0-1");
    let (status, text) = curl(&["-u", &credential, "--request", "DELETE", &gone]).await;
    assert_eq!(status, "200", "{text}");
    apt.done(&["update"]).await;
    let run = apt.run(&["download", "acme-doc"]).await;
    assert_eq!(run.status, Some(100), "{}", run.text);
    let (status, text) =
        publish("acme-doc_1.0-1_all.deb", package("acme-doc", "1.0-1", "Source: acme\n")).await;
    assert_eq!(status, "409", "a removed version came back: {text}");
}

#[tokio::test]
async fn what_is_installed_is_checked() {
    let (upstream, _keys, option) = archive_of_packages().await;
    let house = house(upstream, "").await;
    let Some(apt) = Apt::reading(&line(&option, &format!("{}/deb/debian", house.url()))) else { return };
    apt.done(&["update"]).await;
    let list = house.path("dpkg.list");
    std::fs::write(&list, "good-lib 1.0-1\nevil-lib 1.0.1-1\n").unwrap();
    let output = house.try_command(&["check", &list.to_string_lossy()]).await;
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(!output.status.success() && text.contains("MAL-2026-9009"), "{text}");
}
