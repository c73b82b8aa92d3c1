//! All reporters of a tracer, one after the other.

use super::guard::Guarded;
use super::{Reporter, ReporterStatus, SpanRecord};
use jaeger_thrift::Process;

/// All reporters of a tracer.
pub(crate) struct Fanout {
    reporters: Vec<Guarded>,
}

impl Fanout {
    pub(crate) fn new(reporters: Vec<Box<dyn Reporter>>) -> Self {
        Self { reporters: reporters.into_iter().map(Guarded::new).collect() }
    }

    pub(crate) fn start(&mut self, process: &Process<'static>) {
        self.reporters.iter_mut().for_each(|reporter| _ = reporter.call(|r| r.start(process)));
    }

    pub(crate) fn report(&mut self, span: &SpanRecord<'_>) {
        self.reporters.iter_mut().for_each(|reporter| reporter.report(span));
    }

    pub(crate) fn flush(&mut self) {
        self.reporters.iter_mut().for_each(|reporter| _ = reporter.call(|r| r.flush()));
    }

    pub(crate) fn close(&mut self) {
        self.reporters.iter_mut().for_each(|reporter| _ = reporter.call(|r| r.close()));
    }

    pub(crate) fn status(&mut self) -> Vec<ReporterStatus> {
        let status = |reporter: &mut Guarded| {
            let tally = reporter.tally();
            ReporterStatus { name: reporter.name.clone(), stats: tally.settled(), panics: tally.panics }
        };
        self.reporters.iter_mut().map(status).collect()
    }
}
