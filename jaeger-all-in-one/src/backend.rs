//! The running program: starts what the settings ask for, knows where it listens, stops it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use hyper_util::service::TowerToHyperService;
use jaeger_thrift::Protocol;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::app::App;
use crate::config::{Config, Storage};
use crate::counters::Receiver;
use crate::forward::{Forward, Forwarding, Way};
use crate::receive::port::Port;
use crate::receive::udp::Udp;
use crate::receive::{self, otlp, thrift_http, zipkin};
use crate::sampling::{self, Strategies};
use crate::serve::{bind, serve};
use crate::store::Store;
use crate::store::memory::MemoryStore;
use crate::store::sqlite::SqliteStore;
use crate::{api, live, page};

/// A running backend, on threads of its own. Stops when dropped: no new connections, open answers end, what is queued is stored and sent on.
///
/// Starting and dropping take some milliseconds, from async code too (the drop waits up to 3 s for answers that are open).
///
/// ```
/// use jaeger_all_in_one::{Backend, Config};
/// let backend = Backend::start(Config::free_ports())?;
/// println!("send to {:?}, look at {}", backend.address("compact"), backend.url());
/// # Ok::<(), jaeger_all_in_one::StartError>(())
/// ```
#[derive(Debug)]
pub struct Backend {
    app: App,
    addresses: BTreeMap<&'static str, SocketAddr>,
    not_listening: Vec<StartError>,
    stop: watch::Sender<bool>,
    udp: Vec<Udp>,
    ports: Vec<Port>,
    runtime: Option<Runtime>,
}

/// Why a backend, or a port of it, did not start.
#[derive(Debug)]
pub enum StartError {
    /// A port cannot be had.
    Port {
        /// What was to listen, such as `query`.
        what: &'static str,
        /// The flag that gives it another port.
        flag: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why it could not.
        error: io::Error,
    },
    /// The system gives no threads.
    Threads(io::Error),
    /// The file of sampling strategies is wrong.
    Strategies(String),
    /// The storage cannot be opened.
    Storage(String),
    /// The address that spans are to be sent on to is none.
    Forward(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Port { what, flag, address, error } => {
                let why = match error.kind() {
                    io::ErrorKind::AddrInUse => "the port is taken".to_owned(),
                    io::ErrorKind::PermissionDenied => "not permitted".to_owned(),
                    _ => error.to_string(),
                };
                write!(f, "{what} cannot listen on {address}: {why}; {flag} chooses another port")
            }
            StartError::Threads(error) => write!(f, "no threads to be had: {error}"),
            StartError::Forward(error) => write!(f, "{error}"),
            StartError::Strategies(error) | StartError::Storage(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Port { error, .. } | StartError::Threads(error) | StartError::Forward(error) => {
                Some(error)
            }
            StartError::Strategies(_) | StartError::Storage(_) => None,
        }
    }
}

/// How often the file of strategies is looked at.
const LOOK: Duration = Duration::from_secs(5);

impl Backend {
    /// Starts it.
    ///
    /// # Errors
    /// If the storage or the strategies cannot be read, if no port at all can be had, or, with [`Config::require_ports`], if one cannot.
    pub fn start(config: Config) -> Result<Backend, StartError> {
        let forward = Forwarding::start(&config.forward).map_err(StartError::Forward)?;
        receive::keep_memory();
        let store = store(&config)?;
        let strategies = Strategies::new(config.strategies.as_deref()).map_err(StartError::Strategies)?;
        let strategies = Arc::new(strategies);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .thread_name("jaeger-all-in-one")
            .build()
            .map_err(StartError::Threads)?;
        let app = App::forwarding(config.clone(), store, forward);
        let (stop, stopped) = watch::channel(false);
        let mut backend = Backend {
            app,
            addresses: BTreeMap::new(),
            not_listening: Vec::new(),
            stop,
            udp: Vec::new(),
            ports: Vec::new(),
            runtime: Some(runtime),
        };
        for (what, flag, port) in config.ports() {
            let Some(port) = port else { continue };
            let address = SocketAddr::new(config.host, port);
            match backend.listen(what, address, &strategies, &stopped) {
                Ok(address) => drop(backend.addresses.insert(what, address)),
                Err(error) => backend.not_listening.push(StartError::Port { what, flag, address, error }),
            }
        }
        if config.require_ports || backend.addresses.is_empty() {
            // The first is as good as any, and without ports there is none.
            if !backend.not_listening.is_empty() {
                return Err(backend.not_listening.swap_remove(0));
            }
        }
        backend.refuse_itself()?;
        if config.strategies.is_some() {
            backend.spawn(watch_file(strategies, stopped));
        }
        Ok(backend)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }

