//! What waits for one target, bounded by bytes, and what became of it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::encoded::Encoded;
use super::sender::Sender;
use super::told::losses;
use super::{Counts, Loss, Target};

/// One target: its queue, its counters, and the thread that sends.
#[derive(Debug)]
pub struct Forward {
    target: Target,
    shared: Arc<Shared>,
    limit: usize,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something is queued, or it is to stop, or it has ended.
    pub(super) changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    queue: VecDeque<Item>,
    /// The spans that are being sent; whoever takes them out counts them.
    sending: Option<u64>,
    pub(super) counts: Counts,
    pub(super) stopping: bool,
    pub(super) ended: bool,
}

/// What is sent in one piece.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) body: Arc<[u8]>,
    pub(super) spans: u64,
    pub(super) since: Instant,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is done under the lock that could leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next item; `None` when it is to stop and nothing is queued.
    pub(super) fn next(&self) -> Option<Item> {
        let idle = |state: &mut State| state.queue.is_empty() && !state.stopping;
        let mut state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        let item = state.queue.pop_front()?;
        state.sending = Some(item.spans);
        Some(item)
    }

    /// Counts an item that was sent, all but so many of its spans, or is lost.
    pub(super) fn done(&self, item: &Item, result: Result<u64, Loss>) {
        let mut state = self.state();
        // Stopping may have counted it already.
        if state.sending.take().is_none() {
            return;
        }
        let counts = &mut state.counts;
        counts.bytes = counts.bytes.saturating_sub(item.body.len());
        match result {
            Ok(rejected) => {
                let rejected = rejected.min(item.spans);
                counts.sent += item.spans - rejected;
                counts.lost[Loss::Refused as usize] += rejected;
            }
            Err(loss) => counts.lost[loss as usize] += item.spans,
        }
    }

    /// The thread has ended: what is left is lost.
    pub(super) fn ended(&self) {
        self.state().end();
        self.changed.notify_all();
    }
}

impl State {
    /// Why nothing more is taken, if so.
    fn full(&self, limit: usize) -> Option<Loss> {
        match () {
            () if self.stopping => Some(Loss::Stopped),
            () if self.counts.bytes >= limit => Some(Loss::QueueFull),
            () => None,
        }
    }

    /// Counts what is left as lost.
    fn end(&mut self) {
        let left = self.queue.drain(..).map(|item| item.spans).sum::<u64>();
        self.counts.lost[Loss::Stopped as usize] += left + self.sending.take().unwrap_or(0);
        self.counts.bytes = 0;
        self.ended = true;
    }
}

impl Forward {
    /// Starts sending to a target, with a queue of so many bytes.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(target: Target, limit: usize) -> io::Result<Forward> {
        let shared = Arc::new(Shared::default());
        let sender = Sender::new(&target, Arc::clone(&shared));
        std::thread::Builder::new().name("jaeger-forward".to_owned()).spawn(move || sender.run())?;
        Ok(Forward { target, shared, limit })
    }

    /// Where it sends.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether there may be room; if there is none, so many spans are lost.
    pub(super) fn has_room(&self, spans: u64) -> bool {
        let mut state = self.shared.state();
        let full = state.full(self.limit);
        if let Some(loss) = full {
            state.counts.lost[loss as usize] += spans;
        }
        full.is_none()
    }

    /// Queues what there is room for, and counts the rest.
    pub(super) fn put(&self, encoded: &Encoded) {
        let mut state = self.shared.state();
        state.counts.lost[Loss::TooLarge as usize] += encoded.too_large;
        for (body, spans) in &encoded.parts {
            let over = state.counts.bytes.saturating_add(body.len()) > self.limit;
            if let Some(loss) = state.full(self.limit).or(over.then_some(Loss::QueueFull)) {
                state.counts.lost[loss as usize] += spans;
                continue;
            }
            state.counts.bytes += body.len();
            state.queue.push_back(Item { body: Arc::clone(body), spans: *spans, since: Instant::now() });
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// From now on nothing is taken, and nothing tried twice.
    pub(super) fn begin_to_stop(&self) {
        self.shared.state().stopping = true;
        self.shared.changed.notify_all();
    }

    /// Waits so long until all is sent; what is left is lost.
    pub(super) fn end(&self, patience: Duration) {
        let waited =
            self.shared.changed.wait_timeout_while(self.shared.state(), patience, |state| !state.ended);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        // If it hangs in a request it ends with that, and finds nothing left.
        state.end();
    }

    /// What became of what was offered.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// How many spans it did not get and why, as a sentence; `None` if it got all so far.
    pub fn losses(&self) -> Option<String> {
        let counts = self.counts();
        (counts.lost != [0; Loss::ALL.len()]).then(|| losses(&self.target.to_string(), &counts, ""))
    }

    /// Spans that it took.
    pub fn sent(&self) -> u64 {
        self.counts().sent
    }

    /// Spans lost by a cause.
    pub fn lost(&self, loss: Loss) -> u64 {
        self.counts().lost[loss as usize]
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.begin_to_stop();
        self.end(super::STOP);
    }
}
