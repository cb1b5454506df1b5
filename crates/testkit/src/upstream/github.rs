//! Repositories as a test states them: real ones, bare, in a temporary folder, served by `git http-backend` and
//! `git archive` as a git host does.

use super::reply::Reply;
use super::{Recorded, segments};
use crate::archive::hash;
use bytes::Bytes;
use lazaret_vocabulary::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// All repositories of the fake host.
#[derive(Default)]
pub struct GithubHost {
    repositories: BTreeMap<String, Repository>,
    root: Option<tempfile::TempDir>,
    first_version_only: bool,
}

struct Repository {
    name: String,
    folder: PathBuf,
    created: String,
    archived: bool,
    licence: Option<String>,
    releases: Vec<Release>,
}

struct Release {
    tag: String,
    published: String,
    author: String,
    prerelease: bool,
    assets: Vec<Asset>,
}

struct Asset {
    name: String,
    content: Bytes,
    updated: String,
}

impl GithubHost {
    /// Opens a repository, new or known.
    ///
    /// # Panics
    /// When git is not there, or the name is not `owner/repository`.
    pub fn repository(&mut self, name: &str) -> GithubRepository<'_> {
        let root = self.root.get_or_insert_with(|| {
            tempfile::Builder::new().prefix("git-host-").tempdir().expect("a temporary folder")
        });
        let key = name.to_ascii_lowercase();
        assert_eq!(key.split('/').count(), 2, "`{name}` is owner/repository");
        let folder = root.path().join(format!("{key}.git"));
        let repository = self.repositories.entry(key).or_insert_with(|| {
            std::fs::create_dir_all(&folder).expect("a folder in a temporary one");
            git(&folder, &["init", "--quiet", "--bare", "--initial-branch=main", "."], b"");
            for setting in ["uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"] {
                git(&folder, &["config", setting, "true"], b"");
            }
            Repository {
                name: name.to_owned(),
                folder,
                created: "2015-01-01T00:00:00Z".to_owned(),
                archived: false,
                licence: Some("MIT".to_owned()),
                releases: Vec::new(),
            }
        });
        GithubRepository { repository, branch: "main".to_owned() }
    }

    /// Speaks protocol version 0 whatever it is asked, as old servers do.
    pub fn speak_first_version(&mut self) {
        self.first_version_only = true;
    }

    /// Answers a request below `/github/`: `web`, `raw`, `codeload` and `api` are the four addresses.
    pub(super) fn answer(&mut self, rest: &str, request: &Recorded) -> Reply {
        let parts = segments(rest);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let reading = matches!(request.method.as_str(), "GET" | "HEAD");
        let (place, owner, name, below) = match parts.as_slice() {
            ["api", "repos", owner, name, below @ ..] => ("api", owner, name, below),
            [place, owner, name, below @ ..] => (*place, owner, name, below),
            _ => return Reply::not_found(),
        };
        let name = name.trim_end_matches(".git");
        let key = format!("{owner}/{name}").to_ascii_lowercase();
        let Some(repository) = self.repositories.get(&key) else { return Reply::not_found() };
        let reply = match (place, below) {
            ("web", ["info", "refs"] | ["git-upload-pack"]) => {
                Some(repository.smart(&below.join("/"), request, self.first_version_only))
            }
            _ if !reading => None,
            ("web", ["archive", at @ ..]) => repository.archive(&at.join("/")),
            ("web", ["tarball", at @ ..]) => repository.legacy(&at.join("/"), "tar.gz"),
            ("web", ["zipball", at @ ..]) => repository.legacy(&at.join("/"), "zip"),
            ("web", ["raw", at, path @ ..]) | ("raw", [at, path @ ..]) => {
                repository.file(at, &path.join("/"))
            }
            ("web", ["releases", "download", tag @ .., file]) => repository.asset(&tag.join("/"), file),
            ("codeload", [form @ ("tar.gz" | "zip"), at @ ..]) => {
                repository.archive(&format!("{}.{form}", at.join("/")))
            }
            ("codeload", ["legacy.tar.gz", at @ ..]) => repository.legacy(&at.join("/"), "tar.gz"),
            ("codeload", ["legacy.zip", at @ ..]) => repository.legacy(&at.join("/"), "zip"),
            ("api", below) => repository.api(below),
            _ => None,
        };
        reply.unwrap_or_else(Reply::not_found)
    }
}

/// A repository that is being described. What is committed goes on the branch last named, `main` at first.
pub struct GithubRepository<'a> {
    repository: &'a mut Repository,
    branch: String,
}

