//! What goes wrong while a span is recorded, and that the application never notices.

mod common;

use common::{log_fields, named, show, spans_of, tag, trace};
use jaeger_runtime::{Span, SpanContext, TagValue, Value, traced};
use std::fmt::{self, Debug, Formatter};

struct PanicsWhenShown;
impl Debug for PanicsWhenShown {
    fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
        panic!("from a Debug, on purpose")
    }
}

struct PanicsAsTag;
impl TagValue for PanicsAsTag {
    fn tag_value(&self) -> Value<'_> {
        panic!("from a TagValue, on purpose")
    }
}

#[test]
fn a_debug_that_panics_is_told_in_the_tag_and_the_function_runs() {
    let spans = trace(|| {
        #[traced]
        fn shown(bad: PanicsWhenShown, own: PanicsAsTag, good: u8) -> PanicsWhenShown {
            let _ = (&own, good);
            bad
        }
        shown(PanicsWhenShown, PanicsAsTag, 3);
    });
    let span = named(&spans, "shown");
    let told = "\"[panicked while being shown]\"";
    assert_eq!(
        (tag(span, "bad"), tag(span, "own"), tag(span, "reply")),
        (told.into(), told.into(), told.into())
    );
    assert_eq!((tag(span, "good"), tag(span, "error")), ("long 3".into(), "absent".into()));
}

#[test]
fn a_debug_that_calls_a_traced_function_works() {
    #[traced]
    fn inner() -> u8 {
        7
    }
    struct Calls;
    impl Debug for Calls {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "calls {}", inner())
        }
    }
    let spans = trace(|| {
        #[traced]
        fn outer(arg: &Calls) -> Calls {
            let _ = arg;
            Calls
        }
        outer(&Calls);
    });
    let outer = named(&spans, "outer");
    assert_eq!((tag(outer, "arg"), tag(outer, "reply")), ("\"calls 7\"".into(), "\"calls 7\"".into()));
    let inner: Vec<_> = spans.iter().filter(|span| span.operation_name == "inner").collect();
    // While the argument is shown the function has not begun; while the reply is shown it is still there.
    assert_eq!(inner.len(), 2);
    assert_eq!(inner[0].parent_span_id, outer.parent_span_id);
    assert_eq!(inner[1].parent_span_id, outer.span_id);
}

#[test]
fn endless_and_enormous_values_are_cut_while_they_are_formatted() {
    struct Endless;
    impl Debug for Endless {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("again and ")?;
            }
        }
    }
    let spans = trace(|| {
        #[traced]
        fn large(endless: Endless) -> Vec<u32> {
            let _ = &endless;
            vec![7; 25_000_000]
        }
        large(Endless);
        #[traced]
        fn text(long: &str) -> String {
            long.repeat(100_000)
        }
        text(&"é".repeat(1_000));
    });
    let cut = |name: &str, key: &str| {
        let text = tag(named(&spans, name), key);
        assert!(text.ends_with("…\"") && text.len() <= 256 + 2, "{name} {key}: {text}");
    };
    cut("large", "endless");
    cut("large", "reply");
    cut("text", "long");
    cut("text", "reply");
}

#[test]
fn a_million_tags_and_logs_are_capped_and_the_rest_is_counted() {
    let spans = trace(|| {
        let span = Span::child("many");
        for n in 0..100_000u32 {
            span.tag("n", n);
            if n % 10_000 == 0 {
                common::flush();
                span.log("ten thousand", &[]);
            }
        }
    });
    let span = named(&spans, "many");
    assert!(span.tags.len() < 1_000 && span.logs.len() < 1_000);
    let left_out: u64 = tag(span, "jaeger.tags_left_out")[5..].parse().unwrap();
    assert!(left_out > 90_000);
}

#[test]
fn a_panic_goes_on_unchanged_and_the_span_says_so() {
    let spans = trace(|| {
        #[traced]
        fn explodes(n: u8) -> u8 {
            if n > 0 {
                std::panic::panic_any(n);
            }
            n
        }
        #[traced]
        fn between() {
            explodes(9);
        }
        let before = SpanContext::current();
        let payload = std::panic::catch_unwind(between).unwrap_err();
        assert_eq!(payload.downcast_ref::<u8>(), Some(&9));
        assert_eq!(SpanContext::current(), before);
        assert_eq!(explodes(0), 0);
    });
    let exploded: Vec<_> = spans.iter().filter(|span| tag(span, "error") == "true").collect();
    assert_eq!(exploded.len(), 2);
    for span in exploded {
        assert_eq!(log_fields(span), ["event=\"panic\""]);
    }
}

#[test]
fn errors_are_told_with_message_and_kind() {
    let spans = trace(|| {
        #[traced]
        fn parses(text: &str) -> Result<u8, std::num::ParseIntError> {
            let n = text.parse::<u8>()?;
            Ok(n + 1)
        }
        let _ = (parses("41"), parses("many"));
    });
    let (good, bad) =
        if tag(&spans[0], "error") == "true" { (&spans[1], &spans[0]) } else { (&spans[0], &spans[1]) };
    assert_eq!(
        (tag(good, "reply"), tag(good, "error"), good.logs.len()),
        ("long 42".into(), "absent".into(), 0)
    );
    assert_eq!((tag(bad, "reply"), tag(bad, "error")), ("absent".into(), "true".into()));
    let fields = log_fields(bad);
    assert_eq!(fields[0], "event=\"error\"");
    assert!(fields[1].starts_with("message=") && fields[1].contains("nvalid"), "{fields:?}");
    assert_eq!(fields[2], "error.kind=\"core::num::error::ParseIntError\"");
    let end = bad.start_time + bad.duration;
    assert!((bad.start_time..=end + 1).contains(&bad.logs[0].timestamp));
}

#[test]
fn numbers_keep_their_type_and_what_fits_no_long_its_digits() {
    let spans = trace(|| {
        #[traced]
        #[allow(clippy::too_many_arguments)]
        fn typed(a: i8, b: u64, c: f32, d: bool, e: char, f: &[u8], g: Option<u16>, h: Option<u16>, i: ()) {
            let _ = (a, b, c, d, e, f, g, h, i);
        }
        typed(-1, u64::MAX, 0.5, true, 'é', &[1, 2], Some(3), None, ());
    });
    let span = named(&spans, "typed");
    let got: Vec<_> = span.tags.iter().map(|tag| format!("{}={}", tag.key, show(&tag.value))).collect();
    assert_eq!(
        got,
        [
            "a=long -1",
            "b=\"18446744073709551615\"",
            "c=double 0.5",
            "d=true",
            "e=\"é\"",
            "f=bytes [1, 2]",
            "g=long 3"
        ]
    );
}

#[test]
fn a_span_held_while_others_come_and_go_is_right_when_it_ends() {
    let spans = trace(|| {
        let held = Span::child("held");
        for _ in 0..50 {
            for _ in 0..2_000 {
                Span::child("passing").finish();
            }
            common::flush();
        }
        held.tag("late", true);
    });
    let held = named(&spans, "held");
    assert_eq!(tag(held, "late"), "true");
    assert!(spans.iter().all(|span| span.start_time >= held.start_time));
    assert_eq!(spans.len(), 100_001);
    assert!(!spans_of(held.trace_id).is_empty());
}
