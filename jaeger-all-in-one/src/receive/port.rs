//! A port over TCP that takes spans in: a thread of its own, on which all of its connections are served.
//!
//! With several threads for all ports, as a server mostly has them, each request that came after a pause would wake two: one that reads it, and another to wait
//! meanwhile for what else may come, which goes to sleep again; that costs as much as reading a hundred spans. So one port does not hold up another or the
//! page, and what takes long is [done aside](super::body::aside).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;

use super::http::{Answer, Request};
use super::quick::Quick;
use crate::app::App;
use crate::counters::Receiver;
use crate::serve::{bind, serve_after};

/// How long what is done aside may still take at the end.
const END: Duration = Duration::from_secs(1);

/// A port that is served until it is told to stop; dropping it waits for that.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Port {
    /// Binds `address`, and has `serve` serve it.
    ///
    /// # Errors
    /// If the address cannot be bound or no thread be had.
    pub(crate) fn start<S: Future<Output = ()>>(
        receiver: Receiver,
        address: SocketAddr,
        serve: impl FnOnce(TcpListener) -> S + Send + 'static,
    ) -> io::Result<Port> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            bind(address)?
        };
        let address = listener.local_addr()?;
        let thread = std::thread::Builder::new().name(receiver.name().to_owned()).spawn(move || {
            runtime.block_on(serve(listener));
            runtime.shutdown_timeout(END);
        })?;
        Ok(Port { address, thread: Some(thread) })
    }

    /// The same for a port that speaks HTTP/1 and answers with `answer`, until `stopped` says true; with `quick` what is ordinary, if that is known.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn http<A>(
        receiver: Receiver,
        address: SocketAddr,
        app: App,
        stopped: watch::Receiver<bool>,
        quick: Option<Quick>,
        answer: impl Fn(App, Request) -> A + Clone + Send + 'static,
    ) -> io::Result<Port>
    where
        A: Future<Output = Answer> + Send + 'static,
    {
        let (taking, stopping) = (app.clone(), stopped.clone());
        let first = move |connection| {
            let (app, stopped) = (taking.clone(), stopping.clone());
            async move {
                match quick {
                    Some(quick) => quick.serve(app, connection, stopped).await,
                    None => Some(connection),
                }
            }
        };
        let service = service_fn(move |request| {
            let answer = answer(app.clone(), request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        Port::start(receiver, address, |listener| serve_after(listener, service, stopped, first))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
