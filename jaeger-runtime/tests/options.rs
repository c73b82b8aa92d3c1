//! Each option of `#[traced]` says what it says: values, keys, relations, bounds, polls; on functions and on whole blocks.
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
    reason = "of the code under test, not of what the attribute writes"
)]

mod common;

use common::{block_on, log_fields, named, names, quoted, spans_of, tag, trace};
use jaeger_runtime::{AsContext, FutureExt, Span, SpanContext, SpanId, TraceId, traced};
use jaeger_thrift::RefType;
use std::fmt::{self, Debug, Display, Formatter};
use std::rc::Rc;
use std::sync::Arc;

/// Shows itself differently in each way.
struct Both;
impl Display for Both {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("displayed")
    }
}
impl Debug for Both {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("debugged")
    }
}

#[test]
fn arguments_are_shown_as_they_are_asked_for() {
    struct Account(u8);
    impl Debug for Account {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "account {}", self.0)
        }
    }
    impl Account {
        #[traced(only(self, amount), rename(self = "account"))]
        fn pay(&self, amount: u8, other: u8) -> u8 {
            self.0 + amount + other
        }
        #[traced(debug(self))]
        fn shown(self) -> u8 {
            self.0
        }
    }
    #[traced(display(a), debug(b), rename(a = "first", r#type = "kind of it"))]
    fn ways(a: &Both, b: &Both, c: &Both, r#type: u8) {
        let _ = (a, b, c, r#type);
    }
    #[traced(display(a), rename(a = "first"))]
    async fn later(a: Both, (b, c): (u8, u8)) -> u8 {
        let _ = a;
        b + c
    }
    let spans = trace(|| {
        ways(&Both, &Both, &Both, 4);
        block_on(later(Both, (1, 2)));
        assert_eq!(Account(1).pay(2, 3), 6);
        assert_eq!(Account(1).shown(), 1);
    });
    let ways = named(&spans, "ways");
    let tags: Vec<_> = ["first", "b", "c", "kind of it", "a", "type"].map(|key| tag(ways, key)).into();
    assert_eq!(
        tags,
        [&quoted("displayed"), &quoted("debugged"), &quoted("debugged"), "long 4", "absent", "absent"]
    );
    assert_eq!(tag(named(&spans, "later"), "first"), quoted("displayed"));
    let pay = named(&spans, "pay");
    let tags: Vec<_> = ["account", "amount", "other", "self"].map(|key| tag(pay, key)).into();
    assert_eq!(tags, [&quoted("account 1"), "long 2", "absent", "absent"]);
    assert_eq!(tag(named(&spans, "shown"), "self"), quoted("account 1"));
}

#[cfg(feature = "serde")]
#[test]
fn json_is_json() {
    #[traced(json(pair), max_len = 16)]
    fn shown(pair: (u8, &str), rest: &str) -> usize {
        pair.1.len() + rest.len()
    }
    let spans = trace(|| {
        shown((1, "\""), "x");
        shown((1, &"long ".repeat(100)), "x");
    });
    assert_eq!(tag(&spans[0], "pair"), quoted("[1,\"\\\"\"]"));
    assert_eq!(tag(&spans[1], "pair"), quoted("[1,\"long long…"));
}

#[test]
fn secrets_are_redacted_unless_they_are_asked_for() {
    #[traced]
    fn login(user: &str, password: &str, api_key: &str, access_token: Option<u8>, token_count: u8) {
        let _ = (user, password, api_key, access_token, token_count);
    }
    #[traced(display(token), redact(plan))]
    fn asked(token: &str, plan: &str, (secret, n): (u8, u8)) -> u8 {
        let _ = (token, plan, secret);
        n
    }
    #[traced(only(token))]
    fn only(token: &str) {
        let _ = token;
    }
    struct Creds<'a> {
        user: &'a str,
        password: &'a str,
    }
    #[traced]
    fn parted(Creds { user: u, password: p }: Creds<'_>) {
        let _ = (u, p);
    }
    let spans = trace(|| {
        parted(Creds { user: "ada", password: "1234" });
        login("ada", "1234", "k", Some(1), 2);
        asked("t", "p", (1, 2));
        only("t");
    });
    let login = named(&spans, "login");
    let tags: Vec<_> =
        ["user", "password", "api_key", "access_token", "token_count"].map(|key| tag(login, key)).into();
    let hidden = quoted("[redacted]");
    assert_eq!(tags, [&quoted("ada"), &hidden, &hidden, &hidden, "long 2"]);
    let parted = named(&spans, "parted");
    assert_eq!(["u", "p"].map(|key| tag(parted, key)), [quoted("ada"), quoted("[redacted]")]);
    let asked = named(&spans, "asked");
    let tags: Vec<_> = ["token", "plan", "secret", "n"].map(|key| tag(asked, key)).into();
    assert_eq!(tags, [&quoted("t"), &hidden, &hidden, "long 2"]);
    assert_eq!(tag(named(&spans, "only"), "token"), quoted("t"));
}

