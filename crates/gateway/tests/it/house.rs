//! A whole gateway in this process, in front of registries that behave as the test says.

use lazaret_gateway::{Clock, Gateway, Settings, UpstreamSettings};
use lazaret_identity::Token;
use lazaret_metadata::{AuditRow, KillRow, TokenRow};
use lazaret_testkit::{FakeUpstream, world};
use lazaret_vocabulary::{Span, Timestamp};
use reqwest::header::HeaderMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The moment at which every test begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::parse("2026-11-23T10:00:00Z").unwrap()
}

/// The three ecosystems, as their clients address them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Npm,
    Pypi,
    Cargo,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Npm, Kind::Pypi, Kind::Cargo];

impl Kind {
    pub(crate) fn index(self, name: &str) -> String {
        match self {
            Self::Npm => format!("/npm/{name}"),
            Self::Pypi => format!("/pypi/simple/{name}/"),
            Self::Cargo => format!("/cargo/{}/{}/{name}", &name[..2], &name[2..4]),
        }
    }

    pub(crate) fn file(self, name: &str, version: &str) -> String {
        match self {
            Self::Npm => format!("/npm/{name}/-/{name}-{version}.tgz"),
            Self::Pypi => {
                format!("/pypi/files/{name}/{}-{version}-py3-none-any.whl", name.replace('-', "_"))
            }
            Self::Cargo => format!("/cargo/api/v1/crates/{name}/{version}/download"),
        }
    }

    /// What of a request's path at upstream tells that a file was asked for.
    pub(crate) fn file_mark(self) -> &'static str {
        match self {
            Self::Npm => ".tgz",
            Self::Pypi => ".whl",
            Self::Cargo => "/download",
        }
    }

    pub(crate) fn purl_type(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Cargo => "cargo",
        }
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }
}

