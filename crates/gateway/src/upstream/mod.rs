//! The only door to the world outside: documents and artifacts from upstream registries.
//!
//! Redirects are followed here, one by one, so that each hop is held to the same rules; bytes are taken
//! uncompressed or inflated under a bound; answers are retried where that is safe; an upstream that keeps
//! failing is left alone for a while.

mod ask;
mod breaker;
mod guard;
mod token;

pub use ask::{Said, ask};

use crate::clock::Clock;
use crate::settings::UpstreamSettings;
use breaker::Breaker;
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use lazaret_vocabulary::Timestamp;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use token::{Challenge, Tokens};
use url::Url;

/// Why upstream did not give what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// It says that it does not have it.
    #[error("the upstream does not have it")]
    Absent,
    /// It answered with a status that is neither success nor absence.
    #[error("the upstream answered {0}")]
    Status(StatusCode),
    /// It could not be reached, broke off or took too long.
    #[error("the upstream could not be read: {0}")]
    Unreachable(String),
    /// What it sent breaks a bound or a rule of ours.
    #[error("the upstream's answer was refused: {0}")]
    Refused(String),
    /// It failed too often a moment ago and is being left alone.
    #[error("the upstream failed repeatedly; it will be asked again in {0} s")]
    Resting(u64),
    /// None is configured.
    #[error("no upstream address `{0}` is configured")]
    NotConfigured(String),
}

impl UpstreamError {
    fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Status(status) => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            _ => false,
        }
    }
}

/// What is known of the copy at hand, so that an unchanged one is not sent again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Validators {
    /// `ETag` of the copy.
    pub(crate) etag: Option<String>,
    /// `Last-Modified` of the copy.
    pub(crate) last_modified: Option<String>,
}

/// A document to ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Which of the addresses it stands below.
    pub(crate) role: &'a str,
    /// Below it, or absolute.
    pub(crate) path: &'a str,
    /// The media types that are understood.
    pub(crate) accept: &'static str,
    /// Further headers, names in lower case.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Whether it may come compressed.
    pub(crate) coding: Coding,
}

/// Whether a document may come compressed for the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// It may; it is inflated here.
    Any,
    /// Its bytes are wanted as they lie there.
    None,
}

/// A document's answer.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// The copy at hand is current.
    Unchanged,
    /// A new body, inflated.
    Body {
        /// The bytes.
        body: Bytes,
        /// Media type without parameters, lower case.
        content_type: String,
        /// For the next question.
        validators: Validators,
        /// When it last changed, by its server's word.
        modified: Option<Timestamp>,
    },
}

/// An artifact on its way.
pub(crate) struct ArtifactStream {
    /// Its declared length.
    pub(crate) length: Option<u64>,
    response: reqwest::Response,
    read: u64,
    /// How to ask for the rest after a cut; `None` where it cannot be asked for twice.
    again: Option<(Arc<Upstream>, Url, HeaderMap)>,
    cuts: u32,
}

impl ArtifactStream {
    /// The next bytes; `None` at the end. A body that breaks off is taken up where it broke, as long as the
    /// upstream answers ranges; one that stays short of its declared length is an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        loop {
            let error = match tokio::time::timeout(IDLE, self.response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    self.read += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Ok(Ok(None)) if self.length.is_none_or(|length| self.read >= length) => return Ok(None),
                Ok(Ok(None)) => UpstreamError::Unreachable("the body stopped short".into()),
                Ok(Err(error)) => unreachable_error(&error),
                Err(_) => UpstreamError::Unreachable(format!("no byte for {} s", IDLE.as_secs())),
            };
            self.resume(error).await?;
        }
    }

    /// Asks for what is missing. What comes is hashed with the rest, so that nothing need be believed of it.
    async fn resume(&mut self, error: UpstreamError) -> Result<(), UpstreamError> {
        let Some((upstream, url, headers)) = self.again.clone() else { return Err(error) };
        if self.cuts >= MAX_CUTS || self.read == 0 {
            return Err(error);
        }
        self.cuts += 1;
        tracing::info!(read = self.read, %error, "an artifact broke off and is taken up again");
        let mut headers = headers;
        let range = HeaderValue::from_str(&format!("bytes={}-", self.read));
        headers.insert(header::RANGE, range.map_err(|_| error.clone())?);
        tokio::time::sleep(Duration::from_millis(100 << self.cuts)).await;
        let response = upstream.send(Method::GET, url, headers, None).await.map_err(|_| error.clone())?;
        let told = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let begins =
            told.and_then(|text| text.strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok());
        if response.status() != StatusCode::PARTIAL_CONTENT || begins != Some(self.read) {
            return Err(error);
        }
        self.response = response;
        Ok(())
    }
}

