//! Options of which only one can be meant.
#![allow(unused)]

use jaeger_runtime::{SpanContext, traced};

#[traced(skip_all, skip(a))]
fn skips(a: u8) {}

#[traced(only(a), skip(b))]
fn only(a: u8, b: u8) {}

#[traced(skip(a), display(a))]
fn skipped_and_shown(a: u8) {}

#[traced(only(a), rename(b = "c"))]
fn left_out_and_renamed(a: u8, b: u8) {}

#[traced(display(a), debug(a), redact(b, b))]
fn two_ways(a: u8, b: u8) {}

#[traced(reply = "r", no_reply)]
fn replies() -> u8 {
    1
}

#[traced(root, parent = SpanContext::NONE)]
fn related() {}

#[traced(off, name = "x")]
fn off() {}

#[traced(rename(a = "same", b = "same"))]
fn same_key(a: u8, b: u8) {}

#[traced(rename(self = "this"))]
fn no_self() {}

#[traced(kind = server, tags("span.kind" = "own"))]
fn two_kinds() {}

fn main() {
    skips(1);
    only(1, 2);
    skipped_and_shown(1);
    left_out_and_renamed(1, 2);
    two_ways(1, 2);
    replies();
    related();
    off();
    same_key(1, 2);
    no_self();
    two_kinds();
}
