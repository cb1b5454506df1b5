//! Bearer tokens that an upstream wants of those who ask (RFC 6750 §3, and the token endpoint of the OCI
//! distribution's authentication): asked for once, kept until they end.

use super::{Upstream, UpstreamError, guard};
use http::HeaderMap;
use http::header::{self, HeaderValue};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// Tokens kept at most.
const KEPT: usize = 2000;
/// Longest answer of a token endpoint, in bytes.
const LONGEST: usize = 64 << 10;
/// How long a token lasts whose end is not told (the token specification's own default).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// Longest that a token is kept, whatever it says.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// What an upstream asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Challenge {
    realm: String,
    service: String,
    scope: String,
}

/// Tokens by where they are good.
#[derive(Default)]
pub(super) struct Tokens {
    kept: Mutex<HashMap<String, (HeaderValue, Instant)>>,
}

#[derive(Deserialize)]
struct Granted {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Challenge {
    /// Reads `Bearer realm="…",service="…",scope="…"`; `None` where something else is asked for.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        headers.get_all(header::WWW_AUTHENTICATE).iter().find_map(|value| {
            let text = value.to_str().ok()?;
            let (scheme, rest) = text.split_once(' ')?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return None;
            }
            let mut challenge = Self { realm: String::new(), service: String::new(), scope: String::new() };
            for (name, value) in parameters(rest) {
                match name.to_ascii_lowercase().as_str() {
                    "realm" => challenge.realm = value,
                    "service" => challenge.service = value,
                    "scope" => challenge.scope = value,
                    _ => {}
                }
            }
            (!challenge.realm.is_empty()).then_some(challenge)
        })
    }

    fn address(&self) -> Option<Url> {
        let mut url = Url::parse(&self.realm).ok()?;
        {
            let mut query = url.query_pairs_mut();
            if !self.service.is_empty() {
                query.append_pair("service", &self.service);
            }
            for scope in self.scope.split(' ').filter(|scope| !scope.is_empty()) {
                query.append_pair("scope", scope);
            }
        }
        Some(url)
    }
}

/// `name="value"` pairs, quotes optional (RFC 9110 §11.2). A comma inside quotes belongs to the value.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = left.trim_start_matches([',', ' ']);
        if found.len() > 16 {
            break;
        }
    }
    found
}

/// Where a token is good: the origin, and the path without its last two segments, which in the registries that
/// ask for tokens is the repository.
fn place(url: &Url) -> String {
    let mut segments: Vec<&str> = url.path().split('/').collect();
    segments.truncate(segments.len().saturating_sub(2));
    format!("{}{}", url.origin().ascii_serialization(), segments.join("/"))
}

impl Tokens {
    /// The token that is good for an address, if there is one.
    pub(super) fn of(&self, url: &Url) -> Option<HeaderValue> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, until) = kept.get(&place(url))?;
        (*until > Instant::now()).then(|| token.clone())
    }

    fn keep(&self, url: &Url, token: HeaderValue, life: Duration) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if kept.len() >= KEPT {
            kept.retain(|_, (_, until)| *until > now);
        }
        if kept.len() < KEPT {
            kept.insert(place(url), (token, now + life));
        }
    }

    fn forget(&self, url: &Url) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&place(url));
    }
}

impl Upstream {
    /// Asks for the token that `url` was refused without. The upstream's credential goes along only where the
    /// refusal came from the upstream itself, and never over a plain connection that it does not use itself.
    pub(super) async fn ask_for_token(
        &self,
        url: &Url,
        challenge: &Challenge,
    ) -> Result<HeaderValue, UpstreamError> {
        self.tokens.forget(url);
        let refused = |why: &str| UpstreamError::Refused(format!("its token service {why}"));
        let address = challenge.address().ok_or_else(|| refused("has no usable address"))?;
        let plain_allowed = url.scheme() == "http";
        if !(address.scheme() == "https" || plain_allowed && address.scheme() == "http") {
            return Err(refused("is not reached by https"));
        }
        guard::check_literal(&address, self.is_trusted(&address))?;
        let mut request = self.client.get(address).header(header::ACCEPT, "application/json");
        if let Some(credential) = self.credential(url) {
            request = request.header(header::AUTHORIZATION, credential.clone());
        }
        let unreachable = |error: reqwest::Error| super::unreachable_error(&error);
        let mut response = tokio::time::timeout(super::FIRST_BYTE, request.send())
            .await
            .map_err(|_| UpstreamError::Unreachable("its token service did not answer".into()))?
            .map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(UpstreamError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(refused("sent a token that is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| refused("sent something that is no token"))?;
        let token = granted.token.or(granted.access_token).ok_or_else(|| refused("sent no token"))?;
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| refused("sent a token that fits in no header"))?;
        value.set_sensitive(true);
        // A little early, so that none ends on its way.
        let life = granted.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs).min(LONGEST_LIFE);
        self.tokens.keep(url, value.clone(), life.saturating_sub(Duration::from_secs(5)));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::WWW_AUTHENTICATE, text.parse().unwrap());
            Challenge::read(&headers)
        };
        let found = read(
            "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"repository:a/b:pull,push\"",
        )
        .unwrap();
        assert_eq!(
            found.address().unwrap().as_str(),
            "https://auth.example/token?service=registry.example&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
        assert_eq!(read("bearer realm=https://auth.example/t, service=x").unwrap().service, "x");
        for other in ["Basic realm=\"x\"", "Bearer", "Bearer service=\"x\"", "Bearer realm=\"", "Bearer ="] {
            assert!(read(other).is_none_or(|found| found.address().is_none()), "{other}");
        }
    }

    #[test]
    fn a_token_is_good_for_one_repository() {
        let url = |text: &str| Url::parse(text).unwrap();
        let tokens = Tokens::default();
        let token = HeaderValue::from_static("Bearer x");
        tokens.keep(&url("https://r.example/v2/a/b/manifests/1"), token, Duration::from_secs(60));
        assert!(tokens.of(&url("https://r.example/v2/a/b/blobs/sha256:00")).is_some());
        for other in [
            "https://r.example/v2/a/c/blobs/x",
            "https://s.example/v2/a/b/blobs/x",
            "http://r.example/v2/a/b/blobs/x",
        ] {
            assert!(tokens.of(&url(other)).is_none(), "{other}");
        }
    }
}
