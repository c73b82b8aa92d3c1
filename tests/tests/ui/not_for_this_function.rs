//! Functions that cannot be traced, and options that say nothing of one.
#![allow(unused)]

use jaeger_runtime::traced;

#[traced]
const fn constant() -> u8 {
    1
}

#[traced(reply = "r", no_err, polls)]
fn returns_nothing() {}

trait Declares {
    #[traced]
    fn declared(&self);
}

#[traced]
struct NoFunction;

fn main() {
    constant();
    returns_nothing();
    let _ = NoFunction;
}
