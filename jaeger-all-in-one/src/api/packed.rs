//! A trace for the page: what Jaeger's JSON says of it, in a fourth of the bytes and with nothing to make an object of.
//!
//! A trace of 100,000 spans is 50 MB of Jaeger's JSON, in which each span says its trace twice and each tag the names of its three parts; a browser makes a
//! million objects of that before it shows one. Here all spans are one flat list, texts that come again are numbers, and times count from one time. The page
//! (`page/js/model/packed.js`) makes a span's objects when somebody looks at them. For one span after the other:
//!
//! ```text
//! "spanID", flags, operation, start, duration, process,
//! references, then for each: 0 child of | 1 follows from, 0 this trace | "traceID", "spanID",
//! tags, then for each: key, 0 text | 1 bool | 2 int64 | 3 float64 | 4 binary, value,
//! logs, then for each: time, fields, then each as a tag,
//! warnings, then each as text
//! ```
//!
//! Plurals are counts. Operations, keys and values that are text are places in `texts`; a process is `p1`, `p2`, … as in Jaeger's JSON. Other values are written as there.
//! This is no interface for others: it changes with the page.

use std::cell::RefCell;
use std::collections::hash_map::Entry;

use hashbrown::DefaultHashBuilder;
use jaeger_thrift::{RefType, Tag, Value};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct as _, Serializer};

use super::trace_json::{Each, Processes, SAFE, Text, TraceJson, Written};
use crate::rules::Shown;
use crate::values::trace_id_text;

/// A trace, to be written.
pub(super) struct Packed<'t> {
    of: TraceJson<'t>,
    /// The time that others count from, in µs.
    start: i64,
    texts: RefCell<Texts<'t>>,
}

/// Texts, each once.
#[derive(Default)]
struct Texts<'t> {
    numbers: std::collections::HashMap<&'t str, usize, DefaultHashBuilder>,
    all: Vec<&'t str>,
}

impl<'t> Texts<'t> {
    fn number(&mut self, text: &'t str) -> usize {
        match self.numbers.entry(text) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                self.all.push(text);
                *place.insert(self.all.len() - 1)
            }
        }
    }
}

impl<'t> Packed<'t> {
    pub(super) fn new(of: TraceJson<'t>) -> Packed<'t> {
        let start = start(of.spans());
        Packed { of, start, texts: RefCell::default() }
    }

    fn since(&self, time: i64) -> i64 {
        time.wrapping_sub(self.start)
    }
}

/// When the first span starts; 0 if a browser could not put a time together again from there, since its numbers are floats.
fn start(spans: &[Shown]) -> i64 {
    let start = spans.iter().map(|one| one.span.start_time).min().unwrap_or(0);
    let exact = |time: i64| {
        let since = time.checked_sub(start);
        (-SAFE..=SAFE).contains(&time) && since.is_some_and(|since| (-SAFE..=SAFE).contains(&since))
    };
    let all =
        |one: &Shown| exact(one.span.start_time) && one.span.logs.iter().all(|log| exact(log.timestamp));
    if spans.iter().all(all) { start } else { 0 }
}

impl Serialize for Packed<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("Packed", 7)?;
        object.serialize_field("traceID", &trace_id_text(self.of.trace_id()))?;
        object.serialize_field("start", &self.start)?;
        object.serialize_field("count", &self.of.spans().len())?;
        // Written before the texts, which are known then.
        object.serialize_field("packed", &Spans(self))?;
        object.serialize_field("texts", &Each(|| self.texts.borrow().all.clone()))?;
        object.serialize_field("processes", &Processes(self.of.processes()))?;
        object.serialize_field("warnings", &())?;
        object.end()
    }
}

struct Spans<'p, 't>(&'p Packed<'t>);

impl Serialize for Spans<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        let mut texts = self.0.texts.borrow_mut();
        for (one, process) in self.0.of.spans().iter().zip(self.0.of.places()) {
            span(self.0, one, *process, &mut texts, &mut list)?;
        }
        list.end()
    }
}

fn span<'t, L: SerializeSeq>(
    packed: &Packed<'t>,
    one: &'t Shown,
    process: usize,
    texts: &mut Texts<'t>,
    list: &mut L,
) -> Result<(), L::Error> {
    let Shown { span, warnings, .. } = one;
    list.serialize_element(&Text(format_args!("{:016x}", span.span_id)))?;
    list.serialize_element(&(span.flags as u32))?;
    list.serialize_element(&texts.number(&span.operation_name))?;
    list.serialize_element(&packed.since(span.start_time))?;
    list.serialize_element(&span.duration)?;
    list.serialize_element(&(process + 1))?;
    list.serialize_element(&span.references.len())?;
    for reference in &span.references {
        list.serialize_element(&u8::from(reference.ref_type == RefType::FollowsFrom))?;
        if reference.trace_id == packed.of.trace_id() {
            list.serialize_element(&0)?;
        } else {
            list.serialize_element(&trace_id_text(reference.trace_id))?;
        }
        list.serialize_element(&Text(format_args!("{:016x}", reference.span_id)))?;
    }
    tags(&span.tags, texts, list)?;
    list.serialize_element(&span.logs.len())?;
    for log in &span.logs {
        list.serialize_element(&packed.since(log.timestamp))?;
        tags(&log.fields, texts, list)?;
    }
    list.serialize_element(&warnings.len())?;
    warnings.iter().try_for_each(|warning| list.serialize_element(warning))
}