    /// Spans that are sent on to a port of this program would come in again and again, without end.
    fn refuse_itself(&self) -> Result<(), StartError> {
        for target in self.app.forward.targets().iter().map(Forward::target) {
            let reached = target.addresses();
            for (what, flag, _) in self.app.config.ports() {
                let udp = matches!(what, "compact" | "old_compact" | "binary");
                let same_kind = udp == (target.way == Way::Udp);
                if let Some(own) = self.address(what).filter(|_| same_kind)
                    && reached.iter().any(|there| is_at(own, *there))
                {
                    let why = format!(
                        "--forward {target}: this is a port of this program itself ({what}), which would get each span again and again; \
                         name another, or leave this one to the collector with {flag} off"
                    );
                    return Err(StartError::Forward(io::Error::new(io::ErrorKind::InvalidInput, why)));
                }
            }
        }
        Ok(())
    }

    /// Starts one port.
    fn listen(
        &mut self,
        what: &'static str,
        address: SocketAddr,
        strategies: &Arc<Strategies>,
        stopped: &watch::Receiver<bool>,
    ) -> io::Result<SocketAddr> {
        let app = self.app.clone();
        let datagrams = match what {
            "compact" | "old_compact" => Some((Receiver::UdpCompact, Protocol::Compact)),
            "binary" => Some((Receiver::UdpBinary, Protocol::Binary)),
            _ => None,
        };
        if let Some((receiver, protocol)) = datagrams {
            let udp = Udp::start(app, address, receiver, protocol)?;
            let address = udp.address();
            self.udp.push(udp);
            return Ok(address);
        }
        let stopped = stopped.clone();
        let port = match what {
            "thrift_http" => Port::http(
                Receiver::ThriftHttp,
                address,
                app,
                stopped,
                Some(thrift_http::QUICK),
                thrift_http::answer,
            ),
            "otlp_http" => Port::http(
                Receiver::OtlpHttp,
                address,
                app,
                stopped,
                Some(otlp::http::QUICK),
                otlp::http::answer,
            ),
            "zipkin" => Port::http(Receiver::Zipkin, address, app, stopped, None, zipkin::answer),
            "otlp_grpc" => {
                Port::start(Receiver::OtlpGrpc, address, |listener| otlp::grpc::serve(listener, app, stopped))
            }
            _ => return self.listen_for_questions(what, address, strategies, stopped),
        }?;
        let address = port.address();
        self.ports.push(port);
        Ok(address)
    }

    /// Starts a port that gives something out.
    fn listen_for_questions(
        &mut self,
        what: &'static str,
        address: SocketAddr,
        strategies: &Arc<Strategies>,
        stopped: watch::Receiver<bool>,
    ) -> io::Result<SocketAddr> {
        let app = self.app.clone();
        let Some(runtime) = &self.runtime else { return Err(io::ErrorKind::NotConnected.into()) };
        let listener = {
            let _inside = runtime.enter();
            bind(address)?
        };
        let address = listener.local_addr()?;
        let routes = match what {
            "query" => {
                let routes = api::router(app.clone()).merge(live::router(app.clone())).merge(page::router());
                api::protect(routes, &app)
            }
            _ => no_pages(sampling::router(Arc::clone(strategies))),
        };
        runtime.spawn(serve(listener, TowerToHyperService::new(routes), stopped));
        Ok(address)
    }

