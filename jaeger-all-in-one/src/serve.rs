//! Connections with deadlines and a cap, for all ports over TCP; and a port that speaks HTTP/1, with an end that lets answers finish.
//!
//! What a slow or idle client holds is a connection, of which a port has [`CONNECTIONS`]; its request's head must come within [`HEAD`], and bodies have a
//! deadline of their own (`receive/body.rs`). One that takes nothing of its answer for [`TAKE`] is hung up on. gRPC has a server of its own
//! (`receive/otlp/grpc.rs`) on such connections.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Sleep;

use crate::receive::Held;

/// Connections of a port at a time; more wait in the system's queue.
pub(crate) const CONNECTIONS: usize = 512;
/// How long the head of a request may take, and a connection may idle.
const HEAD: Duration = Duration::from_secs(30);
/// How long a client may take nothing of its answer.
pub(crate) const TAKE: Duration = Duration::from_secs(30);
/// How long open answers may take when the program ends.
const GRACE: Duration = Duration::from_secs(2);
/// Pause when the system gives no connection, mostly for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens, as `TcpListener::bind` does, but without waiting for anything: a backend may be started from async code.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Elsewhere it lets others take the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Has `service` answer requests until `stopped` says true.
pub(crate) async fn serve<S, B>(listener: TcpListener, service: S, stopped: watch::Receiver<bool>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let mut http = http();
    // Nobody searches for one who is gone.
    http.half_close(false);
    serve_with(http, listener, service, stopped, |connection| std::future::ready(Some(connection))).await;
}

/// The same for connections that `first` has first, and gives if there is more to be answered; it ends when `stopped` says true.
///
/// Who ends behind a request, as a program does that says its last and is gone, has it answered: it came.
pub(crate) async fn serve_after<S, B, F>(
    listener: TcpListener,
    service: S,
    stopped: watch::Receiver<bool>,
    first: impl Fn(Connection) -> F,
) where
    F: Future<Output = Option<Connection>> + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let mut http = http();
    http.half_close(true);
    serve_with(http, listener, service, stopped, first).await;
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    http
}

