//! The same start with this project: a tracer that sends to the agent named by the first argument, and `#[traced]`.

use jaeger_runtime::{Sampler, Tracer, traced};
use std::hint::black_box;
use std::time::SystemTime;

#[traced]
#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    black_box(id + request.len() as u64)
}

fn main() -> Result<(), jaeger_runtime::Error> {
    let began = SystemTime::now();
    let agent = std::env::args().nth(1).unwrap_or_default();
    let _tracer = Tracer::builder("bench").sampler(Sampler::Const(true)).agent(agent).install()?;
    black_box(args(black_box(7), black_box("Hello foo3")));
    let called = SystemTime::now();
    for time in [began, called] {
        println!("{}", time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos()));
    }
    Ok(())
}
