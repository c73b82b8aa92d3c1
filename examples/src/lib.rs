//! What the examples share: a logger, and the closing line.

use std::time::Duration;

use jaeger_runtime::{Error, Tracer};

/// Shows what `log_spans` writes, on stderr; `RUST_LOG` says what is shown, by default all from `info` up.
pub fn start_log() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
}

/// Ends the tracer and says what became of its spans, in one line: made, sent to whom, failed, dropped.
///
/// # Errors
/// Where they could not be sent within five seconds.
pub fn close(tracer: &Tracer) -> Result<(), Error> {
    let stats = tracer.shutdown(Duration::from_secs(5))?;
    for reporter in stats.reporters.iter().filter(|reporter| reporter.stats.failed > 0) {
        println!("{} could not be reached: with a Jaeger there the trace would be in it too", reporter.name);
    }
    println!("{stats}");
    Ok(())
}
