//! What a reporter may do in its calls: what it calls is not traced, a flush from there is refused, and its own threads see spans whole.

use jaeger_runtime::report::{Outcome, Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{Error, Sampler, Span, Tracer, traced};
use jaeger_thrift::{Process, Span as Finished};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

static TRACER: OnceLock<Tracer> = OnceLock::new();

/// Asks for a flush and a shutdown in each call, and calls traced functions.
struct Curious {
    here: bool,
    service: Option<String>,
    seen: u64,
    said: Sender<Seen>,
    _alive: Arc<()>,
}

/// What it saw of a span.
struct Seen {
    here: bool,
    service: String,
    span: Finished<'static>,
    outcome: Outcome,
    local_root: bool,
    file: Option<&'static str>,
    flush: Result<(), Error>,
    shutdown: Result<(), Error>,
}

#[traced]
fn called_by_a_reporter() -> u8 {
    7
}

#[traced]
fn fails() -> Result<u8, String> {
    Span::current().log("before", &[("n", &1)]);
    Err("on purpose".into())
}

impl Reporter for Curious {
    fn name(&self) -> String {
        "curious".into()
    }
    fn start(&mut self, process: &Process<'static>) {
        self.service = Some(process.service_name.to_string());
    }
    fn never_waits(&self) -> bool {
        self.here
    }
    fn report(&mut self, span: &SpanRecord<'_>) {
        called_by_a_reporter();
        self.seen += 1;
        let tracer = TRACER.get().unwrap();
        let seen = Seen {
            here: self.here,
            service: self.service.clone().unwrap(),
            span: span.to_owned(),
            outcome: span.outcome(),
            local_root: span.is_local_root(),
            file: span.callsite().map(|callsite| callsite.file()),
            flush: tracer.flush(PATIENCE).map(|_| ()),
            shutdown: tracer.shutdown(PATIENCE).map(|_| ()),
        };
        self.said.send(seen).unwrap();
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.seen, ..ReporterStats::default() }
    }
}

#[test]
fn a_reporter_sees_spans_whole_and_cannot_wait_for_itself() {
    let (said, heard) = channel();
    let alive = Arc::new(());
    let curious = |here| Curious { here, service: None, seen: 0, said: said.clone(), _alive: alive.clone() };
    let builder = Tracer::builder("curious").sampler(Sampler::Const(true));
    let tracer = builder.reporter(curious(true)).reporter(curious(false)).install().unwrap();
    let tracer = TRACER.get_or_init(|| tracer);
    {
        let root = Span::root("by hand");
        let _inside = root.enter();
        let _ = fails();
    }
    for _ in 0..3 {
        let stats = tracer.flush(PATIENCE).unwrap();
        assert_eq!((stats.started, stats.finished), (2, 2), "what reporters call would never end: {stats:?}");
    }
    let seen: Vec<Seen> = heard.try_iter().collect();
    let of = |here: bool| {
        let of: Vec<&Seen> = seen.iter().filter(|seen| seen.here == here).collect();
        let [fails, by_hand] = of[..] else { panic!("{} spans", of.len()) };
        assert_eq!((&*fails.span.operation_name, &*by_hand.span.operation_name), ("fails", "by hand"));
        (fails, by_hand)
    };
    let (lent, copied) = (of(true), of(false));
    for (lent, copied) in [(lent.0, copied.0), (lent.1, copied.1)] {
        assert_eq!(lent.span, copied.span);
        for one in [lent, copied] {
            assert_eq!(one.service, "curious");
            assert!(matches!(one.flush, Err(Error::FromReporter { what: "flush", .. })), "{:?}", one.flush);
            assert!(matches!(one.shutdown, Err(Error::FromReporter { what: "shutdown", .. })));
        }
    }
    for (fails, by_hand) in [lent, copied] {
        assert_eq!((fails.outcome, by_hand.outcome), (Outcome::Error, Outcome::Ok));
        assert_eq!((fails.local_root, by_hand.local_root), (false, true));
        assert!(fails.file.is_some_and(|file| file.ends_with("reporters.rs")) && by_hand.file.is_none());
        assert_eq!(fails.span.logs.len(), 2);
    }
    // That was no shutdown: what comes later is recorded. The real one lets go of the reporter that has a thread before it returns.
    let _ = fails();
    let stats = tracer.shutdown(PATIENCE).unwrap();
    assert_eq!((stats.finished, stats.reporters[0].stats.sent, stats.reporters[1].stats.sent), (3, 3, 3));
    // Ours, and perhaps the other one's, which goes with the collector.
    assert!(Arc::strong_count(&alive) <= 2, "{}", Arc::strong_count(&alive));
}