fn tags<'t, L: SerializeSeq>(
    tags: &'t [Tag<'static>],
    texts: &mut Texts<'t>,
    list: &mut L,
) -> Result<(), L::Error> {
    list.serialize_element(&tags.len())?;
    for tag in tags {
        list.serialize_element(&texts.number(&tag.key))?;
        let kind = match &tag.value {
            Value::String(_) => 0,
            Value::Bool(_) => 1,
            Value::Long(_) => 2,
            Value::Double(_) => 3,
            Value::Binary(_) => 4,
        };
        list.serialize_element(&kind)?;
        match &tag.value {
            Value::String(text) => list.serialize_element(&texts.number(text))?,
            other => list.serialize_element(&Written(other))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json;
    use crate::rules::ShownTrace;
    use jaeger_thrift::{Log, Process, Span, SpanRef};
    use std::sync::Arc;

    fn packed(spans: Vec<Span<'static>>) -> String {
        let process = Arc::new(Process::new("s"));
        let shown = |span| Shown::new(process.clone(), span);
        let mut spans: Vec<Shown> = spans.into_iter().map(shown).collect();
        if let Some(last) = spans.last_mut() {
            last.warnings.push("odd".into());
        }
        let trace = ShownTrace { trace_id: 0x1234, spans };
        String::from_utf8(json::write(&Packed::new(TraceJson::new(&trace)), false)).unwrap()
    }

    #[test]
    fn every_field_in_its_place() {
        let full = Span {
            trace_id: 0x1234,
            span_id: 2,
            parent_span_id: 1,
            operation_name: "o".into(),
            references: vec![SpanRef { ref_type: RefType::FollowsFrom, trace_id: 1 << 64, span_id: 3 }],
            flags: 1,
            start_time: 1_000,
            duration: 7,
            tags: vec![
                Tag::new("o", "x"),
                Tag::new("b", true),
                Tag::new("c", SAFE + 1),
                Tag::new("d", 0.5),
                Tag::new("e", b"\xff\x00".as_slice()),
            ],
            logs: vec![Log { timestamp: 999, fields: vec![Tag::new("b", "o"), Tag::new("c", 3)] }],
        };
        let other = Span { trace_id: 0x1234, span_id: 4, start_time: 1_200, ..Span::default() };
        let expected = concat!(
            r#"{"traceID":"0000000000001234","start":1000,"count":2,"packed":["#,
            r#""0000000000000002",1,0,0,7,1,"#,
            r#"2,0,0,"0000000000000001",1,"00000000000000010000000000000000","0000000000000003","#,
            r#"5,0,0,1,2,1,true,3,2,"9007199254740992",4,3,0.5,5,4,"/wA=","#,
            r#"1,-1,2,2,0,0,3,2,3,0,"#,
            r#""0000000000000004",0,6,200,0,1,0,0,0,1,"odd"],"#,
            r#""texts":["o","x","b","c","d","e",""],"#,
            r#""processes":{"p1":{"serviceName":"s","tags":[]}},"warnings":null}"#
        );
        assert_eq!(packed(vec![full, other]), expected);
    }

    /// Numbers of JavaScript are floats: a sum that they do not hold is not made.
    #[test]
    fn times_count_from_the_first_where_the_sum_is_exact() {
        let start_of = |starts: &[i64], log: i64| {
            let span = |&start_time: &i64| {
                let logs = vec![Log { timestamp: log, fields: Vec::new() }];
                Span { start_time, logs, ..Span::default() }
            };
            let text = packed(starts.iter().map(span).collect());
            serde_json::from_str::<serde_json::Value>(&text).unwrap()["start"].as_i64()
        };
        assert_eq!(start_of(&[7, 5, SAFE], 6), Some(5));
        assert_eq!(start_of(&[-5, SAFE - 5], 0), Some(-5));
        assert_eq!(start_of(&[5], 5 - SAFE), Some(5));
        for (starts, log) in [
            (&[5, SAFE + 1][..], 5),
            (&[-5, SAFE - 4], 0),
            (&[5], SAFE + 1),
            (&[5], -SAFE - 1),
            (&[5], 4 - SAFE),
            (&[i64::MIN, i64::MAX], 0),
            (&[i64::MIN], i64::MIN),
        ] {
            assert_eq!(start_of(starts, log), Some(0), "{starts:?}, {log}");
        }
        assert_eq!(start_of(&[], 0), Some(0));
    }
}