#[test]
fn a_tag_stands_instead_of_the_argument_of_its_key() {
    #[traced(tags(n = n * 2, generic = pair::<u8, u8>(1, 2).0))]
    fn doubled(n: u8, m: u8) {
        let _ = (n, m);
    }
    fn pair<A, B>(a: A, b: B) -> (A, B) {
        (a, b)
    }
    let spans = trace(|| doubled(2, 3));
    let keys: Vec<_> = spans[0].tags.iter().map(|tag| tag.key.to_string()).collect();
    assert_eq!(keys, ["m", "n", "generic"]);
    assert_eq!((tag(&spans[0], "n"), tag(&spans[0], "generic")), ("long 4".into(), "long 1".into()));
}

#[test]
fn an_option_of_what_is_only_debug_or_display_is_seen_through() {
    #[derive(Debug)]
    struct Known;
    struct Shown;
    impl std::fmt::Display for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("shown")
        }
    }
    #[traced]
    fn optional(a: Option<Known>, b: Option<Known>, c: Option<Shown>, d: &Option<Shown>) -> Option<Known> {
        let _ = (b, c, d);
        a
    }
    let spans = trace(|| assert!(optional(Some(Known), None, Some(Shown), &None).is_some()));
    let tags = ["a", "b", "c", "d", "reply"].map(|key| tag(&spans[0], key));
    assert_eq!(tags, [&quoted("Known"), "absent", &quoted("shown"), "absent", &quoted("Known")]);
}

#[test]
fn wrappers_are_seen_through() {
    #[traced]
    #[allow(clippy::too_many_arguments, reason = "one of each")]
    fn wrapped(
        a: Option<&str>,
        b: Option<&str>,
        c: Option<u64>,
        d: Arc<str>,
        e: Box<u8>,
        f: Rc<String>,
        g: &&Option<Box<i16>>,
        h: &mut Option<f64>,
    ) -> Option<Arc<str>> {
        let _ = (a, b, c, e, f, g, h);
        Some(d)
    }
    let spans = trace(|| {
        wrapped(
            Some("a"),
            None,
            Some(3),
            "d".into(),
            Box::new(5),
            Rc::new("f".into()),
            &&Some(Box::new(7)),
            &mut Some(0.5),
        );
    });
    let tags: Vec<_> =
        ["a", "b", "c", "d", "e", "f", "g", "h", "reply"].map(|key| tag(&spans[0], key)).into();
    let text = |text| quoted(text);
    assert_eq!(
        tags,
        [
            text("a"),
            "absent".into(),
            "long 3".into(),
            text("d"),
            "long 5".into(),
            text("f"),
            "long 7".into(),
            "double 0.5".into(),
            text("d")
        ]
    );
}

#[test]
fn an_err_that_is_an_answer_does_not_mark_the_span() {
    #[traced(no_err)]
    fn found(n: u8) -> Result<u8, String> {
        if n == 0 {
            return Err("none".into());
        }
        Ok(n)
    }
    #[traced(no_err, no_reply)]
    async fn quiet(n: u8) -> Result<u8, String> {
        found(n)?;
        Ok(n)
    }
    let spans = trace(|| {
        found(1).unwrap();
        block_on(quiet(0)).unwrap_err();
    });
    let found: Vec<_> = spans.iter().filter(|span| span.operation_name == "found").collect();
    assert_eq!((tag(found[0], "reply"), tag(found[1], "reply")), ("long 1".into(), quoted("Err(\"none\")")));
    let quiet = named(&spans, "quiet");
    assert_eq!(
        (tag(quiet, "reply"), tag(quiet, "error"), quiet.logs.len()),
        ("absent".into(), "absent".into(), 0)
    );
    assert_eq!(tag(found[1], "error"), "absent");
}

