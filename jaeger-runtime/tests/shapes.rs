//! `#[traced]` on every shape of function: it compiles without a warning, behaves as the plain one, and says what it should.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]
// Of the code under test, not of what the attribute writes: shapes are the point here.
#![allow(
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::unused_async,
    clippy::items_after_statements,
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    clippy::must_use_candidate,
    clippy::too_many_lines,
    clippy::ref_option,
    clippy::boxed_local,
    clippy::unused_unit
)]

mod common;

use common::{block_on, log_fields, named, names, quoted, tag, trace};
use jaeger_runtime::{Span, traced};
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

mod methods {
    use super::{Arc, Display, Pin, Rc, traced};

    #[derive(Debug, Default)]
    pub struct Account {
        pub balance: i64,
    }

    pub trait Shows {
        #[traced]
        fn shown(&self) -> String
        where
            Self: Display,
        {
            self.to_string()
        }
        fn required(&self, n: u8) -> Option<u8>;
        fn made(n: u8) -> Self
        where
            Self: Sized;
    }

    impl Display for Account {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "account of {}", self.balance)
        }
    }

    impl Account {
        #[traced]
        pub fn by_ref(&self, n: i64) -> i64 {
            self.balance + n
        }
        #[traced]
        pub fn by_mut(&mut self, n: i64) -> &mut i64 {
            self.balance += n;
            &mut self.balance
        }
        #[traced]
        pub fn by_value(self) -> i64 {
            self.balance
        }
        #[traced]
        pub fn by_mut_value(mut self, n: i64) -> Option<i64> {
            self.balance = self.balance.checked_add(n)?;
            Some(self.balance)
        }
        #[traced]
        pub fn boxed(self: Box<Self>) -> i64 {
            self.balance
        }
        #[traced]
        pub fn shared(self: Arc<Self>, _unused: u8) -> Arc<Self> {
            self
        }
        #[traced]
        pub fn counted(self: &Rc<Self>) -> usize {
            Rc::strong_count(self)
        }
        #[traced]
        pub fn pinned(self: Pin<&mut Self>) -> i64 {
            self.balance
        }
        #[traced]
        pub async fn later(&mut self, n: i64) -> Result<&mut i64, String> {
            if n < 0 {
                return Err(format!("{n} is negative"));
            }
            self.balance += n;
            Ok(&mut self.balance)
        }
        #[traced]
        pub async fn consumed(mut self) -> i64 {
            self.balance += 1;
            self.balance
        }
    }

    impl Shows for Account {
        #[traced]
        fn required(&self, n: u8) -> Option<u8> {
            let shown = u8::try_from(self.balance).ok()?;
            shown.checked_add(n)
        }
        #[traced]
        fn made(n: u8) -> Self {
            Self { balance: i64::from(n) }
        }
    }
}

#[test]
fn methods_with_any_self() {
    use methods::{Account, Shows};
    let spans = trace(|| {
        let mut account = Account { balance: 1 };
        assert_eq!(account.by_ref(1), 2);
        *account.by_mut(2) += 1;
        assert_eq!(account.balance, 4);
        assert_eq!(account.required(3), Some(7));
        assert_eq!(account.shown(), "account of 4");
        assert_eq!(Pin::new(&mut account).pinned(), 4);
        assert_eq!(block_on(account.later(5)).unwrap(), &mut 9);
        assert!(block_on(account.later(-1)).is_err());
        assert_eq!(Rc::new(Account::made(1)).counted(), 1);
        assert_eq!(Arc::new(Account::default()).shared(1).balance, 0);
        assert_eq!(Box::new(Account::made(3)).boxed(), 3);
        assert_eq!(Account::made(3).by_mut_value(i64::MAX), None);
        assert_eq!(block_on(Account::made(3).consumed()), 4);
        assert_eq!(account.by_value(), 9);
    });
    assert_eq!(tag(named(&spans, "by_ref"), "n"), "long 1");
    assert_eq!(tag(named(&spans, "by_ref"), "self"), "absent");
    assert_eq!(tag(named(&spans, "by_mut"), "reply"), "long 3");
    assert_eq!(tag(named(&spans, "shown"), "reply"), quoted("account of 4"));
    assert_eq!(tag(named(&spans, "required"), "reply"), "long 7");
    assert_eq!(tag(named(&spans, "shared"), "reply"), quoted("Account { balance: 0 }"));
    assert_eq!(tag(named(&spans, "shared"), "_unused"), "absent");
    assert_eq!(tag(named(&spans, "by_mut_value"), "reply"), "absent", "no value, no tag");
    let failed: Vec<_> = spans.iter().filter(|span| tag(span, "error") == "true").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        log_fields(failed[0]),
        ["event=\"error\"", "message=\"-1 is negative\"", "error.kind=\"alloc::string::String\""]
    );
}

