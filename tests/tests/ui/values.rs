//! Values that an option cannot have, and options without theirs.
#![allow(unused)]

use jaeger_runtime::traced;

#[traced(name = charge, kind = sever, reply = 7, max_len = 5)]
fn wrong_values() -> u8 {
    1
}

#[traced(name = "", max_len = "16", skip_all = true, crate = "jaeger")]
fn more_of_them(a: u8) {}

#[traced(name, kind =, skip, only(), tags, rename(a), parent)]
fn missing(a: u8) {}

#[traced("charge")]
fn bare_text() {}

#[traced(tags(a, b =, 7 = c, "" = 1, d = 1 +), skip(1) kind = client)]
fn tags(x: u8) {}

#[traced(parent = None)]
fn from_tracing() {}

fn main() {
    wrong_values();
    more_of_them(1);
    missing(1);
    bare_text();
    tags(1);
    from_tracing();
}