async fn serve_with<S, B, F>(
    http: http1::Builder,
    listener: TcpListener,
    service: S,
    mut stopped: watch::Receiver<bool>,
    first: impl Fn(Connection) -> F,
) where
    F: Future<Output = Option<Connection>> + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let places = Places::new(CONNECTIONS);
    let open = GracefulShutdown::new();
    loop {
        let connection = tokio::select! {
            connection = places.accept(&listener) => connection,
            // An error means that the backend is gone, which is the end too.
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        let (mut http, service, watcher) = (http.clone(), service.clone(), open.watcher());
        let connection = first(connection);
        tokio::spawn(async move {
            let Some(connection) = connection.await else { return };
            http.header_read_timeout(HEAD - connection.waited());
            let connection = http.serve_connection(TokioIo::new(connection), service);
            // What fails is the client's side.
            let _ = watcher.watch(connection).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, open.shutdown()).await;
}

/// The connections that a port may have.
pub(crate) struct Places(Arc<Semaphore>);

impl Places {
    pub(crate) fn new(connections: usize) -> Self {
        Places(Arc::new(Semaphore::new(connections)))
    }

    /// The next connection, once there is a place for it.
    pub(crate) async fn accept(&self, listener: &TcpListener) -> Connection {
        // The semaphore is never closed.
        let place = Arc::clone(&self.0).acquire_owned().await.ok();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            // Answers are small and waited for.
            let _ = stream.set_nodelay(true);
            return Connection {
                stream,
                _place: place,
                begun: None,
                writing: None,
                quiet: None,
                reading: None,
            };
        }
    }
}

/// A connection that has a place. It fails if the other side takes nothing for [`TAKE`], or says nothing for as long as it may.
pub(crate) struct Connection {
    stream: TcpStream,
    _place: Option<OwnedSemaphorePermit>,
    /// What somebody read of it who leaves it to another.
    begun: Option<Begun>,
    /// Since a write could not be done.
    writing: Option<Pin<Box<Sleep>>>,
    /// How long the other side may say nothing.
    quiet: Option<Duration>,
    /// Since it says nothing, if that matters.
    reading: Option<Pin<Box<Sleep>>>,
}

struct Begun {
    bytes: Vec<u8>,
    /// How many of them the other one has.
    given: usize,
    /// How long the rest was waited for, at most.
    waited: Duration,
    _held: Held,
}

impl Connection {
    /// One that somebody read these bytes of, for whom `held` is held, and waited for the rest for so long.
    pub(crate) fn begun(mut self, bytes: Vec<u8>, held: Held, waited: Duration) -> Self {
        self.begun = Some(Begun { bytes, given: 0, waited, _held: held });
        self
    }

    /// How long the rest of what was begun was waited for, at most.
    pub(crate) fn waited(&self) -> Duration {
        self.begun.as_ref().map_or(Duration::ZERO, |begun| begun.waited.min(HEAD))
    }

    /// As `TcpStream::readable`.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// As `TcpStream::try_read`.
    pub(crate) fn try_read(&self, to: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(to)
    }

    /// One whose other side may say nothing for so long; else for ever, where a protocol has deadlines of its own.
    pub(crate) fn quiet_for(mut self, quiet: Duration) -> Self {
        self.quiet = Some(quiet);
        self
    }

    fn write<T>(
        &mut self,
        context: &mut Context<'_>,
        attempt: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let done = attempt(Pin::new(&mut self.stream), context);
        within(&mut self.writing, TAKE, done, context)
    }
}

/// What was done; or, if it could not be for so long, an error.
fn within<T>(
    since: &mut Option<Pin<Box<Sleep>>>,
    patience: Duration,
    done: Poll<io::Result<T>>,
    context: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if done.is_ready() {
        *since = None;
        return done;
    }
    let deadline = since.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
    ready!(deadline.as_mut().poll(context));
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(begun) = &mut this.begun {
            let bytes = &begun.bytes[begun.given..];
            let some = &bytes[..bytes.len().min(to.remaining())];
            to.put_slice(some);
            begun.given += some.len();
            if begun.given == begun.bytes.len() {
                this.begun = None;
            }
            return Poll::Ready(Ok(()));
        }
        let done = Pin::new(&mut this.stream).poll_read(context, to);
        match this.quiet {
            Some(quiet) => within(&mut this.reading, quiet, done, context),
            None => done,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use hyper_util::service::TowerToHyperService;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_head_that_never_ends_ends_its_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve(listener, TowerToHyperService::new(Router::new()), stopped));
        let began = Instant::now();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: slow").await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(began.elapsed() >= HEAD && answer.is_empty(), "{answer:?}");
        stop.send(true).unwrap();
        server.await.unwrap();
    }

    /// What somebody else waited for it counts.
    #[tokio::test(start_paused = true)]
    async fn a_head_that_was_waited_for_has_less_time() {
        let waited = HEAD * 2 / 3;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let first = move |connection: Connection| {
            std::future::ready(Some(connection.begun(b"GET / HT".to_vec(), Held::default(), waited)))
        };
        tokio::spawn(serve_after(listener, TowerToHyperService::new(Router::new()), stopped, first));
        let began = Instant::now();
        let mut client = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!((HEAD - waited..HEAD - waited / 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    }

    /// Nobody searches for one who is gone.
    #[tokio::test]
    async fn what_is_asked_of_the_page_ends_with_who_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let (asking, mut asked) = tokio::sync::mpsc::channel::<()>(1);
        let endless = move || async move {
            asking.send(()).await.unwrap();
            std::future::pending::<()>().await;
        };
        let routes = Router::new().route("/", axum::routing::get(endless));
        tokio::spawn(serve(listener, TowerToHyperService::new(routes.clone()), stopped));
        drop(routes);
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        asked.recv().await.unwrap();
        let before = asked.sender_strong_count();
        drop(client);
        while asked.sender_strong_count() == before {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_hung_up_on() {
        /// More than the system's buffers hold.
        const ANSWER: usize = 64 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let routes = Router::new().route("/", axum::routing::get(|| async { vec![b'x'; ANSWER] }));
        let server = tokio::spawn(serve(listener, TowerToHyperService::new(routes), stopped));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: slow\r\n\r\n").await.unwrap();
        let mut first = [0; 1];
        client.read_exact(&mut first).await.unwrap();
        tokio::time::sleep(TAKE * 2).await;
        let mut answer = Vec::new();
        // It breaks off, as an end or as an error.
        let _ = client.read_to_end(&mut answer).await;
        assert!(answer.len() < ANSWER, "all of it came");
        // One that reads gets everything. By the true clock: the other one jumps whenever all wait for the system.
        tokio::time::resume();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: quick\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(answer.len() > ANSWER);
        stop.send(true).unwrap();
        server.await.unwrap();
    }
}