mod borrowed {
    use super::traced;

    #[traced]
    pub fn first<'a, 'b: 'a>(a: &'a mut Vec<u8>, _b: &'b str) -> Option<&'a mut u8> {
        let found = a.first_mut()?;
        *found += 1;
        Some(found)
    }
    #[traced]
    pub fn longer<'a>(a: &'a str, b: &'a str) -> &'a str {
        if a.len() > b.len() {
            return a;
        }
        b
    }
    #[traced]
    pub fn elided(text: &str) -> &str {
        text.trim()
    }
    #[traced]
    pub fn iterates<'a>(words: &'a [&'a str], at_least: usize) -> impl Iterator<Item = &'a str> + 'a {
        words.iter().copied().filter(move |word| word.len() >= at_least)
    }
    #[traced]
    pub async fn over(text: &mut String, more: &str) -> usize {
        std::future::ready(()).await;
        text.push_str(more);
        text.len()
    }
}

#[test]
fn borrowed_arguments_and_replies() {
    let spans = trace(|| {
        let mut bytes = vec![1, 2];
        *borrowed::first(&mut bytes, "b").unwrap() += 1;
        assert_eq!(bytes, [3, 2]);
        assert_eq!(borrowed::first(&mut vec![], "b"), None);
        assert_eq!(borrowed::longer("abc", "de"), "abc");
        assert_eq!(borrowed::elided(" x "), "x");
        assert_eq!(borrowed::iterates(&["a", "bb"], 2).count(), 1);
        assert_eq!(block_on(borrowed::over(&mut "ab".into(), "c")), 3);
    });
    assert_eq!(tag(named(&spans, "longer"), "reply"), quoted("abc"));
    assert_eq!(tag(named(&spans, "elided"), "reply"), quoted("x"));
    assert_eq!(tag(named(&spans, "iterates"), "at_least"), "long 2");
    assert_eq!(tag(named(&spans, "iterates"), "words"), quoted("[\"a\", \"bb\"]"));
    assert_eq!(tag(named(&spans, "over"), "text"), quoted("ab"));
}

mod generic {
    use super::{Debug, Display, traced};

    #[traced]
    pub fn no_bound<T>(value: T) -> T {
        value
    }
    #[traced]
    pub fn shown<T, const N: usize>(values: [T; N]) -> Vec<T>
    where
        T: Debug + Clone + PartialEq,
    {
        values.to_vec()
    }
    #[traced]
    pub fn displayed(value: &impl Display) -> String {
        value.to_string()
    }
    #[traced]
    pub fn called<F: FnOnce(u8) -> R, R>(n: u8, f: F) -> R {
        f(n)
    }
    #[traced]
    pub fn object(value: &dyn Debug, unsized_slice: &[u16], function: fn(u8) -> u8) -> u8 {
        let _ = (value, unsized_slice);
        function(1)
    }
    #[traced]
    pub fn closure(n: u8) -> impl Fn(u8) -> u8 {
        move |m| n + m
    }
    #[traced]
    pub async fn later<T: Send>(value: T) -> Option<T> {
        std::future::ready(()).await;
        let kept = Some(value)?;
        Some(kept)
    }
    pub struct Opaque;
}

#[test]
fn generics_closures_and_objects() {
    let spans = trace(|| {
        generic::no_bound(generic::Opaque);
        assert_eq!(generic::shown([1, 2]), [1, 2]);
        assert_eq!(generic::displayed(&7), "7");
        assert_eq!(generic::called(1, |n| n + 1), 2);
        assert_eq!(generic::object(&"x", &[1], |n| n), 1);
        assert_eq!(generic::closure(1)(2), 3);
        fn assert_send<T: Send>(value: T) -> T {
            value
        }
        assert!(block_on(assert_send(generic::later(std::cell::Cell::new(1)))).is_some());
    });
    assert!(tag(named(&spans, "no_bound"), "value").contains("Opaque"), "the type's name");
    assert_eq!(tag(named(&spans, "shown"), "values"), quoted("[1, 2]"));
    assert_eq!(tag(named(&spans, "called"), "n"), "long 1");
    assert_eq!(tag(named(&spans, "object"), "value"), quoted("\"x\""));
    assert_eq!(tag(named(&spans, "object"), "unsized_slice"), quoted("[1]"));
}

mod patterns {
    use super::traced;

    pub struct Point {
        pub x: i32,
        pub y: i32,
    }

