//! Connections: HTTP/1.1 and HTTP/2, plain or TLS, until told to stop.

use crate::wire::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests under way may take to end after the signal to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// Bytes of an answer that hyper gathers before it writes, beside the piece that it was last given; also the
/// longest head of a request. Its own default of 400 KiB times a thousand slow clients is a lot of memory.
const CONNECTION_BUFFER: usize = 64 << 10;
/// Connections served at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 8192;

/// Who is on the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// Answers requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one request; whatever goes wrong is an answer too.
    fn call(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves until `stop` resolves, then lets requests under way end.
pub async fn serve<S: Service>(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    service: Arc<S>,
    stop: impl Future<Output = ()>,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Without `pipeline_flush`: it makes hyper copy every body behind its head, where head and body otherwise
    // leave in one vectored write.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Duration::from_secs(30))
        .adaptive_window(true);
    let builder = Arc::new(builder);
    let acceptor = tls.map(TlsAcceptor::from);
    let room = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { break };
        let (stream, address) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Small replies must leave at once: without this, installs take twice as long.
        let _ = stream.set_nodelay(true);
        let (service, builder, acceptor) = (service.clone(), builder.clone(), acceptor.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let _permit = permit;
            let peer = Peer { address, tls: acceptor.is_some() };
            match acceptor {
                None => connection(builder, watcher, TokioIo::new(stream), service, peer).await,
                Some(acceptor) => {
                    if let Some(stream) = handshake(acceptor, stream).await {
                        connection(builder, watcher, TokioIo::new(stream), service, peer).await;
                    }
                }
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

async fn connection<S, I>(
    builder: Arc<auto::Builder<TokioExecutor>>,
    watcher: hyper_util::server::graceful::Watcher,
    io: I,
    service: Arc<S>,
    peer: Peer,
) where
    S: Service,
    I: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.call(request, peer).await) }
    });
    // Not the upgrade-aware form: cargo offers `Upgrade: h2c` on every request and must not be taken up on it.
    let serving = builder.serve_connection(io, answer).into_owned();
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(%error, peer = %peer.address, "connection ended early");
    }
}

/// A TLS configuration from PEM files, offering HTTP/2 and HTTP/1.1.
pub fn tls_config(certificates: &[u8], key: &[u8]) -> Result<Arc<rustls::ServerConfig>, String> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err("the certificate file holds no certificate (expected PEM)".into());
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("the private key is not PEM: {error}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("the certificate and the key do not fit: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
