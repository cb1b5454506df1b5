//! One plain question to a server that the operator named: for `doctor`, and for commands that ask another
//! gateway.

use super::guard;
use crate::upstream::{UpstreamError, unreachable_error};
use bytes::{Bytes, BytesMut};
use http::header;
use lazaret_vocabulary::Timestamp;
use std::time::{Duration, Instant};
use url::Url;

/// Longest wait for the answer as a whole.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server said.
#[derive(Debug, Clone)]
pub struct Said {
    /// The status; redirects are not followed.
    pub status: u16,
    /// Its `Date`, if it has one.
    pub date: Option<Timestamp>,
    /// The body; empty when none was wanted.
    pub body: Bytes,
    /// How long its head took.
    pub took: Duration,
}

/// Asks once with GET. The body is read when `limit` is not 0, and refused when it is longer than that many
/// bytes.
pub async fn ask(
    url: &str,
    accept: &str,
    authorization: Option<&str>,
    limit: usize,
) -> Result<Said, UpstreamError> {
    let url = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| UpstreamError::Refused("expected an http(s) address".to_owned()))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let client = guard::client(vec![host]).map_err(UpstreamError::Refused)?;
    let mut request = client.get(url).header(header::ACCEPT, accept);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let began = Instant::now();
    let work = async {
        let mut response = request.send().await.map_err(|error| unreachable_error(&error))?;
        let took = began.elapsed();
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let date = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
        let date = date.and_then(|since| i64::try_from(since.as_millis()).ok()).map(Timestamp::from_millis);
        let mut body = BytesMut::new();
        while limit > 0
            && let Some(chunk) = response.chunk().await.map_err(|error| unreachable_error(&error))?
        {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(UpstreamError::Refused(format!("its answer is longer than {limit} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Said { status: response.status().as_u16(), date, body: body.freeze(), took })
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(said) => said,
        Err(_) => Err(UpstreamError::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}
