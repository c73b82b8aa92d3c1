//! Who may ask the store when: so many searches at a time that they hold up nobody, with places of their own for what is answered in a moment; and nothing
//! is done for a client that has gone.
//!
//! A search takes a core for as long as it takes, and its answer memory. So as many run as there are cores, some more wait, and who comes then is sent away at
//! once: its connection is free again for somebody else. Who goes while it waits is forgotten, and who goes while it is answered has its search end at the
//! next trace or span.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jaeger_thrift::Batch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::{
    Answer, Appended, EachSpan, EachTrace, Operation, Scan, Store, StoreError, StoreStats, Trace, TraceQuery,
};

/// Searches that may wait while others run.
const WAITING: usize = 64;
/// Brief questions at a time; more wait.
const BRIEF: usize = 4;
/// Traces that are read before it is looked whether the client is still there.
const AT_ONCE: usize = 100;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The store could not, or the question failed inside.
    Failed(StoreError),
    /// Too many are being answered.
    Busy,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::Failed(error) => error.fmt(f),
            Unanswered::Busy => f.write_str("too many searches at the same time; ask again"),
        }
    }
}

impl std::error::Error for Unanswered {}

/// The places.
#[derive(Debug)]
pub(crate) struct Questions {
    searches: Arc<Semaphore>,
    /// Of searches that run or wait.
    in_line: Arc<Semaphore>,
    brief: Arc<Semaphore>,
}

impl Default for Questions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8));
        Questions {
            searches: Arc::new(Semaphore::new(cores)),
            in_line: Arc::new(Semaphore::new(cores + WAITING)),
            brief: Arc::new(Semaphore::new(BRIEF)),
        }
    }
}

/// A place, free again when this is dropped.
pub(crate) struct Place {
    _places: [Option<OwnedSemaphorePermit>; 2],
}

impl Questions {
    /// A place for a search, or none if too many wait already.
    pub(crate) async fn search(&self) -> Option<Place> {
        let in_line = Arc::clone(&self.in_line).try_acquire_owned().ok()?;
        // The semaphores are never closed.
        let running = Arc::clone(&self.searches).acquire_owned().await.ok();
        Some(Place { _places: [Some(in_line), running] })
    }

    /// A place for a question that is answered in a moment.
    pub(crate) async fn brief(&self) -> Place {
        Place { _places: [Arc::clone(&self.brief).acquire_owned().await.ok(), None] }
    }
}

/// Says that nobody waits any more, when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Waits(Arc<AtomicBool>);

impl Waits {
    /// For the store that is asked.
    pub(crate) fn gone(&self) -> Gone {
        Gone(Arc::clone(&self.0))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether nobody waits for an answer.
#[derive(Debug)]
pub(crate) struct Gone(Arc<AtomicBool>);

impl Gone {
    fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on as long as somebody waits.
    fn unless_gone(&self) -> Answer<()> {
        if self.is_so() { Err(StoreError("nobody waits for the answer".to_owned())) } else { Ok(()) }
    }
}

/// A store that is asked for somebody, and stops when that one has gone.
#[derive(Debug)]
pub(crate) struct Attended<'s> {
    pub(crate) store: &'s dyn Store,
    pub(crate) gone: Gone,
}

impl Attended<'_> {
    fn each<A>(&self, answer: Answer<A>) -> Answer<A> {
        self.gone.unless_gone()?;
        answer
    }
}

