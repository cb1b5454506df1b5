//! The gateway's own addresses: health, metrics, and the pages that explain.

use super::{Gateway, pages};
use crate::server::Peer;
use crate::wire::{Answer, answer, text};
use http::{HeaderMap, Method, StatusCode};
use hyper::body::Incoming;
use lazaret_identity::{AuthenticationError, Identity, TokenRecord, parse_scopes, token_from_headers};
use lazaret_metadata::TokenRow;
use lazaret_vocabulary::{PrincipalClass, Purl, Reply};
use std::sync::Arc;

const HTML: &str = "text/html; charset=utf-8";

impl Gateway {
    pub(crate) async fn house(&self, parts: &http::request::Parts, _body: Incoming, peer: Peer) -> Answer {
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD read here");
        }
        let path = parts.uri.path();
        match path {
            "/healthz" => return text(StatusCode::OK, "ok"),
            "/readyz" => {
                return match self.metadata.health().await {
                    Ok(()) => text(StatusCode::OK, "ready"),
                    Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
                };
            }
            _ => {}
        }
        match self.authenticate(&parts.headers, peer).await {
            Ok(identity) if identity.may_read() => {}
            _ => {
                let mut response = text(StatusCode::UNAUTHORIZED, "a token is needed to read here");
                // A browser asks its human for it: any user name, the token as the password.
                let challenge = http::HeaderValue::from_static("Basic realm=\"Lazaret\", charset=\"UTF-8\"");
                response.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
                return response;
            }
        }
        if path == "/metrics" {
            return match self.metrics.get() {
                Some(page) => {
                    let page = page() + &self.gauges().await;
                    answer(Reply::new(StatusCode::OK, "text/plain; version=0.0.4", page))
                }
                None => text(StatusCode::NOT_FOUND, "metrics are off"),
            };
        }
        if path == "/" {
            let root = self.root_url(&parts.headers, peer);
            return answer(Reply::new(StatusCode::OK, HTML, pages::home(&root)));
        }
        if let Some(rest) = path.strip_prefix("/why/") {
            return self.why(rest).await;
        }
        if path == "/api/v1/explain" {
            return self.explain_api(parts.uri.query().unwrap_or("")).await;
        }
        text(StatusCode::NOT_FOUND, "there is nothing at this address")
    }

    /// What is measured when somebody asks, in Prometheus' text format.
    async fn gauges(&self) -> String {
        let mut page = String::new();
        let mut gauge = |name: &str, labels: &str, value: u64| {
            page.push_str(&format!("# TYPE {name} gauge\n{name}{labels} {value}\n"));
        };
        if let Ok(bytes) = self.metadata.collectable_bytes().await {
            gauge("lazaret_store_bytes", "", bytes);
        }
        gauge("lazaret_policy_unmatched", "", self.unmatched().len() as u64);
        self.packages.run_pending_tasks();
        gauge("lazaret_store_limit_bytes", "", self.settings.store_limit_bytes);
        gauge("lazaret_packages_in_memory", "", self.packages.entry_count());
        gauge("lazaret_replies_in_memory_bytes", "", self.replies.weighted_size());
        let (state, now) = (self.state(), self.clock.now());
        page.push_str("# TYPE lazaret_advisory_source_age_seconds gauge\n");
        for (source, fetched) in &state.sources {
            // A source that was never read has no age; its absence from the list is what alerts look for.
            if let Some(fetched) = fetched {
                let age = now.since(*fetched).millis() / 1000;
                let source = source.replace(['\\', '"', '\n'], "_");
                page.push_str(&format!("lazaret_advisory_source_age_seconds{{source=\"{source}\"}} {age}\n"));
            }
        }
        page
    }

    async fn why(&self, rest: &str) -> Answer {
        let Some(name) = rest.split_once('/').and_then(|(id, name)| {
            let name = percent_decode(name)?;
            lazaret_ecosystems::by_id(id)?.name(&name).ok()
        }) else {
            return text(StatusCode::NOT_FOUND, "there is no such package");
        };
        match self.explain(&name, None).await {
            Ok(facts) => answer(Reply::new(StatusCode::OK, HTML, pages::package(&name, &facts))),
            Err(error) => {
                answer(Reply::new(StatusCode::OK, HTML, pages::unexplained(&name, &error.to_string())))
            }
        }
    }

    async fn explain_api(&self, query: &str) -> Answer {
        let purl = url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == "purl")
            .and_then(|(_, value)| Purl::parse(&value));
        let Some(purl) = purl else {
            return text(StatusCode::BAD_REQUEST, "expected ?purl=pkg:TYPE/NAME@VERSION");
        };
        let name = lazaret_ecosystems::by_purl_type(&purl.kind).and_then(|found| found.name(&purl.name).ok());
        let Some(name) = name else {
            return text(StatusCode::BAD_REQUEST, "no ecosystem here reads this package URL");
        };
        match self.explain(&name, purl.version.as_deref()).await {
            Ok(facts) => answer(Reply::json(facts.to_string())),
            Err(error) => text(StatusCode::NOT_FOUND, error.to_string()),
        }
    }

    /// Who asks. An error is a credential that was shown and is not good; nobody is anonymous by accident.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: Peer,
    ) -> Result<Arc<Identity>, String> {
        let token = match token_from_headers(headers) {
            Ok(Some(token)) => token,
            Ok(None) => return Ok(Arc::new(Identity::anonymous(self.anonymous_may_read(peer)))),
            Err(error) => return Err(error.to_string()),
        };
        let result = self
            .authenticator
            .authenticate(&token, self.clock.now(), |hash| async move {
                self.metadata.token_by_hash(&hash.to_hex()).await.map(|row| row.and_then(record))
            })
            .await;
        match result {
            Ok(identity) => Ok(Arc::new(identity)),
            Err(AuthenticationError::Rejected(why)) => Err(why.to_string()),
            Err(AuthenticationError::LookUp(error)) => {
                tracing::error!(%error, "tokens could not be looked up");
                Err("tokens cannot be checked now".into())
            }
        }
    }
}

fn record(row: TokenRow) -> Option<TokenRecord> {
    Some(TokenRecord {
        hash: lazaret_identity::TokenHash::from_hex(&row.hash)?,
        class: PrincipalClass::ALL.into_iter().find(|class| class.as_str() == row.class)?,
        scopes: parse_scopes(&row.scopes).ok()?,
        id: row.id.into(),
        owner: row.owner.into(),
        expires: row.expires,
        revoked: row.revoked,
    })
}

fn percent_decode(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}
