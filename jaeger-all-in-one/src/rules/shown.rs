//! A trace as it is shown: the rules of this room, one after the other.
//!
//! Raw, a trace is as it was stored, but for its references, which always name the parent first.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use jaeger_thrift::{Process, Span};

use super::{Version, ids, library, order, references, skew};
use crate::store::Trace;
use crate::values::Duration;

/// A span as it is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Who sent it; spans may share one.
    pub process: Arc<Process<'static>>,
    /// The span; its references name its parent first.
    pub span: Span<'static>,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

impl Shown {
    /// A span with its references in order.
    pub fn new(process: Arc<Process<'static>>, mut span: Span<'static>) -> Shown {
        span.references = references::shown(&span);
        Shown { process, span, warnings: Vec::new() }
    }
}

/// A trace as it is shown: its spans by start time, then arrival.
#[derive(Clone, Debug)]
pub struct ShownTrace {
    /// Its id.
    pub trace_id: u128,
    /// Its spans.
    pub spans: Vec<Shown>,
}

/// Applies the rules to a trace.
pub fn show(trace: Trace, raw: bool, version: Version) -> ShownTrace {
    let mut spans: Vec<Shown> =
        trace.spans.into_iter().map(|stored| Shown::new(stored.process, stored.span)).collect();
    if !raw {
        ids::tell_apart(&mut spans);
        sort_tags(&mut spans);
        once(&mut spans);
        for one in &mut spans {
            positive(one);
        }
        skew::warn(&mut spans, version);
        addresses(&mut spans);
        for one in &mut spans {
            library::move_tags(one);
            references::put_right(one.span.trace_id, &mut one.span.references, &mut one.warnings, version);
        }
    }
    ShownTrace { trace_id: trace.trace_id, spans }
}

