//! `json` where the feature is off.
#![allow(unused)]

use jaeger_runtime::traced;

#[traced(json(a))]
fn shown(a: u8) {}

fn main() {
    shown(1);
}
