//! An HTTP server that behaves like the public registries: the facts of each are set by the test, may
//! change while it runs, and every request is kept.
//!
//! | path | answers |
//! |---|---|
//! | `/npm/{package}` | packument, full or abbreviated by `Accept` |
//! | `/npm/{package}/{version or tag}` | one manifest |
//! | `/npm/{package}/-/{file}.tgz` | tarball |
//! | `/npm/-/package/{package}/dist-tags`, `/npm/-/ping`, `/npm/-/v1/search`, `/npm/-/npm/v1/keys`, `/npm/-/npm/v1/attestations/{package}@{version}` | as the registry does |
//! | `POST /npm/-/npm/v1/security/…` | `{}` |
//! | `/pypi/simple/`, `/pypi/simple/{project}/` | index, HTML or JSON by `Accept`; redirects to the normalised name |
//! | `/pypi/pypi/{project}/json`, `/pypi/pypi/{project}/{version}/json` | legacy document |
//! | `/pypi/integrity/{project}/{version}/{file}/provenance` | attestations |
//! | `/pypi/files/{digest}/{file}` and `….metadata` | files |
//! | `/cargo/index/config.json`, `/cargo/index/{prefix}/{crate}` | sparse index |
//! | `/cargo/dl/{crate}/{version}/download` | crate file |
//! | `/cargo/api/v1/crates?q=`, `/cargo/api/v1/crates/{crate}`, `…/owners` | search, information |
//! | `/oci/v2/{name}/manifests/…`, `…/blobs/…`, `…/tags/list`, `…/referrers/…`, `/oci/token` | images |
//! | `/github/web/{owner}/{repository}[.git]/info/refs`, `POST …/git-upload-pack` | git's smart protocol, from real repositories |
//! | `/github/web/{owner}/{repository}/archive/…`, `/raw/…`, `/releases/download/…`, `/tarball/…` | downloads |
//! | `/github/codeload/…`, `/github/raw/…`, `/github/api/repos/…` | the same from hosts of their own; releases and commits |
//! | `/nuget/v3/index.json`, `/nuget/v3/registration-{hive}/{id}/…`, `/nuget/v3/catalog/…`, `/nuget/v3/search` | a V3 feed |
//! | `/nuget/flat/{id}/index.json`, `/nuget/flat/{id}/{version}/{id}.{version}.nupkg` | its flat container |
//! | `/maven/{group}/{artifact}/maven-metadata.xml`, `…/{version}/{file}`, each with `.sha1`, `.sha256`, `.sha512` | a Maven repository |
//! | `/deb/{archive}/dists/stable/…`, `/deb/{archive}/pool/…` | archive |
//! | `/go/{module}/@v/list`, `…/@v/{version}.info`, `.mod`, `.zip`, `/go/{module}/@latest` | module proxy |
//! | `/go/sumdb/lookup/{module}@{version}` | a record of the checksum database, unsigned |
//! | anything given to [`FakeUpstream::route`] | that |
//!
//! ```ignore
//! let upstream = FakeUpstream::start().await;
//! upstream.npm(|registry| {
//!     registry.package("left-pad").release("1.3.0").published("2018-04-09T00:00:00Z").licence("WTFPL");
//! });
//! upstream.fail("left-pad", Fault::status(500)).times(2);
//! assert!(upstream.requests_for("left-pad").is_empty());
//! ```

mod cargo;
mod conditions;
mod deb;
mod fault;
mod github;
mod go;
mod maven;
mod npm;
mod npm_render;
mod nuget;
mod oci;
mod pypi;
mod pypi_render;
mod reply;
mod server;
#[cfg(test)]
mod tests;

pub use cargo::{CargoPackage, CargoRegistry};
pub use deb::{DebArchives, DebPackage};
pub use fault::{Fault, FaultHandle};
pub use github::{GithubHost, GithubRepository};
pub use go::{GoModule, GoProxy, demo as go_demo, module_zip};
pub use maven::{MavenPackage, MavenRepository};
pub use npm::{NpmPackage, NpmRegistry};
pub use nuget::{NugetPackage, NugetRegistry, nupkg};
pub use oci::{OciImage, OciRegistry, OciRepository};
pub use pypi::{PypiProject, PypiRegistry};
pub use reply::{Kind, Payload, Reply};

