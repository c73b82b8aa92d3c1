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
use std::task::Poll;

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

struct Number(u8);

/// Whatever stood behind its end would not be reached, and the compiler would say so.
#[traced]
#[allow(clippy::needless_return, reason = "it is what is tested")]
async fn leaves_at_its_end(n: Option<u8>) -> Number {
    let one = async { 1 };
    match n {
        Some(n) => return Number(n + one.await),
        None => return Number(0),
    }
}

#[test]
fn a_future_that_leaves_at_its_end_draws_no_warning() {
    let spans = trace(|| {
        assert_eq!(block_on(leaves_at_its_end(Some(1))).0, 2);
        assert_eq!(block_on(leaves_at_its_end(None)).0, 0);
    });
    assert_eq!(tag(&spans[0], "reply"), "\"replies::Number\"");
}

struct Passes(Poll<u8>);

/// Of such a `match` clippy says that it is unnecessary, but not where a method or a future ends in it.
#[traced]
impl Passes {
    fn on(&self) -> Poll<u8> {
        match self.0 {
            Poll::Ready(n) => Poll::Ready(n),
            Poll::Pending => Poll::Pending,
        }
    }
    fn early(&self, n: Result<u8, u8>) -> Result<Poll<u8>, u8> {
        n?;
        let n = Ok(self.0);
        if let Ok(n) = n { Ok(n) } else { n }
    }
    async fn later(n: Poll<u8>) -> Poll<u8> {
        match n {
            Poll::Ready(n) if n > 9 => Poll::Ready(n),
            Poll::Ready(n) => Poll::Ready(n),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[test]
fn a_method_that_ends_in_what_it_was_given_draws_no_warning() {
    let spans = trace(|| {
        let passes = Passes(Poll::Ready(1));
        assert_eq!((passes.on(), passes.early(Ok(2))), (Poll::Ready(1), Ok(Poll::Ready(1))));
        assert_eq!(block_on(Passes::later(Poll::Pending)), Poll::Pending);
    });
    assert_eq!(
        ["Passes::on", "Passes::early", "Passes::later"].map(|name| tag(named(&spans, name), "reply")),
        ["\"Ready(1)\"", "\"Ready(1)\"", "\"Pending\""]
    );
}
