//! The one door to the store: every receiver's batches pass here, are checked, rewritten, stored, counted, told.
//!
//! A span with a trace id of zero belongs to no trace: refused and counted, its neighbours are taken.

use jaeger_thrift::Batch;

use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::forward::Way;
use crate::live::Change;

impl App {
    /// Takes a batch in, and gives back what was stored, for its memory. Of the Thrift receivers' batches, tags that Jaeger shows otherwise are rewritten.
    ///
    /// ```
    /// use jaeger_all_in_one::counters::{Cause, Receiver};
    /// use jaeger_all_in_one::{App, Config, store::memory::MemoryStore};
    /// use jaeger_thrift::{Batch, Process, Span};
    /// let app = App::new(Config::default(), Box::new(MemoryStore::new(64 << 20)));
    /// let spans = vec![Span { trace_id: 7, ..Span::default() }, Span::default()];
    /// app.take(Receiver::UdpCompact, Batch { process: Process::new("shop"), spans, ..Batch::default() });
    /// assert_eq!(app.counters.spans(Receiver::UdpCompact), 1);
    /// assert_eq!(app.counters.refusals(Receiver::UdpCompact, Cause::ZeroId), 1);
    /// ```
    pub fn take<'a>(&self, receiver: Receiver, mut batch: Batch<'a>) -> Batch<'a> {
        self.counters.message(receiver);
        self.put(receiver, &mut batch, false);
        batch
    }

    /// `sent` if those that take OTLP have it already.
    fn put(&self, receiver: Receiver, batch: &mut Batch<'_>, sent: bool) {
        let came = batch.spans.len();
        batch.spans.retain(|span| span.trace_id != 0);
        let zero = came - batch.spans.len();
        if zero > 0 {
            self.counters.refused(receiver, Cause::ZeroId, zero);
        }
        // As it came: a collector for Thrift rewrites for itself.
        self.forward.offer_as_it_came(batch);
        if matches!(receiver, Receiver::UdpCompact | Receiver::UdpBinary | Receiver::ThriftHttp) {
            crate::rules::thrift::rewrite(batch);
        }
        if !sent {
            self.forward.offer_rewritten(batch);
        }
        let appended = self.store.append(batch);
        if appended.lost > 0 {
            self.counters.refused(receiver, Cause::StoreFull, appended.lost);
        }
        self.counters.stored(receiver, appended.stored);
        if !batch.spans.is_empty() {
            self.live.tell(|| {
                let mut trace_ids: Vec<u128> = batch.spans.iter().map(|span| span.trace_id).collect();
                trace_ids.sort_unstable();
                trace_ids.dedup();
                Change { service: batch.process.service_name.to_string(), trace_ids }
            });
        }
    }

    /// Takes the batches of one request in, which count as one message.
    pub fn take_all(&self, receiver: Receiver, batches: Vec<Batch<'_>>) {
        self.counters.message(receiver);
        for mut batch in batches {
            self.put(receiver, &mut batch, false);
        }
    }

    /// The same for a request that came as OTLP. Whoever takes OTLP gets the request itself, `original`, so that it loses nothing: nanoseconds, lists and maps,
    /// what stands at links and scopes. But not if a span of it is refused here, since then it is another request.
    pub(crate) fn take_otlp<'a>(
        &self,
        receiver: Receiver,
        mut batches: Vec<Batch<'a>>,
        original: impl FnOnce() -> Vec<u8>,
    ) -> Vec<Batch<'a>> {
        self.counters.message(receiver);
        let whole = self.forward.has(Way::Otlp)
            && batches.iter().all(|batch| batch.spans.iter().all(|span| span.trace_id != 0));
        if whole {
            self.forward.offer_request(batches.iter().map(|batch| batch.spans.len()).sum(), original);
        }
        for batch in &mut batches {
            self.put(receiver, batch, whole);
        }
        batches
    }
}
