//! A stretch of the store: about two megabytes of records in order of arrival, with all that is needed to read and to search them.
//!
//! Records are written once and never changed. What makes a search cheap is the *series*: one for each process, operation and kind of span; it knows the
//! extremes of its spans' times, and its records are chained from the newest to the oldest. A segment goes as a whole, and everything with it.

use std::borrow::Cow;
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use jaeger_thrift::{Process, Span};

use super::bytes::{Reader, put};
use super::dictionary::{Dictionary, Memo, Symbol};
use super::record::{Fixed, Ids, Place, mark, read_fixed, read_references, write_fixed, write_references};
use super::room::Room;
use super::tags::{Intern, Repeats, read_logs, read_tag, read_tags, write_logs, write_tag};
use super::traces::Known;
use crate::store::heads::{TELLING, Told, is_panic};

/// Bytes of records after which a segment is full: a piece of memory without a rest for the last span, so that another is hardly ever begun for that. Large
/// enough that its dictionary costs little, small enough that copying one to read it takes some tenth of a millisecond.
pub(super) const FULL: usize = super::room::SIZE - (32 << 10);

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

impl Series {
    fn hash(&self, hasher: &DefaultHashBuilder) -> u64 {
        hasher.hash_one((self.process, self.operation, self.kind, self.outcome))
    }
}

/// Series that are remembered while a message is taken in.
const SERIES: usize = 16;

/// What of a message comes again: texts, ids and series. For one segment.
pub(super) struct BatchMemo<'a> {
    texts: Memo<'a>,
    ids: Ids,
    series: [((u32, Symbol, Symbol, u8), u32); SERIES],
    /// Numbers of all series that got a record, some more than once: those that going back looks at.
    touched: Vec<u32>,
}

/// How far a segment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    bytes: usize,
    symbols: Symbol,
    processes: usize,
    series: usize,
}

/// Where the record of a trace that came before one of this segment is, if it came with another message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Continued {
    at: u32,
    /// Segment, and place within it.
    before: [u32; 2],
}

