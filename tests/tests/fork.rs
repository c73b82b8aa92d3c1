//! fork without exec: the child sends nothing of the parent's and does not hang, and the parent goes on.
//!
//! A program by itself (`harness = false`): it prints one line and exits 0, or panics.

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {
    println!(
        "test a_forked_child_sends_nothing_and_does_not_hang ... nothing to test: there is no fork here"
    );
}

#[cfg(unix)]
mod unix {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::exit;
    use std::time::{Duration, Instant};

    use fork::{Fork, WEXITSTATUS, WIFEXITED, fork, waitpid_nohang};
    use jaeger_runtime::{Error, Sampler, Span, Tracer, traced};
    use jaeger_thrift::{Message, Protocol};
    use tests::{Sink, wait_for};

    const PATIENCE: Duration = Duration::from_secs(60);
    /// What the child ends with when all was as it should be.
    const FINE: i32 = 7;

    #[traced]
    fn before(n: u64) -> u64 {
        n
    }

    #[traced]
    fn in_child(n: u64) -> u64 {
        n
    }

    #[traced]
    fn after(n: u64) -> u64 {
        n
    }

    pub(super) fn main() {
        // Runners ask for a list, or for tests by name.
        if std::env::args().any(|argument| argument == "--list") {
            return println!("a_forked_child_sends_nothing_and_does_not_hang: test");
        }
        let sink = Sink::new();
        let builder =
            Tracer::builder("forks").sampler(Sampler::Const(true)).agent(sink.address().to_string());
        // A child that had a collector would send within this time.
        let tracer = builder.flush_interval(Duration::from_millis(5)).install().expect("a tracer");
        before(1);
        tracer.flush(PATIENCE).expect("the parent can flush");
        let held = Span::root("held over the fork");
        // Recorded, and perhaps not read yet: the child has a copy of it in its log.
        before(2);
        match fork().expect("a process can be forked") {
            Fork::Child => {
                let fine = catch_unwind(AssertUnwindSafe(|| child(tracer, held))).is_ok();
                exit(if fine { FINE } else { 1 });
            }
            Fork::Parent(pid) => {
                let status = wait_for(PATIENCE, || waitpid_nohang(pid).expect("the child is ours"));
                let status = status.expect("the child hangs");
                assert!(WIFEXITED(status) && WEXITSTATUS(status) == FINE, "the child failed: {status}");
            }
        }
        after(1);
        drop(held);
        let stats = tracer.shutdown(PATIENCE).expect("the parent can end");
        assert_eq!((stats.started, stats.finished, stats.open), (4, 4, 0), "{stats:?}");
        let mut names = Vec::new();
        while names.len() < 4 {
            names.extend(received(&sink, PATIENCE).expect("all four come"));
        }
        // Nothing came from the child meanwhile, and nothing comes now: it is gone.
        assert_eq!(received(&sink, Duration::from_millis(1)), None);
        names.sort_unstable();
        assert_eq!(names, ["after", "before", "before", "held over the fork"]);
        println!("test a_forked_child_sends_nothing_and_does_not_hang ... ok");
    }

    /// The names of the spans in the next datagram.
    fn received(sink: &Sink, limit: Duration) -> Option<Vec<String>> {
        let datagram = sink.receive(limit)?;
        let message = Message::decode(Protocol::Compact, &datagram).expect("a datagram of ours");
        Some(message.batch.spans.iter().map(|span| span.operation_name.to_string()).collect())
    }

    /// More than any log holds is recorded, and the tracer is asked for all that it can do.
    fn child(tracer: Tracer, held: Span) {
        for n in 0..200_000 {
            in_child(n);
        }
        let many: Vec<Span> = (0..1_000).map(|_| Span::root("in child")).collect();
        drop((many, held));
        let began = Instant::now();
        // Not to be waited for; were it, the child would still come to its end, and say so.
        let long = Duration::from_secs(10);
        assert!(matches!(tracer.flush(long), Err(Error::Forked { what: "flush", .. })));
        let _what_the_parent_knew = tracer.stats();
        assert!(matches!(tracer.shutdown(long), Err(Error::Forked { what: "shutdown", .. })));
        drop(tracer);
        assert!(began.elapsed() < long, "{:?}", began.elapsed());
        // Still harmless.
        in_child(1);
    }
}