impl Store for Attended<'_> {
    fn append(&self, batch: &Batch<'_>) -> Appended {
        self.store.append(batch)
    }

    fn find_while(&self, query: &TraceQuery, go_on: &dyn Fn() -> bool) -> Answer<Vec<u128>> {
        let answer = self.store.find_while(query, &|| !self.gone.is_so() && go_on());
        self.each(answer)
    }

    fn traces(&self, ids: &[u128]) -> Answer<Vec<Trace>> {
        let mut found = Vec::new();
        for ids in ids.chunks(AT_ONCE) {
            self.gone.unless_gone()?;
            found.extend(self.store.traces(ids)?);
        }
        self.each(Ok(found))
    }

    fn heads(&self, ids: &[u128], each: EachTrace<'_>) -> Answer<()> {
        let answer = self.store.heads(ids, &mut |trace| {
            if self.gone.is_so() { ControlFlow::Break(()) } else { each(trace) }
        });
        self.each(answer)
    }

    fn scan_traces(&self, range: &Scan, each: EachTrace<'_>) -> Answer<()> {
        let answer = self.store.scan_traces(range, &mut |trace| {
            if self.gone.is_so() { ControlFlow::Break(()) } else { each(trace) }
        });
        self.each(answer)
    }

    fn scan(&self, range: &Scan, each: EachSpan<'_>) -> Answer<()> {
        let answer = self.store.scan(range, &mut |process, span| {
            if self.gone.is_so() { ControlFlow::Break(()) } else { each(process, span) }
        });
        self.each(answer)
    }

    fn services(&self) -> Answer<Vec<String>> {
        self.store.services()
    }

    fn operations(&self, service: &str) -> Answer<Vec<Operation>> {
        self.store.operations(service)
    }

    fn stats(&self) -> StoreStats {
        self.store.stats()
    }

    fn describe(&self) -> String {
        self.store.describe()
    }

    fn flush(&self) {
        self.store.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::config::Config;
    use crate::store::memory::MemoryStore;
    use jaeger_thrift::{Process, Span};
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Mutex, mpsc};

    fn app() -> App {
        let app = App::new(Config::default(), Box::new(MemoryStore::new(64 << 20)));
        let span = |trace_id| Span { trace_id, span_id: 1, ..Span::default() };
        let spans = (1..=1_000).map(span).collect();
        app.store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
        app
    }

    #[tokio::test]
    async fn searches_without_number_hold_up_nobody() {
        let app = app();
        let most = app.questions.searches.available_permits();
        let (running, top) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (open, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let search = |_| {
            let (app, running, top, gate) = (app.clone(), running.clone(), top.clone(), gate.clone());
            tokio::spawn(async move {
                let answer = app.ask(move |_| {
                    top.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // Until all may go on.
                    let _ = gate.lock().unwrap().recv();
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                });
                answer.await
            })
        };
        let all: Vec<_> = (0..515).map(search).collect();
        // Who is too many is sent away while none has been answered.
        let refused = |all: &[tokio::task::JoinHandle<_>]| all.iter().filter(|one| one.is_finished()).count();
        while refused(&all) < 515 - most - WAITING {
            tokio::task::yield_now().await;
        }
        assert_eq!(app.ask_briefly(|store| store.services()).await.unwrap(), ["shop"]);
        drop(open);
        let mut busy = 0;
        for one in all {
            busy += usize::from(one.await.unwrap() == Err(Unanswered::Busy));
        }
        assert_eq!((busy, top.load(Ordering::SeqCst) <= most), (515 - most - WAITING, true));
        assert_eq!(app.ask(|_| Ok(1)).await, Ok(1), "their places are free again");
    }

    #[tokio::test]
    async fn nothing_is_done_for_who_has_gone() {
        let app = app();
        let seen = Arc::new(AtomicUsize::new(0));
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, gate) = mpsc::channel::<()>();
        let (ended, end) = tokio::sync::oneshot::channel();
        let search = tokio::spawn({
            let (app, seen) = (app.clone(), seen.clone());
            async move {
                let mut began = Some(began);
                let answer = app.ask(move |store| {
                    let answer = store.scan(&Scan::default(), &mut |_, _| {
                        seen.fetch_add(1, Ordering::SeqCst);
                        if let Some(began) = began.take() {
                            began.send(()).unwrap();
                            let _ = gate.recv();
                        }
                        ControlFlow::Continue(())
                    });
                    ended.send(answer).unwrap();
                    Ok(())
                });
                answer.await
            }
        });
        has_begun.await.unwrap();
        search.abort();
        assert!(search.await.unwrap_err().is_cancelled());
        drop(go_on);
        assert!(end.await.unwrap().is_err(), "it was carried out");
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }
}
