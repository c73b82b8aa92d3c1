//! Who has new spans: told to whoever watches (the page's live update, `tail`), and nothing done while nobody does.
//!
//! Over HTTP it is `GET /api/live`, a stream of server-sent events: `change` with `{"traces": [{"traceID", "service"}], "more": 0}`, each trace once, the newest
//! last, at most `most` of them (a parameter; else `MOST`), how many more there were, and at most one event in `PAUSE`; `lagged` where some were missed that
//! nobody has counted: look at everything again.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::values::{Query, trace_id_text};

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

/// Traces that an event names where nothing is said; of more the oldest are left out.
const MOST: usize = 200;
/// And as many as may be asked for.
const MOST_OF_ALL: usize = 100_000;
/// Streams at a time, fewer than a port has connections: each holds one for as long as its client likes.
const STREAMS: usize = 256;
/// Between two events, so that a flood of spans is no flood of events.
const PAUSE: Duration = Duration::from_millis(250);

/// The announcer.
#[derive(Debug)]
pub struct Live {
    changes: broadcast::Sender<Arc<Change>>,
    closed: watch::Sender<bool>,
    places: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Live {
            changes: broadcast::channel(BEHIND).0,
            closed: watch::channel(false).0,
            places: Arc::new(Semaphore::new(STREAMS)),
        }
    }
}

impl Live {
    /// Watches from now on. `recv` says `Lagged(n)` where the watcher was too slow: look at everything again.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Change>> {
        self.changes.subscribe()
    }

    /// Whether anybody watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    /// Tells of a change, which is only made if anybody watches.
    pub fn tell(&self, change: impl FnOnce() -> Change) {
        if self.is_watched() {
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

async fn stream(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let most = query.get("most").and_then(|most| most.parse().ok()).unwrap_or(MOST).min(MOST_OF_ALL);
    let (events, told) = mpsc::channel(4);
    // Never closed.
    let Ok(place) = Arc::clone(&app.live.places).try_acquire_owned() else {
        // The connection is for somebody else.
        let close = [(header::CONNECTION, "close")];
        return (StatusCode::SERVICE_UNAVAILABLE, close, "too many watch already; ask again now and then\n")
            .into_response();
    };
    let changes = app.live.watch();
    let mut closed = app.live.closed.subscribe();
    tokio::spawn(async move {
        let _place = place;
        tokio::select! {
            () = tell(changes, events, most) => {}
            // An error means that the program is gone.
            _ = closed.wait_for(|closed| *closed) => {}
        }
    });
    Sse::new(ReceiverStream::new(told)).keep_alive(KeepAlive::default()).into_response()
}

/// The traces of an event, each once.
#[derive(Default)]
struct Gathered {
    /// With its service and when it changed last, counted.
    traces: HashMap<u128, (usize, String)>,
    changes: usize,
    /// Traces that are not named.
    more: usize,
}

impl Gathered {
    fn note(&mut self, change: &Change, most: usize) {
        for &id in &change.trace_ids {
            self.changes += 1;
            match self.traces.get_mut(&id) {
                Some((last, service)) => {
                    *last = self.changes;
                    service.clone_from(&change.service);
                }
                None => drop(self.traces.insert(id, (self.changes, change.service.clone()))),
            }
        }
        // Not at each one too many: the sorting is shared by as many as are kept.
        if self.traces.len() > 2 * most.max(MOST) {
            let newest = self.newest(most);
            self.traces = newest.into_iter().map(|(id, last, service)| (id, (last, service))).collect();
        }
    }

    /// The newest ones, the newest last; the others are counted.
    fn newest(&mut self, most: usize) -> Vec<(u128, usize, String)> {
        let mut all: Vec<_> = self.traces.drain().map(|(id, (last, service))| (id, last, service)).collect();
        all.sort_unstable_by_key(|(_, last, _)| *last);
        let from = all.len().saturating_sub(most);
        self.more += from;
        all.split_off(from)
    }

    fn event(mut self, most: usize) -> Event {
        let traces: Vec<serde_json::Value> = self
            .newest(most)
            .into_iter()
            .map(|(id, _, service)| json!({"traceID": trace_id_text(id), "service": service}))
            .collect();
        Event::default().event("change").data(json!({"traces": traces, "more": self.more}).to_string())
    }
}

/// Gathers changes into events until nobody listens.
async fn tell(
    mut changes: broadcast::Receiver<Arc<Change>>,
    events: mpsc::Sender<Result<Event, Infallible>>,
    most: usize,
) {
    // Sent at once, so that a client knows that it has not missed anything from here on.
    if events.send(Ok(Event::default().comment("watching"))).await.is_err() {
        return;
    }
    loop {
        let mut gathered = Gathered::default();
        let mut lagged = false;
        let mut until = None;
        // Taken as they come, so that only a watcher who does not read for long misses any.
        loop {
            let change = match until {
                None => tokio::select! {
                    change = changes.recv() => change,
                    () = events.closed() => return,
                },
                Some(until) => match tokio::time::timeout_at(until, changes.recv()).await {
                    Ok(change) => change,
                    Err(_) => break,
                },
            };
            until.get_or_insert_with(|| tokio::time::Instant::now() + PAUSE);
            match change {
                Ok(change) => gathered.note(&change, most),
                Err(RecvError::Lagged(_)) => lagged = true,
                Err(RecvError::Closed) => return,
            }
        }
        let lost = lagged.then(|| Event::default().event("lagged").data("{}"));
        for event in [Some(gathered.event(most)), lost].into_iter().flatten() {
            if events.send(Ok(event)).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_watches_leaves_connections_to_others() {
        let app =
            App::new(crate::Config::default(), Box::new(crate::store::memory::MemoryStore::new(1 << 20)));
        let mut open = Vec::new();
        for _ in 0..STREAMS {
            let response = stream(State(app.clone()), RawQuery(None)).await;
            assert_eq!(response.status(), StatusCode::OK);
            open.push(response);
        }
        const { assert!(STREAMS * 2 <= crate::serve::CONNECTIONS) };
        let refused = stream(State(app.clone()), RawQuery(None)).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[header::CONNECTION], "close");
        let status = || async { stream(State(app.clone()), RawQuery(None)).await.status() };
        // One goes, and its place is free as soon as that was noticed.
        drop(open.pop());
        while status().await != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn the_newest_are_named_each_once_and_the_others_counted() {
        let mut gathered = Gathered::default();
        let change = |ids: &[u128]| Change { service: "shop".into(), trace_ids: ids.to_vec() };
        for id in 1..=1_000 {
            gathered.note(&change(&[id]), 3);
        }
        gathered.note(&change(&[999, 998]), 3);
        let mut newest = gathered.newest(3);
        assert_eq!(newest.iter().map(|(id, ..)| *id).collect::<Vec<_>>(), [1_000, 999, 998]);
        assert_eq!((newest.pop().unwrap().2, gathered.more), ("shop".to_owned(), 997));
    }
}
