//! A trace in Jaeger's JSON.
//!
//! Times are µs. A whole number that JavaScript cannot hold is text, and so is what is no number at all. Flags are there where they are not 0. Processes that
//! are the same share a name, `p1`, `p2`, … in the order of the spans.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use jaeger_thrift::{Log, Process, RefType, SpanRef, Tag, Value};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::rules::{Shown, ShownTrace, number_text, value_text};
use crate::values::trace_id_text;

/// The largest whole number that a float holds exactly with all below it.
pub(super) const SAFE: i64 = (1 << 53) - 1;

/// A trace, to be written.
pub(super) struct TraceJson<'t> {
    trace: &'t ShownTrace,
    processes: Vec<&'t Process<'static>>,
    /// Which of them is each span's.
    places: Vec<usize>,
}

impl<'t> TraceJson<'t> {
    /// Names the processes.
    pub(super) fn new(trace: &'t ShownTrace) -> TraceJson<'t> {
        let mut processes = Vec::new();
        let mut by_address: HashMap<*const Process<'static>, usize> = HashMap::new();
        let mut by_content: HashMap<String, usize> = HashMap::new();
        let place_of = |one: &'t Shown| {
            *by_address.entry(Arc::as_ptr(&one.process)).or_insert_with(|| {
                *by_content.entry(content(&one.process)).or_insert_with(|| {
                    processes.push(&*one.process);
                    processes.len() - 1
                })
            })
        };
        let places = trace.spans.iter().map(place_of).collect();
        TraceJson { trace, processes, places }
    }

    pub(super) fn trace_id(&self) -> u128 {
        self.trace.trace_id
    }

    pub(super) fn spans(&self) -> &'t [Shown] {
        &self.trace.spans
    }

    /// Each process once.
    pub(super) fn processes(&self) -> &[&'t Process<'static>] {
        &self.processes
    }

    /// Which of them is each span's.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }
}

/// Text that is the same for processes that are the same, and for no others.
fn content(process: &Process<'_>) -> String {
    let mut text = format!("{:?}", process.service_name);
    for tag in &process.tags {
        let kind = type_name(&tag.value);
        // Writing to a String does not fail.
        let _ = write!(text, ",{:?}:{kind}:{:?}", tag.key, value_text(&tag.value));
    }
    text
}

fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Long(_) => "int64",
        Value::Double(_) => "float64",
        Value::Binary(_) => "binary",
    }
}

impl Serialize for TraceJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("Trace", 4)?;
        object.serialize_field("traceID", &trace_id_text(self.trace.trace_id))?;
        object.serialize_field("spans", &Each(|| self.trace.spans.iter().zip(&self.places).map(SpanJson)))?;
        object.serialize_field("processes", &Processes(&self.processes))?;
        object.serialize_field("warnings", &())?;
        object.end()
    }
}

/// A list made while it is written, so that no copy of it is ever held.
pub(super) struct Each<F>(pub(super) F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: IntoIterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq((self.0)())
    }
}

/// What is written by its `Display`.
pub(super) struct Text<T>(pub(super) T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

struct SpanJson<'s>((&'s Shown, &'s usize));

impl Serialize for SpanJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (Shown { span, warnings, .. }, process) = self.0;
        let mut object = to.serialize_struct("Span", 12)?;
        object.serialize_field("traceID", &trace_id_text(span.trace_id))?;
        object.serialize_field("spanID", &Text(format_args!("{:016x}", span.span_id)))?;
        if span.flags != 0 {
            object.serialize_field("flags", &(span.flags as u32))?;
        }
        object.serialize_field("operationName", &span.operation_name)?;
        object.serialize_field("references", &Each(|| span.references.iter().map(ReferenceJson)))?;
        object.serialize_field("startTime", &span.start_time)?;
        object.serialize_field("duration", &span.duration)?;
        object.serialize_field("tags", &Each(|| span.tags.iter().map(TagJson)))?;
        object.serialize_field("logs", &Each(|| span.logs.iter().map(LogJson)))?;
        object.serialize_field("processID", &Text(format_args!("p{}", process + 1)))?;
        object.serialize_field("warnings", &Some(warnings).filter(|warnings| !warnings.is_empty()))?;
        object.end()
    }
}

struct ReferenceJson<'s>(&'s SpanRef);

impl Serialize for ReferenceJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("Reference", 3)?;
        object.serialize_field(
            "refType",
            match self.0.ref_type {
                RefType::ChildOf => "CHILD_OF",
                RefType::FollowsFrom => "FOLLOWS_FROM",
            },
        )?;
        object.serialize_field("traceID", &trace_id_text(self.0.trace_id))?;
        object.serialize_field("spanID", &Text(format_args!("{:016x}", self.0.span_id)))?;
        object.end()
    }
}

struct TagJson<'s>(&'s Tag<'s>);

impl Serialize for TagJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("KeyValue", 3)?;
        object.serialize_field("key", &self.0.key)?;
        object.serialize_field("type", type_name(&self.0.value))?;
        object.serialize_field("value", &Written(&self.0.value))?;
        object.end()
    }
}

