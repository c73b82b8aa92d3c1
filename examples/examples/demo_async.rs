//! The same with async functions on Tokio: both calls are under way at once, and both are children of the root.
//!
//! A span of an async function is ambient whenever its future is polled, on whatever thread, so nothing is passed along.

use std::time::Duration;

use jaeger_runtime::{Error, Sampler, Tracer, traced};
use tokio::time::sleep;

#[traced]
async fn span_root() {
    tokio::join!(span_foo3("Hello foo3"), span_foo4("Hello foo4"));
}

#[traced]
async fn span_foo3(request: &str) -> &'static str {
    println!("{request}");
    sleep(Duration::from_millis(500)).await;
    "foo3Reply"
}

#[traced]
async fn span_foo4(request: &str) -> &'static str {
    println!("{request}");
    sleep(Duration::from_millis(500)).await;
    "foo4Reply"
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    examples::start_log();
    let tracer = Tracer::builder("jaeger-demo-async")
        .sampler(Sampler::Const(true))
        .log_spans(true)
        .console()
        .install()?;
    span_root().await;
    examples::close(&tracer)
}
