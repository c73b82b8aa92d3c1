//! The same by hand: what `#[traced]` would have written, with the API that it stands on.
//!
//! For spans that are no function: a part of one, a request that many functions serve, a name known only at run time.

use std::thread::sleep;
use std::time::Duration;

use jaeger_runtime::{Error, Sampler, Span, Tracer};

fn span_root() {
    let span = Span::root("span_root");
    // Until the end of this function, whatever opens a span on this thread opens a child of this one.
    let _inside = span.enter();
    span_foo3("Hello foo3");
    span_foo4("Hello foo4");
}

fn span_foo3(request: &str) -> &'static str {
    let span = Span::child("span_foo3");
    let _inside = span.enter();
    span.tag("request", request);
    println!("{request}");
    sleep(Duration::from_millis(500));
    let reply = "foo3Reply";
    span.tag("reply", reply);
    reply
}

fn span_foo4(request: &str) -> &'static str {
    let span = Span::child("span_foo4");
    let _inside = span.enter();
    span.tag("request", request);
    println!("{request}");
    sleep(Duration::from_millis(500));
    let reply = "foo4Reply";
    span.tag("reply", reply);
    reply
}

fn main() -> Result<(), Error> {
    examples::start_log();
    let tracer = Tracer::builder("jaeger-demo-manual")
        .sampler(Sampler::Const(true))
        .log_spans(true)
        .console()
        .install()?;
    span_root();
    examples::close(&tracer)
}