const MAX_REDIRECTS: usize = 5;
const ATTEMPTS: u32 = 3;
/// How often one artifact is taken up again after a cut.
const MAX_CUTS: u32 = 5;
/// Longest wait for a status line.
const FIRST_BYTE: Duration = Duration::from_secs(30);
/// Longest silence inside a body.
const IDLE: Duration = Duration::from_secs(30);
/// Longest checksum file beside an artifact, in bytes.
const LONGEST_SIDECAR: usize = 4096;
/// Longest time for a whole document.
const DOCUMENT: Duration = Duration::from_secs(120);
/// Longest that a `Retry-After` is honoured inside a request.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// One ecosystem's upstream.
pub(crate) struct Upstream {
    client: reqwest::Client,
    addresses: HashMap<String, Url>,
    /// Role → the credential for its host.
    credentials: HashMap<String, HeaderValue>,
    tokens: Tokens,
    /// One for each origin that was named, and one for all others.
    breakers: HashMap<String, Breaker>,
    breaker: Breaker,
    document_limit: usize,
}

impl Upstream {
    /// Checks the addresses; an error names the one that is wrong and the form expected.
    pub(crate) fn new(
        settings: &UpstreamSettings,
        document_limit: usize,
        clock: Clock,
    ) -> Result<Arc<Self>, String> {
        let mut addresses = HashMap::new();
        for (role, text) in &settings.addresses {
            let url = Url::parse(text.trim_end_matches('/'))
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
                .ok_or_else(|| format!("upstream address `{role}` is not an http(s) URL"))?;
            addresses.insert(role.clone(), url);
        }
        let mut trusted: Vec<String> =
            addresses.values().filter_map(|url| url.host_str().map(str::to_owned)).collect();
        trusted.extend(settings.private_hosts.iter().cloned());
        let client = guard::client(trusted)?;
        let mut credentials = HashMap::new();
        for role in addresses.keys() {
            if let Some(text) = settings.credentials.get(role).or(settings.authorization.as_ref()) {
                let mut value = HeaderValue::from_str(text)
                    .map_err(|_| format!("the authorization of upstream `{role}` is not a header value"))?;
                value.set_sensitive(true);
                credentials.insert(role.clone(), value);
            }
        }
        let origins = addresses.values().map(|url| url.origin().ascii_serialization());
        let breakers = origins.map(|origin| (origin, Breaker::new(clock.clone()))).collect();
        let breaker = Breaker::new(clock);
        let tokens = Tokens::default();
        Ok(Arc::new(Self { client, addresses, credentials, tokens, breakers, breaker, document_limit }))
    }

    /// The roles that have an address.
    pub(crate) fn roles(&self) -> Vec<Arc<str>> {
        self.addresses.keys().map(|role| role.as_str().into()).collect()
    }

    /// The address of a document: below that of its role, or absolute where another document named it.
    fn address(&self, role: &str, path: &str) -> Result<Url, UpstreamError> {
        let text = if path.starts_with("https://") || path.starts_with("http://") {
            path.to_owned()
        } else {
            let base = self.addresses.get(role);
            let base = base.ok_or_else(|| UpstreamError::NotConfigured(role.to_owned()))?;
            format!("{}{path}", base.as_str().trim_end_matches('/'))
        };
        Url::parse(&text).map_err(|_| UpstreamError::Refused("its address is not a URL".into()))
    }

