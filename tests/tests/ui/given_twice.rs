//! Options that stand once.
#![allow(unused)]

use jaeger_runtime::{SpanContext, traced};

#[traced(
    name = "a", name = "b", kind = client, kind = server, skip_all, skip_all, reply = "r", reply = "s", no_err, no_err,
    max_len = 16, max_len = 17, root, root, follows_from = SpanContext::NONE, follows_from = SpanContext::NONE,
    crate = jaeger_runtime, crate = jaeger_runtime, tags(x = 1, x = 2)
)]
fn f(a: u8) -> u8 {
    a
}

#[traced(no_reply, no_reply, only(a), only(a), polls, polls)]
async fn g(a: u8) -> u8 {
    a
}

#[traced]
#[traced(skip(a))]
fn h(a: u8) -> u8 {
    a
}

fn main() {
    h(1);
    f(1);
    drop(g(1));
}
