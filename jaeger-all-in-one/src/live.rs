//! Who has new spans: told to whoever watches (the page's live update, `tail`), and nothing done while nobody does.
//!
//! Over HTTP it is `GET /api/live`, a stream of server-sent events: `change` with `{"traces": [{"traceID", "service"}]}`, each trace once, the newest last, at
//! most `MOST` of them and at most one event in `PAUSE`; `lagged` where more were missed: look at everything again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::values::trace_id_text;

/// What a batch changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The service that sent it.
    pub service: String,
    /// The traces that have new spans, each once.
    pub trace_ids: Vec<u128>,
}

/// Changes that a slow watcher may be behind before it misses some (it is told how many).
const BEHIND: usize = 1024;

/// Traces that an event names; of more the oldest are left out.
const MOST: usize = 200;
/// Between two events, so that a flood of spans is no flood of events.
const PAUSE: Duration = Duration::from_millis(250);

/// The announcer.
#[derive(Debug)]
pub struct Live {
    changes: broadcast::Sender<Arc<Change>>,
    closed: watch::Sender<bool>,
}

impl Default for Live {
    fn default() -> Self {
        Live { changes: broadcast::channel(BEHIND).0, closed: watch::channel(false).0 }
    }
}

impl Live {
    /// Watches from now on. `recv` says `Lagged(n)` where the watcher was too slow: look at everything again.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Change>> {
        self.changes.subscribe()
    }

    /// Tells of a change, which is only made if anybody watches.
    pub fn tell(&self, change: impl FnOnce() -> Change) {
        if self.changes.receiver_count() > 0 {
            // No receiver any more: nobody to tell.
            let _ = self.changes.send(Arc::new(change()));
        }
    }

    /// Ends the streams over HTTP.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }
}

/// The route `/api/live`.
pub fn router(app: App) -> Router {
    Router::new().route("/api/live", get(stream)).with_state(app)
}

async fn stream(State(app): State<App>) -> impl IntoResponse {
    let (events, told) = mpsc::channel(4);
    let changes = app.live.watch();
    let mut closed = app.live.closed.subscribe();
    tokio::spawn(async move {
        tokio::select! {
            () = tell(changes, events) => {}
            // An error means that the program is gone.
            _ = closed.wait_for(|closed| *closed) => {}
        }
    });
    Sse::new(ReceiverStream::new(told)).keep_alive(KeepAlive::default())
}

/// Gathers changes into events until nobody listens.
async fn tell(
    mut changes: broadcast::Receiver<Arc<Change>>,
    events: mpsc::Sender<Result<Event, Infallible>>,
) {
    // Sent at once, so that a client knows that it has not missed anything from here on.
    let mut next = Event::default().comment("watching");
    loop {
        if events.send(Ok(next)).await.is_err() {
            return;
        }
        let mut traces: Vec<(u128, String)> = Vec::new();
        let mut note = |change: Arc<Change>| {
            for &id in &change.trace_ids {
                traces.retain(|(known, _)| *known != id);
                traces.push((id, change.service.clone()));
            }
            if traces.len() > MOST {
                traces.drain(..traces.len() - MOST);
            }
        };
        let mut lagged = false;
        tokio::select! {
            first = changes.recv() => match first {
                Ok(change) => note(change),
                Err(RecvError::Lagged(_)) => lagged = true,
                Err(RecvError::Closed) => return,
            },
            () = events.closed() => return,
        }
        tokio::time::sleep(PAUSE).await;
        loop {
            match changes.try_recv() {
                Ok(change) => note(change),
                Err(broadcast::error::TryRecvError::Lagged(_)) => lagged = true,
                Err(_) => break,
            }
        }
        let trace = |(id, service): (u128, String)| json!({"traceID": trace_id_text(id), "service": service});
        let traces: Vec<serde_json::Value> = traces.into_iter().map(trace).collect();
        next = if lagged {
            Event::default().event("lagged").data("{}")
        } else {
            Event::default().event("change").data(json!({"traces": traces}).to_string())
        };
    }
}