use bytes::Bytes;
use http::request::Parts;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// What the server does beyond the documents. The default is what the public registries do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// Sends `ETag`, `Last-Modified` and `Cache-Control`, and answers conditional requests with 304.
    pub validators: bool,
    /// Compresses documents for clients that accept gzip.
    pub compression: bool,
    /// Answers byte ranges of files.
    pub ranges: bool,
    /// npm: answers the abbreviated form to those who ask for it.
    pub abbreviated: bool,
    /// npm: names maintainers and publishers, and says `hasInstallScript`, `deprecated`, `signatures`.
    pub npm_extras: bool,
    /// PyPI: speaks JSON to those who ask for it, otherwise only HTML.
    pub simple_json: bool,
    /// Addresses in documents use the second origin for files, as PyPI and crates.io do.
    pub files_elsewhere: bool,
    /// Files come no faster than this on each connection, as over a line to the outside.
    pub file_bytes_per_second: Option<u64>,
    /// Every answer takes so much longer, as from far away.
    pub distance: std::time::Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            validators: true,
            compression: true,
            ranges: true,
            abbreviated: true,
            npm_extras: true,
            simple_json: true,
            files_elsewhere: false,
            file_bytes_per_second: None,
            distance: std::time::Duration::ZERO,
        }
    }
}

impl Behaviour {
    /// A plain mirror as companies run them: no validators, no compression, full documents only, and
    /// nothing about people.
    pub fn plain_mirror() -> Self {
        Self {
            validators: false,
            compression: false,
            abbreviated: false,
            npm_extras: false,
            ..Self::default()
        }
    }
}

/// Requests after these are answered but not kept: a bench sends millions.
const MAX_LOGGED_REQUESTS: usize = 100_000;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// The path as sent, percent-encoding and all.
    pub path: String,
    /// The query without `?`; empty when there was none.
    pub query: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, when it was at most 4 MiB.
    pub body: Bytes,
}

impl Recorded {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// Everything behind the server's lock.
#[derive(Default)]
pub(crate) struct State {
    npm: NpmRegistry,
    pypi: PypiRegistry,
    cargo: CargoRegistry,
    oci: OciRegistry,
    github: GithubHost,
    nuget: NugetRegistry,
    maven: MavenRepository,
    deb: DebArchives,
    go: GoProxy,
    routes: BTreeMap<String, Reply>,
    credentials: Vec<(String, String)>,
    behaviour: Behaviour,
    faults: Vec<fault::Rule>,
    next_fault: u64,
    log: Vec<Recorded>,
    files_base: String,
    compressed: BTreeMap<String, Bytes>,
}

/// A test that failed while holding the lock must not hide its own message behind a poisoned one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Logs a request and decides what to answer and what to break.
    fn answer(
        &mut self,
        parts: &Parts,
        uri: &str,
        body: Bytes,
        base: &str,
    ) -> (Reply, Option<Fault>, Behaviour) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let request = Recorded {
            method: parts.method.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body,
        };
        let reply = self.route(&request, base);
        if self.log.len() < MAX_LOGGED_REQUESTS {
            self.log.push(request);
        }
        let fault =
            self.faults.iter_mut().find(|rule| fault::matches(&rule.pattern, uri) && rule.left != Some(0));
        let fault = fault.and_then(|rule| {
            if rule.skip > 0 {
                rule.skip -= 1;
                return None;
            }
            rule.left = rule.left.map(|left| left - 1);
            rule.hits += 1;
            Some(rule.fault.clone())
        });
        (reply, fault, self.behaviour.clone())
    }

    fn route(&mut self, request: &Recorded, base: &str) -> Reply {
        let path = request.path.as_str();
        if let Some(reply) = self.routes.get(path) {
            return reply.clone();
        }
        let denied = self.credentials.iter().any(|(prefix, expected)| {
            path.starts_with(prefix.as_str()) && request.header("authorization") != Some(expected.as_str())
        });
        if denied {
            return Reply::plain(401, "text/plain", "credentials wanted")
                .header("www-authenticate", "Bearer");
        }
        let files = if self.behaviour.files_elsewhere { self.files_base.as_str() } else { base };
        if let Some(rest) = path.strip_prefix("/npm/") {
            return self.npm.answer(rest, request, base, &self.behaviour);
        }
        if let Some(rest) = path.strip_prefix("/github/") {
            return self.github.answer(rest, request);
        }
        if request.method != "GET" && request.method != "HEAD" {
            return Reply::plain(405, "text/plain", "").header("allow", "GET, HEAD");
        }
        if let Some(rest) = path.strip_prefix("/pypi/") {
            return self.pypi.answer(rest, request, files, &self.behaviour);
        }
        if let Some(rest) = path.strip_prefix("/cargo/") {
            return self.cargo.answer(rest, request, base, files);
        }
        if let Some(rest) = path.strip_prefix("/oci/") {
            return self.oci.answer(rest, request, base);
        }
        if let Some(rest) = path.strip_prefix("/nuget/") {
            return self.nuget.answer(rest, request, base, files);
        }
        if let Some(rest) = path.strip_prefix("/maven/") {
            return self.maven.answer(rest, request);
        }
        if let Some(rest) = path.strip_prefix("/deb/") {
            return self.deb.answer(rest, request);
        }
        if let Some(rest) = path.strip_prefix("/go/") {
            return self.go.answer(rest);
        }
        Reply::not_found()
    }
}

