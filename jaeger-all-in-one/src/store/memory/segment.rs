//! A stretch of the store: about a megabyte of records in order of arrival, with all that is needed to read and to search them.
//!
//! Records are written once and never changed. What makes a search cheap is the *series*: one for each process, operation and kind of span; it knows the
//! extremes of its spans' times, and its records are chained from the newest to the oldest. A segment goes as a whole, and everything with it.

use std::borrow::Cow;
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use jaeger_thrift::{Process, Span};

use super::bytes::{Reader, put};
use super::dictionary::{Dictionary, Memo, Symbol};
use super::record::{Fixed, Place, mark, read_fixed, read_references, write_fixed};
use super::tags::{Intern, Repeats, read_logs, read_tag, read_tags, write_logs, write_tags};
use crate::store::heads::{Told, told};

/// Bytes of records after which a segment is full. Large enough that its dictionary costs little, small enough that copying one to read it takes a
/// tenth of a millisecond.
pub(super) const FULL: usize = 1 << 20;

/// How spans ended that did not return. They are few: as part of the series they cost the others no byte.
pub(super) mod outcome {
    pub(in super::super) const PANIC: u8 = 1;
    pub(in super::super) const CANCELLED: u8 = 2;
}

/// No symbol, no record.
const NONE: u32 = u32::MAX;

/// Spans of one process, operation, kind and outcome.
#[derive(Clone)]
pub(super) struct Series {
    pub(super) process: u32,
    pub(super) operation: Symbol,
    kind: Symbol,
    /// A panic, a cancellation; see [`outcome`].
    pub(super) outcome: u8,
    /// The newest record.
    last: u32,
    pub(super) start_min: i64,
    pub(super) start_max: i64,
    pub(super) duration_min: i64,
    pub(super) duration_max: i64,
}

/// Series that are remembered while a batch is taken in.
const SERIES: usize = 16;

/// What of a batch comes again: texts and series. For one batch and one segment.
pub(super) struct BatchMemo {
    texts: Memo,
    series: [((u32, Symbol, Symbol, u8), u32); SERIES],
}

impl Default for BatchMemo {
    fn default() -> Self {
        // No process has the number NONE.
        BatchMemo { texts: Memo::default(), series: [((NONE, NONE, NONE, 0), NONE); SERIES] }
    }
}

