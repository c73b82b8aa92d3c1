//! Spans that are open when the tracer ends, and those that end after it: each is counted once.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Span, Tracer, traced};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[traced]
fn ends_late(started: &std::sync::mpsc::Sender<()>, go_on: &std::sync::mpsc::Receiver<()>) {
    started.send(()).unwrap();
    go_on.recv().unwrap();
}

#[traced]
fn work() {}

#[test]
fn what_is_open_at_the_end_is_counted_once_also_when_it_ends_later() {
    let memory = MemoryReporter::new();
    let builder = Tracer::builder("unfinished").sampler(Sampler::Const(true));
    let tracer = builder.reporter(memory.clone()).install().unwrap();
    work();
    let held = Span::root("held");
    let (started, has_started) = channel();
    let (go, go_on) = channel();
    let late = thread::spawn(move || ends_late(&started, &go_on));
    has_started.recv().unwrap();
    let before = tracer.flush(PATIENCE).unwrap();
    assert_eq!((before.started, before.finished, before.open), (3, 1, 2));

    let stats = tracer.shutdown(PATIENCE).unwrap();
    assert_eq!((stats.started, stats.finished, stats.open), (3, 1, 0));
    assert_eq!((stats.dropped.unfinished, stats.dropped.total()), (2, 2), "{stats:?}");

    // They end now; that is neither lost from the count nor counted again.
    held.tag("late", true);
    drop(held);
    go.send(()).unwrap();
    late.join().unwrap();
    work();
    assert!(!Span::root("after the end").is_recording());
    assert_eq!(tracer.stats(), stats);
    assert_eq!(tracer.flush(PATIENCE).unwrap(), stats);
    assert_eq!(memory.spans().len(), 1);
}