    /// The credential for an address, which only the hosts that the operator named get.
    fn credential(&self, url: &Url) -> Option<&HeaderValue> {
        let own = self
            .addresses
            .iter()
            .find(|(role, address)| address.origin() == url.origin() && self.credentials.contains_key(*role));
        own.and_then(|(role, _)| self.credentials.get(role))
    }

    /// Whether an address of this role is configured.
    pub(crate) fn has(&self, role: &str) -> bool {
        self.addresses.contains_key(role)
    }

    /// Asks for a document.
    pub(crate) async fn document(
        &self,
        wanted: &Wanted<'_>,
        have: &Validators,
    ) -> Result<Fetched, UpstreamError> {
        let url = self.address(wanted.role, wanted.path)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(wanted.accept));
        let codings = if wanted.coding == Coding::Any { "gzip" } else { "identity" };
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
        for (name, value) in wanted.headers {
            headers.insert(header::HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for (name, value) in
            [(header::IF_NONE_MATCH, &have.etag), (header::IF_MODIFIED_SINCE, &have.last_modified)]
        {
            if let Some(value) = value.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
                headers.insert(name, value);
            }
        }
        self.retry(&url, || async {
            tokio::time::timeout(DOCUMENT, self.read_document(url.clone(), headers.clone()))
                .await
                .unwrap_or_else(|_| Err(UpstreamError::Unreachable("it took too long".into())))
        })
        .await
    }