/// The segment.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) number: u32,
    /// Start of its first span; the others' are told from there.
    base: i64,
    bytes: Vec<u8>,
    pub(super) dictionary: Dictionary,
    repeats: Repeats,
    /// Where each process ends in `process_bytes`.
    processes: Vec<u32>,
    process_bytes: Vec<u8>,
    process_table: HashTable<u32>,
    pub(super) series: Vec<Series>,
    series_table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Segment {
    /// An empty one, with memory of an older one if there is some.
    pub(super) fn new(number: u32, spare: Option<Vec<u8>>) -> Self {
        let mut bytes = spare.unwrap_or_default();
        bytes.clear();
        bytes.reserve(FULL + FULL / 16);
        Segment {
            number,
            base: 0,
            bytes,
            dictionary: Dictionary::default(),
            repeats: Repeats::default(),
            processes: Vec::new(),
            process_bytes: Vec::new(),
            process_table: HashTable::new(),
            series: Vec::new(),
            series_table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Whether to go on with another.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
            || self.dictionary.bytes() + self.series.len() * size_of::<Series>() >= 2 * FULL
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
            + self.dictionary.bytes()
            + self.repeats.bytes()
            + self.processes.len() * 4
            + self.process_bytes.len()
            + self.process_table.allocation_size()
            + self.series.len() * size_of::<Series>()
            + self.series_table.allocation_size()
    }

    /// Its memory for the next one.
    pub(super) fn into_spare(self) -> Vec<u8> {
        self.bytes
    }

    /// Gives back what a giant span made it reserve.
    pub(super) fn seal(&mut self) {
        if self.bytes.capacity() > 2 * FULL {
            self.bytes.shrink_to_fit();
        }
    }

    // ------------------------------------------------------------------------------------------------------ writing

    /// The number of a process within the segment, which it gets if it has none.
    pub(super) fn process(&mut self, process: &Process<'_>) -> u32 {
        let start = self.process_bytes.len();
        let service = self.dictionary.intern(&process.service_name);
        put(&mut self.process_bytes, u64::from(service));
        let mut memo = Memo::default();
        write_tags(&mut self.process_bytes, &process.tags, &mut self.dictionary, &mut memo, &mut Intern::All);
        let Segment { processes, process_bytes, process_table, hasher, .. } = self;
        let new = &process_bytes[start..];
        let hash = hasher.hash_one(new);
        if let Some(&known) = process_table.find(hash, |&other| nth(process_bytes, processes, other) == new) {
            process_bytes.truncate(start);
            return known;
        }
        let number = processes.len() as u32;
        processes.push(process_bytes.len() as u32);
        process_table
            .insert_unique(hash, number, |&other| hasher.hash_one(nth(process_bytes, processes, other)));
        number
    }

    /// Appends a span; `before` is the record of its trace that came before, `memo` of this batch and segment.
    pub(super) fn push(
        &mut self,
        process: u32,
        span: &Span<'_>,
        before: Option<Place>,
        memo: &mut BatchMemo,
    ) -> Place {
        let at = self.bytes.len() as u32;
        let here = Place::new(self.number, at);
        if at == 0 {
            self.base = span.start_time;
        }
        let Told { kind, error, panic, cancelled } = told(span);
        let panic = if panic { outcome::PANIC } else { 0 };
        let ended = panic | if cancelled { outcome::CANCELLED } else { 0 };
        let operation = self.dictionary.intern_again(&span.operation_name, &mut memo.texts);
        let kind = if kind.is_empty() { NONE } else { self.dictionary.intern_again(kind, &mut memo.texts) };
        let known = &mut memo.series[operation as usize % SERIES];
        let wanted = (process, operation, kind, ended);
        if known.0 != wanted {
            *known = (wanted, self.series_of(process, operation, kind, ended));
        }
        let number = known.1;
        let series = &mut self.series[number as usize];
        let back = if series.last == NONE { 0 } else { at - series.last };
        series.last = at;
        series.start_min = series.start_min.min(span.start_time);
        series.start_max = series.start_max.max(span.start_time);
        series.duration_min = series.duration_min.min(span.duration);
        series.duration_max = series.duration_max.max(span.duration);
        let mut marks = 0;
        if error {
            marks |= mark::ERROR;
        }
        if !span.logs.is_empty() {
            marks |= mark::LOGS;
        }
        let fixed = Fixed {
            series: number,
            back,
            before,
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            start_time: span.start_time,
            duration: span.duration,
            flags: span.flags,
            marks,
        };
        let Segment { bytes, dictionary, repeats, base, .. } = self;
        write_fixed(bytes, &fixed, here, *base, &span.references);
        write_tags(bytes, &span.tags, dictionary, &mut memo.texts, &mut Intern::Repeated(repeats));
        if !span.logs.is_empty() {
            write_logs(bytes, &span.logs, span.start_time, dictionary, &mut memo.texts, repeats);
        }
        here
    }

    fn series_of(&mut self, process: u32, operation: Symbol, kind: Symbol, outcome: u8) -> u32 {
        let Segment { series, series_table, hasher, .. } = self;
        let hash = hasher.hash_one((process, operation, kind, outcome));
        let same = |&number: &u32| {
            let series = &series[number as usize];
            (series.process, series.operation, series.kind, series.outcome)
                == (process, operation, kind, outcome)
        };
        if let Some(&number) = series_table.find(hash, same) {
            return number;
        }
        let number = series.len() as u32;
        series.push(Series {
            process,
            operation,
            kind,
            outcome,
            last: NONE,
            start_min: i64::MAX,
            start_max: i64::MIN,
            duration_min: i64::MAX,
            duration_max: i64::MIN,
        });
        series_table.insert_unique(hash, number, |&number| {
            let series = &series[number as usize];
            hasher.hash_one((series.process, series.operation, series.kind, series.outcome))
        });
        number
    }

    // ------------------------------------------------------------------------------------------------------ reading

    /// How many processes there are.
    pub(super) fn process_count(&self) -> u32 {
        self.processes.len() as u32
    }

    /// The service of a process.
    pub(super) fn service(&self, process: u32) -> &str {
        let bytes = nth(&self.process_bytes, &self.processes, process);
        self.dictionary.get(Reader::new(bytes, 0).number() as Symbol)
    }

    /// A process.
    pub(super) fn read_process(&self, process: u32) -> Process<'_> {
        let mut reader = Reader::new(nth(&self.process_bytes, &self.processes, process), 0);
        let service = self.dictionary.get(reader.number() as Symbol);
        Process { service_name: Cow::Borrowed(service), tags: read_tags(&mut reader, &self.dictionary) }
    }

    /// The kind of a series' spans, or empty.
    pub(super) fn kind(&self, series: &Series) -> &str {
        if series.kind == NONE { "" } else { self.dictionary.get(series.kind) }
    }

    /// Records of a series, newest first, each with a reader that stands behind [`Fixed`].
    pub(super) fn records<'s>(
        &'s self,
        series: &Series,
    ) -> impl Iterator<Item = (Place, Fixed, Reader<'s>)> + use<'s> {
        let mut next = Some(series.last).filter(|&last| last != NONE);
        std::iter::from_fn(move || {
            let at = next?;
            let (fixed, reader) = self.fixed(at);
            next = (fixed.back != 0).then(|| at - fixed.back);
            Some((Place::new(self.number, at), fixed, reader))
        })
    }

    /// What stands before the references of a record.
    pub(super) fn fixed(&self, at: u32) -> (Fixed, Reader<'_>) {
        let mut reader = Reader::new(&self.bytes, at as usize);
        let fixed = read_fixed(&mut reader, Place::new(self.number, at), self.base);
        (fixed, reader)
    }

    /// The whole span, from a reader behind [`Fixed`].
    pub(super) fn span<'s>(&'s self, fixed: &Fixed, mut reader: Reader<'s>) -> Span<'s> {
        let series = &self.series[fixed.series as usize];
        Span {
            trace_id: fixed.trace_id,
            span_id: fixed.span_id,
            parent_span_id: fixed.parent_span_id,
            operation_name: Cow::Borrowed(self.dictionary.get(series.operation)),
            references: read_references(&mut reader, fixed),
            flags: fixed.flags,
            start_time: fixed.start_time,
            duration: fixed.duration,
            tags: read_tags(&mut reader, &self.dictionary),
            logs: if fixed.marks & mark::LOGS != 0 {
                read_logs(&mut reader, fixed.start_time, &self.dictionary)
            } else {
                Vec::new()
            },
        }
    }

    /// Calls `each` with the key and value of the span's tags and its logs' fields until it says yes; whether it did.
    pub(super) fn any_tag<'s>(
        &'s self,
        fixed: &Fixed,
        mut reader: Reader<'s>,
        mut each: impl FnMut(Symbol, jaeger_thrift::ValueRef<'s>) -> bool,
    ) -> bool {
        read_references(&mut reader, fixed);
        let mut tags = |reader: &mut Reader<'s>| {
            (0..reader.number()).any(|_| {
                let (key, value) = read_tag(reader, &self.dictionary);
                each(key, value)
            })
        };
        if tags(&mut reader) {
            return true;
        }
        fixed.marks & mark::LOGS != 0
            && (0..reader.number()).any(|_| {
                reader.signed();
                tags(&mut reader)
            })
    }
}

fn nth<'b>(bytes: &'b [u8], ends: &[u32], number: u32) -> &'b [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start as usize..ends[number] as usize]
}