#[test]
fn max_len_bounds_arguments_replies_and_messages() {
    #[traced(max_len = 16)]
    fn short(a: &str, (b, _): (&str, u8)) -> Result<String, String> {
        let _ = b;
        if a.is_empty() { Err("message ".repeat(9)) } else { Ok(a.repeat(2)) }
    }
    #[traced(max_len = 1000)]
    async fn long(a: String) -> String {
        a
    }
    let text = "0123456789".repeat(50);
    let spans = trace(|| {
        short(&text, (&text, 1)).unwrap();
        short("", ("", 1)).unwrap_err();
        block_on(long(text.clone()));
    });
    let cut = quoted("0123456789012…");
    assert_eq!(
        (tag(&spans[0], "a"), tag(&spans[0], "b"), tag(&spans[0], "reply")),
        (cut.clone(), cut.clone(), cut)
    );
    assert_eq!(log_fields(&spans[1])[1], format!("message={:?}", "message messa…"));
    let long = named(&spans, "long");
    assert_eq!((tag(long, "a"), tag(long, "reply")), (quoted(&text), quoted(&text)));
}

/// A request that knows who sent it.
struct Request(SpanContext);
impl AsContext for Request {
    fn as_context(&self) -> SpanContext {
        self.0
    }
}

#[test]
fn parents_roots_and_what_is_followed() {
    #[traced(parent = request, skip(request))]
    fn serve(request: &Request) {
        inner();
    }
    #[traced]
    fn inner() {}
    #[traced(parent = *request, skip_all)]
    async fn serve_later(request: &Option<SpanContext>) -> u8 {
        inner();
        7
    }
    #[traced(root, follows_from = before, skip(before))]
    fn alone(before: &Span) -> Option<SpanContext> {
        inner();
        Some(SpanContext::current()).filter(SpanContext::is_valid)
    }
    #[traced(root)]
    async fn alone_later() -> SpanContext {
        std::future::ready(()).await;
        SpanContext::current()
    }
    #[traced(follows_from = None::<SpanContext>)]
    fn follows_nothing() {}

    let remote = SpanContext::new(TraceId::from_u128(77), SpanId::from_u64(78), true);
    let mut others = vec![];
    let spans = trace(|| {
        let part = Span::child("part");
        serve(&Request(remote));
        assert_eq!(block_on(serve_later(&Some(remote))), 7);
        others.push(alone(&part).unwrap());
        others.push(block_on(alone_later()));
        inner();
        follows_nothing();
    });
    assert_eq!(spans.len(), 3, "only these are in the ambient trace: {:?}", names(&spans));
    assert!(named(&spans, "follows_nothing").references.is_empty());
    let part = named(&spans, "part");
    let served = spans_of(77);
    let (serve, later) = (named(&served, "serve"), named(&served, "serve_later"));
    assert_eq!((serve.parent_span_id, later.parent_span_id), (78, 78));
    let parents: Vec<_> =
        served.iter().filter(|span| span.operation_name == "inner").map(|span| span.parent_span_id).collect();
    assert_eq!(parents, [serve.span_id, later.span_id]);
    let alone = spans_of(others[0].trace_id().to_u128());
    let (inner, alone) = (named(&alone, "inner"), named(&alone, "alone"));
    assert_eq!((alone.parent_span_id, inner.parent_span_id), (0, alone.span_id));
    let reference = alone.references[0];
    assert_eq!((reference.ref_type, reference.span_id), (RefType::FollowsFrom, part.span_id));
    assert_eq!(reference.trace_id, part.trace_id);
    assert!(tag(alone, "sampler.type") != "absent");
    let later = spans_of(others[1].trace_id().to_u128());
    assert_eq!((later.len(), later[0].parent_span_id), (1, 0));
}

#[test]
fn a_root_is_recorded_also_where_the_ambient_trace_is_not_and_an_unsampled_parent_is_not() {
    #[traced(root)]
    fn own() -> SpanContext {
        SpanContext::current()
    }
    #[traced(parent = parent, skip_all)]
    fn under(parent: SpanContext) -> SpanContext {
        inner()
    }
    #[traced]
    fn inner() -> SpanContext {
        SpanContext::current()
    }
    let refused = SpanContext::new(TraceId::from_u128(91), SpanId::from_u64(92), false);
    common::tracer();
    let own = block_on(async { own() }.in_context(refused));
    assert!(own.is_sampled());
    assert_eq!(names(&spans_of(own.trace_id().to_u128())), ["own"]);
    let spans = trace(|| assert_eq!(under(refused).trace_id(), refused.trace_id()));
    assert!(spans.is_empty() && spans_of(91).is_empty());
}