    #[traced]
    pub fn parts(
        (a, (b, _)): (u8, (u8, String)),
        Point { x, y: mut up }: Point,
        [first, ..]: [u16; 3],
    ) -> i32 {
        up += 1;
        i32::from(a) + i32::from(b) + x + up + i32::from(first)
    }
    #[traced]
    pub fn early(mut n: u32, &m: &u32) -> Option<u32> {
        n = n.checked_sub(m)?;
        Some(n)
    }
    #[traced]
    pub fn raw(r#type: &str, r#match: bool) -> usize {
        if r#match { r#type.len() } else { 0 }
    }
    #[traced]
    pub async fn later((mut a, b): (u8, u8), _: u8) -> u8 {
        a += b;
        a
    }
}

#[test]
fn patterns_are_recorded_by_the_names_they_bind() {
    let spans = trace(|| {
        let point = patterns::Point { x: 3, y: 4 };
        assert_eq!(patterns::parts((1, (2, String::new())), point, [5, 6, 7]), 16);
        assert_eq!(patterns::early(5, &3), Some(2));
        assert_eq!(patterns::raw("abc", true), 3);
        assert_eq!(block_on(patterns::later((1, 2), 3)), 3);
    });
    let parts = named(&spans, "parts");
    let tags: Vec<_> = ["a", "b", "x", "up", "first", "reply"].iter().map(|key| tag(parts, key)).collect();
    assert_eq!(tags, ["long 1", "long 2", "long 3", "long 4", "long 5", "long 16"]);
    assert_eq!(
        (tag(named(&spans, "early"), "n"), tag(named(&spans, "early"), "m")),
        ("long 5".into(), "long 3".into())
    );
    assert_eq!(
        (tag(named(&spans, "raw"), "type"), tag(named(&spans, "raw"), "match")),
        (quoted("abc"), "true".into())
    );
    assert_eq!(tag(named(&spans, "later"), "a"), "long 1");
}

mod odd {
    use super::traced;

    type Outcome<T> = Result<T, std::io::Error>;

    macro_rules! made {
        ($name:ident, $argument:ident) => {
            #[traced]
            pub fn $name($argument: u8) -> u8 {
                $argument + 1
            }
        };
    }
    made!(from_a_macro, given);

    macro_rules! made_with_a_block {
        ($name:ident, $body:block) => {
            #[traced]
            pub fn $name() -> Option<u8> $body
        };
    }
    made_with_a_block!(from_a_block, { Some(3) });

    #[traced]
    pub fn aliased(fail: bool) -> Outcome<()> {
        if fail {
            Err(std::io::Error::other("no"))?;
        }
        Ok(())
    }
    #[traced]
    pub fn unit() {}
    #[traced]
    pub fn explicit_unit() -> () {}
    #[traced]
    pub fn never(go: bool) -> ! {
        if go {
            std::panic::panic_any(1u8)
        }
        panic!("on purpose")
    }
    #[traced]
    pub fn nested(n: u8) -> u8 {
        fn inner(n: u8) -> Option<u8> {
            let m = n.checked_add(1)?;
            Some(m)
        }
        let twice = |n: u8| -> u8 {
            if n == 0 {
                return 0;
            }
            n * 2
        };
        twice(inner(n).unwrap_or(0))
    }
    #[traced]
    pub fn loops(n: u32) -> u32 {
        let mut sum = 0;
        'outer: loop {
            for i in 0.. {
                if i == n {
                    break 'outer;
                }
                sum += i;
            }
        }
        sum
    }
    #[traced]
    #[track_caller]
    pub fn located(n: Option<u8>) -> &'static std::panic::Location<'static> {
        if n.is_none() {
            return std::panic::Location::caller();
        }
        std::panic::Location::caller()
    }
    #[traced]
    pub extern "C" fn foreign(n: u32) -> u32 {
        n
    }
    #[traced]
    #[allow(unused_variables)]
    pub fn inner_attribute(n: u8) -> u8 {
        let unused = n;
        n
    }
}

#[test]
fn aliases_macros_units_and_early_exits() {
    let line = RefCell::new(0);
    let spans = trace(|| {
        assert!(odd::aliased(true).is_err());
        assert_eq!(odd::from_a_macro(1), 2);
        assert_eq!(odd::from_a_block(), Some(3));
        odd::unit();
        odd::explicit_unit();
        assert!(std::panic::catch_unwind(|| odd::never(true)).is_err());
        assert_eq!(odd::nested(3), 8);
        assert_eq!(odd::loops(4), 6);
        let location = odd::located(None);
        *line.borrow_mut() = line!() - 1;
        assert_eq!((location.file(), location.line()), (file!(), *line.borrow()));
        assert_eq!(odd::foreign(2), 2);
        assert_eq!(odd::inner_attribute(2), 2);
    });
    assert_eq!(log_fields(named(&spans, "aliased"))[2], "error.kind=\"std::io::error::Error\"");
    assert_eq!(tag(named(&spans, "from_a_macro"), "given"), "long 1");
    assert_eq!(tag(named(&spans, "from_a_block"), "reply"), "long 3");
    assert_eq!(tag(named(&spans, "unit"), "reply"), "absent");
    assert_eq!(tag(named(&spans, "never"), "error"), "true");
    assert_eq!(tag(named(&spans, "nested"), "reply"), "long 8");
    assert_eq!(tag(named(&spans, "foreign"), "reply"), "long 2");
    assert!(!names(&spans).contains(&"inner".into()));
}

