//! Async functions, and functions that return futures and streams: the span lasts until the work is done, says how it ended, and the future stays what it was: as small, as `Send`, as lazy.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::unused_async,
    clippy::items_after_statements,
    clippy::unnecessary_wraps,
    clippy::many_single_char_names,
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    clippy::unused_self,
    clippy::must_use_candidate,
    clippy::too_many_lines,
    clippy::large_futures,
    reason = "of the code under test, not of what the attribute writes"
)]

mod common;

use common::{block_on, log_fields, named, names, quoted, tag, trace};
use jaeger_runtime::{SpanContext, traced};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

#[traced]
fn step() {}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

mod futures {
    use super::{Boxed, Future, Pin, step, traced};

    #[traced]
    pub fn returned(n: u8) -> impl Future<Output = Result<u8, String>> + Send {
        step();
        async move {
            tokio::task::yield_now().await;
            step();
            n.checked_sub(1).ok_or_else(|| "too small".into())
        }
    }
    #[traced]
    pub fn early(n: Option<u8>) -> impl Future<Output = u8> {
        let Some(n) = n else { return std::future::ready(0) };
        std::future::ready(n)
    }
    #[traced]
    pub fn boxed(text: &str) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
        step();
        Box::pin(async move {
            step();
            text.len()
        })
    }
    #[traced]
    pub fn boxed_elsewhere(n: u8) -> std::pin::Pin<Box<dyn std::future::Future<Output = ()> + Send>> {
        if n == 0 {
            return Box::pin(std::future::ready(()));
        }
        let later = async move {
            step();
            let _ = n;
        };
        Box::pin(later)
    }
    /// The type's name says nothing of a future: the span covers the making.
    #[traced]
    pub fn aliased(n: u8) -> Boxed<'static, u8> {
        Box::pin(async move { n })
    }
    #[traced]
    pub fn panics_in_the_making(go: bool) -> impl Future<Output = u8> {
        assert!(!go, "on purpose");
        std::future::ready(1)
    }
    #[traced]
    pub async fn panics_later(go: bool) -> u8 {
        tokio::task::yield_now().await;
        assert!(!go, "on purpose");
        1
    }
    #[traced]
    pub async fn partly(fail: bool) -> Result<impl Iterator<Item = u8>, String> {
        if fail {
            return Err("no".into());
        }
        Ok(0..3)
    }
    #[traced]
    pub fn partly_now(fail: bool) -> Result<impl Iterator<Item = u8>, std::num::ParseIntError> {
        let end = if fail { "x".parse::<u8>()? } else { 3 };
        Ok(0..end)
    }
    #[traced]
    pub fn closure(add: u8) -> Result<impl Fn(&u8) -> u8, String> {
        Ok(move |n: &u8| n + add)
    }
    #[traced]
    pub async fn recursive(n: u8) -> u8 {
        if n == 0 { 0 } else { Box::pin(recursive(n - 1)).await + 1 }
    }
    #[traced]
    pub async fn a_future() -> impl Future<Output = u8> {
        std::future::ready(3)
    }
}

#[test]
fn a_returned_futures_span_ends_with_it() {
    let spans = trace(|| {
        assert_eq!(block_on(futures::returned(3)), Ok(2));
        assert!(block_on(futures::returned(0)).is_err());
        assert_eq!(block_on(futures::early(None)), 0);
        assert_eq!(block_on(futures::boxed("abc")), 3);
        block_on(futures::boxed_elsewhere(1));
        assert_eq!(block_on(futures::aliased(7)), 7);
        drop(futures::boxed("never polled"));
        step();
    });
    let of = |name: &str| spans.iter().filter(|span| span.operation_name == name).collect::<Vec<_>>();
    let (returned, boxed) = (of("returned"), of("boxed"));
    assert_eq!((tag(returned[0], "n"), tag(returned[0], "reply")), ("long 3".into(), "long 2".into()));
    assert_eq!(log_fields(returned[1])[1], "message=\"too small\"");
    assert_eq!((tag(of("early")[0], "n"), tag(of("early")[0], "reply")), ("absent".into(), "long 0".into()));
    assert_eq!((tag(boxed[0], "text"), tag(boxed[0], "reply")), (quoted("abc"), "long 3".into()));
    assert_eq!(tag(boxed[1], "cancelled"), "true");
    let children = |parent: &jaeger_thrift::Span<'_>| {
        spans.iter().filter(|span| span.parent_span_id == parent.span_id).count()
    };
    assert_eq!(children(returned[0]), 2, "what is called while it is made, and while it is polled");
    assert_eq!(children(boxed[0]), 2);
    assert_eq!(children(of("boxed_elsewhere")[0]), 1);
    let root = of("returned")[0].parent_span_id;
    assert_eq!(of("step").last().unwrap().parent_span_id, root, "nothing is left ambient");
}

