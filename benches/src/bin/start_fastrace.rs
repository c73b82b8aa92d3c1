//! The same start with fastrace and its reporter to the agent named by the first argument. It reads the CPU's counter, too, and measures its rate before `main`.

use fastrace::collector::Config;
use fastrace::prelude::{LocalSpan, Span, SpanContext, trace};
use std::hint::black_box;
use std::time::SystemTime;

#[trace(short_name = true, properties = { "id": "{id}", "request": "{request}" })]
#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    let reply = black_box(id + request.len() as u64);
    LocalSpan::add_property(|| ("reply", reply.to_string()));
    reply
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let began = SystemTime::now();
    let agent = std::env::args().nth(1).unwrap_or_default().parse()?;
    fastrace::set_reporter(fastrace_jaeger::JaegerReporter::new(agent, "bench")?, Config::default());
    {
        let root = Span::root("root", SpanContext::random());
        let _inside = root.set_local_parent();
        black_box(args(black_box(7), black_box("Hello foo3")));
    }
    let called = SystemTime::now();
    fastrace::flush();
    for time in [began, called] {
        println!("{}", time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos()));
    }
    Ok(())
}
