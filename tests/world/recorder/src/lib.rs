//! Stands where `jaeger-runtime` stands for the crates of the world test: all of it, and a tracer that is on before the first test runs.
//!
//! A test program of another crate has no `main` of its own in which to install one. The copies therefore depend on this crate under the name `jaeger-runtime`, and generated code, which
//! names `::jaeger_runtime`, links it in. Where the environment names a directory (`WORLD_RECORD`), a function that runs before `main` installs a tracer
//! that records everything and counts it; one that runs after `main` writes the counts to a file there. Without the variable nothing happens.

pub use jaeger_runtime::*;

use jaeger_runtime::report::{Reporter, ReporterStats, SpanRecord};
use std::sync::Mutex;
use std::time::Duration;

/// Holds the tracer from before `main` until after it.
static TRACER: Mutex<Option<Tracer>> = Mutex::new(None);

/// Looks at every span, keeps none.
#[derive(Default)]
struct Counting {
    spans: u64,
}

impl Reporter for Counting {
    fn name(&self) -> String {
        "count".into()
    }
    fn report(&mut self, span: &SpanRecord<'_>) {
        self.spans += 1;
        std::hint::black_box(span);
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.spans, ..ReporterStats::default() }
    }
}

/// The directory for the counts.
fn directory() -> Option<std::ffi::OsString> {
    std::env::var_os("WORLD_RECORD")
}

#[ctor::ctor(unsafe)]
fn before_main() {
    if directory().is_some() {
        let tracer =
            Tracer::builder("world").sampler(Sampler::Const(true)).reporter(Counting::default()).install();
        *TRACER.lock().expect("first use") = Some(tracer.expect("a tracer with these settings installs"));
    }
}

#[dtor::dtor(unsafe)]
fn after_main() {
    let Some(directory) = directory() else { return };
    let tracer = TRACER.lock().ok().and_then(|mut held| held.take());
    if let Some(tracer) = tracer {
        let line = match tracer.shutdown(Duration::from_secs(60)) {
            Ok(stats) => {
                format!("{} {} {} {}\n", stats.started, stats.finished, stats.open, stats.dropped.total())
            }
            Err(error) => format!("{error}\n"),
        };
        let file = std::path::Path::new(&directory).join(std::process::id().to_string());
        if let Err(error) = std::fs::write(&file, line) {
            eprintln!("world-recorder: {}: {error}", file.display());
        }
    }
}
