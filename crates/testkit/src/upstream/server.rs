//! From a registry's reply to bytes on the wire: conditions, ranges, compression, and faults.

use super::conditions::{Conditioned, condition};
use super::fault::Fault;
use super::reply::{Kind, Payload, Reply};
use super::{State, lock};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Request bodies are kept in the log up to this length.
const MAX_LOGGED_BODY_BYTES: usize = 4 << 20;

/// Accepts until the task is aborted.
pub(super) async fn accept(listener: TcpListener, state: Arc<Mutex<State>>, base: String) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // A failure only costs speed.
        let _ = stream.set_nodelay(true);
        let (state, base) = (Arc::clone(&state), base.clone());
        tokio::spawn(async move {
            let broken = Arc::new(AtomicU8::new(SOUND));
            let io = Breakable { stream, broken: Arc::clone(&broken) };
            let service = hyper::service::service_fn(move |request| {
                respond(request, Arc::clone(&state), base.clone(), Arc::clone(&broken))
            });
            let io = hyper_util::rt::TokioIo::new(io);
            let executor = hyper_util::rt::TokioExecutor::new();
            // A client that hangs up is no concern of a server.
            let _ =
                hyper_util::server::conn::auto::Builder::new(executor).serve_connection(io, service).await;
        });
    }
}

const SOUND: u8 = 0;
const RESETTING: u8 = 1;
const SPEAKING_NONSENSE: u8 = 2;

/// A connection that can be told to reset (its next write fails and its close sends RST), or to say
/// something that is not HTTP and then reset.
struct Breakable {
    stream: TcpStream,
    broken: Arc<AtomicU8>,
}

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.broken.load(Ordering::SeqCst) {
            RESETTING => {
                let _ = self.stream.set_zero_linger();
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            SPEAKING_NONSENSE => {
                let nonsense = b"\x16\x03\x01 220 this is not the protocol that you expected\r\n";
                let sent = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, nonsense));
                self.broken.store(RESETTING, Ordering::SeqCst);
                return Poll::Ready(sent.map(|_| bytes.len()));
            }
            _ => {}
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

async fn respond(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    base: String,
    broken: Arc<AtomicU8>,
) -> Result<Response<Body>, io::Error> {
    let (parts, incoming) = request.into_parts();
    let body = Limited::new(incoming, MAX_LOGGED_BODY_BYTES).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let uri = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let (reply, fault, behaviour) = lock(&state).answer(&parts, &uri, body, &base);
    if !behaviour.distance.is_zero() {
        tokio::time::sleep(behaviour.distance).await;
    }
    let head = parts.method == Method::HEAD;
    let reply = match &fault {
        Some(fault) => spoil(reply, fault, &uri, &broken).await?,
        None => reply,
    };
    let conditioned = condition(reply, &parts.headers, &behaviour, &state);
    let pace = behaviour.file_bytes_per_second.filter(|_| conditioned.reply.kind == Kind::File);
    Ok(send(conditioned, head, fault, pace, &broken))
}

/// Faults that change the reply before it is sent.
async fn spoil(mut reply: Reply, fault: &Fault, uri: &str, broken: &AtomicU8) -> Result<Reply, io::Error> {
    match fault {
        Fault::Status { status, retry_after } => {
            reply = Reply::plain(*status, "text/plain", "the registry is not well");
            if let Some(seconds) = retry_after {
                reply = reply.header("retry-after", &seconds.to_string());
            }
        }
        Fault::Delay(time) => tokio::time::sleep(*time).await,
        Fault::Silence => std::future::pending::<()>().await,
        Fault::WrongBytes(bytes) => reply.body = Payload::Bytes(bytes.clone()),
        Fault::FlipByte(at) => {
            let mut bytes = collect(&reply.body);
            let index = usize::try_from(*at).unwrap_or(usize::MAX).min(bytes.len().saturating_sub(1));
            if let Some(byte) = bytes.get_mut(index) {
                *byte ^= 1;
            }
            reply.body = Payload::Bytes(bytes.into());
        }
        Fault::Redirect(target) => reply = Reply::redirect(302, target),
        Fault::RedirectLoop => reply = Reply::redirect(302, uri),
        Fault::ContentType(value) => reply = reply.header("content-type", value),
        Fault::Header(name, value) => reply = reply.header(name, value),
        Fault::HeaderFlood(count) => {
            for number in 0..*count {
                reply.headers.push((format!("x-flood-{number}"), "x".repeat(1000)));
            }
        }
        Fault::GzipBomb(unpacked) => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            let zeros = vec![0u8; 1 << 20];
            let mut left = *unpacked;
            while left > 0 {
                let length = left.min(zeros.len() as u64);
                encoder.write_all(zeros.get(..length as usize).unwrap_or_default())?;
                left -= length;
            }
            reply.body = Payload::Bytes(encoder.finish()?.into());
            reply.kind = Kind::Plain;
            reply = reply.header("content-encoding", "gzip");
        }
        Fault::Reset => {
            broken.store(RESETTING, Ordering::SeqCst);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Fault::NotHttp => broken.store(SPEAKING_NONSENSE, Ordering::SeqCst),
        Fault::HangAfter(_)
        | Fault::Truncate(_)
        | Fault::CutQuietly(_)
        | Fault::Endless(_)
        | Fault::ResetAfter(_)
        | Fault::Slow(_) => {}
    }
    Ok(reply)
}

fn collect(payload: &Payload) -> Vec<u8> {
    match payload {
        Payload::Bytes(bytes) => bytes.to_vec(),
        Payload::Large(file) => file.chunks().flat_map(|chunk| chunk.to_vec()).collect(),
    }
}

