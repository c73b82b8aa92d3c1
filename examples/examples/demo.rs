//! Annotate, run, see the trace: two calls under a root, recorded by annotation alone.
//!
//! `cargo run --example demo` prints the trace as a waterfall and sends it to the Jaeger agent at 127.0.0.1:6831, or
//! wherever `JAEGER_AGENT_HOST` and `JAEGER_AGENT_PORT` say. It needs no backend; without one it says so.
//!
//! `cargo run --example demo -- --ui` starts one, `jaeger-all-in-one`, and ends with a link to the trace on its page.

use std::thread::sleep;
use std::time::Duration;

use examples::ui::Ui;
use jaeger_runtime::{Sampler, Tracer, traced};

#[traced]
fn span_root() {
    span_foo3("Hello foo3");
    span_foo4("Hello foo4");
}

// The argument becomes the span's tag `request`, the return value its tag `reply`.
#[traced]
fn span_foo3(request: &str) -> &'static str {
    println!("{request}");
    sleep(Duration::from_millis(500));
    "foo3Reply"
}

#[traced]
fn span_foo4(request: &str) -> &'static str {
    println!("{request}");
    sleep(Duration::from_millis(500));
    "foo4Reply"
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    examples::start_log();
    let ui = Ui::asked_for()?;
    let mut tracer = Tracer::builder("jaeger-demo").sampler(Sampler::Const(true)).log_spans(true).console(); // the waterfall
    if let Some(ui) = &ui {
        tracer = ui.receive(tracer);
    }
    let tracer = tracer.install()?;
    span_root();
    examples::close(&tracer)?;
    ui.map_or(Ok(()), Ui::show)?;
    Ok(())
}
