//! Records of the crate `log` as logs of spans: levels, fields, which span, and what happens to values that misbehave.

mod common;

use common::{PATIENCE, flush, log_fields, logs, named, spans_of, trace};
use jaeger_runtime::{Error, FutureExt, LogBridge, Span, SpanContext, SpanId, TraceId, traced};
use log::{LevelFilter, Log, Metadata, Record};
use std::fmt;
use std::sync::{Mutex, Once, mpsc};

/// The lines of the next logger.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() != "unwanted"
    }
    fn log(&self, record: &Record<'_>) {
        LINES.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
    }
    fn flush(&self) {
        LINES.lock().unwrap().push("flushed".into());
    }
}

fn has_line(line: &str) -> bool {
    LINES.lock().unwrap().iter().any(|known| known == line)
}

/// Spans get what is of level debug and above, the next logger what is of level info and above.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        LogBridge::new().level(LevelFilter::Debug).and(Lines, LevelFilter::Info).install().unwrap();
    });
}

fn logged(f: impl FnOnce()) -> Vec<jaeger_thrift::Span<'static>> {
    install();
    trace(f)
}

#[traced]
fn work() {
    log::info!("worked");
}

#[test]
fn a_record_is_a_log_of_the_innermost_span_with_message_level_target_and_place() {
    let mut line = 0;
    let spans = logged(|| {
        let outer = Span::child("outer");
        let _inside = outer.enter();
        work();
        line = line!() + 1;
        log::warn!(target: "shop::till", "{} of {}", 3, "four");
    });
    let fields = log_fields(named(&spans, "outer"));
    let file = file!();
    assert_eq!(
        fields,
        [
            "event=\"3 of four\"".to_owned(),
            "level=\"WARN\"".into(),
            "target=\"shop::till\"".into(),
            format!("code.file.path={file:?}"),
            format!("code.line.number=long {line}"),
        ]
    );
    let inner = named(&spans, "work");
    assert_eq!(log_fields(inner)[..3], ["event=\"worked\"", "level=\"INFO\"", "target=\"log_bridge\""]);
    let (at, start) = (inner.logs[0].timestamp, inner.start_time);
    assert!(start <= at && at <= start + inner.duration + 1, "{start} {at} {}", inner.duration);
}

#[test]
fn each_side_has_its_level() {
    let spans = logged(|| {
        let span = Span::child("levels");
        let _inside = span.enter();
        log::trace!("levels: trace");
        log::debug!("levels: debug");
        log::error!("levels: error");
    });
    let events: Vec<_> = logs(named(&spans, "levels")).into_iter().map(|fields| fields[0].clone()).collect();
    assert_eq!(events, ["event=\"levels: debug\"", "event=\"levels: error\""]);
    // Also where nobody has filtered before: a record that only the next logger wants.
    let bridge = LogBridge::new().and(Lines, LevelFilter::Trace);
    let spans = trace(|| {
        let span = Span::child("unfiltered");
        let _inside = span.enter();
        for level in [log::Level::Info, log::Level::Debug] {
            let text = format_args!("unfiltered");
            bridge.log(&Record::builder().args(text).level(level).target("t").build());
        }
    });
    assert_eq!(log_fields(named(&spans, "unfiltered"))[1], "level=\"INFO\"");
    assert!(has_line("INFO unfiltered") && has_line("DEBUG unfiltered"));
    assert!(has_line("ERROR levels: error"));
    assert!(!has_line("DEBUG levels: debug") && !has_line("TRACE levels: trace"));
    assert_eq!(log::max_level(), LevelFilter::Debug);
}

