//! The gateway's own addresses: health, metrics, and the pages that explain.

use super::Gateway;
use crate::server::Peer;
use crate::wire::{Answer, answer, text};
use http::{HeaderMap, Method, StatusCode};
use hyper::body::Incoming;
use lazaret_identity::{AuthenticationError, Identity, TokenRecord, parse_scopes, token_from_headers};
use lazaret_metadata::TokenRow;
use lazaret_vocabulary::{PackageName, PrincipalClass, Purl, Reply};
use serde_json::Value;
use std::sync::Arc;

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
            _ => return text(StatusCode::UNAUTHORIZED, "a token is needed to read here"),
        }
        if path == "/metrics" {
            return match self.metrics.get() {
                Some(page) => answer(Reply::new(StatusCode::OK, "text/plain; version=0.0.4", page())),
                None => text(StatusCode::NOT_FOUND, "metrics are off"),
            };
        }
        if path == "/" {
            return text(
                StatusCode::OK,
                "Lazaret. Point your package managers at the paths below; see the manual.",
            );
        }
        if let Some(rest) = path.strip_prefix("/why/") {
            return self.why(rest).await;
        }
        if path == "/api/v1/explain" {
            return self.explain_api(parts.uri.query().unwrap_or("")).await;
        }
        text(StatusCode::NOT_FOUND, "there is nothing at this address")
    }

    async fn why(&self, rest: &str) -> Answer {
        let Some(name) = rest.split_once('/').and_then(|(id, name)| {
            let name = percent_decode(name)?;
            lazaret_ecosystems::by_id(id)?.name(&name).ok()
        }) else {
            return text(StatusCode::NOT_FOUND, "there is no such package");
        };
        match self.explain(&name, None).await {
            Ok(facts) => answer(Reply::new(StatusCode::OK, "text/html; charset=utf-8", page(&name, &facts))),
            Err(error) => {
                let body = format!(
                    "<!doctype html><meta charset=utf-8><title>{0}</title><h1>{0}</h1><p>{1}</p>",
                    escape(name.as_str()),
                    escape(&error.to_string())
                );
                answer(Reply::new(StatusCode::OK, "text/html; charset=utf-8", body))
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The page a refusal points at.
fn page(name: &PackageName, facts: &Value) -> String {
    let field = |value: &Value, key: &str| match value.get(key) {
        Some(Value::String(text)) => escape(text),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let rows: String = facts
        .get("hidden")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|row| {
            format!(
                "<tr><td>{}<td>{}<td><code>{}</code><td>{}<td>{}",
                field(row, "version"),
                field(row, "verdict"),
                field(row, "code"),
                field(row, "sentence"),
                field(row, "until")
            )
        })
        .collect();
    let newest = match field(facts, "newest_allowed") {
        text if text.is_empty() => "none".to_owned(),
        text => text,
    };
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>{name} at Lazaret</title><style>body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:70rem;\
         padding:0 1rem}}table{{border-collapse:collapse}}td,th{{text-align:left;padding:.3rem .8rem;\
         border-bottom:1px solid #ccc;vertical-align:top}}</style><h1>{name}</h1>\
         <p>Newest allowed version: <strong>{newest}</strong>. Hidden now: {hidden} of {all} releases. \
         Policy <code>{revision}</code>.</p>\
         <table><thead><tr><th>Version<th>Verdict<th>Code<th>Why<th>Held until</thead><tbody>{rows}</tbody></table>\
         <h2>A way out</h2><p>Use an allowed version, or wait until a hold ends. If neither will do, ask the \
         gateway's operator for a waiver and name the package, the version and the code; they can give one with \
         <code>lazaret waive {purl}@VERSION --code CODE --why … --until …</code>.</p></html>",
        name = escape(name.as_str()),
        hidden = field(facts, "hidden_count"),
        all = field(facts, "releases"),
        revision = field(facts, "policy_revision").chars().take(12).collect::<String>(),
        purl = field(facts, "purl"),
    )
}
