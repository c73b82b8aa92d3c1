//! Values that cannot be shown as asked for, and what is no context.
#![allow(unused)]

use jaeger_runtime::traced;

struct Opaque;

#[traced(display(a), debug(b), tags(c = %Opaque, d = ?Opaque))]
fn shown(a: Opaque, b: Opaque) {}

#[traced(parent = a, follows_from = "text")]
fn related(a: u8) {}

fn main() {
    shown(Opaque, Opaque);
    related(1);
}
