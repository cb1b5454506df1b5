//! Who is asked for a verdict: the company's gateway where `LAZARET_URL` names one, else the engine in this
//! process with this machine's data.

use crate::cli::Place;
use crate::{adopt, config, serve};
use anyhow::Context as _;
use lazaret_gateway::Gateway;
use lazaret_vocabulary::{PackageName, Purl};
use serde_json::Value;
use std::sync::Arc;

/// Largest answer read from a gateway, in bytes.
const LARGEST_ANSWER: usize = 16 << 20;

/// Answers what `explain` and `check` ask.
#[derive(Clone)]
pub(crate) enum Judge {
    /// The engine in this process.
    Local(Arc<Gateway>),
    /// A gateway elsewhere.
    Remote {
        /// Its address, without a slash at the end.
        root: Arc<str>,
        /// Value of the `Authorization` header.
        authorization: Option<Arc<str>>,
    },
}

/// A release, or with `version` `None` a package.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) package: PackageName,
    pub(crate) purl_type: &'static str,
    pub(crate) version: Option<String>,
}

impl Question {
    fn purl(&self) -> String {
        // A name that its ecosystem has checked makes one.
        Purl::new(self.purl_type, self.package.as_str(), self.version.as_deref())
            .map(|purl| purl.to_string())
            .unwrap_or_default()
    }
}

impl Judge {
    /// The gateway that the environment names, else the engine with the data that `place` names.
    pub(crate) async fn open(place: &Place) -> anyhow::Result<Self> {
        let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(root) = named("LAZARET_URL") {
            return Ok(Self::remote(&root, named("LAZARET_TOKEN").as_deref()));
        }
        let mut loaded = config::load(place)?;
        adopt::fill(&mut loaded.settings, "", |line| tracing::debug!("{line}")).await;
        Ok(Self::Local(serve::open(loaded.settings).await?))
    }

    fn remote(root: &str, token: Option<&str>) -> Self {
        Self::Remote {
            root: root.trim_end_matches('/').into(),
            authorization: token.map(|token| format!("Bearer {token}").into()),
        }
    }

    /// The verdict with its findings, as the JSON API has it.
    pub(crate) async fn explain(&self, question: &Question) -> anyhow::Result<Value> {
        match self {
            Self::Local(gateway) => {
                Ok(gateway.explain(&question.package, question.version.as_deref()).await?)
            }
            Self::Remote { root, authorization } => {
                let purl: String = percent_encode(&question.purl());
                let url = format!("{root}/api/v1/explain?purl={purl}");
                let said =
                    lazaret_gateway::ask(&url, "application/json", authorization.as_deref(), LARGEST_ANSWER)
                        .await
                        .with_context(|| format!("the gateway at {root} did not answer"))?;
                if said.status != 200 {
                    let words = String::from_utf8_lossy(&said.body).chars().take(500).collect::<String>();
                    anyhow::bail!("{} (the gateway at {root} answered {})", words.trim(), said.status);
                }
                serde_json::from_slice(&said.body)
                    .with_context(|| format!("{root} answered with something else than a gateway's JSON"))
            }
        }
    }

    /// Writes what waits and closes what was opened.
    pub(crate) async fn close(self) {
        if let Self::Local(gateway) = self {
            gateway.close().await;
        }
    }
}

/// Percent-encodes what is not unreserved (RFC 3986, section 2.3).
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn answering(
        status: &'static str,
        body: &'static str,
    ) -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}/", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).await.unwrap();
            let reply = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        (root, task)
    }

    fn question() -> Question {
        let ecosystem = lazaret_ecosystems::all()[0];
        Question {
            package: ecosystem.name("@acme/left-pad").unwrap(),
            purl_type: ecosystem.profile().purl_type,
            version: Some("1.0.0+x".into()),
        }
    }

    #[tokio::test]
    async fn a_gateway_elsewhere_is_asked_with_the_token() {
        let (root, asked) = answering("200 OK", "{\"verdict\":\"hold\"}").await;
        let found = Judge::remote(&root, Some("lzt_x")).explain(&question()).await.unwrap();
        assert_eq!(found["verdict"], "hold");
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("GET /api/v1/explain?purl=pkg%3A"), "{asked}");
        assert!(asked.to_lowercase().contains("authorization: bearer lzt_x\r\n"), "{asked}");
        let purl = asked.split_once("purl=").unwrap().1.split(' ').next().unwrap();
        assert!(!purl.contains(['+', '@', '/', '&']), "{purl}");
    }

    #[tokio::test]
    async fn what_the_gateway_refuses_is_told_in_its_words() {
        let (root, _) = answering("401 Unauthorized", "a token is needed to read here").await;
        let error = Judge::remote(&root, None).explain(&question()).await.unwrap_err().to_string();
        assert!(error.starts_with("a token is needed to read here") && error.contains("401"), "{error}");
        let (root, _) = answering("200 OK", "<html>").await;
        assert!(Judge::remote(&root, None).explain(&question()).await.is_err());
    }
}
