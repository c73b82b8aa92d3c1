//! A `TracingLayer` under the tests of the crate `tracing`.

use super::trace;
use jaeger_runtime::TracingLayer;
use jaeger_thrift::Span as Finished;
use std::sync::{Once, PoisonError, RwLock};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, registry};

/// While any thread has a subscriber of its own, `tracing` drops what is said inside of a `Debug` that it shows, on all threads: the two kinds of test take turns.
static TURN: RwLock<()> = RwLock::new(());

/// The layer as it comes, for every thread.
pub fn layered(f: impl FnOnce()) -> Vec<Finished<'static>> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(registry().with(TracingLayer::new())).unwrap();
    });
    let _turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
    trace(f)
}

/// Another one, for this thread and this call.
pub fn layered_as(layer: TracingLayer, f: impl FnOnce()) -> Vec<Finished<'static>> {
    let _turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
    trace(|| tracing::subscriber::with_default(Registry::default().with(layer), f))
}