#[test]
fn key_values_keep_their_types() {
    struct Shown;
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("shown")
        }
    }
    let spans = logged(|| {
        let span = Span::child("typed");
        let _inside = span.enter();
        let key = String::from("made");
        log::info!(
            small = -7i32, large = u64::MAX, wide = 1i128, ratio = 0.5f64, yes = true, text = "text", letter = 'x',
            none = None::<u32>, debug:? = Some(1), display:% = Shown; "typed"
        );
        let made = [(key.as_str(), 5)];
        let record = Record::builder()
            .args(format_args!("by hand"))
            .level(log::Level::Info)
            .target("t")
            .key_values(&made)
            .build();
        log::logger().log(&record);
    });
    let all = logs(named(&spans, "typed"));
    assert_eq!(
        all[0][5..],
        [
            "small=long -7",
            "large=\"18446744073709551615\"",
            "wide=long 1",
            "ratio=double 0.5",
            "yes=true",
            "text=\"text\"",
            "letter=\"x\"",
            "debug=\"Some(1)\"",
            "display=\"shown\"",
        ]
    );
    // Without a place there is none to show.
    assert_eq!(all[1], ["event=\"by hand\"", "level=\"INFO\"", "target=\"t\"", "made=long 5"]);
}

#[test]
fn the_place_can_be_left_out() {
    common::tracer();
    let bridge = LogBridge::new().place(false);
    let spans = trace(|| {
        let span = Span::child("no place");
        let _inside = span.enter();
        bridge.log(
            &Record::builder().args(format_args!("a")).file(Some("f.rs")).line(Some(1)).target("t").build(),
        );
    });
    assert_eq!(log_fields(named(&spans, "no place")), ["event=\"a\"", "level=\"INFO\"", "target=\"t\""]);
}

#[test]
fn without_a_recorded_span_only_the_next_logger_hears_it() {
    install();
    common::tracer();
    /// Tells whether it was asked to show itself.
    struct Asked(std::cell::Cell<u32>);
    impl fmt::Display for Asked {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            f.write_str("asked")
        }
    }
    let asked = Asked(0.into());
    assert_eq!(SpanContext::current(), SpanContext::NONE);
    log::debug!("{asked}");
    let metadata = |level, target| Metadata::builder().level(level).target(target).build();
    assert!(!log::logger().enabled(&metadata(log::Level::Debug, "t")), "nobody wants it");
    assert!(log::logger().enabled(&metadata(log::Level::Info, "t")), "the next one does");
    assert!(!log::logger().enabled(&metadata(log::Level::Info, "unwanted")));
    let refused = SpanContext::new(TraceId::from_u128(0xfade), SpanId::from_u64(7), false);
    let span = Span::child_of(refused, "refused");
    {
        let _inside = span.enter();
        log::debug!("{asked}");
        assert_eq!(asked.0.get(), 0, "a message for nobody is not made");
        log::info!("{asked} while refused");
        assert_eq!(asked.0.get(), 1);
    }
    drop(span);
    assert!(has_line("INFO asked while refused"));
    assert!(spans_of(0xfade).is_empty());
    let spans = logged(|| {
        let span = Span::child("wants");
        let _inside = span.enter();
        assert!(log::logger().enabled(&metadata(log::Level::Debug, "t")));
        assert!(!log::logger().enabled(&metadata(log::Level::Trace, "t")));
    });
    assert!(named(&spans, "wants").logs.is_empty());
    log::logger().flush();
    assert!(has_line("flushed"));
}

#[test]
fn a_task_that_moves_between_threads_logs_into_its_own_span() {
    #[traced]
    async fn moves(n: u32, mut turns: tokio::sync::mpsc::Receiver<()>) {
        log::info!("{n} first");
        turns.recv().await;
        log::info!("{n} second");
        work();
    }
    let spans = logged(|| {
        let parent = SpanContext::current();
        let (send, receive) = tokio::sync::mpsc::channel(1);
        let mut future = Box::pin(moves(1, receive).in_context(parent));
        let (back, there) = mpsc::channel();
        std::thread::spawn(move || {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_pending());
            log::info!("outside of it");
            back.send(future).unwrap();
        });
        let future = there.recv_timeout(PATIENCE).unwrap();
        send.try_send(()).unwrap();
        std::thread::spawn(move || common::block_on(future)).join().unwrap();
    });
    let moves = logs(named(&spans, "moves"));
    let events: Vec<_> = moves.iter().map(|fields| fields[0].as_str()).collect();
    assert_eq!(events, ["event=\"1 first\"", "event=\"1 second\""]);
    assert_eq!(log_fields(named(&spans, "work"))[0], "event=\"worked\"");
    assert!(has_line("INFO outside of it"));
}

