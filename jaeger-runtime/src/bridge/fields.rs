//! Names and values that are lent for one call each, kept until their event can be written.
//!
//! `log` and `tracing` hand fields over one by one, each gone when its call returns, while an event of the log is written in one piece. So texts are copied, and what must be formatted is
//! formatted, into buffers that the thread keeps: at most the bound's bytes of each, and no more fields than an event takes. Nested use (a `Debug` that logs) finds the buffers away and makes its own.

use crate::context::SpanContext;
use crate::event_log::format::{ExtraKind, MAX_VALUES, RECORD_KEYS};
use crate::value::Value;
use crate::{global, local, text};
use std::cell::Cell;

thread_local! {
    static KEPT: Cell<Fields> = const { Cell::new(Fields { text: String::new(), kept: Vec::new(), lost: 0, max_len: 0 }) };
}

/// The values of [`RECORD_KEYS`].
pub(super) type Head<'a> = [Value<'a>; RECORD_KEYS.len()];

/// A value without a lifetime.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    Plain(Value<'static>),
    /// From here to there in the text.
    Text(usize, usize),
}

impl Kept {
    pub(super) const NONE: Self = Self::Plain(Value::None);

    #[cfg(feature = "tracing")]
    pub(super) fn is_none(self) -> bool {
        matches!(self, Self::Plain(Value::None))
    }
}

/// Keys and values in turn, or values alone, as the caller likes.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: String,
    kept: Vec<Kept>,
    /// Pairs past what an event takes.
    lost: u64,
    max_len: usize,
}

/// Calls `f` with empty ones.
pub(super) fn with<R>(f: impl FnOnce(&mut Fields) -> R) -> R {
    let mut fields = KEPT.try_with(Cell::take).unwrap_or_default();
    fields.text.clear();
    fields.kept.clear();
    fields.lost = 0;
    fields.max_len = global::max_value_len();
    let result = f(&mut fields);
    let _thread_is_ending = KEPT.try_with(|kept| kept.set(fields));
    result
}

impl Fields {
    /// Copies what the value shows; user code may run.
    pub(super) fn keep(&mut self, value: Value<'_>) -> Kept {
        match text::keep(value, &mut self.text, self.max_len) {
            Ok(range) => Kept::Text(range.start, range.end),
            Err(plain) => Kept::Plain(plain),
        }
    }

    /// A pair more, unless no event would take it.
    #[inline]
    pub(super) fn pair(&mut self, key: Kept, value: impl FnOnce(&mut Self) -> Kept) {
        if self.kept.len() + 2 > MAX_VALUES {
            self.lost += 1;
            return;
        }
        let value = value(self);
        self.kept.extend([key, value]);
    }

    /// Room for so many values, none of which is there yet.
    #[cfg(feature = "tracing")]
    pub(super) fn reserve(&mut self, values: usize) {
        self.kept.resize(values, Kept::NONE);
    }

    /// The value at a place that was reserved.
    #[cfg(feature = "tracing")]
    pub(super) fn set(&mut self, index: usize, value: Kept) {
        if let Some(kept) = self.kept.get_mut(index) {
            *kept = value;
        }
    }

    /// What was kept.
    pub(super) fn value(&self, kept: Kept) -> Value<'_> {
        match kept {
            Kept::Plain(value) => value,
            Kept::Text(start, end) => Value::Str(self.text.get(start..end).unwrap_or_default()),
        }
    }

    /// Writes a log of what a record says before its fields, and all pairs.
    pub(super) fn log(&self, span: SpanContext, head: &Head<'_>) {
        let lost = self.lost + (self.kept.len().saturating_sub(MAX_VALUES - head.len()) as u64).div_ceil(2);
        if lost > 0 {
            global::count_lost_extras(lost);
        }
        let write = |values: &[Value<'_>]| local::extra_within(span, ExtraKind::Record, values, self.max_len);
        // Two sizes, so that the usual few fields do not pay for many.
        if head.len() + self.kept.len() <= 16 {
            write(self.fill(head, &mut [Value::None; 16]));
        } else {
            write(self.fill(head, &mut [Value::None; MAX_VALUES]));
        }
    }

    /// Lends all values, which stand alone.
    #[cfg(feature = "tracing")]
    pub(super) fn lend<R>(&self, f: impl FnOnce(&[Value<'_>]) -> R) -> R {
        match self.kept.len() {
            0..=8 => f(self.fill(&[], &mut [Value::None; 8])),
            9..=64 => f(self.fill(&[], &mut [Value::None; 64])),
            n => f(self.fill(&[], &mut vec![Value::None; n])),
        }
    }

    /// Adds each pair as a tag.
    #[cfg(feature = "tracing")]
    pub(super) fn tag(&self, span: SpanContext) {
        global::count_lost_extras(self.lost);
        for pair in self.kept.chunks_exact(2) {
            let pair = [self.value(pair[0]), self.value(pair[1])];
            local::extra_within(span, ExtraKind::Tag, &pair, self.max_len);
        }
    }

    /// As much as `room` holds.
    fn fill<'a, 'r>(&'a self, head: &[Value<'a>], room: &'r mut [Value<'a>]) -> &'r [Value<'a>] {
        let used = room.len().min(head.len() + self.kept.len());
        let (first, more) = room[..used].split_at_mut(head.len());
        first.copy_from_slice(head);
        for (place, kept) in more.iter_mut().zip(&self.kept) {
            *place = self.value(*kept);
        }
        &room[..used]
    }
}
