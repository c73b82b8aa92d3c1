//! The one door to the store: every receiver's batches pass here, are checked, stored, counted, told.

use jaeger_thrift::Batch;

use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::live::Change;

impl App {
    /// Takes a batch in.
    pub fn take(&self, receiver: Receiver, mut batch: Batch<'_>) {
        if matches!(receiver, Receiver::UdpCompact | Receiver::UdpBinary | Receiver::ThriftHttp) {
            crate::rules::thrift::rewrite(&mut batch);
        }
        let came = batch.spans.len();
        batch.spans.retain(|span| span.trace_id != 0 && span.span_id != 0);
        let zero = came - batch.spans.len();
        if zero > 0 {
            self.counters.refused(receiver, Cause::ZeroId, zero);
        }
        let appended = self.store.append(&batch);
        if appended.lost > 0 {
            self.counters.refused(receiver, Cause::StoreFull, appended.lost);
        }
        self.counters.accepted(receiver, appended.stored);
        if !batch.spans.is_empty() {
            self.live.tell(|| {
                let mut trace_ids: Vec<u128> = batch.spans.iter().map(|span| span.trace_id).collect();
                trace_ids.sort_unstable();
                trace_ids.dedup();
                Change { service: batch.process.service_name.to_string(), trace_ids }
            });
        }
    }
}