pub(crate) struct House {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) upstream: Arc<FakeUpstream>,
    pub(crate) clock: Clock,
    pub(crate) base: String,
    pub(crate) directory: Arc<tempfile::TempDir>,
    pub(crate) client: reqwest::Client,
    settings: Settings,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl House {
    /// The demo world behind the baseline policy.
    pub(crate) async fn open() -> Self {
        Self::with("", |_| {}).await
    }

    /// The demo world behind a policy, with settings of one's own.
    pub(crate) async fn with(policy: &str, change: impl FnOnce(&mut Settings)) -> Self {
        lazaret_testkit::install_tls_provider();
        let upstream = Arc::new(FakeUpstream::start().await);
        world::demo(start()).apply(&upstream);
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = Settings::new(directory.path().join("data"));
        let addresses = |list: &[(&str, String)]| UpstreamSettings {
            addresses: list.iter().map(|(role, url)| ((*role).to_owned(), url.clone())).collect(),
            ..UpstreamSettings::default()
        };
        let url = upstream.url();
        settings.upstreams.insert("npm".into(), addresses(&[("registry", upstream.npm_url())]));
        let pypi = [("simple", upstream.pypi_url()), ("json", format!("{url}/pypi/pypi"))];
        settings.upstreams.insert("pypi".into(), addresses(&pypi));
        let cargo = [("index", upstream.cargo_url()), ("api", format!("{url}/cargo"))];
        settings.upstreams.insert("cargo".into(), addresses(&cargo));
        settings.policy = Some(directory.path().join("policy.toml"));
        std::fs::write(directory.path().join("policy.toml"), policy).unwrap();
        change(&mut settings);
        Self::start(settings, upstream, directory, Clock::held(start())).await
    }

    async fn start(
        settings: Settings,
        upstream: Arc<FakeUpstream>,
        directory: Arc<tempfile::TempDir>,
        clock: Clock,
    ) -> Self {
        let gateway = Gateway::open(settings.clone(), clock.clone()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = gateway.clone();
        let serving = tokio::spawn(async move {
            let stopped = async move { drop(stopped.await) };
            lazaret_gateway::serve(listener, None, served, stopped).await;
        });
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self {
            gateway,
            upstream,
            clock,
            base,
            directory,
            client,
            settings,
            stop: Some(stop),
            serving: Some(serving),
        }
    }

    /// The same house, opened anew from what is on disk. Nothing was closed in order.
    pub(crate) async fn reopened(mut self) -> Self {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
        self.stop.take();
        let next = Self::start(self.settings, self.upstream, self.directory, self.clock);
        next.await
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.settings.data.clone()
    }

    /// Puts another policy in force.
    pub(crate) async fn policy(&self, text: &str) {
        std::fs::write(self.directory.path().join("policy.toml"), text).unwrap();
        self.gateway.reload_policy().await;
    }

    pub(crate) fn advance(&self, by: Span) {
        self.clock.set(self.clock.now() + by);
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.ask("GET", path, &[], "").await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        self.ask("GET", path, headers, "").await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Got {
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A body that breaks off is what it is as far as it came.
        let body = response.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default();
        Got { status, headers, body }
    }

    /// How often upstream was asked for files of this package.
    pub(crate) fn files_fetched(&self, kind: Kind, name: &str) -> usize {
        let mut all = self.upstream.requests();
        all.retain(|request| request.path.replace('_', "-").contains(name));
        all.iter().filter(|request| request.path.contains(kind.file_mark())).count()
    }

    pub(crate) async fn import_demo_advisories(&self) {
        let directory = self.directory.path().join("advisories");
        std::fs::create_dir_all(&directory).unwrap();
        for (file, record) in world::advisories(start()) {
            std::fs::write(directory.join(file), record.to_string()).unwrap();
        }
        self.gateway.import_advisories("demo", directory.to_str().unwrap()).await.unwrap();
    }

    pub(crate) async fn kill(&self, target: &str) {
        let row = KillRow {
            id: format!("kill-{target}"),
            body: target.to_owned(),
            why: "an incident".to_owned(),
            author: "ann".to_owned(),
            created: self.clock.now(),
            lifted: None,
        };
        self.gateway.metadata().add_kill(&row, &self.audit("kill", target)).await.unwrap();
        self.gateway.reload().await;
    }

    pub(crate) async fn token(&self, owner: &str, scopes: &str) -> String {
        let token = Token::generate().unwrap();
        let row = TokenRow {
            id: format!("token-{owner}"),
            hash: token.hash().to_hex(),
            prefix: token.shown_prefix().to_owned(),
            owner: owner.to_owned(),
            class: "person".to_owned(),
            scopes: scopes.to_owned(),
            created: self.clock.now(),
            expires: self.clock.now() + Span::days(30),
            revoked: None,
            last_used: None,
        };
        self.gateway.metadata().add_token(&row, &self.audit("token-create", owner)).await.unwrap();
        format!("Bearer {}", token.reveal())
    }

    pub(crate) fn audit(&self, action: &str, subject: &str) -> AuditRow {
        AuditRow {
            at: self.clock.now(),
            principal: "ann".to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: "{}".to_owned(),
        }
    }

    /// What an `npm publish` sends.
    pub(crate) async fn npm_publish(&self, token: &str, name: &str, version: &str, tarball: &[u8]) -> Got {
        use base64::Engine as _;
        let file = format!("{}-{version}.tgz", name.rsplit('/').next().unwrap());
        let hashes = lazaret_testkit::archive::hash(tarball);
        let document = serde_json::json!({
            "_id": name, "name": name, "dist-tags": { "latest": version },
            "versions": { version: {
                "name": name, "version": version, "license": "MIT",
                "dist": {
                    "integrity": hashes.sri, "shasum": hashes.sha1,
                    "tarball": format!("{}/npm/{name}/-/{file}", self.base),
                },
            }},
            "_attachments": { file: {
                "content_type": "application/octet-stream", "length": tarball.len(),
                "data": base64::engine::general_purpose::STANDARD.encode(tarball),
            }},
        });
        let path = format!("/npm/{}", name.replace('/', "%2f"));
        let headers = [("authorization", token), ("content-type", "application/json")];
        self.ask("PUT", &path, &headers, document.to_string()).await
    }
}

/// A package as npm packs it.
pub(crate) fn npm_tarball(name: &str, version: &str, text: &str) -> Vec<u8> {
    let manifest = serde_json::json!({ "name": name, "version": version, "license": "MIT" }).to_string();
    lazaret_testkit::archive::tar_gz(&[
        ("package/package.json".to_owned(), manifest.into_bytes()),
        ("package/index.js".to_owned(), text.as_bytes().to_vec()),
    ])
}
