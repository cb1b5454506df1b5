//! From a request to an answer: authenticate, route, hand on.

use super::package::Viewer;
use super::{Gateway, past};
use crate::server::{Peer, Service};
use crate::wire::{Answer, Body, answer, text};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use lazaret_ecosystems::{Ecosystem, Route};
use lazaret_identity::Identity;
use lazaret_vocabulary::{BaseUrl, RequestHead, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;

/// Longest request target accepted.
const MAX_TARGET: usize = 8 << 10;

/// Everything about a request that the steps after routing need.
pub(crate) struct Asked<'a> {
    pub(crate) ecosystem: &'static dyn Ecosystem,
    pub(crate) head: RequestHead<'a>,
    /// Address of the gateway itself.
    pub(crate) root: &'a str,
    /// Address of the ecosystem's mount.
    pub(crate) base: BaseUrl,
    pub(crate) identity: Arc<Identity>,
    /// The moment as of which the registry is asked for, if not the present.
    pub(crate) as_of: Option<Timestamp>,
}

impl Asked<'_> {
    /// Who looks, and when.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer { class: self.identity.principal.class, as_of: self.as_of }
    }
}

impl Service for Gateway {
    async fn call(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
            return text(StatusCode::URI_TOO_LONG, "the address is too long");
        }
        let is_head = parts.method == Method::HEAD;
        let begun = std::time::Instant::now();
        let mut response = self.dispatch(&parts, body, peer).await;
        let path = parts.uri.path();
        let (mount, _) = split_mount(past::split(path, self.clock.now()).map_or(path, |dated| dated.rest));
        let label = self.mounted(mount).map_or("house", |ecosystem| ecosystem.profile().id.as_str());
        let class = match response.status().as_u16() {
            304 => "304",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        metrics::counter!("lazaret_requests_total", "ecosystem" => label, "status" => class).increment(1);
        metrics::histogram!("lazaret_request_seconds", "ecosystem" => label).record(begun.elapsed());
        if is_head && !matches!(response.body(), Body::Whole(None)) {
            if let Some(length) = http_body::Body::size_hint(response.body()).exact() {
                response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
            }
            *response.body_mut() = Body::empty();
        }
        response
    }
}

impl Gateway {
    async fn dispatch(&self, parts: &http::request::Parts, body: Incoming, peer: Peer) -> Answer {
        let Some(dated) = past::split(parts.uri.path(), self.clock.now()) else {
            return text(StatusCode::BAD_REQUEST, past::EXPECTED);
        };
        let (mount, rest) = split_mount(dated.rest);
        // Clients of images name no path before the mount: for them, and whoever likes, the moment may follow it.
        let inner = match past::split(rest, self.clock.now()) {
            Some(inner) if inner.as_of.is_some() && dated.as_of.is_none() => inner,
            _ => past::Dated { prefix: "", as_of: dated.as_of, rest },
        };
        let rest = inner.rest;
        let Some(ecosystem) = self.mounted(mount) else {
            return self.house(parts, body, peer).await;
        };
        let root = self.root_url(&parts.headers, peer);
        let base = BaseUrl::new(&format!("{root}{}/{mount}{}", dated.prefix, inner.prefix));
        let head = RequestHead {
            method: &parts.method,
            path: rest,
            query: parts.uri.query().unwrap_or(""),
            headers: &parts.headers,
        };
        let identity = self.authenticate(&parts.headers, peer).await;
        let route = ecosystem.route(&head);
        if let Route::Config = route {
            let open = self.anonymous_may_read(peer);
            return match ecosystem.client_config(&base, !open) {
                Some(reply) => answer(reply),
                None => {
                    answer(ecosystem.error(StatusCode::NOT_FOUND, "there is nothing at this address", &head))
                }
            };
        }
        if let Route::Open(reply) = route {
            return answer(reply);
        }
        let identity = match identity {
            Ok(identity) if identity.may_read() => identity,
            Ok(identity) if identity.is_anonymous() => return unauthorised(ecosystem, &head, None),
            Ok(_) => {
                let message = "this token may not read; ask for one with the scope `read`";
                return answer(ecosystem.error(StatusCode::FORBIDDEN, message, &head));
            }
            Err(why) => return unauthorised(ecosystem, &head, Some(&why)),
        };
        let asked = Asked { ecosystem, head, root: &root, base, identity, as_of: inner.as_of };
        if asked.as_of.is_some() && is_change(&route) {
            let message = "the past cannot be changed; publish without /at/";
            return answer(ecosystem.error(StatusCode::FORBIDDEN, message, &asked.head));
        }
        let is_get = parts.method == Method::GET || parts.method == Method::HEAD;
        match route {
            Route::Index { package, view } if is_get => self.index(&asked, package, view).await,
            Route::Artifact { package, file, part } if is_get => {
                self.artifact(&asked, package, file, part).await
            }
            Route::Submit { action, package, limit_bytes } => {
                self.submit(&asked, action, package, limit_bytes, body).await
            }
            Route::Pointer { package, pointer, wanted } if is_get => {
                self.pointer(&asked, package, pointer, wanted).await
            }
            Route::Relay(relay) if is_get => self.relay(&asked, relay).await,
            Route::Converse { package, kind, limit_bytes } => {
                self.converse(&asked, package, kind, limit_bytes, body).await
            }
            Route::Catalogue { name } if is_get => self.catalogue(&asked, name).await,
            Route::Upload { package, step } => self.upload(&asked, package, step, body).await,
            Route::Audit { kind } => self.audit(&asked, kind, body).await,
            Route::Search(search) => self.search(&asked, search).await,
            Route::WhoAmI => self.whoami(&asked),
            Route::Fixed(reply) => answer(reply),
            Route::Index { .. }
            | Route::Artifact { .. }
            | Route::Pointer { .. }
            | Route::Relay(_)
            | Route::Catalogue { .. } => answer(ecosystem.error(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD read here",
                &asked.head,
            )),
            Route::Unknown | Route::Open(_) | Route::Config => answer(ecosystem.error(
                StatusCode::NOT_FOUND,
                "there is nothing at this address",
                &asked.head,
            )),
        }
    }