/// Changes each process once, however many spans share it.
fn each_process(spans: &mut [Shown], change: impl Fn(&mut Process<'static>)) {
    let mut changed: HashMap<*const Process<'static>, Arc<Process<'static>>> = HashMap::new();
    for one in spans {
        let process = changed.entry(Arc::as_ptr(&one.process)).or_insert_with(|| {
            let mut process = Process::clone(&one.process);
            change(&mut process);
            Arc::new(process)
        });
        // The old one stays alive in the trace's other spans until all are done, or its address could come back as another's.
        one.process = process.clone();
    }
}

fn sort_tags(spans: &mut [Shown]) {
    let olds: Vec<_> = spans.iter().map(|one| one.process.clone()).collect();
    each_process(spans, |process| order::tags(&mut process.tags));
    drop(olds);
    for one in spans {
        order::tags(&mut one.span.tags);
        for log in &mut one.span.logs {
            order::fields(&mut log.fields);
        }
    }
}

fn addresses(spans: &mut [Shown]) {
    let olds: Vec<_> = spans.iter().map(|one| one.process.clone()).collect();
    each_process(spans, |process| {
        library::show_addresses(&mut process.tags);
        order::tags(&mut process.tags);
    });
    drop(olds);
    for one in spans {
        library::show_addresses(&mut one.span.tags);
    }
}

/// Keeps the first of spans that are the same in everything. Says how often two of them were compared: about as often as there are such, whatever they have in common.
fn once(spans: &mut Vec<Shown>) -> usize {
    // std's hasher, though it is slower: one more user of the store's, and the compiler no longer puts that into the store's own code (3 % more instructions a span taken in).
    let hasher = RandomState::new();
    let mut seen: HashTable<(u64, usize)> = HashTable::with_capacity(spans.len());
    let mut again = vec![false; spans.len()];
    let mut compared = 0;
    for (at, one) in spans.iter().enumerate() {
        let hash = content(one, &hasher);
        let twin = |&(known, other): &(u64, usize)| {
            known == hash && {
                compared += 1;
                same(&spans[other], one)
            }
        };
        again[at] = seen.find(hash, twin).is_some();
        if !again[at] {
            seen.insert_unique(hash, (hash, at), |&(hash, _)| hash);
        }
    }
    let mut again = again.into_iter();
    spans.retain(|_| !again.next().unwrap_or(false));
    compared
}

/// The same for spans that are the same.
fn content(Shown { process, span, .. }: &Shown, hasher: &RandomState) -> u64 {
    let mut content = hasher.build_hasher();
    (span.span_id, span.start_time, span.duration, span.flags, &span.operation_name).hash(&mut content);
    for reference in &span.references {
        (reference.trace_id, reference.span_id).hash(&mut content);
    }
    order::hash(&span.tags, &mut content);
    for log in &span.logs {
        log.timestamp.hash(&mut content);
        order::hash(&log.fields, &mut content);
    }
    process.service_name.hash(&mut content);
    order::hash(&process.tags, &mut content);
    content.finish()
}

fn same(one: &Shown, two: &Shown) -> bool {
    let (process, other) = (&one.process, &two.process);
    let (span, twin) = (&one.span, &two.span);
    (span.span_id, span.start_time, span.duration) == (twin.span_id, twin.start_time, twin.duration)
        && span.operation_name == twin.operation_name
        && span.flags == twin.flags
        && span.references == twin.references
        && order::same(&span.tags, &twin.tags)
        && span.logs.len() == twin.logs.len()
        && span
            .logs
            .iter()
            .zip(&twin.logs)
            .all(|(log, same)| log.timestamp == same.timestamp && order::same(&log.fields, &same.fields))
        && (Arc::ptr_eq(process, other)
            || process.service_name == other.service_name && order::same(&process.tags, &other.tags))
}

/// A span cannot take less than no time; one that says so is shown with none, and a warning.
fn positive(one: &mut Shown) {
    if one.span.duration < 0 {
        let took = Duration(one.span.duration.saturating_mul(1_000));
        one.warnings.push(format!("negative duration of {took}; shown as 0"));
        one.span.duration = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoredSpan;
    use jaeger_thrift::Tag;

    fn trace(spans: Vec<Span<'static>>) -> Trace {
        let process =
            Arc::new(Process { service_name: "s".into(), tags: vec![Tag::new("z", 1), Tag::new("ip", 1)] });
        let spans = spans.into_iter().map(|span| StoredSpan { process: process.clone(), span }).collect();
        Trace { trace_id: 1, spans }
    }

    #[test]
    fn raw_is_as_it_was_stored() {
        let span = Span {
            trace_id: 1,
            span_id: 2,
            parent_span_id: 7,
            duration: -5,
            tags: vec![Tag::new("b", 1), Tag::new("a", 2)],
            ..Span::default()
        };
        let shown = show(trace(vec![span.clone(), span.clone()]), true, Version::One);
        assert_eq!(shown.spans.len(), 2);
        let one = &shown.spans[0];
        assert_eq!((&one.span.tags, one.span.duration), (&span.tags, -5));
        assert_eq!(one.warnings, [""; 0]);
        assert_eq!(one.span.references[0].span_id, 7);
        assert_eq!(one.process.tags[0].key, "z");
    }

    #[test]
    fn the_same_span_twice_is_one() {
        let span = |id, tag: f64| Span {
            trace_id: 1,
            span_id: id,
            tags: vec![Tag::new("x", tag), Tag::new("a", 1)],
            ..Span::default()
        };
        let mut turned = span(2, f64::NAN);
        turned.tags.reverse();
        let shown =
            show(trace(vec![span(2, f64::NAN), turned, span(2, 1.0), span(3, 1.0)]), false, Version::One);
        let told: Vec<_> = shown.spans.iter().map(|one| (one.span.span_id, one.warnings.len())).collect();
        assert_eq!(told, [(2, 0), (2, 1), (3, 0)], "the same id with other tags is told");
    }

    #[test]
    fn spans_that_have_all_but_one_tag_in_common_are_not_compared_with_each_other() {
        let tags = |n| vec![Tag::new("a", 1), Tag::new("x", n)];
        let spans: Vec<_> =
            (0..20_000).map(|n| Span { trace_id: 1, span_id: 2, tags: tags(n), ..Span::default() }).collect();
        let shown = |span: &Span<'static>| Shown::new(Arc::default(), span.clone());
        let mut shown: Vec<Shown> = spans.iter().chain(&spans).map(shown).collect();
        let compared = once(&mut shown);
        assert_eq!(shown.len(), 20_000);
        assert!((20_000..20_100).contains(&compared), "{compared}");
    }

    #[test]
    fn durations_below_nothing() {
        let span = Span { trace_id: 1, span_id: 2, duration: i64::MIN, ..Span::default() };
        let shown = show(trace(vec![span]), false, Version::One);
        assert_eq!(shown.spans[0].span.duration, 0);
        assert_eq!(shown.spans[0].warnings, ["negative duration of -2562047h47m16.854775808s; shown as 0"]);
    }

    #[test]
    fn processes_are_sorted_once() {
        let span = |id| Span { trace_id: 1, span_id: id, ..Span::default() };
        let shown = show(trace(vec![span(2), span(3)]), false, Version::One);
        assert!(Arc::ptr_eq(&shown.spans[0].process, &shown.spans[1].process));
        assert_eq!(shown.spans[0].process.tags, [Tag::new("ip", "0.0.0.1"), Tag::new("z", 1)]);
    }
}