impl GithubRepository<'_> {
    /// A commit of these files on top of those before, made at `date` (RFC 3339).
    pub fn commit(self, date: &str, files: &[(&str, &str)]) -> Self {
        let when = seconds(date);
        let parent = self.repository.id(&format!("refs/heads/{}", self.branch));
        let mut stream = format!(
            "commit refs/heads/{}\ncommitter Alice <alice@registry.example> {when} +0000\ndata 6\nchange\n",
            self.branch
        )
        .into_bytes();
        if let Some(parent) = parent {
            stream.extend_from_slice(format!("from {parent}\n").as_bytes());
        }
        for (path, content) in files {
            stream.extend_from_slice(
                format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len()).as_bytes(),
            );
        }
        git(&self.repository.folder, &["fast-import", "--quiet", "--force"], &stream);
        self
    }

    /// What follows is committed on this branch, which begins where the one before stands.
    pub fn branch(mut self, name: &str) -> Self {
        if let Some(at) = self.repository.id(&format!("refs/heads/{}", self.branch))
            && self.repository.id(&format!("refs/heads/{name}")).is_none()
        {
            git(&self.repository.folder, &["branch", name, &at], b"");
        }
        name.clone_into(&mut self.branch);
        self
    }

    /// A tag with a message of its own on the branch's newest commit; one of that name is moved.
    pub fn tag(self, name: &str) -> Self {
        let branch = format!("refs/heads/{}", self.branch);
        git(&self.repository.folder, &["tag", "--force", "--annotate", "-m", name, name, &branch], b"");
        self
    }

    /// The same without a message.
    pub fn light_tag(self, name: &str) -> Self {
        let branch = format!("refs/heads/{}", self.branch);
        git(&self.repository.folder, &["tag", "--force", name, &branch], b"");
        self
    }

    /// A release page of a tag.
    pub fn release(self, tag: &str, published: &str, author: &str) -> Self {
        self.repository.releases.insert(
            0,
            Release {
                tag: tag.to_owned(),
                published: published.to_owned(),
                author: author.to_owned(),
                prerelease: false,
                assets: Vec::new(),
            },
        );
        self
    }

    /// The release last named is a pre-release.
    pub fn prerelease(self) -> Self {
        if let Some(release) = self.repository.releases.first_mut() {
            release.prerelease = true;
        }
        self
    }

    /// A file of the release last named, attached with it.
    pub fn asset(self, name: &str, content: impl Into<Bytes>) -> Self {
        let published = self.repository.releases.first().map(|release| release.published.clone());
        self.asset_at(name, content, &published.unwrap_or_default())
    }

    /// The same, attached or replaced at `date`.
    pub fn asset_at(self, name: &str, content: impl Into<Bytes>, date: &str) -> Self {
        if let Some(release) = self.repository.releases.first_mut() {
            release.assets.retain(|asset| asset.name != name);
            release.assets.push(Asset {
                name: name.to_owned(),
                content: content.into(),
                updated: date.to_owned(),
            });
        }
        self
    }

    /// When the host made it.
    pub fn created(self, date: &str) -> Self {
        date.clone_into(&mut self.repository.created);
        self
    }

    /// Its owners have given it up.
    pub fn archived(self) -> Self {
        self.repository.archived = true;
        self
    }

    /// Its licence; `None` for one that the host does not know.
    pub fn licence(self, spdx: Option<&str>) -> Self {
        self.repository.licence = spdx.map(str::to_owned);
        self
    }

    /// The commit that a name stands for.
    ///
    /// # Panics
    /// When there is no such name.
    pub fn id(&self, name: &str) -> String {
        self.repository.id(name).unwrap_or_else(|| panic!("`{name}` stands for a commit"))
    }
}

impl Repository {
    fn id(&self, name: &str) -> Option<String> {
        let commit = format!("{name}^{{commit}}");
        let found = try_git(&self.folder, &["rev-parse", "--quiet", "--verify", &commit], b"")?;
        Some(String::from_utf8_lossy(&found).trim().to_owned())
    }

