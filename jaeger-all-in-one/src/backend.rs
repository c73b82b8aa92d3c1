//! The running program: starts what the settings ask for, knows where it listens, stops it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use jaeger_thrift::Protocol;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::app::App;
use crate::config::Config;
use crate::counters::Receiver;
use crate::receive::udp::Udp;
use crate::store::memory::MemoryStore;
use crate::{api, page};

/// A running backend. Stops when dropped.
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
    stop: watch::Sender<bool>,
    udp: Vec<Udp>,
    runtime: Option<Runtime>,
}

/// Why a backend did not start.
#[derive(Debug)]
pub struct StartError {
    /// What was to listen, such as `query`.
    pub what: &'static str,
    /// Where.
    pub address: SocketAddr,
    /// Why it could not.
    pub error: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot listen on {}: {}", self.what, self.address, self.error)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Backend {
    /// Starts it on threads of its own.
    ///
    /// # Errors
    /// If a port cannot be had.
    pub fn start(config: Config) -> Result<Backend, StartError> {
        let store = Box::new(MemoryStore::new(config.memory_bytes));
        let app = App::new(config.clone(), store);
        let at = |port| SocketAddr::new(config.host, port);
        let mut addresses = BTreeMap::new();
        let mut udp = Vec::new();
        if let Some(port) = config.compact_port {
            let started = Udp::start(app.clone(), at(port), Receiver::UdpCompact, Protocol::Compact)
                .map_err(|error| StartError { what: "compact", address: at(port), error })?;
            addresses.insert("compact", started.address());
            udp.push(started);
        }
        let (stop, stopped) = watch::channel(false);
        let fail = |error| StartError { what: "query", address: at(config.query_port.unwrap_or(0)), error };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .thread_name("jaeger-all-in-one")
            .build()
            .map_err(fail)?;
        if let Some(port) = config.query_port {
            let listener = runtime.block_on(tokio::net::TcpListener::bind(at(port))).map_err(fail)?;
            addresses.insert("query", listener.local_addr().map_err(fail)?);
            let routes = api::protect(api::router(app.clone()).merge(page::router()), &app);
            let mut stopped = stopped;
            runtime.spawn(async move {
                let stop = async move {
                    // An error means that the backend is gone, which also ends it.
                    let _ = stopped.wait_for(|stop| *stop).await;
                };
                let _ = axum::serve(listener, routes).with_graceful_shutdown(stop).await;
            });
        }
        Ok(Backend { app, addresses, stop, udp, runtime: Some(runtime) })
    }

    /// Where `query`, `compact`, … listens; `None` if it does not.
    pub fn address(&self, what: &str) -> Option<SocketAddr> {
        self.addresses.get(what).copied()
    }

    /// The page's address, without a slash at its end.
    pub fn url(&self) -> String {
        self.address("query").map_or_else(String::new, |address| format!("http://{address}"))
    }

    /// The shared state: the store, the counters.
    pub fn app(&self) -> &App {
        &self.app
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.udp.clear();
        self.stop.send_replace(true);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
        self.app.store.flush();
    }
}
