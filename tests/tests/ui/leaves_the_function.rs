//! An option's expression that would leave the function, or wait in it; and those that only look so.
#![allow(unused)]

use jaeger_runtime::traced;

#[traced(tags(a = q?, b = return None, c = (1, [q?]), d = matches!(q?, 1)))]
fn early(q: Option<u8>) -> Option<u8> {
    q
}

#[traced(tags(a = std::future::ready(1).await), parent = q?)]
async fn waits(q: Option<u8>) -> Option<u8> {
    q
}

#[traced(tags(a = break, b = if q { continue } else { 1 }))]
fn leaves_a_loop(q: bool) {}

#[traced(tags(
    a = (|| Some(q? + 1))(),
    b = q.map(|n| { return n; }),
    c = loop { break 3 },
    d = { fn inner(n: Option<u8>) -> Option<u8> { Some(n?) } inner(q) },
    e = { let later = async { Some(q?) }; 1 },
    f = ?q,
))]
fn stays(q: Option<u8>) {}

#[traced(reply = "a")]
fn same_key(a: u8) -> u8 {
    a
}

#[traced(tags(b = 1), reply = "b")]
fn same_key_as_a_tag(a: u8) -> u8 {
    a
}

#[traced(of)]
fn mistyped_off() {}

#[traced(kind = 3, , ;, #, tags(x: 3))]
fn strays() {}

fn main() {}
