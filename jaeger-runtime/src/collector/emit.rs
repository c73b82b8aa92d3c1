//! From an open span and its end to a [`SpanRecord`]: tags in their order, logs, times. The collector's innermost step, so its buffers are kept from span to span.
//!
//! Order of the tags: `sampler.type`, `sampler.param` (roots), `span.kind`, arguments, tags added later, reply, `error` or `cancelled`, `polls`, `busy_us`, `idle_us`, and what was left out.

use super::extras::{Extras, Item};
use crate::callsite::Callsite;
use crate::clock::Scale;
use crate::context::SpanContext;
use crate::event_log::format::{ExtraKind, Outcome, RECORD_KEYS, Stored, Values};
use crate::record::{LogRecord, SpanRecord};
use crate::report::Fanout;
use crate::sampler::{Origin, SamplerParam};
use jaeger_thrift::{RefType, SpanRef, TagRef, ValueRef};

/// What was known of a span when it opened.
pub(super) struct Opened<'a> {
    pub(super) context: SpanContext,
    pub(super) parent: u64,
    pub(super) local_root: bool,
    pub(super) origin: Option<&'static Origin>,
    pub(super) callsite: &'static Callsite,
    pub(super) start_nanos: i64,
    pub(super) start_ticks: u64,
    pub(super) values: Values<'a>,
    pub(super) extras: Option<&'a Extras>,
}

/// What its end says.
pub(super) struct Ended<'a> {
    pub(super) ticks: u64,
    pub(super) outcome: Outcome,
    pub(super) values: Values<'a>,
}

/// Buffers kept from span to span. Empty between two spans, which is why they can hold any lifetime.
#[derive(Default)]
pub(super) struct Emitter {
    tags: Vec<TagRef<'static>>,
    fields: Vec<TagRef<'static>>,
    logs: Vec<LogRecord<'static>>,
    references: Vec<SpanRef>,
    log_ranges: Vec<(i64, std::ops::Range<usize>)>,
}

/// The same buffer for another lifetime: an empty vector is collected in place.
fn relabel<'b, T, U>(mut buffer: Vec<T>, never: impl Fn(T) -> U + 'b) -> Vec<U> {
    buffer.clear();
    buffer.into_iter().map(never).collect()
}

fn tags_for<'b>(buffer: Vec<TagRef<'_>>) -> Vec<TagRef<'b>> {
    relabel(buffer, |_| TagRef { key: "", value: ValueRef::Bool(false) })
}

fn logs_for<'b>(buffer: Vec<LogRecord<'_>>) -> Vec<LogRecord<'b>> {
    relabel(buffer, |_| LogRecord { timestamp_micros: 0, fields: &[] })
}

impl Emitter {
    /// Hands the finished span to the reporters.
    pub(super) fn emit(&mut self, opened: &Opened<'_>, ended: &Ended<'_>, scale: &Scale, to: &mut Fanout) {
        let mut tags = tags_for(std::mem::take(&mut self.tags));
        let mut fields = tags_for(std::mem::take(&mut self.fields));
        let mut logs = logs_for(std::mem::take(&mut self.logs));

        let duration_nanos = scale.nanos_between(opened.start_ticks, ended.ticks);
        let mut name = opened.callsite.name();
        let mut values = opened.values;
        if name.is_empty() {
            // By hand: the name is the first value.
            name = values.next().map_or("", text);
        }
        if let Some(origin) = opened.origin {
            tags.push(TagRef { key: "sampler.type", value: ValueRef::String(origin.sampler_type) });
            let param = match origin.param {
                SamplerParam::Bool(v) => ValueRef::Bool(v),
                SamplerParam::Double(v) => ValueRef::Double(v),
            };
            tags.push(TagRef { key: "sampler.param", value: param });
        }
        if !opened.callsite.kind().is_empty() {
            tags.push(TagRef { key: "span.kind", value: ValueRef::String(opened.callsite.kind()) });
        }
        for (key, value) in opened.callsite.args().iter().zip(values) {
            push(&mut tags, key, value);
        }
        let (mut log_ranges, mut left_out) = (std::mem::take(&mut self.log_ranges), (0, 0));
        self.references.clear();
        if let Some(extras) = opened.extras {
            for item in extras.items() {
                match item.kind {
                    ExtraKind::Tag => pairs(&mut tags, item.values()),
                    ExtraKind::FollowsFrom => self.references.extend(reference(item)),
                    // Counted when it came.
                    ExtraKind::Poll => {}
                    ExtraKind::Name => name = item.values().next().map_or(name, text),
                    ExtraKind::Log | ExtraKind::Record => {
                        let (start, mut values) = (fields.len(), item.values());
                        if item.kind == ExtraKind::Record {
                            for (key, value) in RECORD_KEYS.iter().zip(values.by_ref()) {
                                push(&mut fields, key, value);
                            }
                        }
                        pairs(&mut fields, values);
                        log_ranges.push((item.nanos, start..fields.len()));
                    }
                }
            }
            left_out = (extras.tags_left_out, extras.logs_left_out);
        }
        self.outcome(opened, ended, &mut tags, &mut fields, &mut log_ranges, duration_nanos);
        if let Some(extras) = opened.extras.filter(|extras| extras.polls > 0) {
            let busy = scale.nanos_between(0, extras.busy_ticks).min(duration_nanos);
            let micros = [
                ("polls", extras.polls),
                ("busy_us", busy / 1_000),
                ("idle_us", (duration_nanos - busy) / 1_000),
            ];
            let long = |n: u64| ValueRef::Long(i64::try_from(n).unwrap_or(i64::MAX));
            tags.extend(micros.map(|(key, n)| TagRef { key, value: long(n) }));
        }
        for (key, count) in [("jaeger.tags_left_out", left_out.0), ("jaeger.logs_left_out", left_out.1)] {
            if count > 0 {
                tags.push(TagRef { key, value: ValueRef::Long(i64::from(count)) });
            }
        }
        for (nanos, range) in log_ranges.drain(..) {
            let timestamp_micros = i64::div_euclid(nanos, 1_000);
            logs.push(LogRecord { timestamp_micros, fields: &fields[range] });
        }
        to.report(&SpanRecord {
            context: opened.context,
            parent: opened.parent,
            local_root: opened.local_root,
            name,
            callsite: (!opened.callsite.name().is_empty()).then_some(opened.callsite),
            start_nanos: opened.start_nanos,
            duration_nanos,
            outcome: ended.outcome,
            references: &self.references,
            tags: &tags,
            logs: &logs,
        });
        self.log_ranges = log_ranges;
        self.logs = logs_for(logs);
        self.fields = tags_for(fields);
        self.tags = tags_for(tags);
    }

