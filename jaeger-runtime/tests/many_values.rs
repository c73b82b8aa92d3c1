//! A span keeps every argument, whole up to the bound, however many and however long they are together; what its own caps leave out is said in a tag.

mod common;

use common::{named, show, tag, trace};
use jaeger_runtime::{Span, traced};

/// Sixteen texts and bytes that no event holds together, with numbers among and behind them.
#[traced]
#[expect(clippy::too_many_arguments, reason = "that is what is tested")]
fn long(
    a: &str,
    b: &str,
    c: &str,
    n: u32,
    d: &str,
    e: &[u8],
    f: &str,
    g: &str,
    h: &str,
    i: &str,
    j: &str,
    k: &str,
    l: &str,
    m: &str,
    o: &str,
    p: &str,
    q: &str,
    r: &str,
    s: &str,
    t: &str,
    last: bool,
    sum: f64,
) -> usize {
    let texts = [a, b, c, d, f, g, h, i, j, k, l, m, o, p, q, r, s, t];
    texts.iter().map(|text| text.len()).sum::<usize>()
        + e.len()
        + n as usize
        + usize::from(last)
        + sum as usize
}

/// The same for an async function, whose span moves.
#[traced]
#[expect(clippy::too_many_arguments, reason = "that is what is tested")]
async fn moved(
    a: &str,
    b: &str,
    c: &str,
    d: &str,
    e: &str,
    f: &str,
    g: &str,
    h: &str,
    i: &str,
    j: &str,
    k: &str,
    l: &str,
    m: &str,
    n: &str,
    o: &str,
    p: &str,
    q: &str,
    r: &str,
    number: i64,
    shown: Vec<u8>,
) -> usize {
    let texts = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r];
    texts.iter().map(|text| text.len()).sum::<usize>() + number as usize + shown.len()
}

macro_rules! seventy {
    ($($name:ident)*) => {
        #[traced]
        #[expect(clippy::too_many_arguments, reason = "that is what is tested")]
        fn seventy($($name: u64),*) -> u64 {
            0 $(+ $name)*
        }
        fn call_seventy() -> u64 {
            let mut n = 0..;
            seventy($({ let $name = n.next().unwrap(); $name }),*)
        }
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}
seventy! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 g0 g1 g2 g3 g4 g5 g6 g7 g8 g9
}

fn text(of: char) -> String {
    of.to_string().repeat(256)
}

#[test]
fn arguments_past_one_event_are_kept_whole() {
    let texts: Vec<String> = ('a'..='z').map(text).collect();
    let t = |of: char| texts[of as usize - 'a' as usize].as_str();
    let bytes = [7; 256];
    let spans = trace(|| {
        long(
            t('a'),
            t('b'),
            t('c'),
            42,
            t('d'),
            &bytes,
            t('f'),
            t('g'),
            t('h'),
            t('i'),
            t('j'),
            t('k'),
            t('l'),
            t('m'),
            t('o'),
            t('p'),
            t('q'),
            t('r'),
            t('s'),
            t('t'),
            true,
            0.5,
        );
    });
    let span = named(&spans, "long");
    for of in "abcdfghijklmopqrst".chars() {
        assert_eq!(tag(span, &of.to_string()), format!("{:?}", t(of)));
    }
    assert_eq!(tag(span, "e"), format!("bytes {bytes:?}"));
    assert_eq!(
        (tag(span, "n"), tag(span, "last"), tag(span, "sum")),
        ("long 42".into(), "true".into(), "double 0.5".into())
    );
    assert_eq!(span.tags.len(), 23, "each once, and the reply: {:?}", span.tags);

    let spans = trace(|| {
        let call = moved(
            t('a'),
            t('b'),
            t('c'),
            t('d'),
            t('e'),
            t('f'),
            t('g'),
            t('h'),
            t('i'),
            t('j'),
            t('k'),
            t('l'),
            t('m'),
            t('n'),
            t('o'),
            t('p'),
            t('q'),
            t('r'),
            3,
            vec![1; 2],
        );
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(call);
    });
    let span = named(&spans, "moved");
    for of in 'a'..='r' {
        assert_eq!(tag(span, &of.to_string()), format!("{:?}", t(of)));
    }
    assert_eq!((tag(span, "number"), span.tags.len()), ("long 3".into(), 21), "{:?}", span.tags);
}

#[test]
fn more_arguments_than_an_event_counts_are_kept() {
    let spans = trace(|| assert_eq!(call_seventy(), 69 * 70 / 2));
    let span = named(&spans, "seventy");
    for (n, name) in NAMES.iter().enumerate() {
        assert_eq!(tag(span, name), format!("long {n}"));
    }
    assert_eq!(span.tags.len(), 71);
}

#[test]
fn past_a_spans_own_caps_the_tags_left_out_are_told() {
    let spans = trace(|| {
        let span = Span::child("many tags");
        for n in 0..2_000_u64 {
            span.tag(&format!("tag {n}"), n);
        }
    });
    let span = named(&spans, "many tags");
    let kept = span.tags.len() as i64 - 1;
    assert!(kept >= 512, "{kept}");
    assert_eq!(show(&span.tags.last().unwrap().value), format!("long {}", 2_000 - kept));
    assert_eq!(span.tags.last().unwrap().key, "jaeger.tags_left_out");
}

#[test]
fn fields_past_a_logs_cap_are_counted() {
    let before = common::flush().extras_lost;
    let fields: Vec<(&str, &dyn jaeger_runtime::TagValue)> = (0..40).map(|_| ("field", &1 as _)).collect();
    let spans = trace(|| {
        Span::child("logs").log("forty fields", &fields);
    });
    assert_eq!(common::log_fields(named(&spans, "logs")).len(), 32);
    assert_eq!(common::flush().extras_lost, before + 9);
}
