//! Replies whose types the attribute cannot write again as they stand.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]
#![allow(
    clippy::unused_async,
    clippy::type_complexity,
    reason = "of the code under test, not of what the attribute writes"
)]

mod common;

use common::{block_on, log_fields, named, tag, trace};
use jaeger_runtime::traced;
use std::future::Future;

type Text<'a> = &'a str;

#[traced]
fn function<'a>(f: fn(&'a str) -> usize) -> fn(&'a str) -> usize {
    f
}
#[traced]
fn early<'a>(f: fn(&'a str), n: Option<u8>) -> Option<fn(&'a str)> {
    n?;
    Some(f)
}
#[traced]
fn boxed<'a>(text: &'a str) -> Box<dyn Fn(Text<'a>) -> Text<'a> + 'a> {
    Box::new(move |other| if other.is_empty() { text } else { other })
}
#[traced]
fn returns<'a>(text: &'a str) -> Result<(Box<dyn Fn() -> &'a str + 'a>, Text<'a>), String> {
    Ok((Box::new(move || text), text.get(1..).ok_or("short")?))
}
#[traced]
async fn later<'a>(text: &'a str) -> Box<dyn Fn(&'a str) -> &'a str + 'a> {
    Box::new(move |other| if other.is_empty() { text } else { other })
}
#[traced]
fn future<'a>(text: &'a str) -> impl Future<Output = Box<dyn Fn(&'a str) -> &'a str + 'a>> {
    async move { Box::new(move |other: &'a str| if other.is_empty() { text } else { other }) as _ }
}

#[test]
fn functions_of_a_named_lifetime_are_returned() {
    let text = String::from("abc");
    let spans = trace(|| {
        assert_eq!(function(str::len)(&text), 3);
        assert!(early(|_| {}, None).is_none());
        assert_eq!(boxed(&text)(""), "abc");
        let (f, rest) = returns(&text).unwrap();
        assert_eq!((f(), rest), ("abc", "bc"));
        assert_eq!(block_on(later(&text))(""), "abc");
        assert_eq!(block_on(future(&text))(""), "abc");
    });
    assert_eq!(spans.len(), 6);
}

macro_rules! reply {
    (numbers) => { impl Iterator<Item = u8> };
    (later) => { impl Future<Output = u8> };
    ($ok:ty) => { $ok };
}
#[traced]
fn iterator(n: u8) -> reply!(numbers) {
    0..n
}
#[traced]
fn made(n: u8) -> reply!(later) {
    async move { n }
}
#[traced]
fn inside(n: Option<u8>) -> Result<reply!(u8), String> {
    Ok(n.ok_or("none")?)
}

#[test]
fn a_type_that_a_macro_writes_may_be_any() {
    let spans = trace(|| {
        assert_eq!((iterator(3).count(), block_on(made(3))), (3, 3));
        assert!(inside(None).is_err());
    });
    let reply = |name: &str| tag(named(&spans, name), "reply");
    assert_eq!(["iterator", "made", "inside"].map(reply), ["absent"; 3]);
    assert_eq!(log_fields(named(&spans, "inside"))[1], "message=\"none\"");
}
