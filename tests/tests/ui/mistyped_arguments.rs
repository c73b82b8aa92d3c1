//! Arguments that the function does not have.
#![allow(unused)]

use jaeger_runtime::traced;

#[traced(skip(amont), display(crd), rename(usr = "user"), debug(self))]
fn pay(amount: u64, card: &str, user: u8) {}

#[traced(only(x))]
fn nothing() {}

fn main() {
    pay(1, "", 2);
    nothing();
}