    /// Where `query`, `compact`, `old_compact`, `binary`, `thrift_http`, `otlp_grpc`, `otlp_http`, `zipkin`, `sampling` listens; `None` if it does not.
    pub fn address(&self, what: &str) -> Option<SocketAddr> {
        self.addresses.get(what).copied()
    }

    /// The ports that were asked for and could not be had.
    pub fn not_listening(&self) -> &[StartError] {
        &self.not_listening
    }

    /// The page's address, without a slash at its end; empty if the query port does not listen.
    pub fn url(&self) -> String {
        self.address("query").map_or_else(String::new, |mut address| {
            // What listens everywhere is looked at here.
            if address.ip().is_unspecified() {
                address.set_ip(match address {
                    SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                });
            }
            format!("http://{address}")
        })
    }

    /// The shared state: the store, the counters.
    pub fn app(&self) -> &App {
        &self.app
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // First what comes in, then what asks, then what is still to be written.
        self.udp.clear();
        self.app.live.close();
        self.stop.send_replace(true);
        // On a thread of its own: whoever drops this may be async, where no runtime may be waited for.
        let mut runtime = self.runtime.take();
        std::thread::scope(|scope| {
            let end = || {
                if let Some(runtime) = runtime.take() {
                    runtime.shutdown_timeout(Duration::from_secs(3));
                }
            };
            let thread = std::thread::Builder::new().name("jaeger-all-in-one-end".to_owned());
            // Should it panic there is nothing left to do.
            let _ = thread.spawn_scoped(scope, end).map(|ending| ending.join());
        });
        self.ports.clear();
        if let Some(runtime) = runtime {
            // No thread was to be had, so it ends while nobody waits.
            runtime.shutdown_background();
        }
        self.app.store.flush();
        let unwritten = self.app.store.stats().unwritten;
        if unwritten > 0 {
            eprintln!(
                "jaeger-all-in-one: {unwritten} spans could not be written to the database, and are lost"
            );
        }
        self.app.forward.stop();
        for one in self.app.forward.targets() {
            if let Some(lost) = one.losses() {
                eprintln!("jaeger-all-in-one: {lost}");
            }
        }
    }
}

/// Whether what is sent there comes to the port that listens at `own`.
fn is_at(own: SocketAddr, there: SocketAddr) -> bool {
    // Only an address of this machine can be bound.
    let here = || std::net::UdpSocket::bind((there.ip(), 0)).is_ok();
    own.port() == there.port() && (own.ip() == there.ip() || (own.ip().is_unspecified() && here()))
}

fn store(config: &Config) -> Result<Box<dyn Store>, StartError> {
    match &config.storage {
        Storage::Memory => Ok(Box::new(MemoryStore::new(config.memory_bytes))),
        Storage::Sqlite(file) => {
            let store = SqliteStore::open(file, config.disk_bytes, config.keep, config.memory_bytes);
            Ok(Box::new(store.map_err(StartError::Storage)?))
        }
    }
}

async fn watch_file(strategies: Arc<Strategies>, mut stopped: watch::Receiver<bool>) {
    let mut told = String::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let strategies = Arc::clone(&strategies);
        // A panic is a bug that shall not end the watching.
        let reloaded = tokio::task::spawn_blocking(move || strategies.reload()).await.unwrap_or(Ok(false));
        match reloaded {
            Ok(_) => told.clear(),
            // The same trouble is told once.
            Err(error) if error != told => {
                eprintln!("jaeger-all-in-one: {error}; the strategies known so far stay");
                told = error;
            }
            Err(_) => {}
        }
    }
}

/// Refuses what a page in a browser sends: no page is served here, so it came from elsewhere.
fn no_pages(routes: Router) -> Router {
    async fn guard(request: Request, next: Next) -> Response {
        if request.headers().contains_key(header::ORIGIN) {
            return (StatusCode::FORBIDDEN, "pages in a browser may not send here\n").into_response();
        }
        next.run(request).await
    }
    routes.layer(from_fn(guard))
}
