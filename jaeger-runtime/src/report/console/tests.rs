//! The console reporter from a finished span to what stands on the terminal.

use super::super::memory::fixture::{Finished, span};
use super::*;
use crate::record::Outcome;
use std::sync::{Arc, Mutex};

/// What was written, shared with the reporter that writes it.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    /// Takes what was written since the last call.
    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reporter of the service `shop` that draws without colours, and its page.
fn reporter(width: usize, ascii: bool) -> (ConsoleReporter, Page) {
    let page = Page::default();
    let mut reporter = ConsoleReporter::to(page.clone()).color(false).width(width).ascii(ascii);
    reporter.start(&Process { service_name: "shop".into(), tags: vec![] });
    (reporter, page)
}

fn report(reporter: &mut ConsoleReporter, spans: &[Finished]) {
    spans.iter().for_each(|span| span.lend(|span| reporter.report(span)));
}

/// What a round that ends with these spans draws.
fn drawn(spans: &[Finished], width: usize, ascii: bool) -> String {
    let (mut reporter, page) = reporter(width, ascii);
    report(&mut reporter, spans);
    reporter.flush();
    page.text()
}

/// The text without the margin that it has in this file.
fn expected(text: &str) -> String {
    let lines: Vec<&str> = text
        .trim_start_matches('\n')
        .trim_end()
        .lines()
        .map(|line| line.strip_prefix("        ").unwrap_or(line))
        .collect();
    lines.join("\n") + "\n\n"
}

fn demo() -> Vec<Finished> {
    vec![
        span(2, 1, "span_foo3", 1_000_180, 500_300).tag("request", "Hello foo3").tag("reply", "foo3Reply"),
        span(3, 1, "span_foo4", 1_500_600, 500_210).tag("request", "Hello foo4").tag("reply", "foo4Reply"),
        span(1, 0, "span_root", 1_000_000, 1_000_900).tag("sampler.type", "const").tag("sampler.param", true),
    ]
}

#[test]
fn a_trace_is_a_tree_with_bars_durations_and_tags() {
    let text = expected(
        "
        shop · 3 spans · 1.00 s                                   trace 0000000000000abc
        span_root   ███████████████████████████████████████████████████████████   1.00 s
        │ sampler.type=const  sampler.param=true
        ├╴span_foo3 █████████████████████████████▌                                500 ms
        │   request=\"Hello foo3\"  reply=foo3Reply
        └╴span_foo4                              ▐████████████████████████████▉   500 ms
            request=\"Hello foo4\"  reply=foo4Reply
        ",
    );
    assert_eq!(drawn(&demo(), 80, false), text);
}

#[test]
fn siblings_stand_by_start_and_concurrent_ones_side_by_side() {
    let spans = [
        span(4, 1, "later", 30_000, 70_000),
        span(3, 2, "inner", 20_000, 10_000),
        span(2, 1, "earlier", 10_000, 60_000),
        span(1, 0, "root", 0, 100_000),
    ];
    let text = expected(
        "
        shop · 4 spans · 100 ms                   trace 0000000000000abc
        root      █████████████████████████████████████████████   100 ms
        ├╴earlier     ▐██████████████████████████▌               60.0 ms
        │ └╴inner          ████▌                                 10.0 ms
        └╴later                ▐███████████████████████████████  70.0 ms
        ",
    );
    assert_eq!(drawn(&spans, 64, false), text);
}