    async fn read_document(&self, url: Url, headers: HeaderMap) -> Result<Fetched, UpstreamError> {
        let mut response = self.send(Method::GET, url, headers, None).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        let text = |name: header::HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
        let modified = validators.last_modified.as_deref().and_then(moment);
        let content_type = text(header::CONTENT_TYPE)
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let encoding = text(header::CONTENT_ENCODING).unwrap_or_default().to_ascii_lowercase();
        let mut body = BytesMut::with_capacity(
            response
                .content_length()
                .and_then(|length| usize::try_from(length).ok())
                .unwrap_or(0)
                .min(1 << 20),
        );
        loop {
            let chunk = tokio::time::timeout(IDLE, response.chunk())
                .await
                .map_err(|_| UpstreamError::Unreachable(format!("no byte for {} s", IDLE.as_secs())))?
                .map_err(|error| unreachable_error(&error))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > self.document_limit {
                return Err(self.too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let body = match encoding.as_str() {
            "" | "identity" => body.freeze(),
            "gzip" | "x-gzip" => self.inflate(body.freeze()).await?,
            other => {
                return Err(UpstreamError::Refused(format!("content encoding `{other}` was not asked for")));
            }
        };
        Ok(Fetched::Body { body, content_type, validators, modified })
    }

    fn too_large(&self) -> UpstreamError {
        UpstreamError::Refused(format!(
            "the document is larger than {} MiB (document_limit_bytes)",
            self.document_limit >> 20
        ))
    }

    async fn inflate(&self, body: Bytes) -> Result<Bytes, UpstreamError> {
        let limit = self.document_limit;
        let inflated = tokio::task::spawn_blocking(move || {
            let mut plain = Vec::new();
            let read =
                flate2::read::MultiGzDecoder::new(&body[..]).take(limit as u64 + 1).read_to_end(&mut plain);
            read.map(|_| plain)
        })
        .await
        .map_err(|_| UpstreamError::Refused("it could not be inflated".into()))?
        .map_err(|error| UpstreamError::Refused(format!("its gzip is broken: {error}")))?;
        if inflated.len() > limit {
            return Err(self.too_large());
        }
        Ok(inflated.into())
    }

    /// The address of an artifact: absolute, `@role/path`, or relative to the address `role`.
    fn artifact_address(&self, url: &str, role: &str) -> Result<Url, UpstreamError> {
        if let Some((role, path)) = url.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
            return self.address(role, &format!("/{path}"));
        }
        Url::parse(url).or_else(|_| {
            self.address(role, "/")?
                .join(url)
                .map_err(|_| UpstreamError::Refused("the artifact's address is not a URL".into()))
        })
    }

    /// Begins to download an artifact.
    pub(crate) async fn artifact(
        self: &Arc<Self>,
        url: &str,
        role: &str,
        accept: &'static str,
    ) -> Result<ArtifactStream, UpstreamError> {
        let url = self.artifact_address(url, role)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response =
            self.retry(&url, || self.send(Method::GET, url.clone(), headers.clone(), None)).await?;
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|value| value.as_bytes() != b"identity") {
            return Err(UpstreamError::Refused(
                "the artifact came compressed though it was asked for plain".into(),
            ));
        }
        let again = Some((self.clone(), url, headers));
        Ok(ArtifactStream { length: response.content_length(), response, read: 0, again, cuts: 0 })
    }

    /// A small text beside an artifact, such as its checksum: the artifact's own address with `suffix` behind.
    pub(crate) async fn sidecar(&self, url: &str, role: &str, suffix: &str) -> Result<Bytes, UpstreamError> {
        let mut url = self.artifact_address(url, role)?;
        url.set_path(&format!("{}{suffix}", url.path()));
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let mut response =
            self.retry(&url, || self.send(Method::GET, url.clone(), headers.clone(), None)).await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable_error(&error))? {
            if body.len() + chunk.len() > LONGEST_SIDECAR {
                return Err(UpstreamError::Refused("the checksum file is no checksum".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// Asks a question with a body, once: what comes is made for it and cannot be taken up again.
    pub(crate) async fn question(
        &self,
        role: &str,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<ArtifactStream, UpstreamError> {
        let url = self.address(role, path)?;
        self.breaker(&url).ask()?;
        let response = self.send(Method::POST, url, headers, Some(body)).await?;
        let length = response.content_length();
        Ok(ArtifactStream { length, response, read: 0, again: None, cuts: 0 })
    }

    /// Sends a request, follows redirects, and shows a token where one is asked for. Answers with a success or
    /// 304, or with what went wrong.
    async fn send(
        &self,
        method: Method,
        mut url: Url,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<reqwest::Response, UpstreamError> {
        let mut asked_for_token = false;
        for _ in 0..=MAX_REDIRECTS {
            if !matches!(url.scheme(), "http" | "https") {
                return Err(UpstreamError::Refused(format!("it points to a `{}:` address", url.scheme())));
            }
            guard::check_literal(&url, self.is_trusted(&url))?;
            let mut request = self.client.request(method.clone(), url.clone()).headers(headers.clone());
            if let Some(credential) = self.tokens.of(&url).as_ref().or(self.credential(&url)) {
                request = request.header(header::AUTHORIZATION, credential.clone());
            }
            if let Some(body) = &body {
                request = request.body(body.clone());
            }
            let response = tokio::time::timeout(FIRST_BYTE, request.send())
                .await
                .map_err(|_| {
                    UpstreamError::Unreachable(format!("no answer within {} s", FIRST_BYTE.as_secs()))
                })?
                .map_err(|error| unreachable_error(&error))?;
            let status = response.status();
            let partial = status == StatusCode::PARTIAL_CONTENT;
            if status.is_success() && partial == headers.contains_key(header::RANGE)
                || status == StatusCode::NOT_MODIFIED
            {
                return Ok(response);
            }
            if status == StatusCode::UNAUTHORIZED
                && !asked_for_token
                && self.is_own_origin(&url)
                && let Some(challenge) = Challenge::read(response.headers())
            {
                asked_for_token = true;
                self.ask_for_token(&url, &challenge).await?;
                continue;
            }
            if status == StatusCode::NOT_FOUND || status == StatusCode::GONE {
                return Err(UpstreamError::Absent);
            }
            if status == StatusCode::TOO_MANY_REQUESTS {
                pause_as_told(response.headers()).await;
            }
            if !status.is_redirection() {
                return Err(UpstreamError::Status(status));
            }
            let asked = url.clone();
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            url = location
                .and_then(|text| url.join(text).ok())
                .ok_or_else(|| UpstreamError::Refused(format!("{status} without a usable location")))?;
            // A question goes on with its body, as a renamed repository wants it, but to nobody else.
            if body.is_some() && url.origin() != asked.origin() {
                return Err(UpstreamError::Refused("it sends a question to another host".into()));
            }
        }
        Err(UpstreamError::Refused(format!("more than {MAX_REDIRECTS} redirects")))
    }

    fn is_trusted(&self, url: &Url) -> bool {
        self.addresses.values().any(|own| own.host_str() == url.host_str())
    }

    fn is_own_origin(&self, url: &Url) -> bool {
        self.addresses.values().any(|own| own.origin() == url.origin())
    }

    fn breaker(&self, url: &Url) -> &Breaker {
        self.breakers.get(&url.origin().ascii_serialization()).unwrap_or(&self.breaker)
    }

    async fn retry<T, F>(&self, url: &Url, attempt: impl Fn() -> F) -> Result<T, UpstreamError>
    where
        F: Future<Output = Result<T, UpstreamError>>,
    {
        let breaker = self.breaker(url);
        breaker.ask()?;
        let mut tries = 0;
        loop {
            let result = attempt().await;
            let outcome = match &result {
                Ok(_) => "answered",
                Err(UpstreamError::Absent) => "absent",
                Err(UpstreamError::Status(_)) => "failed",
                Err(UpstreamError::Refused(_)) => "refused",
                Err(_) => "unreachable",
            };
            metrics::counter!("lazaret_upstream_requests_total", "outcome" => outcome).increment(1);
            match result {
                Err(error) if error.is_passing() => {
                    tries += 1;
                    if tries >= ATTEMPTS {
                        breaker.failed();
                        return Err(error);
                    }
                    let jitter = jitter_millis();
                    tokio::time::sleep(Duration::from_millis((100 << tries) + jitter)).await;
                }
                other => {
                    breaker.succeeded();
                    return other;
                }
            }
        }
    }
}

async fn pause_as_told(headers: &HeaderMap) {
    let told = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    tokio::time::sleep(told.min(MAX_RETRY_AFTER)).await;
}

/// The innermost cause, without the address, which may carry a credential.
fn unreachable_error(error: &reqwest::Error) -> UpstreamError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let mut text = cause.to_string();
    if error.url().is_some_and(|url| text.contains(url.as_str())) || text.is_empty() {
        text = "the connection failed".into();
    }
    if text.contains(guard::REFUSED) {
        UpstreamError::Refused(text)
    } else {
        UpstreamError::Unreachable(text)
    }
}

/// Fetches one address that the operator configured, whole, at most `limit` bytes of it.
pub(crate) async fn fetch_public(address: &str, limit: usize) -> Result<Bytes, UpstreamError> {
    let url = Url::parse(address).map_err(|_| UpstreamError::Refused("the address is not a URL".into()))?;
    let mut settings = UpstreamSettings::default();
    let origin = url.origin().ascii_serialization();
    settings.addresses.insert("source".into(), origin);
    let upstream = Upstream::new(&settings, limit, Clock::system()).map_err(UpstreamError::Refused)?;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let wanted = Wanted { role: "source", path: &path, accept: "*/*", headers: &[], coding: Coding::Any };
    match upstream.document(&wanted, &Validators::default()).await? {
        Fetched::Body { body, .. } => Ok(body),
        Fetched::Unchanged => Err(UpstreamError::Refused("it answered 304 to a first request".into())),
    }
}

/// The moment in a `Last-Modified` header.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp::from_millis)
}

/// Up to a quarter second, so that many gateways do not come back at the same moment.
fn jitter_millis() -> u64 {
    let mut byte = [0u8; 1];
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut byte);
    u64::from(byte[0])
}