    /// `git http-backend` over CGI (RFC 3875).
    fn smart(&self, below: &str, request: &Recorded, first_version_only: bool) -> Reply {
        let mut command = Command::new("git");
        command.arg("http-backend");
        quiet(&mut command, &self.folder);
        command
            .env("GIT_PROJECT_ROOT", &self.folder)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", format!("/{below}"))
            .env("QUERY_STRING", &request.query)
            .env("REQUEST_METHOD", &request.method)
            .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .env("REMOTE_ADDR", "127.0.0.1");
        if let Some(coding) = request.header("content-encoding") {
            command.env("HTTP_CONTENT_ENCODING", coding);
        }
        if let Some(protocol) = request.header("git-protocol").filter(|_| !first_version_only) {
            command.env("GIT_PROTOCOL", protocol);
        }
        let (answer, _) = run(command, &request.body);
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
        let body = answer.get(end + 4..).unwrap_or_default().to_vec();
        let field = |wanted: &str| {
            head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
            })
        };
        let status = field("status").and_then(|status| status.get(..3)?.parse().ok()).unwrap_or(200);
        Reply::plain(status, &field("content-type").unwrap_or_default(), body)
    }

    /// `{ref}.tar.gz` or `{ref}.zip`; the one folder is called by the reference.
    fn archive(&self, file: &str) -> Option<Reply> {
        let (name, form) = ["tar.gz", "zip"]
            .into_iter()
            .find_map(|form| Some((file.strip_suffix(form)?.strip_suffix('.')?, form)))?;
        let short = name.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        let version = short.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let folder = version.unwrap_or(short).replace('/', "-");
        self.packed(name, form, &format!("{}-{folder}/", self.repository_name()))
    }

    /// The older form: the folder is called by owner, repository and commit.
    fn legacy(&self, name: &str, form: &str) -> Option<Reply> {
        let name = if name.is_empty() { "HEAD" } else { name };
        let commit = self.id(name)?;
        let folder = format!("{}-{}/", self.name.replace('/', "-"), commit.get(..7).unwrap_or_default());
        self.packed(name, form, &folder)
    }

    fn packed(&self, name: &str, form: &str, folder: &str) -> Option<Reply> {
        let commit = self.id(name)?;
        let (format, prefix) = (format!("--format={form}"), format!("--prefix={folder}"));
        let bytes = try_git(&self.folder, &["archive", &format, &prefix, &commit], b"")?;
        let media = if form == "zip" { "application/zip" } else { "application/x-gzip" };
        Some(Reply::file(media, bytes))
    }

    fn repository_name(&self) -> &str {
        self.name.split('/').nth(1).unwrap_or_default()
    }

    fn file(&self, at: &str, path: &str) -> Option<Reply> {
        let bytes = try_git(&self.folder, &["cat-file", "blob", &format!("{at}:{path}")], b"")?;
        Some(Reply::file("text/plain; charset=utf-8", bytes))
    }

    fn asset(&self, tag: &str, file: &str) -> Option<Reply> {
        let release = self.releases.iter().find(|release| release.tag == tag)?;
        let asset = release.assets.iter().find(|asset| asset.name == file)?;
        Some(Reply::file("application/octet-stream", asset.content.clone()))
    }

    fn api(&self, below: &[&str]) -> Option<Reply> {
        let value = match below {
            [] => json!({
                "full_name": self.name,
                "archived": self.archived,
                "disabled": false,
                "created_at": self.created,
                "license": self.licence.as_ref().map(|spdx| json!({ "spdx_id": spdx })),
            }),
            ["releases"] => self.releases.iter().map(Release::json).collect(),
            ["releases", "tags", tag @ ..] => {
                let tag = tag.join("/");
                self.releases.iter().find(|release| release.tag == tag)?.json()
            }
            ["git", "commits", commit] => {
                let id = self.id(commit)?;
                let date = try_git(&self.folder, &["show", "-s", "--format=%cI", &id], b"")?;
                json!({ "sha": id, "committer": { "date": String::from_utf8_lossy(&date).trim() } })
            }
            _ => return None,
        };
        Some(Reply::document("application/json", value.to_string()))
    }
}

impl Release {
    fn json(&self) -> Value {
        let assets: Vec<Value> = self
            .assets
            .iter()
            .map(|asset| {
                json!({
                    "name": asset.name,
                    "state": "uploaded",
                    "size": asset.content.len(),
                    "digest": format!("sha256:{}", hash(&asset.content).sha256),
                    "created_at": asset.updated,
                    "updated_at": asset.updated,
                    "uploader": { "login": self.author },
                })
            })
            .collect();
        json!({
            "tag_name": self.tag,
            "name": self.tag,
            "draft": false,
            "prerelease": self.prerelease,
            "created_at": self.published,
            "published_at": self.published,
            "author": { "login": self.author },
            "assets": assets,
        })
    }
}

fn seconds(date: &str) -> i64 {
    Timestamp::parse(date).unwrap_or_else(|error| panic!("{error}")).seconds()
}

/// Nothing of this machine's settings counts, and all that git makes is the same each time.
fn quiet(command: &mut Command, folder: &Path) {
    command.current_dir(folder).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    for (name, value) in [
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_COMMITTER_NAME", "Alice"),
        ("GIT_COMMITTER_EMAIL", "alice@registry.example"),
        ("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z"),
    ] {
        command.env(name, value);
    }
}

fn run(mut command: Command, input: &[u8]) -> (Vec<u8>, bool) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("git is there");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // Written beside the reading, so that neither waits for the other. A child that reads no further is done.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("git runs");
    let _ = writer.join();
    (output.stdout, output.status.success())
}

fn try_git(folder: &Path, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new("git");
    command.args(arguments);
    quiet(&mut command, folder);
    let (output, success) = run(command, input);
    success.then_some(output)
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) {
    assert!(try_git(folder, arguments, input).is_some(), "git {} failed", arguments.join(" "));
}