/// The bytes `start..start + length` of a payload, in pieces.
fn pieces(payload: Payload, start: u64, length: u64) -> BoxStream<'static, Bytes> {
    match payload {
        Payload::Bytes(bytes) => {
            let from = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
            let to = usize::try_from(start + length).unwrap_or(usize::MAX).min(bytes.len());
            let part = bytes.slice(from..to);
            // Small enough pieces for byte-exact faults, large enough for speed.
            let pieces: Vec<Bytes> = (0..part.len())
                .step_by(65_536)
                .map(|at| part.slice(at..(at + 65_536).min(part.len())))
                .collect();
            stream::iter(pieces).boxed()
        }
        Payload::Large(file) => {
            let mut position = 0u64;
            let end = start + length;
            let chunks = file.chunks().filter_map(move |chunk| {
                let (from, to) = (position, position + chunk.len() as u64);
                position = to;
                let (low, high) = (start.clamp(from, to) - from, end.clamp(from, to) - from);
                (low < high).then(|| chunk.slice(low as usize..high as usize))
            });
            stream::iter(chunks).boxed()
        }
    }
}

fn take(source: BoxStream<'static, Bytes>, mut limit: u64) -> BoxStream<'static, Bytes> {
    source
        .map(move |chunk| {
            let length = (chunk.len() as u64).min(limit);
            limit -= length;
            chunk.slice(..length as usize)
        })
        .take_while(|chunk| std::future::ready(!chunk.is_empty()))
        .boxed()
}

fn send(
    conditioned: Conditioned,
    head: bool,
    fault: Option<Fault>,
    pace: Option<u64>,
    broken: &Arc<AtomicU8>,
) -> Response<Body> {
    let Conditioned { reply, start, length } = conditioned;
    let mut builder = Response::builder().status(reply.status);
    if let Some(headers) = builder.headers_mut() {
        for (name, value) in &reply.headers {
            let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
            let (Ok(name), Ok(value)) = pair else { panic!("`{name}: {value}` is not a header") };
            headers.append(name, value);
        }
        let chunked = matches!(fault, Some(Fault::Endless(_) | Fault::CutQuietly(_)));
        if reply.status != 304 && !chunked {
            headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
        }
    }
    let source = if head { stream::empty().boxed() } else { pieces(reply.body, start, length) };
    let source = match pace {
        Some(bytes_per_second) => paced(source, bytes_per_second),
        None => source,
    };
    let body = if head { frames(source.map(Ok).boxed()) } else { wire(source, fault, broken) };
    builder.body(body).expect("a status and headers that were checked")
}

/// Each piece no sooner than a line of this speed would bring it.
fn paced(source: BoxStream<'static, Bytes>, bytes_per_second: u64) -> BoxStream<'static, Bytes> {
    let begun = tokio::time::Instant::now();
    let mut sent = 0u64;
    source
        .then(move |piece| {
            sent += piece.len() as u64;
            let due = begun + Duration::from_secs_f64(sent as f64 / bytes_per_second.max(1) as f64);
            async move {
                tokio::time::sleep_until(due).await;
                piece
            }
        })
        .boxed()
}

/// Faults on the way of the body.
fn wire(source: BoxStream<'static, Bytes>, fault: Option<Fault>, broken: &Arc<AtomicU8>) -> Body {
    let cut = || stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionAborted))]);
    let stream: BoxStream<'static, io::Result<Bytes>> = match fault {
        // Time for the bytes before to reach the wire, since an error throws away what is buffered.
        Some(Fault::Truncate(at)) => take(source, at).map(Ok).chain(pause()).chain(cut()).boxed(),
        Some(Fault::CutQuietly(at)) => take(source, at).map(Ok).boxed(),
        Some(Fault::HangAfter(at)) => take(source, at).map(Ok).chain(stream::pending()).boxed(),
        Some(Fault::ResetAfter(at)) => {
            let broken = Arc::clone(broken);
            let reset = stream::once(async move {
                broken.store(RESETTING, Ordering::SeqCst);
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            });
            take(source, at).map(Ok).chain(pause()).chain(reset).boxed()
        }
        Some(Fault::Slow(bytes_per_second)) => {
            let step = (bytes_per_second / 20).max(1);
            source
                .flat_map(move |chunk| {
                    let step = usize::try_from(step).unwrap_or(usize::MAX);
                    let count = chunk.len();
                    stream::iter(
                        (0..count)
                            .step_by(step)
                            .map(move |at| chunk.slice(at..at.saturating_add(step).min(count))),
                    )
                })
                .then(|piece| async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(piece)
                })
                .boxed()
        }
        Some(Fault::Endless(length)) => {
            let letters = Bytes::from(vec![b'a'; 1 << 16]);
            let count = length / (1 << 16);
            let filler = stream::iter(0..count).map(move |_| Ok(letters.clone()));
            let opening = stream::iter([Ok(Bytes::from_static(b"{\"name\":\""))]);
            let closing = stream::iter([Ok(Bytes::from_static(b"\"}"))]);
            opening.chain(filler).chain(closing).boxed()
        }
        _ => source.map(Ok).boxed(),
    };
    frames(stream)
}

/// Yields nothing, a little later.
fn pause() -> BoxStream<'static, io::Result<Bytes>> {
    stream::once(tokio::time::sleep(Duration::from_millis(50)))
        .filter_map(|()| std::future::ready(None))
        .boxed()
}

fn frames(stream: BoxStream<'static, io::Result<Bytes>>) -> Body {
    StreamBody::new(stream.map(|item| item.map(Frame::data))).boxed_unsync()
}
