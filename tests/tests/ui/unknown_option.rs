//! Options that there are not: the nearest one, or what other tracers' options are called here.
#![allow(unused)]

use jaeger_runtime::traced;

#[traced(nam = "charge", level = "debug", ret, completely_else)]
fn pay(amount: u64) -> u64 {
    amount
}

fn main() {
    // The function is still there: this is no second error.
    pay(1);
}
