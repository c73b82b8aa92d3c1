//! Who has new spans: told to whoever watches (the page's live update, `tail`), and nothing done while nobody does.

use std::sync::Arc;

use tokio::sync::broadcast;

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

/// The announcer.
#[derive(Debug)]
pub struct Live(broadcast::Sender<Arc<Change>>);

impl Default for Live {
    fn default() -> Self {
        Live(broadcast::channel(BEHIND).0)
    }
}

impl Live {
    /// Watches from now on. `recv` says `Lagged(n)` where the watcher was too slow: look at everything again.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Change>> {
        self.0.subscribe()
    }

    /// Tells of a change, which is only made if anybody watches.
    pub fn tell(&self, change: impl FnOnce() -> Change) {
        if self.0.receiver_count() > 0 {
            // No receiver any more: nobody to tell.
            let _ = self.0.send(Arc::new(change()));
        }
    }
}
