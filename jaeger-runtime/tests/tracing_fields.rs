//! What spans and events of the crate `tracing` say: typed fields, names, failures, and values that misbehave.

mod common;

use common::layered::{layered, layered_as};
use common::{log_fields, logs, named, show, tag};
use jaeger_runtime::{Span, TracingLayer, traced};
use std::fmt;
use tracing::level_filters::LevelFilter;
use tracing::{Level, error, info, info_span, instrument};

#[traced]
fn ours(n: u32) -> u32 {
    n + 1
}

#[instrument]
fn theirs(n: u32) {
    ours(n);
}

#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Order {
    id: u32,
}

#[test]
fn fields_keep_their_types_and_may_come_later() {
    let spans = layered(|| {
        let refused = std::io::Error::other("refused");
        let span = info_span!(
            "typed",
            small = -7i32,
            large = u64::MAX,
            wide = 1u128,
            ratio = 0.5f64,
            yes = true,
            text = "text",
            shown = %"shown",
            order = ?Order { id: 1 },
            error = &refused as &(dyn std::error::Error + 'static),
            later = tracing::field::Empty,
            never = tracing::field::Empty,
            "dotted.name" = 3,
        );
        span.record("later", 17u8);
        span.in_scope(|| info!(small = -7i32, large = u64::MAX, ratio = 0.5, yes = false, text = "t", order = ?Order { id: 2 }, "said {}", 5));
    });
    let span = named(&spans, "typed");
    let tags: Vec<_> = span.tags.iter().map(|tag| format!("{}={}", tag.key, show(&tag.value))).collect();
    assert_eq!(
        tags,
        [
            "small=long -7",
            "large=\"18446744073709551615\"",
            "wide=long 1",
            "ratio=double 0.5",
            "yes=true",
            "text=\"text\"",
            "shown=\"shown\"",
            "order=\"Order { id: 1 }\"",
            "error=\"refused\"",
            "dotted.name=long 3",
            "later=long 17",
        ]
    );
    let fields = log_fields(span);
    assert_eq!(
        fields[5..],
        [
            "small=long -7",
            "large=\"18446744073709551615\"",
            "ratio=double 0.5",
            "yes=false",
            "text=\"t\"",
            "order=\"Order { id: 2 }\"",
        ]
    );
}

#[test]
fn an_event_says_message_level_target_and_place() {
    let mut line = 0;
    let spans = layered(|| {
        let span = Span::child("events");
        let _inside = span.enter();
        line = line!() + 1;
        info!(target: "shop::till", hit = true, "cache");
        info!(name: "named", hit = 1);
    });
    let all = logs(named(&spans, "events"));
    let file = file!();
    assert_eq!(
        all[0],
        [
            "event=\"cache\"".to_owned(),
            "level=\"INFO\"".into(),
            "target=\"shop::till\"".into(),
            format!("code.file.path={file:?}"),
            format!("code.line.number=long {line}"),
            "hit=true".into(),
        ]
    );
    assert_eq!((&*all[1][0], &*all[1][5]), ("event=\"named\"", "hit=long 1"), "without a message");
    let spans = layered_as(TracingLayer::new().place(false), || {
        let span = Span::child("no place");
        let _inside = span.enter();
        info!(hit = true, "cache");
    });
    assert_eq!(
        log_fields(named(&spans, "no place")),
        ["event=\"cache\"", "level=\"INFO\"", "target=\"tracing_fields\"", "hit=true"]
    );
}

#[test]
fn a_failure_marks_the_span_of_tracing_it_happens_in_and_no_other() {
    #[instrument(err)]
    fn fails() -> Result<(), std::num::ParseIntError> {
        "x".parse::<u32>().map(|_| ())
    }
    #[traced]
    fn handles() {
        let _handled = fails();
        error!("twice");
        error!("twice");
    }
    #[traced]
    fn handles_alone() {
        error!("alone");
    }
    let spans = layered(|| {
        handles();
        let outer = info_span!("outer");
        outer.in_scope(|| {
            error!("first");
            error!("second");
            info_span!("code", otel.status_code = "ERROR").in_scope(|| ());
            info_span!("fine", otel.status_code = "ok").in_scope(|| info!("fine"));
            let later = info_span!("later", otel.status_code = tracing::field::Empty);
            later.record("otel.status_code", "Error");
        });
        // What happens in a function of ours that stands inside a span of theirs is the function's.
        info_span!("around").in_scope(handles_alone);
        let _caught = std::panic::catch_unwind(|| info_span!("panics").in_scope(|| panic!("on purpose")));
    });
    for (name, marks) in [
        ("fails", 1),
        ("outer", 1),
        ("code", 1),
        ("later", 1),
        ("panics", 1),
        ("handles", 0),
        ("handles_alone", 0),
        ("around", 0),
        ("fine", 0),
    ] {
        let span = named(&spans, name);
        assert_eq!(span.tags.iter().filter(|tag| tag.key == "error").count(), marks, "{name}");
    }
    // Nor is a function marked where a span that is looked through is all there is.
    #[traced]
    fn looked_through() {
        info_span!("unwanted").in_scope(|| error!("inside"));
    }
    let beside = layered_as(TracingLayer::new().spans(LevelFilter::WARN), looked_through);
    let beside = named(&beside, "looked_through");
    assert_eq!((tag(beside, "error"), beside.logs.len()), ("absent".into(), 1));
    assert_eq!(tag(named(&spans, "fails"), "error"), "true");
    let fields = log_fields(named(&spans, "fails"));
    assert_eq!(fields[1], "level=\"ERROR\"");
    assert_eq!(fields[5], "error=\"invalid digit found in string\"");
    assert_eq!(tag(named(&spans, "fine"), "otel.status_code"), "\"ok\"");
}

#[test]
fn what_opentelemetrys_users_say_of_a_span_is_understood() {
    let spans = layered(|| {
        let span =
            info_span!("request", otel.kind = "Server", otel.name = "GET /orders", http.route = "/orders");
        span.in_scope(|| ours(1));
        let later = info_span!("later", otel.kind = tracing::field::Empty, otel.name = tracing::field::Empty);
        later.record("otel.kind", tracing::field::debug("CLIENT"));
        later.record("otel.kind", "CLIENT");
        later.record("otel.name", "renamed");
    });
    let span = named(&spans, "GET /orders");
    assert_eq!(
        (tag(span, "span.kind"), tag(span, "http.route")),
        ("\"server\"".into(), "\"/orders\"".into())
    );
    assert_eq!(span.tags.len(), 2);
    let later = named(&spans, "renamed");
    let tags: Vec<_> = later.tags.iter().map(|tag| format!("{}={}", tag.key, show(&tag.value))).collect();
    assert_eq!(tags, ["span.kind=\"client\""]);
}

#[test]
fn a_record_relayed_by_tracing_log_has_its_own_target_and_place() {
    let spans = layered(|| {
        let span = Span::child("relayed");
        let _inside = span.enter();
        // As `tracing-log` makes them.
        tracing::event!(
            target: "log", Level::INFO, log.target = "shop", log.module_path = "shop::till", log.file = "till.rs", log.line = 7u64, "text"
        );
    });
    assert_eq!(
        log_fields(named(&spans, "relayed")),
        [
            "event=\"text\"",
            "level=\"INFO\"",
            "target=\"shop\"",
            "code.file.path=\"till.rs\"",
            "code.line.number=long 7"
        ]
    );
}

#[test]
fn what_is_shown_may_log_panic_open_spans_or_never_end() {
    struct Busy;
    impl fmt::Debug for Busy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!(inner = 1, "from a Debug");
            theirs(9);
            f.write_str("busy")
        }
    }
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("from a Debug, on purpose")
        }
    }
    struct Endless;
    impl fmt::Debug for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("more ")?;
            }
        }
    }
    let long = "é".repeat(1_000);
    let spans = layered(|| {
        let span = info_span!("misbehaves", busy = ?Busy, panics = ?Panics, endless = ?Endless, long = %long, after = 1);
        span.in_scope(|| {
            info!(busy = ?Busy, panics = ?Panics, endless = ?Endless, long, after = 1, "{:?}", Busy);
        });
    });
    let span = named(&spans, "misbehaves");
    let all = logs(span);
    assert_eq!(all.len(), 3, "{all:?}");
    let first: Vec<_> = all.iter().map(|fields| fields[0].as_str()).collect();
    assert_eq!(first, ["event=\"from a Debug\"", "event=\"from a Debug\"", "event=\"busy\""]);
    let mut seen: Vec<_> = all[2][5..].to_vec();
    seen.extend(span.tags.iter().map(|tag| format!("{}={}", tag.key, show(&tag.value))));
    for value in ["busy=\"busy\"", "panics=\"[panicked while being shown]\"", "after=long 1"] {
        assert_eq!(seen.iter().filter(|seen| *seen == value).count(), 2, "{value} in {seen:?}");
    }
    for start in ["endless=\"more more", "long=\"ééé"] {
        let found: Vec<_> = seen.iter().filter(|seen| seen.starts_with(start)).collect();
        assert_eq!(found.len(), 2, "{start} in {seen:?}");
        assert!(found.iter().all(|text| text.ends_with("…\"") && text.len() <= 256 + 16), "{found:?}");
    }
    assert_eq!(spans.iter().filter(|span| span.operation_name == "theirs").count(), 3);
}

#[test]
fn fields_past_what_an_event_takes_are_counted() {
    layered(|| ());
    let before = common::flush().extras_lost;
    let spans = layered(|| {
        let span = info_span!("many");
        span.in_scope(|| {
            // 30 fields, one more than there is room for behind message, level, target and place.
            info!(
                a = 1,
                b = 2,
                c = 3,
                d = 4,
                e = 5,
                f = 6,
                g = 7,
                h = 8,
                i = 9,
                j = 10,
                k = 11,
                l = 12,
                m = 13,
                n = 14,
                o = 15,
                p = 16,
                q = 17,
                r = 18,
                s = 19,
                t = 20,
                u = 21,
                v = 22,
                w = 23,
                x = 24,
                y = 25,
                z = 26,
                aa = 27,
                ab = 28,
                ac = 29,
                ad = 30,
                "many"
            );
        });
    });
    let fields = log_fields(named(&spans, "many"));
    assert_eq!((fields.len(), &*fields[33]), (34, "ac=long 29"));
    assert_eq!(common::flush().extras_lost - before, 1);
}