    /// The reply, or what went wrong.
    fn outcome<'a>(
        &self,
        opened: &Opened<'a>,
        ended: &Ended<'a>,
        tags: &mut Vec<TagRef<'a>>,
        fields: &mut Vec<TagRef<'a>>,
        logs: &mut Vec<(i64, std::ops::Range<usize>)>,
        duration_nanos: u64,
    ) {
        let mut values = ended.values;
        let start = fields.len();
        match ended.outcome {
            Outcome::Ok => {
                if let Some(reply) = values.next() {
                    push(tags, opened.callsite.reply(), reply);
                }
                return;
            }
            Outcome::Cancelled => {
                tags.push(TagRef { key: "cancelled", value: ValueRef::Bool(true) });
                return;
            }
            Outcome::Error => {
                fields.push(TagRef { key: "event", value: ValueRef::String("error") });
                for key in ["message", "error.kind"] {
                    values.next().into_iter().for_each(|value| push(fields, key, value));
                }
            }
            Outcome::Panic => fields.push(TagRef { key: "event", value: ValueRef::String("panic") }),
        }
        tags.push(TagRef { key: "error", value: ValueRef::Bool(true) });
        let end = opened.start_nanos.saturating_add(i64::try_from(duration_nanos).unwrap_or(i64::MAX));
        logs.push((end, start..fields.len()));
    }
}

/// Text of the log; bytes that are no UTF-8 can only come from a damaged log and show as empty.
fn text(stored: Stored<'_>) -> &str {
    match stored {
        Stored::Str(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        _ => "",
    }
}

fn push<'a>(tags: &mut Vec<TagRef<'a>>, key: &'a str, stored: Stored<'a>) {
    let value = match stored {
        Stored::None => return,
        Stored::Bool(v) => ValueRef::Bool(v),
        Stored::Long(v) => ValueRef::Long(v),
        Stored::Double(v) => ValueRef::Double(v),
        Stored::Str(_) => ValueRef::String(text(stored)),
        Stored::Bytes(v) => ValueRef::Binary(v),
    };
    tags.push(TagRef { key, value });
}

/// The span that this one follows from, unless the words are damaged.
fn reference(item: Item<'_>) -> Option<SpanRef> {
    let mut ids = item.values().map(|stored| match stored {
        Stored::Long(id) => id as u64,
        _ => 0,
    });
    let (high, low, span_id) = (ids.next()?, ids.next()?, ids.next()?);
    let trace_id = u128::from(high) << 64 | u128::from(low);
    Some(SpanRef { ref_type: RefType::FollowsFrom, trace_id, span_id })
}

/// Keys and values in turn.
fn pairs<'a>(tags: &mut Vec<TagRef<'a>>, mut values: Values<'a>) {
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        push(tags, text(key), value);
    }
}