#[test]
fn what_went_wrong_is_said_in_words_and_marks_also_in_ascii() {
    let declined =
        [("event", "error"), ("message", "card declined: insufficient funds"), ("error.kind", "Declined")];
    let spans = [
        span(2, 1, "charge", 10_000, 30_000)
            .tag("amount", 129.95)
            .tag("error", true)
            .log(12_000, &[("event", "retry"), ("attempt", "1")])
            .log(40_000, &declined)
            .outcome(Outcome::Error),
        span(3, 1, "notify", 10_000, 12_000).tag("cancelled", true).outcome(Outcome::Cancelled),
        span(4, 1, "audit", 41_000, 0)
            .tag("error", true)
            .log(41_000, &[("event", "panic")])
            .outcome(Outcome::Panic),
        span(5, 1, "by hand", 42_000, 2_000).tag("error", true),
        span(1, 0, "POST /orders", 0, 50_000),
    ];
    let text = expected(
        "
        shop, 5 spans, 50.0 ms, 4 failed                trace 0000000000000abc
        POST /orders ================================================  50.0 ms
        |-x charge            =============================            30.0 ms
        |   error  amount=129.95
        |   * +12.0 ms  retry  attempt=1
        |   * +40.0 ms  error  message=\"card declined: i~  error.kind=Declined
        |-x notify            ============                             12.0 ms
        |   cancelled
        |-x audit                                           |             0 ns
        |   panic
        |   * +41.0 ms  panic
        `-x by hand                                          ==        2.00 ms
            error
        ",
    );
    assert_eq!(drawn(&spans, 70, true), text);
}

#[test]
fn at_twenty_cells_no_line_wraps_and_the_id_is_whole() {
    let mut spans = demo();
    spans.iter_mut().for_each(|one| one.span.trace_id = 0x8b93_2b10_9f24_aad6_dcb6_7a94_c346_824f);
    let text = expected(
        "
        shop · 3 spans · 1.…
        trace 8b932b109f24aa
        d6dcb67a94c346824f
        span… █████   1.00 s
        │ sampler.…=con…  +1
        ├╴sp… ██▌     500 ms
        │   request=\"He…  +1
        └╴sp…   ▐█▉   500 ms
            request=\"He…  +1
        ",
    );
    assert_eq!(drawn(&spans, 20, false), text);
    // Narrower ones are drawn as if they were as wide, and no width is too much.
    assert_eq!(drawn(&spans, 0, false), text);
    assert!(drawn(&spans, usize::MAX, false).lines().all(|line| text::cells(line) <= 400));
    let cancelled = [span(1, 0, "a", 0, 1).outcome(Outcome::Cancelled).tag("k", "v")];
    assert!(drawn(&cancelled, 20, true).lines().all(|line| text::cells(line) <= 20));
}

#[test]
fn at_forty_cells_everything_still_has_its_place() {
    let text = expected(
        "
        shop · 3 spans · 1.00 s
        trace 0000000000000abc
        span_root   ███████████████████   1.00 s
        │ sampler.type=const  sampler.param=true
        ├╴span_foo3 █████████▌            500 ms
        │   request=\"Hello foo…  reply=foo3Reply
        └╴span_foo4          ▐████████▉   500 ms
            request=\"Hello foo…  reply=foo4Reply
        ",
    );
    assert_eq!(drawn(&demo(), 40, false), text);
}

#[test]
fn a_deep_tree_shows_the_nearest_levels_and_how_deep_they_are() {
    let spans: Vec<_> = (1..=14).map(|i| span(i, i - 1, "descend", i as i64 * 10, 100)).collect();
    let text = drawn(&spans, 48, false);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].starts_with("└╴descend "), "{text}");
    assert!(lines[13].starts_with("…12     └╴descend "), "{text}");
    assert!(lines[14].starts_with("…13     └╴descend "), "{text}");
}

#[test]
fn no_line_is_too_wide_and_no_text_reaches_the_terminal_raw() {
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\t漢字🦀e\u{301}\u{202e}\u{9b}31m and some more text to fill the line";
    let mut spans: Vec<_> = (2..40u64)
        .map(|i| {
            span(i, (i - 1).saturating_sub(i % 3).max(1), evil, i as i64 * 7, 1_000 * i as i64)
                .tag(evil, evil)
                .tag("n", i as i64)
                .tag("raw", evil.as_bytes())
                .log(i as i64 * 9, &[("event", evil), (evil, evil)])
                .outcome([Outcome::Ok, Outcome::Error, Outcome::Cancelled, Outcome::Panic][i as usize % 4])
        })
        .collect();
    spans.push(span(1, 0, "", 0, 5));
    for ascii in [false, true] {
        for width in 20..=130 {
            let text = drawn(&spans, width, ascii);
            assert!(text.lines().count() > 3 * 38, "every span, its tags and its log");
            for line in text.lines() {
                assert!(text::cells(line) <= width, "{} cells of {width}: {line:?}", text::cells(line));
                assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
                assert!(!ascii || line.is_ascii(), "{line:?}");
            }
        }
    }
}

#[test]
fn a_trace_is_drawn_when_its_root_has_ended_and_later_spans_are_added() {
    let (mut reporter, page) = reporter(80, false);
    report(&mut reporter, &demo()[..2]);
    reporter.flush();
    assert_eq!(page.text(), "");
    assert_eq!(reporter.stats(), ReporterStats { buffered: 2, ..ReporterStats::default() });

    report(&mut reporter, &demo()[2..]);
    reporter.flush();
    assert!(page.text().starts_with("shop · 3 spans · 1.00 s"));
    assert_eq!(reporter.stats(), ReporterStats { sent: 3, ..ReporterStats::default() });
    reporter.flush();
    assert_eq!(page.text(), "", "once only");

    // It ends a second after the root did: its bar is in the second half of the trace.
    report(&mut reporter, &[span(9, 1, "late", 2_000_000, 1_000_000)]);
    reporter.flush();
    let text = expected(
        "
        shop · 1 more span · 2.00 s                               trace 0000000000000abc
        ended after the trace was shown
        late                                  █████████████████████████████████   1.00 s
        ",
    );
    assert_eq!(page.text(), text);
}

#[test]
fn a_span_under_a_remote_parent_is_a_root_here() {
    let text = drawn(&[span(5, 4, "handle", 0, 10).local_root()], 80, false);
    assert!(text.starts_with("shop · 1 span · 10.0 µs"), "{text}");
}

#[test]
fn what_has_no_root_by_the_end_is_drawn_as_unfinished() {
    let (mut reporter, page) = reporter(80, false);
    report(&mut reporter, &[span(7, 6, "orphan", 0, 10), span(8, 0, "other", 0, 10).trace(2)]);
    reporter.close();
    let text = page.text();
    let (whole, unfinished) = text.split_once("\n\n").unwrap();
    assert!(whole.contains("other") && !whole.contains("unfinished"), "{text}");
    assert!(
        unfinished.contains("unfinished: the trace's root has not ended") && unfinished.contains("orphan"),
        "{text}"
    );
    assert_eq!(reporter.stats(), ReporterStats { sent: 2, ..ReporterStats::default() });
}

#[test]
fn past_the_bounds_the_oldest_trace_is_drawn_early_and_says_so() {
    let (mut reporter, page) = reporter(80, true);
    report(&mut reporter, &[span(2, 1, "old", 0, 10).trace(1)]);
    for id in 0..MOST_SPANS as u64 {
        report(&mut reporter, &[span(id + 2, 1, "a", 0, 10).trace(2)]);
    }
    let text = page.text();
    assert!(
        text.contains("unfinished: shown early, too many spans are held") && text.contains("old"),
        "{text}"
    );
    assert_eq!(text.matches("trace ").count(), 1, "{text}");
    assert_eq!(
        reporter.stats(),
        ReporterStats { sent: 1, buffered: MOST_SPANS as u64, ..ReporterStats::default() }
    );
    // Its root is then an addition.
    report(&mut reporter, &[span(1, 0, "root", 0, 20).trace(1)]);
    reporter.flush();
    assert!(page.text().contains("shop, 1 more span"));

    let (mut reporter, page) = self::reporter(80, true);
    let large: &'static str = "x".repeat(MOST_BYTES / 2).leak();
    for trace in [1, 2] {
        report(&mut reporter, &[span(2, 1, "large", 0, 10).trace(trace).tag("text", large)]);
    }
    assert!(page.text().contains("trace 0000000000000001"));
    assert_eq!((reporter.stats().sent, reporter.stats().buffered), (1, 1));
    assert!(reporter.bytes <= MOST_BYTES);
}

#[test]
fn of_a_huge_trace_the_first_spans_are_drawn_and_the_rest_counted() {
    let (mut reporter, page) = reporter(80, true);
    report(&mut reporter, &[span(1, 0, "root", 0, 99_999)]);
    let children: Vec<_> = (2..=MOST_ROWS as u64 + 5).map(|id| span(id, 1, "child", id as i64, 1)).collect();
    report(&mut reporter, &children);
    reporter.flush();
    let text = page.text();
    assert!(text.ends_with("~ 5 more spans not shown\n\n"), "{}", &text[text.len() - 200..]);
    assert_eq!(text.matches("child").count(), MOST_ROWS - 1);
    assert_eq!(
        reporter.stats(),
        ReporterStats { sent: MOST_ROWS as u64, dropped: 5, ..ReporterStats::default() }
    );
}

#[test]
fn whatever_parents_spans_claim_each_is_drawn_once() {
    let spans = [
        span(1, 0, "root", 0, 50),
        span(2, 2, "own parent", 1, 5),
        span(3, 4, "one of two", 2, 5),
        span(4, 3, "two of two", 3, 5),
        span(5, 99, "of nobody", 4, 5),
        span(1, 1, "same id", 5, 5),
        span(6, 1, "child", 6, 5),
    ];
    let text = drawn(&spans, 80, false);
    for span in &spans {
        assert_eq!(
            text.matches(&*span.span.operation_name).count(),
            1,
            "{} in {text}",
            span.span.operation_name
        );
    }
}

#[test]
fn a_child_that_seems_to_start_before_its_parent_still_stands_below_it() {
    let text = drawn(&[span(2, 1, "child", 0, 5), span(1, 0, "root", 3, 5)], 80, false);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("root ") && lines[2].starts_with("└╴child "), "{text}");
}

#[test]
fn a_tree_as_deep_as_memory_does_not_exhaust_the_stack() {
    let spans: Vec<Shown> = (1..=100_000).map(|i| span(i, i - 1, "down", i as i64, 1).lend(keep)).collect();
    let trace = Trace { id: 1, service: "shop", occasion: Occasion::Whole, spans: &spans };
    let lines = layout::lay_out(&trace, View { width: 80, ascii: true });
    assert_eq!(lines.len(), 1 + MOST_ROWS + 1);
}

#[test]
fn times_at_their_ends_neither_overflow_nor_leave_the_line() {
    for (start, micros) in
        [(i64::MIN / 1_000, i64::MAX / 1_000), (i64::MAX / 1_000, i64::MAX / 1_000), (0, 0)]
    {
        let spans =
            [span(2, 1, "a", 0, 1).log(i64::MIN, &[]).log(i64::MAX, &[]), span(1, 0, "b", start, micros)];
        for width in [20, 40] {
            assert!(drawn(&spans, width, false).lines().all(|line| text::cells(line) <= width));
        }
    }
}

#[test]
fn many_tags_and_logs_are_kept_in_part_and_the_rest_counted() {
    let mut large = span(1, 0, "large", 0, 10);
    for _ in 0..1_000 {
        large = large.tag("k", 1i64).log(1, &[]);
    }
    let text = drawn(&[large], 60, true);
    assert!(text.contains(&format!("* {} more logs", 1_000 - MOST_LOGS)), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("* +1.00 us")).count(), MOST_LOGS);
    // Ten are seen, and the rest of all thousand are counted.
    assert!(text.contains("k=1  k=1") && text.contains("+990"), "{text}");
}

#[test]
fn colours_are_effects_on_the_very_same_text() {
    let spans = [span(1, 0, "charge", 0, 10).outcome(Outcome::Error)];
    let page = Page::default();
    let mut reporter = ConsoleReporter::to(page.clone()).color(true).width(60).ascii(true);
    report(&mut reporter, &spans);
    reporter.flush();
    let text = page.text();
    assert!(text.contains("\u{1b}[1;31mx charge"), "{text:?}");
    let mut plain = String::new();
    for part in text.split('\u{1b}') {
        plain.push_str(part.strip_prefix('[').map_or(part, |part| part.split_once('m').unwrap().1));
    }
    reporter = reporter.color(false);
    report(&mut reporter, &[spans[0].clone().trace(0xabd)]);
    reporter.flush();
    assert_eq!(plain.replace("abc", "abd"), page.text());
}

/// A terminal that is gone.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_written_counts_as_failed() {
    let mut reporter = ConsoleReporter::to(Gone);
    report(&mut reporter, &demo());
    reporter.flush();
    report(&mut reporter, &[span(1, 0, "a", 0, 1).trace(7)]);
    reporter.close();
    assert_eq!(reporter.stats(), ReporterStats { failed: 4, ..ReporterStats::default() });
}

#[test]
fn traces_that_were_shown_are_forgotten_in_time() {
    let (mut reporter, _page) = reporter(40, true);
    for trace in 1..=3 * MOST_REMEMBERED as u128 {
        report(&mut reporter, &[span(1, 0, "a", 0, 1).trace(trace)]);
        reporter.flush();
    }
    assert_eq!((reporter.shown.len(), reporter.shown_ages.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
    assert!(reporter.held.is_empty() && reporter.ages.is_empty());
    assert_eq!((reporter.spans, reporter.bytes), (0, 0));
}
