//! `#[traced]` beside what others do and name: functions called while another panic is under way, traits and methods named like the runtime's own.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]
#![allow(unreachable_pub, clippy::must_use_candidate, clippy::missing_errors_doc)]

mod common;

use common::{block_on, named, quoted, tag, trace};
use jaeger_runtime::traced;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;

mod where_others_unwind {
    use super::traced;

    pub struct Calls;

    /// Called while another panic is under way: none of these panics.
    impl Drop for Calls {
        #[traced(name = "drop")]
        fn drop(&mut self) {
            assert_eq!(iterates().count(), 3);
            leaves(None);
            let _ = located(None);
            let _ = value(Some(1));
        }
    }

    #[traced]
    fn iterates() -> impl Iterator<Item = u8> {
        0..3
    }
    #[traced]
    fn leaves(n: Option<u8>) {
        let Some(_) = n else { return };
    }
    #[traced]
    #[track_caller]
    fn located(n: Option<u8>) -> Option<u8> {
        n?;
        Some(1)
    }
    #[traced]
    fn value(n: Option<u8>) -> Option<u8> {
        Some(n? + 1)
    }
    #[traced]
    pub fn panics() {
        let _calls = Calls;
        panic!("on purpose");
    }
}

#[test]
fn a_panic_is_told_of_the_function_that_panics_only() {
    let spans = trace(|| {
        std::panic::catch_unwind(where_others_unwind::panics).expect_err("it panics");
    });
    let failed: Vec<&str> = spans
        .iter()
        .filter(|span| tag(span, "error") != "absent")
        .map(|span| &*span.operation_name)
        .collect();
    assert_eq!(failed, ["panics"]);
    assert_eq!(spans.len(), 6);
    assert_eq!(tag(named(&spans, "value"), "reply"), "long 2");
}

mod names_of_others {
    use super::{Debug, Display, Future, Pin, traced};

    /// Methods for all types, named as a probe could be.
    pub trait Dump {
        fn value(&self) -> String;
        fn outcome(&self) -> String;
    }
    impl<T: Debug> Dump for T {
        fn value(&self) -> String {
            format!("{self:?}")
        }
        fn outcome(&self) -> String {
            format!("{self:?}")
        }
    }

    #[traced]
    pub fn dumped(n: u8) -> Result<String, String> {
        Ok(n.value() + &n.outcome())
    }

    pub mod net {
        pub trait Stream {
            fn read(&self) -> u8;
        }
    }
    impl net::Stream for u8 {
        fn read(&self) -> u8 {
            *self
        }
    }

    #[traced]
    pub fn connection(n: u8) -> impl net::Stream {
        n
    }

    #[traced]
    pub fn more_than_a_future(n: u8) -> impl Future<Output = u8> + Debug + Send {
        std::future::ready(n)
    }

    #[traced]
    #[track_caller]
    pub fn located_future(n: u8) -> impl Future<Output = u8> {
        if n == 0 {
            return std::future::ready(0);
        }
        std::future::ready(n)
    }

    #[traced]
    #[track_caller]
    pub fn located_box(n: u8) -> Pin<Box<dyn Future<Output = u8>>> {
        if n == 0 {
            return Box::pin(std::future::ready(0));
        }
        Box::pin(async move { n })
    }

    pub fn shown(value: &impl Display) -> String {
        value.to_string()
    }
}

#[test]
fn what_is_named_like_ours_is_the_users() {
    use names_of_others::{
        connection, dumped, located_box, located_future, more_than_a_future, net::Stream as _, shown,
    };
    let spans = trace(|| {
        assert_eq!(dumped(3).as_deref(), Ok("33"));
        assert_eq!(connection(4).read(), 4);
        let future = more_than_a_future(5);
        assert!(format!("{future:?}").starts_with("Ready"));
        assert_eq!(shown(&block_on(future)), "5");
        assert_eq!(block_on(located_future(0)) + block_on(located_future(6)), 6);
        assert_eq!(block_on(located_box(0)) + block_on(located_box(7)), 7);
    });
    assert_eq!(spans.len(), 7);
    for span in &spans {
        assert_eq!(
            (&*tag(span, "cancelled"), &*tag(span, "error")),
            ("absent", "absent"),
            "{}",
            span.operation_name
        );
    }
    assert_eq!(tag(named(&spans, "dumped"), "reply"), quoted("33"));
}