mod options {
    use super::traced;
    use jaeger_runtime as renamed;

    #[renamed::traced(crate = renamed)]
    pub fn other_path(n: u8) -> u8 {
        n
    }
    #[traced(name = "charge card", kind = client, skip(card), reply = "receipt")]
    pub fn charge(amount: u64, card: &str) -> usize {
        usize::try_from(amount).unwrap_or(0) + card.len()
    }
    #[traced(skip_all, no_reply, tags(doubled = n * 2, "shown.as" = %n, debugged = ?Some(n), at.all = "text"))]
    pub fn tagged(n: u8) -> Result<u8, String> {
        if n > 100 { Err("too many".into()) } else { Ok(n) }
    }
    #[traced(kind = "server", tags(size = body.len()))]
    pub async fn serve(body: String) -> usize {
        body.len()
    }
}

#[test]
fn options_say_what_is_recorded() {
    let spans = trace(|| {
        options::other_path(1);
        options::charge(5, "4111");
        options::tagged(3).unwrap();
        options::tagged(101).unwrap_err();
        block_on(options::serve("abc".into()));
    });
    let charge = named(&spans, "charge card");
    let tags: Vec<_> =
        ["span.kind", "amount", "card", "receipt", "reply"].iter().map(|key| tag(charge, key)).collect();
    assert_eq!(tags, ["\"client\"", "long 5", "absent", "long 9", "absent"]);
    let tagged: Vec<_> = spans.iter().filter(|span| span.operation_name == "tagged").collect();
    let tags: Vec<_> = ["n", "doubled", "shown.as", "debugged", "at.all", "reply"]
        .iter()
        .map(|key| tag(tagged[0], key))
        .collect();
    assert_eq!(tags, ["absent", "long 6", "\"3\"", "\"Some(3)\"", "\"text\"", "absent"]);
    assert_eq!(tag(tagged[1], "error"), "true", "an error is an error, also where no reply is recorded");
    assert_eq!(
        (tag(named(&spans, "serve"), "span.kind"), tag(named(&spans, "serve"), "size")),
        ("\"server\"".into(), "long 3".into())
    );
    assert_eq!(tag(named(&spans, "other_path"), "reply"), "long 1");
}

mod never {
    use super::traced;

    #[traced]
    pub async fn panics(n: u8) -> ! {
        panic!("{n} is not served")
    }
    #[traced]
    pub async fn loops() -> ! {
        loop {
            std::future::pending::<()>().await;
        }
    }
    macro_rules! of_type {
        ($name:ident, $ty:ty) => {
            #[traced]
            pub async fn $name() -> $ty {
                panics(2).await
            }
        };
    }
    of_type!(by_macro, !);
    #[traced]
    pub async fn diverges(n: u8) -> u8 {
        if n > 100 { n } else { by_macro().await }
    }
}

#[test]
fn async_functions_that_do_not_return() {
    let spans = trace(|| {
        let panicked = std::panic::catch_unwind(|| block_on(never::diverges(1)));
        assert_eq!(*panicked.unwrap_err().downcast::<String>().unwrap(), "2 is not served");
        let mut looping = pin!(never::loops());
        assert!(looping.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    assert_eq!(names(&spans), ["diverges", "by_macro", "panics", "loops"]);
    assert_eq!(tag(named(&spans, "panics"), "n"), "long 2");
    assert_eq!(tag(named(&spans, "by_macro"), "error"), "true");
}

#[test]
fn a_span_by_hand_between_annotated_functions() {
    let spans = trace(|| {
        #[traced]
        fn outer() {
            let part = Span::child("part");
            let _inside = part.enter();
            inner();
        }
        #[traced]
        fn inner() {}
        outer();
    });
    let (outer, part, inner) = (named(&spans, "outer"), named(&spans, "part"), named(&spans, "inner"));
    assert_eq!((inner.parent_span_id, part.parent_span_id), (part.span_id, outer.span_id));
}
