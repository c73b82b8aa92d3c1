//! Where a span hangs: below the one around it, below another by `parent`, on its own by `root`, after another by `follows_from`.
//!
//! `cargo run --example relations` prints:
//! ```text
//! step 1
//! step 2
//! step 3
//! handle:
//!   step: n=1
//!   answer_later:
//!     step: n=2
//! clean_up: (follows from handle)
//!   step: n=3
//! ```

use jaeger_runtime::{Error, SpanContext, traced};

#[traced(no_reply)]
fn handle() -> SpanContext {
    step(1);
    SpanContext::current()
}

#[traced]
fn step(n: u8) {
    println!("step {n}");
}

/// Whatever turns into a context is a parent: here the one of a request that is long answered.
#[traced(parent = request, skip(request))]
fn answer_later(request: SpanContext) {
    step(2);
}

#[traced(root, follows_from = before, skip(before))]
fn clean_up(before: SpanContext) {
    step(3);
}

fn main() -> Result<(), Error> {
    examples::show(|| {
        let request = handle();
        answer_later(request);
        clean_up(request);
    })
}