/// A value as JavaScript can have it.
pub(super) struct Written<'s>(pub(super) &'s Value<'s>);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => to.serialize_str(text),
            Value::Bool(yes) => to.serialize_bool(*yes),
            Value::Long(number) if (-SAFE..=SAFE).contains(number) => to.serialize_i64(*number),
            Value::Long(number) => to.collect_str(number),
            Value::Double(number) if number.is_finite() => to.serialize_f64(*number),
            Value::Double(number) => to.serialize_str(&number_text(*number)),
            Value::Binary(bytes) => to.collect_str(&Base64Display::new(bytes, &STANDARD)),
        }
    }
}

struct LogJson<'s>(&'s Log<'s>);

impl Serialize for LogJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("Log", 2)?;
        object.serialize_field("timestamp", &self.0.timestamp)?;
        object.serialize_field("fields", &Each(|| self.0.fields.iter().map(TagJson)))?;
        object.end()
    }
}

/// Processes by their names.
pub(super) struct Processes<'s>(pub(super) &'s [&'s Process<'static>]);

impl Serialize for Processes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(
            self.0.iter().enumerate().map(|(at, process)| (format!("p{}", at + 1), ProcessJson(process))),
        )
    }
}

struct ProcessJson<'s>(&'s Process<'static>);

impl Serialize for ProcessJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("Process", 2)?;
        object.serialize_field("serviceName", &self.0.service_name)?;
        object.serialize_field("tags", &Each(|| self.0.tags.iter().map(TagJson)))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json;
    use jaeger_thrift::Span;

    #[test]
    fn every_field_in_its_place() {
        let process = |tags| Arc::new(Process { service_name: "s".into(), tags });
        let span = |span| Shown::new(process(vec![Tag::new("ip", "1.2.3.4")]), span);
        let full = Span {
            trace_id: 0x1234,
            span_id: 2,
            parent_span_id: 1,
            operation_name: "o<p>".into(),
            references: vec![SpanRef { ref_type: RefType::FollowsFrom, trace_id: 1 << 64, span_id: 3 }],
            flags: 1,
            start_time: -5,
            duration: 7,
            tags: vec![
                Tag::new("a", "x"),
                Tag::new("b", true),
                Tag::new("c", SAFE),
                Tag::new("d", SAFE + 1),
                Tag::new("e", 5.0),
                Tag::new("f", f64::NAN),
                Tag::new("g", b"\xff\x00".as_slice()),
            ],
            logs: vec![Log { timestamp: 9, fields: vec![Tag::new("event", "e")] }],
        };
        let mut spans = vec![span(full), span(Span { trace_id: 0x1234, span_id: 4, ..Span::default() })];
        spans[1].warnings.push("odd".into());
        spans.push(Shown::new(process(vec![]), Span { trace_id: 0x1234, span_id: 5, ..Span::default() }));
        let trace = ShownTrace { trace_id: 0x1234, spans };
        let text = String::from_utf8(json::write(&TraceJson::new(&trace), false)).unwrap();
        let expected = concat!(
            r#"{"traceID":"0000000000001234","spans":["#,
            r#"{"traceID":"0000000000001234","spanID":"0000000000000002","flags":1,"operationName":"o\u003cp\u003e","references":["#,
            r#"{"refType":"CHILD_OF","traceID":"0000000000001234","spanID":"0000000000000001"},"#,
            r#"{"refType":"FOLLOWS_FROM","traceID":"00000000000000010000000000000000","spanID":"0000000000000003"}],"#,
            r#""startTime":-5,"duration":7,"tags":["#,
            r#"{"key":"a","type":"string","value":"x"},{"key":"b","type":"bool","value":true},"#,
            r#"{"key":"c","type":"int64","value":9007199254740991},{"key":"d","type":"int64","value":"9007199254740992"},"#,
            r#"{"key":"e","type":"float64","value":5},{"key":"f","type":"float64","value":"NaN"},"#,
            r#"{"key":"g","type":"binary","value":"/wA="}],"#,
            r#""logs":[{"timestamp":9,"fields":[{"key":"event","type":"string","value":"e"}]}],"processID":"p1","warnings":null},"#,
            r#"{"traceID":"0000000000001234","spanID":"0000000000000004","operationName":"","references":[],"startTime":0,"duration":0,"#,
            r#""tags":[],"logs":[],"processID":"p1","warnings":["odd"]},"#,
            r#"{"traceID":"0000000000001234","spanID":"0000000000000005","operationName":"","references":[],"startTime":0,"duration":0,"#,
            r#""tags":[],"logs":[],"processID":"p2","warnings":null}],"#,
            r#""processes":{"p1":{"serviceName":"s","tags":[{"key":"ip","type":"string","value":"1.2.3.4"}]},"#,
            r#""p2":{"serviceName":"s","tags":[]}},"warnings":null}"#
        );
        assert_eq!(text, expected);
    }
}