#[test]
fn what_is_shown_may_log_panic_or_never_end() {
    struct Logs;
    impl fmt::Debug for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            log::debug!(inner = 1; "from a {}", "Debug");
            f.write_str("logs")
        }
    }
    /// Logs itself.
    struct Itself;
    impl fmt::Debug for Itself {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            log::debug!("<{:?}>", Itself);
            f.write_str("itself")
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
    /// Key-values that panic after the first.
    struct Source;
    impl log::kv::Source for Source {
        fn visit<'kvs>(
            &'kvs self,
            visitor: &mut dyn log::kv::VisitSource<'kvs>,
        ) -> Result<(), log::kv::Error> {
            visitor.visit_pair("first".into(), 1.into())?;
            panic!("from a Source, on purpose")
        }
        fn count(&self) -> usize {
            1
        }
    }
    let spans = logged(|| {
        let span = Span::child("misbehaves");
        let _inside = span.enter();
        // Level debug: the next logger, whose formatting nobody guards, does not see them.
        log::debug!("{:?}", Logs);
        log::debug!(value:? = Logs; "a value");
        log::debug!("{:?}", Itself);
        log::debug!(value:? = Panics, after = 2; "{:?}", Panics);
        log::debug!(value:? = Endless; "{:?}", Endless);
        let text = "é".repeat(1_000);
        log::debug!(text = text.as_str(); "{text}");
        let source = Record::builder()
            .level(log::Level::Debug)
            .args(format_args!("source"))
            .target("t")
            .key_values(&Source)
            .build();
        log::logger().log(&source);
    });
    let all = logs(named(&spans, "misbehaves"));
    let first: Vec<_> = all.iter().map(|fields| fields[0].as_str()).collect();
    assert_eq!(
        first[..4],
        ["event=\"from a Debug\"", "event=\"logs\"", "event=\"from a Debug\"", "event=\"a value\""]
    );
    assert_eq!((&*all[2][5], &*all[3][5]), ("inner=long 1", "value=\"logs\""));
    // It shows itself inside itself, and there a third time it is not asked.
    assert_eq!(
        first[4..7],
        ["event=\"[inside a value inside a value]\"", "event=\"<itself>\"", "event=\"itself\""]
    );
    let panicked = "\"[panicked while being shown]\"";
    assert_eq!(first[7], format!("event={panicked}"));
    assert_eq!(all[7][5..], [format!("value={panicked}"), "after=long 2".into()]);
    for text in [&all[8][0], &all[8][5]] {
        assert!(text.contains("more more") && text.contains('…') && text.len() <= 256 + 16, "{text}");
    }
    for text in [&all[9][0], &all[9][5]] {
        assert!(text.contains("ééé") && text.ends_with("…\"") && text.len() <= 256 + 16, "{text}");
    }
    assert_eq!((first[10], all[10][3..].join(",")), ("event=\"source\"", "first=long 1".into()));
    assert_eq!(all.len(), 11);
}

#[test]
fn fields_past_what_an_event_takes_are_counted() {
    let before = flush_after_install().extras_lost;
    let pairs: Vec<(String, i64)> = (0..40).map(|n| (format!("key{n}"), n)).collect();
    let spans = trace(|| {
        let span = Span::child("many");
        let _inside = span.enter();
        let record = Record::builder()
            .level(log::Level::Debug)
            .args(format_args!("many"))
            .target("t")
            .file(Some("f.rs"))
            .line(Some(3))
            .key_values(&pairs)
            .build();
        log::logger().log(&record);
    });
    let fields = log_fields(named(&spans, "many"));
    assert_eq!((fields.len(), &*fields[33]), (34, "key28=long 28"));
    assert_eq!(flush().extras_lost - before, 11);
}

fn flush_after_install() -> jaeger_runtime::Stats {
    install();
    common::tracer();
    flush()
}

#[test]
fn a_second_logger_is_an_error_and_the_first_goes_on() {
    install();
    let error = LogBridge::new().install().unwrap_err();
    assert!(matches!(error, Error::LoggerInstalled), "{error}");
    work();
    assert!(has_line("INFO worked"));
    assert_eq!(log::max_level(), LevelFilter::Debug);
}