#[test]
fn panics_are_told_from_cancellation_whoever_catches_them() {
    let spans = trace(|| {
        let made = std::panic::catch_unwind(|| drop(futures::panics_in_the_making(true)));
        assert!(made.is_err());
        // As an executor does it: the poll is caught, and the future dropped when nothing unwinds any more.
        let mut future = Box::pin(futures::panics_later(true));
        let mut poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
        drop(future);
        let mut dropped = Box::pin(futures::panics_later(false));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    let made = named(&spans, "panics_in_the_making");
    assert_eq!(log_fields(made), ["event=\"panic\""]);
    let later: Vec<_> = spans.iter().filter(|span| span.operation_name == "panics_later").collect();
    assert_eq!((tag(later[0], "error"), tag(later[0], "cancelled")), ("true".into(), "absent".into()));
    assert_eq!((tag(later[1], "error"), tag(later[1], "cancelled")), ("absent".into(), "true".into()));
}

#[test]
fn an_err_beside_an_impl_trait_is_told() {
    let spans = trace(|| {
        assert_eq!(block_on(futures::partly(false)).unwrap().count(), 3);
        assert!(block_on(futures::partly(true)).is_err());
        assert_eq!(futures::partly_now(false).unwrap().count(), 3);
        assert!(futures::partly_now(true).is_err());
        assert_eq!(futures::closure(1).unwrap()(&2), 3);
        assert_eq!(block_on(async { futures::a_future().await.await }), 3);
    });
    let errors: Vec<_> = spans.iter().map(|span| tag(span, "error")).collect();
    assert_eq!(errors, ["absent", "true", "absent", "true", "absent", "absent"]);
    assert_eq!(log_fields(&spans[3])[1], "message=\"invalid digit found in string\"", "as it is displayed");
    assert!(spans.iter().all(|span| tag(span, "reply") == "absent"));
}

#[test]
fn recursion_and_futures_polled_inside_each_other() {
    let spans = trace(|| assert_eq!(block_on(futures::recursive(5)), 5));
    assert_eq!(spans.len(), 6);
    for span in &spans {
        let n = tag(span, "n");
        assert_eq!(tag(span, "reply"), n);
        if let Some(parent) = spans.iter().find(|other| other.span_id == span.parent_span_id) {
            let of_parent: u8 = tag(parent, "n").trim_start_matches("long ").parse().unwrap();
            assert_eq!(n, format!("long {}", of_parent - 1));
        }
    }
}

mod with_async_trait {
    use super::{step, traced};

    #[async_trait::async_trait]
    pub trait Store {
        async fn get(&self, key: &str) -> Result<String, String>;
        #[traced]
        async fn get_twice(&self, key: &str) -> usize {
            self.get(key).await.map_or(0, |text| text.len() * 2)
        }
    }

    pub struct Inside;
    #[async_trait::async_trait]
    impl Store for Inside {
        #[traced]
        async fn get(&self, key: &str) -> Result<String, String> {
            tokio::task::yield_now().await;
            step();
            if key.is_empty() {
                return Err("no key".into());
            }
            Ok(key.to_uppercase())
        }
    }

    pub struct Above;
    #[traced]
    #[async_trait::async_trait]
    impl Store for Above {
        async fn get(&self, key: &str) -> Result<String, String> {
            step();
            Ok(key.to_lowercase())
        }
    }

    pub struct Below;
    #[async_trait::async_trait]
    #[traced]
    impl Store for Below {
        async fn get(&self, key: &str) -> Result<String, String> {
            step();
            Ok(key.to_lowercase())
        }
    }
}

#[test]
fn async_trait_above_below_and_around() {
    use with_async_trait::{Above, Below, Inside, Store};
    let spans = trace(|| {
        assert_eq!(block_on(Inside.get("a")).unwrap(), "A");
        assert!(block_on(Inside.get("")).is_err());
        assert_eq!(block_on(Above.get("B")).unwrap(), "b");
        assert_eq!(block_on(Below.get_twice("CC")), 4);
    });
    let of = |name: &str| spans.iter().filter(|span| span.operation_name == name).collect::<Vec<_>>();
    let inside = of("get");
    assert_eq!((tag(inside[0], "key"), tag(inside[0], "reply")), (quoted("a"), quoted("A")));
    assert_eq!(log_fields(inside[1])[1], "message=\"no key\"");
    let (above, below) = (named(&spans, "Above::get"), named(&spans, "Below::get"));
    assert_eq!((tag(above, "key"), tag(above, "reply")), (quoted("B"), quoted("b")));
    let twice = named(&spans, "get_twice");
    assert_eq!((below.parent_span_id, tag(twice, "reply")), (twice.span_id, "long 4".into()));
    let parents: Vec<_> = of("step").iter().map(|span| span.parent_span_id).collect();
    assert_eq!(parents, [inside[0].span_id, inside[1].span_id, above.span_id, below.span_id]);
}

#[cfg(feature = "stream")]
mod streams {
    use super::{Context, Pin, block_on, named, quoted, step, tag, trace, traced};
    use futures_core::Stream;
    use std::task::Poll;

    struct Counts(u8);
    impl Stream for Counts {
        type Item = u8;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
            step();
            let next = self.0.checked_sub(1);
            self.0 = next.unwrap_or(0);
            Poll::Ready(next)
        }
    }

    #[traced]
    fn counts(n: u8) -> impl Stream<Item = u8> {
        Counts(n)
    }
    #[traced]
    fn of(items: u8) -> impl Stream<Item = u8> {
        Counts(items)
    }
    #[traced]
    fn boxed(n: u8) -> Pin<Box<dyn Stream<Item = u8> + Send>> {
        Box::pin(Counts(n))
    }

    async fn next<S: Stream>(mut stream: Pin<&mut S>) -> Option<S::Item> {
        std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await
    }

    #[test]
    fn a_streams_span_ends_with_it_and_counts_its_items() {
        let spans = trace(|| {
            let mut whole = std::pin::pin!(counts(3));
            while block_on(next(whole.as_mut())).is_some() {}
            let mut left = boxed(9);
            block_on(next(Pin::new(&mut left)));
            drop(of(5));
        });
        let of = named(&spans, "of");
        assert_eq!([tag(of, "argument.items"), tag(of, "items")], ["long 5", "long 0"]);
        let (counts, boxed) = (named(&spans, "counts"), named(&spans, "boxed"));
        let tags = |span| ["n", "items", "cancelled"].map(|key| tag(span, key));
        assert_eq!(tags(counts), ["long 3", "long 3", "absent"]);
        assert_eq!(tags(boxed), ["long 9", "long 1", "true"]);
        let steps = |id| spans.iter().filter(|span| span.parent_span_id == id).count();
        assert_eq!((steps(counts.span_id), steps(boxed.span_id)), (4, 1));
        assert_eq!(quoted("x"), "\"x\"");
    }
}

/// The same async functions, plain and traced.
macro_rules! sized {
    ($(#[$traced:meta])? $module:ident) => {
        #[allow(dead_code, reason = "only made, to be measured")]
        mod $module {
            $(#[$traced])?
            pub async fn empty() {}
            $(#[$traced])?
            pub async fn one(n: u8) -> u8 {
                std::future::ready(()).await;
                n
            }
            $(#[$traced])?
            pub async fn texts(a: String, b: &str, c: [u8; 100]) -> Result<u64, String> {
                std::future::ready(a.len()).await;
                std::future::ready(()).await;
                Ok(b.len() as u64 + u64::from(c[0]))
            }
            $(#[$traced])?
            pub async fn large_reply(a: [u64; 64]) -> [u64; 64] {
                std::future::ready(()).await;
                a
            }
            $(#[$traced])?
            pub async fn patterns((a, b): (String, String), _: Vec<u8>, _c: Vec<u8>) -> usize {
                std::future::ready(()).await;
                a.len() + b.len()
            }
            $(#[$traced])?
            pub async fn generic<T: Send>(value: T, more: Option<T>) -> Option<T> {
                std::future::ready(()).await;
                more?;
                Some(value)
            }
            $(#[$traced])?
            pub async fn nested(n: u8) -> u8 {
                one(n).await
            }
            pub fn sizes() -> Vec<(&'static str, usize)> {
                vec![
                    ("empty", size_of_val(&empty())),
                    ("one", size_of_val(&one(1))),
                    ("texts", size_of_val(&texts(String::new(), "", [0; 100]))),
                    ("large_reply", size_of_val(&large_reply([0; 64]))),
                    ("patterns", size_of_val(&patterns((String::new(), String::new()), vec![], vec![]))),
                    ("generic", size_of_val(&generic(String::new(), None))),
                    ("nested", size_of_val(&nested(1))),
                ]
            }
        }
    };
}
sized!(plain);
sized!(
    #[jaeger_runtime::traced]
    annotated
);

#[test]
fn a_future_holds_an_argument_that_only_an_option_uses_once() {
    async fn plain(_n: [u8; 100]) {
        std::future::ready(()).await;
    }
    #[traced(tags(length = n.len()))]
    async fn annotated(n: [u8; 100]) {
        std::future::ready(()).await;
    }
    assert!(size_of_val(&annotated([0; 100])) <= size_of_val(&plain([0; 100])) + 64);
}

#[test]
fn a_future_grows_by_at_most_64_bytes() {
    for ((name, plain), (_, annotated)) in plain::sizes().into_iter().zip(annotated::sizes()) {
        println!("{name}: {plain} bytes, annotated {annotated}");
        // Two spans: the function's, and the one of what it calls.
        let spans = if name == "nested" { 2 } else { 1 };
        assert!(annotated <= plain + 64 * spans, "{name}: {plain} bytes, annotated {annotated}");
    }
}

#[test]
fn a_future_stays_send_and_a_span_opens_at_its_first_poll() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    #[traced]
    async fn with_a_cell(cell: std::cell::Cell<u8>) -> u8 {
        tokio::task::yield_now().await;
        cell.get()
    }
    #[traced]
    async fn here() -> SpanContext {
        SpanContext::current()
    }
    let spans = trace(|| {
        block_on(assert_send(with_a_cell(std::cell::Cell::new(1))));
        let not_yet = here();
        step();
        let context = block_on(not_yet);
        assert!(context.is_sampled());
        drop(here());
    });
    assert_eq!(names(&spans), ["with_a_cell", "step", "here"]);
}

#[test]
fn other_macros_below_see_an_async_function() {
    /// What such macros look for.
    #[traced]
    #[tokio::main(flavor = "current_thread")]
    async fn runs(n: u8) -> u8 {
        tokio::task::yield_now().await;
        n + 1
    }
    let spans = trace(|| assert_eq!(runs(1), 2));
    assert_eq!((tag(&spans[0], "n"), tag(&spans[0], "reply")), ("long 1".into(), "long 2".into()));
}
