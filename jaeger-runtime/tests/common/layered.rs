//! A `TracingLayer` under the tests of the crate `tracing`.

use super::trace;
use jaeger_runtime::TracingLayer;
use jaeger_thrift::Span as Finished;
use std::sync::Once;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, registry};

/// The layer as it comes, for every thread.
pub fn layered(f: impl FnOnce()) -> Vec<Finished<'static>> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(registry().with(TracingLayer::new())).unwrap();
    });
    trace(f)
}

/// Another one, for this thread and this call.
pub fn layered_as(layer: TracingLayer, f: impl FnOnce()) -> Vec<Finished<'static>> {
    trace(|| tracing::subscriber::with_default(Registry::default().with(layer), f))
}