/// The running server; it stops when this is dropped.
pub struct FakeUpstream {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl FakeUpstream {
    /// An empty registry of each kind on a free loopback port.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// The same on a port of one's choice.
    pub async fn start_on(port: u16) -> Self {
        let main = TcpListener::bind(("127.0.0.1", port)).await.expect("a loopback port");
        let files = TcpListener::bind(("127.0.0.1", 0)).await.expect("a second loopback port");
        let address = main.local_addr().expect("a bound port");
        let files_base = format!("http://{}", files.local_addr().expect("a bound port"));
        let state = Arc::new(Mutex::new(State { files_base: files_base.clone(), ..State::default() }));
        let base = format!("http://{address}");
        let tasks = vec![
            tokio::spawn(server::accept(main, Arc::clone(&state), base)),
            tokio::spawn(server::accept(files, Arc::clone(&state), files_base)),
        ];
        Self { state, address, tasks }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The origin that files have under [`Behaviour::files_elsewhere`].
    pub fn files_url(&self) -> String {
        lock(&self.state).files_base.clone()
    }

    /// What npm's `registry` setting takes.
    pub fn npm_url(&self) -> String {
        format!("{}/npm/", self.url())
    }

    /// What pip's `index-url` takes.
    pub fn pypi_url(&self) -> String {
        format!("{}/pypi/simple/", self.url())
    }

    /// What cargo's `index` takes, without `sparse+` in front.
    pub fn cargo_url(&self) -> String {
        format!("{}/cargo/index/", self.url())
    }

    /// What the role `registry` of container images takes.
    pub fn oci_url(&self) -> String {
        format!("{}/oci", self.url())
    }

    /// A git host's address of this role: `web`, `raw`, `codeload` or `api`.
    pub fn github_url(&self, role: &str) -> String {
        format!("{}/github/{role}", self.url())
    }

    /// What NuGet's `packageSources` take.
    pub fn nuget_url(&self) -> String {
        format!("{}/nuget/v3/index.json", self.url())
    }

    /// The root of an archive, as a list of sources has it.
    pub fn deb_url(&self, archive: &str) -> String {
        format!("{}/deb/{archive}", self.url())
    }

    /// The address it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets or changes npm packages.
    pub fn npm(&self, change: impl FnOnce(&mut NpmRegistry)) -> &Self {
        change(&mut lock(&self.state).npm);
        self
    }

    /// Sets or changes Python projects.
    pub fn pypi(&self, change: impl FnOnce(&mut PypiRegistry)) -> &Self {
        change(&mut lock(&self.state).pypi);
        self
    }

    /// Sets or changes crates.
    pub fn cargo(&self, change: impl FnOnce(&mut CargoRegistry)) -> &Self {
        change(&mut lock(&self.state).cargo);
        self
    }

    /// Sets or changes repositories of images.
    pub fn oci(&self, change: impl FnOnce(&mut OciRegistry)) -> &Self {
        change(&mut lock(&self.state).oci);
        self
    }

    /// Sets or changes git repositories.
    pub fn github<T>(&self, change: impl FnOnce(&mut GithubHost) -> T) -> T {
        change(&mut lock(&self.state).github)
    }

    /// Sets or changes NuGet packages.
    pub fn nuget(&self, change: impl FnOnce(&mut NugetRegistry)) -> &Self {
        change(&mut lock(&self.state).nuget);
        self
    }

    /// Sets or changes Java packages.
    pub fn maven(&self, change: impl FnOnce(&mut MavenRepository)) -> &Self {
        change(&mut lock(&self.state).maven);
        self
    }

    /// Sets or changes Debian packages.
    pub fn deb(&self, change: impl FnOnce(&mut DebArchives)) -> &Self {
        change(&mut lock(&self.state).deb);
        self
    }

    /// Sets or changes Go modules.
    pub fn go(&self, change: impl FnOnce(&mut GoProxy)) -> &Self {
        change(&mut lock(&self.state).go);
        self
    }

    /// Answers exactly this path with a fixed reply, before anything else is looked at.
    pub fn route(&self, path: &str, reply: Reply) -> &Self {
        lock(&self.state).routes.insert(path.to_owned(), reply);
        self
    }

    /// Changes how the server behaves.
    pub fn behave(&self, behaviour: Behaviour) -> &Self {
        lock(&self.state).behaviour = behaviour;
        self
    }

    /// Answers 401 below this path unless `Authorization` has exactly this value.
    pub fn require_authorization(&self, prefix: &str, value: &str) -> &Self {
        lock(&self.state).credentials.push((prefix.to_owned(), value.to_owned()));
        self
    }

    /// Breaks every request whose path and query contain `pattern` or, when it has a `*`, match it as a
    /// whole. The earliest rule that is still in force wins.
    pub fn fail(&self, pattern: &str, fault: Fault) -> FaultHandle {
        let mut state = lock(&self.state);
        let id = state.next_fault;
        state.next_fault += 1;
        state.faults.push(fault::Rule {
            id,
            pattern: pattern.to_owned(),
            fault,
            skip: 0,
            left: None,
            hits: 0,
        });
        FaultHandle { state: Arc::clone(&self.state), id }
    }

    /// Switches every fault off.
    pub fn heal(&self) {
        lock(&self.state).faults.clear();
    }

    /// Every request since the start or [`FakeUpstream::clear_log`], in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.state).log.clone()
    }

    /// The requests whose path or query contains `part`.
    pub fn requests_for(&self, part: &str) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| request.path.contains(part) || request.query.contains(part));
        requests
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        lock(&self.state).log.clear();
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// A JSON object whose members keep their order, from values that are JSON already.
fn json_object(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{value}", json_text(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// A JSON string.
fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The header form of an RFC 3339 date, when it is one.
fn http_date(date: &str) -> Option<String> {
    let moment = lazaret_vocabulary::Timestamp::parse(date).ok()?;
    let since = std::time::Duration::from_secs(u64::try_from(moment.seconds()).ok()?);
    Some(httpdate::fmt_http_date(std::time::UNIX_EPOCH + since))
}

/// Path segments with their percent-encoding undone.
fn segments(path: &str) -> Vec<String> {
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    path.split('/').map(decode).collect()
}