#[test]
fn polls_are_counted_and_timed_when_asked() {
    #[traced(polls)]
    async fn polled(times: u8) -> u8 {
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
        std::thread::sleep(std::time::Duration::from_millis(3));
        times
    }
    #[traced]
    async fn not_asked() {}
    let spans = trace(|| {
        block_on(polled(4));
        block_on(not_asked());
    });
    let polled = named(&spans, "polled");
    assert_eq!(tag(polled, "polls"), "long 5");
    let micros = |key: &str| tag(polled, key).strip_prefix("long ").unwrap().parse::<i64>().unwrap();
    let (busy, idle) = (micros("busy_us"), micros("idle_us"));
    assert!(busy >= 3_000 && (busy + idle - polled.duration).abs() <= 2, "{busy} {idle} {}", polled.duration);
    assert_eq!(tag(named(&spans, "not_asked"), "polls"), "absent");
}

mod blocks {
    use super::traced;
    use std::fmt::Display;

    pub struct Store<T>(pub T);

    const fn two(n: u8) -> u8 {
        n + 1
    }

    #[traced(kind = client, skip(token), tags(component = "store"))]
    impl<T: Clone> Store<T> {
        pub const NAMES: [&'static str; {
            let n = two(1);
            n as usize
        }] = ["a", "b"];
        /// Left alone: it may run at compile time.
        pub const fn new(value: T) -> Self {
            Self(value)
        }
        pub fn get(&self, key: &str, token: &str) -> T {
            let _ = (key, token);
            self.0.clone()
        }
        #[traced(name = "own name", kind = server, no_reply)]
        pub async fn put(&mut self, n: u8) -> u8 {
            n
        }
        #[traced(off)]
        pub fn off(&self) -> u8 {
            1
        }
        pub fn array<const N: usize>(&self) -> Array<{ N }>
        where
            T: Copy,
        {
            Array([0; N])
        }
    }

    pub struct Array<const N: usize>(pub [u8; N]);

    #[traced]
    pub trait Shows: Sized {
        fn required(&self) -> String;
        fn shown(&self, n: u8) -> String {
            format!("{} {n}", self.required())
        }
    }

    #[traced(skip_all)]
    impl<T> Shows for Store<T>
    where
        T: Display,
    {
        fn required(&self) -> String {
            self.0.to_string()
        }
    }

    #[traced(max_len = 16)]
    pub mod inner {
        pub fn free(n: u8) -> u8 {
            n + HIDDEN
        }
        const HIDDEN: u8 = {
            let two = 2;
            two - 1
        };
        macro_rules! unused {
            () => {
                fn not_a_function_yet() {}
            };
        }
        unused!();
        pub struct Thing;
        impl Thing {
            pub fn method(&self) {
                let _ = self;
                not_a_function_yet();
            }
        }
        pub mod deeper {
            pub fn deep() {}
            #[jaeger_runtime::traced(off)]
            pub fn off() {}
        }
    }
}

#[test]
fn a_block_passes_its_options_on_and_names_its_functions() {
    use blocks::{Shows, Store, inner};
    let spans = trace(|| {
        let mut store = Store::new(7);
        assert_eq!(store.get("k", "t"), 7);
        assert_eq!(block_on(store.put(2)), 2);
        assert_eq!(store.off(), 1);
        assert_eq!(store.array::<2>().0, [0; 2]);
        assert_eq!(store.shown(1), "7 1");
        assert_eq!(inner::free(1), 2);
        inner::Thing.method();
        inner::deeper::deep();
        inner::deeper::off();
    });
    assert_eq!(Store::<u8>::NAMES.len(), 2);
    let mut names = names(&spans);
    names.sort();
    let expected = [
        "Shows::shown",
        "Store::array",
        "Store::get",
        "Store::required",
        "Thing::method",
        "deep",
        "free",
        "own name",
    ];
    assert_eq!(names, expected);
    let get = named(&spans, "Store::get");
    let tags: Vec<_> = ["span.kind", "component", "key", "token", "reply"].map(|key| tag(get, key)).into();
    assert_eq!(
        tags,
        [&quoted("client"), &quoted("store"), &quoted("k"), "absent", &quoted("i32")],
        "all that is known of a `T`"
    );
    let put = named(&spans, "own name");
    let tags: Vec<_> = ["span.kind", "component", "n", "reply"].map(|key| tag(put, key)).into();
    assert_eq!(tags, [&quoted("server"), &quoted("store"), "long 2", "absent"]);
}