    /// The gateway's own address as this client reaches it: configured, or from the request, where only
    /// trusted proxies may speak for somebody else.
    pub(crate) fn root_url(&self, headers: &HeaderMap, peer: Peer) -> String {
        if let Some(configured) = &self.settings.base_url {
            return configured.trim_end_matches('/').to_owned();
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let trusted = self.is_trusted_proxy(peer.address.ip());
        let forwarded = |name: &str| -> Option<&str> {
            let value = text(name).split(',').next().unwrap_or("").trim();
            (trusted && !value.is_empty()).then_some(value)
        };
        let scheme = match forwarded("x-forwarded-proto") {
            Some("https") => "https",
            Some("http") => "http",
            _ if peer.tls => "https",
            _ => "http",
        };
        let host = forwarded("x-forwarded-host").unwrap_or_else(|| text("host"));
        let clean = !host.is_empty()
            && host.len() <= 255
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
        format!("{scheme}://{}", if clean { host } else { "localhost" })
    }

    pub(crate) fn is_trusted_proxy(&self, address: IpAddr) -> bool {
        self.settings.trusted_proxies.contains(&address.to_canonical())
    }

    /// Whether reading needs no token for this peer. By default that is so on loopback only, and a
    /// forwarded request is never local.
    pub(crate) fn anonymous_may_read(&self, peer: Peer) -> bool {
        self.settings.anonymous_read.unwrap_or_else(|| {
            peer.address.ip().to_canonical().is_loopback() && self.settings.trusted_proxies.is_empty()
        })
    }
}

/// Whether a request wants to change something.
fn is_change(route: &Route) -> bool {
    matches!(route, Route::Submit { .. } | Route::Upload { .. })
}

fn unauthorised(ecosystem: &dyn Ecosystem, head: &RequestHead<'_>, why: Option<&str>) -> Answer {
    let message = match why {
        Some(why) => format!("the token was not accepted: {why}"),
        None => "a token is needed to read here; ask the gateway's operator for one".to_owned(),
    };
    let mut response = answer(ecosystem.error(StatusCode::UNAUTHORIZED, &message, head));
    if !response.headers().contains_key(header::WWW_AUTHENTICATE) {
        let challenge = http::HeaderValue::from_static("Basic realm=\"Lazaret\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// `/npm/left-pad` → (`npm`, `/left-pad`).
fn split_mount(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.find('/') {
        Some(at) => path.split_at(at),
        None => (path, "/"),
    }
}