/// The segment.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) number: u32,
    /// Start of its first span; the others' are told from there.
    base: i64,
    bytes: Room,
    /// In the order of the records, up to the number of `ordered`.
    continued: Vec<Continued>,
    ordered: usize,
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
    pub(super) fn new(number: u32, spare: Option<Room>) -> Self {
        let mut bytes = spare.unwrap_or_default();
        bytes.truncate(0);
        let mut dictionary = Dictionary::default();
        for key in TELLING {
            dictionary.intern(key);
        }
        Segment {
            number,
            base: 0,
            bytes,
            continued: Vec::new(),
            ordered: 0,
            dictionary,
            repeats: Repeats::default(),
            processes: Vec::new(),
            process_bytes: Vec::new(),
            process_table: HashTable::new(),
            series: Vec::new(),
            series_table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Whether it is better to go on with another before so many bytes more.
    pub(super) fn is_nearly_full(&self, bytes: usize) -> bool {
        !self.bytes.is_empty() && self.bytes.len() + bytes > FULL
    }

    /// Whether to go on with another.
    pub(super) fn is_full(&self) -> bool {
        let described = self.dictionary.bytes() + self.process_bytes.len();
        let described = described + self.continued.len() * size_of::<Continued>();
        self.bytes.len() >= FULL || described + self.series.len() * size_of::<Series>() >= FULL
    }

    /// Bytes held, of the piece of memory all.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.size()
            + self.continued.len() * size_of::<Continued>()
            + self.dictionary.bytes()
            + self.repeats.bytes()
            + self.processes.len() * 4
            + self.process_bytes.len()
            + self.process_table.allocation_size()
            + self.series.len() * size_of::<Series>()
            + self.series_table.allocation_size()
    }

    /// Its memory for the next one, if it is of the common size: what a giant span needed is too much for others.
    pub(super) fn into_spare(self) -> Option<Room> {
        Some(self.bytes).filter(|bytes| bytes.size() == super::room::SIZE)
    }

    /// It is full, and all its traces are entered: gives back what a giant span made it reserve.
    pub(super) fn seal(&mut self) {
        self.all_entered();
        self.continued.shrink_to_fit();
        self.bytes.fit();
    }

    // ------------------------------------------------------------------------------------------------------ writing

    /// Remembers what comes again, for one message.
    pub(super) fn memo<'a>(&mut self) -> BatchMemo<'a> {
        // No process has the number NONE.
        let series = [((NONE, NONE, NONE, 0), NONE); SERIES];
        BatchMemo { texts: Memo::new(&mut self.dictionary), ids: Ids::default(), series, touched: Vec::new() }
    }

    /// The number of a process within the segment, which it gets if it has none.
    pub(super) fn process(&mut self, process: &Process<'_>) -> u32 {
        let start = self.process_bytes.len();
        let service = self.dictionary.intern(&process.service_name);
        put(&mut self.process_bytes, u64::from(service));
        let mut memo = Memo::new(&mut self.dictionary);
        for tag in &process.tags {
            write_tag(&mut self.process_bytes, tag, &mut self.dictionary, &mut memo, &mut Intern::All);
        }
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

    /// Appends a span; `known` are the records of its trace that came before with this message, `memo` is of this message and segment.
    pub(super) fn push<'a>(
        &mut self,
        process: u32,
        span: &Span<'a>,
        known: &Known,
        memo: &mut BatchMemo<'a>,
    ) -> Place {
        let Segment { bytes, dictionary, repeats, .. } = self;
        let body = bytes.len();
        if body == 0 {
            self.base = span.start_time;
        }
        let (mut marks, mut told) = (0, Told::default());
        if !span.references.is_empty() {
            marks |= mark::REFERENCES;
            write_references(bytes, &span.references, span.trace_id);
        }
        if !span.logs.is_empty() {
            marks |= mark::LOGS;
            write_logs(bytes, &span.logs, span.start_time, dictionary, &mut memo.texts, repeats);
            told.panic = is_panic(&span.logs);
        }
        for tag in &span.tags {
            let key = write_tag(bytes, tag, dictionary, &mut memo.texts, &mut Intern::Repeated(repeats));
            // The dictionary begins with the keys that tell something.
            if (key as usize) < TELLING.len() {
                told.by(key as usize, &tag.value);
            }
        }
        let at = bytes.len();
        marks |= if told.error { mark::ERROR } else { 0 };
        let ended = if told.panic { outcome::PANIC } else { 0 };
        let ended = ended | if told.cancelled { outcome::CANCELLED } else { 0 };
        let operation = dictionary.intern_again(&span.operation_name, &mut memo.texts);
        let kind = told.kind().map_or(NONE, |kind| dictionary.intern_again(kind, &mut memo.texts));
        let last = &mut memo.series[operation as usize % SERIES];
        let wanted = (process, operation, kind, ended);
        if last.0 != wanted {
            *last = (wanted, self.series_of(process, operation, kind, ended));
            memo.touched.push(last.1);
        }
        let number = last.1;
        let series = &mut self.series[number as usize];
        let back = if series.last == NONE { 0 } else { at as u32 - series.last };
        series.last = at as u32;
        series.start_min = series.start_min.min(span.start_time);
        series.start_max = series.start_max.max(span.start_time);
        series.duration_min = series.duration_min.min(span.duration);
        series.duration_max = series.duration_max.max(span.duration);
        let fixed = Fixed {
            body: (at - body) as u32,
            series: number,
            back,
            before: known.before(),
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            start_time: span.start_time,
            duration: span.duration,
            flags: span.flags,
            marks,
        };
        let here = Place::new(self.number, at as u32);
        write_fixed(&mut self.bytes, &fixed, known.first, &mut memo.ids, here, self.base);
        here
    }

    /// How far it is written, to come [back](Self::go_back) to.
    pub(super) fn written(&self) -> Written {
        Written {
            bytes: self.bytes.len(),
            symbols: self.dictionary.count(),
            processes: self.processes.len(),
            series: self.series.len(),
        }
    }

    /// Bytes of records written.
    #[cfg(test)]
    pub(super) fn written_since_begin(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of records written since.
    pub(super) fn written_since(&self, began: &Written) -> usize {
        self.bytes.len() - began.bytes
    }

    /// Notes that `first`, of this segment, goes on with the trace of `before`. In no order, up to [`all_entered`](Self::all_entered), and not in the record
    /// itself, which the caches have forgotten by now.
    #[inline]
    pub(super) fn goes_on(&mut self, first: Place, before: Place) {
        self.continued.push(Continued { at: first.at(), before: [before.segment(), before.at()] });
    }

    /// All traces whose records were written so far are entered.
    pub(super) fn all_entered(&mut self) {
        let Segment { continued, ordered, .. } = self;
        // What was entered before has its records before these.
        continued[*ordered..].sort_unstable();
        *ordered = continued.len();
    }

    /// Takes out what was written since, all of it with `memo`. Returns how many series it looked at, which is
    /// what it costs beside the records: no more than there were spans, however many series there are, for a datagram may have it done thousands of times.
    ///
    /// The extremes of series stay, which only say where nothing can be, and so do the memory of tables and what is known of texts that come again, which only
    /// say how the next ones are kept.
    pub(super) fn go_back(&mut self, to: &Written, memo: &BatchMemo<'_>) -> usize {
        let mut looked_at = 0;
        for number in memo.touched.iter().map(|&number| number as usize) {
            looked_at += 1;
            while let Some(last) = Some(self.series[number].last).filter(|&last| last != NONE)
                && last as usize >= to.bytes
            {
                let back = self.told(last).0.back;
                self.series[number].last = if back == 0 { NONE } else { last - back };
            }
        }
        self.bytes.truncate(to.bytes);
        let Segment { hasher, series, series_table, processes, process_bytes, process_table, .. } = self;
        for (number, one) in series.iter().enumerate().skip(to.series) {
            looked_at += 1;
            if let Ok(entry) = series_table.find_entry(one.hash(hasher), |&other| other as usize == number) {
                entry.remove();
            }
        }
        series.truncate(to.series);
        for number in to.processes..processes.len() {
            let hash = hasher.hash_one(nth(process_bytes, processes, number as u32));
            if let Ok(entry) = process_table.find_entry(hash, |&other| other as usize == number) {
                entry.remove();
            }
        }
        processes.truncate(to.processes);
        process_bytes.truncate(processes.last().map_or(0, |&end| end as usize));
        self.dictionary.truncate(to.symbols);
        looked_at
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
        series_table.insert_unique(hash, number, |&number| series[number as usize].hash(hasher));
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

    /// Records of a series, newest first, each with a reader of what stands before [`Fixed`].
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

    /// What stands behind the tags of a record, and a reader of what stands before.
    pub(super) fn fixed(&self, at: u32) -> (Fixed, Reader<'_>) {
        let (mut fixed, reader) = self.told(at);
        if fixed.before.is_none()
            && let Ok(listed) = self.continued.binary_search_by_key(&at, |continued| continued.at)
        {
            let [segment, at] = self.continued[listed].before;
            fixed.before = Some(Place::new(segment, at));
        }
        (fixed, reader)
    }

    /// The same, as the record tells it.
    fn told(&self, at: u32) -> (Fixed, Reader<'_>) {
        let fixed = read_fixed(&self.bytes, Place::new(self.number, at), self.base);
        let before = &self.bytes[..at as usize];
        (fixed, Reader::new(before, before.len() - fixed.body as usize))
    }

    /// The whole span, from the reader that comes with its [`Fixed`].
    pub(super) fn span<'s>(&'s self, fixed: &Fixed, mut reader: Reader<'s>) -> Span<'s> {
        let series = &self.series[fixed.series as usize];
        Span {
            trace_id: fixed.trace_id,
            span_id: fixed.span_id,
            parent_span_id: fixed.parent_span_id,
            operation_name: Cow::Borrowed(self.dictionary.get(series.operation)),
            flags: fixed.flags,
            start_time: fixed.start_time,
            duration: fixed.duration,
            // Read in the order in which they are written.
            references: read_references(&mut reader, fixed),
            logs: if fixed.marks & mark::LOGS != 0 {
                read_logs(&mut reader, fixed.start_time, &self.dictionary)
            } else {
                Vec::new()
            },
            tags: read_tags(&mut reader, &self.dictionary),
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
        if fixed.marks & mark::LOGS != 0 {
            for _ in 0..reader.number() {
                reader.signed();
                for _ in 0..reader.number() {
                    let (key, value) = read_tag(&mut reader, &self.dictionary);
                    if each(key, value) {
                        return true;
                    }
                }
            }
        }
        while !reader.is_at_end() {
            let (key, value) = read_tag(&mut reader, &self.dictionary);
            if each(key, value) {
                return true;
            }
        }
        false
    }
}

fn nth<'b>(bytes: &'b [u8], ends: &[u32], number: u32) -> &'b [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start as usize..ends[number] as usize]
}
