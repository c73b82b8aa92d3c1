//! The one door to the store: every receiver's batches pass here, are checked, rewritten, stored, counted, told.
//!
//! A span with a trace id of zero belongs to no trace: refused and counted, its neighbours are taken.
//!
//! A message of ordinary size goes from the wire into the store span by span, while it is read (`App::take_read`): no list of its spans is made, so what a
//! span costs does not grow with its neighbours, which the caches would have to hold. Where somebody else wants the batch, or the store does, it is read first.

use jaeger_thrift::{Batch, Process, Sink, Span};

use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::forward::Way;
use crate::live::Change;
use crate::rules;

/// The largest message that is read while the store waits for it, in bytes. An ordinary one of that size takes a third of a millisecond, one of nothing but
/// tiny spans, attributes or resources two, and one that is a single list or map, which becomes JSON, five.
const AT_ONCE: usize = 256 << 10;

/// Whether tags that Jaeger shows otherwise are rewritten.
fn is_thrift(receiver: Receiver) -> bool {
    matches!(receiver, Receiver::UdpCompact | Receiver::UdpBinary | Receiver::ThriftHttp)
}

/// Batches of a message that is read before it is taken in.
#[derive(Default)]
pub(crate) struct Batches<'a>(pub(crate) Vec<Batch<'a>>);

impl<'a> Sink<'a> for Batches<'a> {
    fn process(&mut self, process: Process<'a>) {
        self.0.push(Batch { process, ..Batch::default() });
    }

    fn span(&mut self, span: &mut Span<'a>) {
        if let Some(batch) = self.0.last_mut() {
            batch.spans.push(std::mem::take(span));
        }
    }

    fn forget(&mut self) {
        self.0.clear();
    }
}

/// Spans on their way from the wire into the store.
struct Passing<'s, 'a> {
    store: &'s mut dyn Sink<'a>,
    thrift: bool,
    /// Spans without a trace id.
    zero: usize,
    /// What those who watch are told; nothing if nobody does.
    changes: Option<Vec<Change>>,
}

impl<'a> Sink<'a> for Passing<'_, 'a> {
    fn process(&mut self, mut process: Process<'a>) {
        if self.thrift {
            rules::thrift::process(&mut process);
        }
        if let Some(changes) = &mut self.changes {
            changes.push(Change { service: process.service_name.to_string(), trace_ids: Vec::new() });
        }
        self.store.process(process);
    }

    fn span(&mut self, span: &mut Span<'a>) {
        if span.trace_id == 0 {
            self.zero += 1;
            return;
        }
        if self.thrift {
            rules::thrift::span(span);
        }
        if let Some(change) = self.changes.as_mut().and_then(|changes| changes.last_mut())
            && change.trace_ids.last() != Some(&span.trace_id)
        {
            change.trace_ids.push(span.trace_id);
        }
        self.store.span(span);
    }

    fn forget(&mut self) {
        self.zero = 0;
        if let Some(changes) = &mut self.changes {
            changes.clear();
        }
        self.store.forget();
    }
}

impl App {
    /// Takes a message of so many bytes in while `read` reads it: all of it or, if it cannot be read, nothing. Thrift's receivers' tags are rewritten.
    pub(crate) fn take_read<'a, E>(
        &self,
        receiver: Receiver,
        bytes: usize,
        mut read: impl FnMut(&mut dyn Sink<'a>) -> Result<(), E>,
        original: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), E> {
        if bytes <= AT_ONCE && self.forward.targets().is_empty() {
            let (mut result, mut zero, mut changes) = (Ok(()), 0, None);
            let appended = self.store.append_while_read(bytes, &mut |store| {
                // Whoever begins to watch from here on asks the store when this is in it.
                let changes_of = self.live.is_watched().then(Vec::new);
                let thrift = is_thrift(receiver);
                let mut passing = Passing { store, thrift, zero: 0, changes: changes_of };
                result = read(&mut passing);
                (zero, changes) = (passing.zero, passing.changes);
                result.is_ok()
            });
            if let Some(appended) = appended {
                result?;
                self.counters.message(receiver);
                self.counters.refused(receiver, Cause::ZeroId, zero);
                self.counters.stored(receiver, appended.stored);
                for mut change in changes.into_iter().flatten().filter(|change| !change.trace_ids.is_empty())
                {
                    change.trace_ids.sort_unstable();
                    change.trace_ids.dedup();
                    self.live.tell(|| change);
                }
                return Ok(());
            }
        }
        let mut batches = Batches::default();
        read(&mut batches)?;
        match receiver {
            Receiver::OtlpHttp | Receiver::OtlpGrpc => self.take_otlp(receiver, batches.0, original),
            _ => self.take_all(receiver, batches.0),
        }
        Ok(())
    }

    /// Takes a batch in. Of the Thrift receivers' batches, tags that Jaeger shows otherwise are rewritten.
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
    pub fn take(&self, receiver: Receiver, mut batch: Batch<'_>) {
        self.counters.message(receiver);
        self.put(receiver, &mut batch, false);
    }

    /// `sent` if those that take OTLP have it already.
    fn put(&self, receiver: Receiver, batch: &mut Batch<'_>, sent: bool) {
        let came = batch.spans.len();
        batch.spans.retain(|span| span.trace_id != 0);
        let zero = came - batch.spans.len();
        self.counters.refused(receiver, Cause::ZeroId, zero);
        // As it came: a collector for Thrift rewrites for itself.
        self.forward.offer_as_it_came(batch);
        if is_thrift(receiver) {
            rules::thrift::rewrite(batch);
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
    pub(crate) fn take_otlp(
        &self,
        receiver: Receiver,
        mut batches: Vec<Batch<'_>>,
        original: impl FnOnce() -> Vec<u8>,
    ) {
        self.counters.message(receiver);
        let whole = self.forward.has(Way::Otlp)
            && batches.iter().all(|batch| batch.spans.iter().all(|span| span.trace_id != 0));
        if whole {
            self.forward.offer_request(batches.iter().map(|batch| batch.spans.len()).sum(), original);
        }
        for batch in &mut batches {
            self.put(receiver, batch, whole);
        }
    }
}
