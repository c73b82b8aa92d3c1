//! Finished traces drawn on the terminal as waterfalls.
//!
//! Spans are held until the root of their trace in this process has ended; at the end of that round the trace is drawn as a whole. Spans that end later are drawn as an addition to it.
//! What is held is bounded in number and bytes: past that the oldest trace is drawn early and says so. Here is what is held and when it is shown; what it looks like is `layout`'s,
//! colours are `paint`'s, and what the terminal can do is `terminal`'s. A terminal that is slow or stopped, or a pipe that nobody reads,
//! makes this reporter's thread wait, and nobody else.

mod bar;
mod layout;
mod paint;
mod tags;
mod terminal;
pub(in crate::report) mod text;

use super::{Reporter, ReporterStats, SpanRecord};
use jaeger_thrift::{Process, Tag, TagRef};
use layout::{MOST_ROWS, Occasion, Shown, ShownLog, Trace, View};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::io::{self, IsTerminal, Write};

/// Spans held, of all traces together.
const MOST_SPANS: usize = 10_000;
/// And their bytes.
const MOST_BYTES: usize = 8 << 20;
/// Of one span.
const MOST_TAGS: usize = 64;
/// Of one span, and of each the fields.
const MOST_LOGS: usize = 64;
/// So many traces are remembered as shown, so that what ends later is known as an addition.
const MOST_REMEMBERED: usize = 1_024;

/// Draws each finished trace as a waterfall: a tree of its spans, with bars in proportion to the trace's duration, tags and logs.
///
/// ```text
/// jaeger-demo · 3 spans · 1.00 s                                   trace 5b1c8a0e6a1f4d2e
/// span_root   ████████████████████████████████████████████████████████████████   1.00 s
/// │ sampler.type=const  sampler.param=true
/// ├╴span_foo3 ████████████████████████████████                                   501 ms
/// │   request="Hello foo3"  reply=foo3Reply
/// └╴span_foo4                                 ████████████████████████████████   500 ms
///     request="Hello foo4"  reply=foo4Reply
/// ```
///
/// A span that failed, panicked or was cancelled is marked, named so, and red. There are colours only on a terminal, unless the variable `CLICOLOR_FORCE` is set, and none if `NO_COLOR`
/// is. The width is the terminal's, or what `COLUMNS` says, or 100. Where the locale is not UTF-8 everything is in ASCII. Control characters from spans are escaped.
///
/// It is for development: drawing costs far more than sending, and a terminal that is stopped stops the collector.
///
/// ```
/// use jaeger_runtime::Tracer;
/// use jaeger_runtime::report::ConsoleReporter;
///
/// # fn main() -> Result<(), jaeger_runtime::Error> {
/// let tracer = Tracer::builder("shop").reporter(ConsoleReporter::stderr().width(120)).install()?;
/// # Ok(()) }
/// ```
pub struct ConsoleReporter {
    out: Out,
    color: bool,
    ascii: bool,
    /// `None`: as wide as the terminal is when a trace is drawn.
    width: Option<usize>,
    service: String,
    /// By trace.
    held: HashMap<u128, Held>,
    /// The traces in `held` by age.
    ages: BTreeMap<u64, u128>,
    next_age: u64,
    spans: usize,
    bytes: usize,
    shown: HashMap<u128, i64>,
    /// The traces in `shown` by age.
    shown_ages: VecDeque<u128>,
    /// Whether the last write failed.
    failing: bool,
    stats: ReporterStats,
}

/// Where it goes.
enum Out {
    Stdout,
    Stderr,
    Writer(Box<dyn Write + Send>),
}

/// What is held of one trace.
struct Held {
    age: u64,
    spans: Vec<Shown>,
    bytes: usize,
    root_ended: bool,
}

impl ConsoleReporter {
    /// A reporter that writes to the standard output.
    pub fn new() -> Self {
        Self::with(Out::Stdout, io::stdout().is_terminal())
    }

    /// A reporter that writes to the standard error.
    pub fn stderr() -> Self {
        Self::with(Out::Stderr, io::stderr().is_terminal())
    }

    /// A reporter that writes to `writer`, without colours unless [`ConsoleReporter::color`] asks for them.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self::with(Out::Writer(Box::new(writer)), false)
    }

    fn with(out: Out, is_terminal: bool) -> Self {
        let environment = &terminal::environment;
        Self {
            out,
            color: terminal::color(is_terminal, environment),
            ascii: terminal::ascii(environment),
            width: None,
            service: String::new(),
            held: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            spans: 0,
            bytes: 0,
            shown: HashMap::new(),
            shown_ages: VecDeque::new(),
            failing: false,
            stats: ReporterStats::default(),
        }
    }

    /// With colours or without, whatever terminal and environment say.
    #[must_use]
    pub fn color(mut self, on: bool) -> Self {
        self.color = on;
        self
    }

    /// The cells of a line, whatever terminal and environment say; what is not from 20 to 400 counts as the nearer of these.
    #[must_use]
    pub fn width(mut self, cells: usize) -> Self {
        self.width = Some(cells.clamp(layout::LEAST_WIDTH, terminal::MOST_WIDTH));
        self
    }

    /// In ASCII or with the characters of Unicode for lines and bars, whatever the locale says.
    #[must_use]
    pub fn ascii(mut self, on: bool) -> Self {
        self.ascii = on;
        self
    }

    /// What can be shown now: a terminal's width changes.
    fn view(&self) -> View {
        let columns = || match &self.out {
            Out::Stdout => terminal::columns(io::stdout()),
            Out::Stderr => terminal::columns(io::stderr()),
            Out::Writer(_) => None,
        };
        let width = self.width.unwrap_or_else(|| terminal::width(columns(), &terminal::environment));
        View { width, ascii: self.ascii }
    }

    /// Draws what is held of a trace.
    fn show(&mut self, id: u128, otherwise: Occasion) {
        let Some(held) = self.held.remove(&id) else { return };
        self.ages.remove(&held.age);
        self.spans -= held.spans.len();
        self.bytes -= held.bytes;
        let occasion = match self.shown.get(&id) {
            Some(start) => Occasion::Addition { start: *start },
            None if held.root_ended => Occasion::Whole,
            None => otherwise,
        };
        let trace = Trace { id, service: &self.service, occasion, spans: &held.spans };
        let mut text = paint::paint(&layout::lay_out(&trace, self.view()), self.color);
        text.push('\n');
        let drawn = held.spans.len().min(MOST_ROWS);
        self.stats.dropped += (held.spans.len() - drawn) as u64;
        match self.out.write(&text) {
            Ok(()) => {
                self.stats.sent += drawn as u64;
                self.failing = false;
            }
            Err(error) => {
                self.stats.failed += drawn as u64;
                if !std::mem::replace(&mut self.failing, true) {
                    log::warn!(target: "jaeger", "a trace could not be drawn on the terminal: {error}");
                }
            }
        }
        self.remember(id, &held.spans);
    }

    /// Keeps in mind that a trace was shown, and since when it is.
    fn remember(&mut self, id: u128, spans: &[Shown]) {
        let start = spans.iter().map(|span| span.start).min().unwrap_or(0);
        if let Some(known) = self.shown.get_mut(&id) {
            *known = start.min(*known);
            return;
        }
        self.shown.insert(id, start);
        self.shown_ages.push_back(id);
        if self.shown_ages.len() > MOST_REMEMBERED {
            if let Some(oldest) = self.shown_ages.pop_front() {
                self.shown.remove(&oldest);
            }
        }
    }
}

impl Default for ConsoleReporter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ConsoleReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { color, ascii, width, spans, .. } = self;
        let mut debug = f.debug_struct("ConsoleReporter");
        debug
            .field("color", color)
            .field("ascii", ascii)
            .field("width", width)
            .field("held", spans)
            .finish_non_exhaustive()
    }
}

impl Out {
    /// All of it at once, so that what the application prints does not get in between.
    fn write(&mut self, text: &str) -> io::Result<()> {
        let writer: &mut dyn Write = match self {
            Self::Stdout => &mut io::stdout().lock(),
            Self::Stderr => &mut io::stderr().lock(),
            Self::Writer(writer) => writer,
        };
        writer.write_all(text.as_bytes())?;
        writer.flush()
    }
}

impl Reporter for ConsoleReporter {
    fn name(&self) -> String {
        "console".into()
    }

    fn start(&mut self, process: &Process<'static>) {
        self.service = process.service_name.to_string();
    }

    fn report(&mut self, record: &SpanRecord<'_>) {
        let id = record.context().trace_id().to_u128();
        let span = keep(record);
        let bytes = weigh(&span);
        let held = self.held.entry(id).or_insert_with(|| {
            let age = self.next_age;
            self.next_age += 1;
            self.ages.insert(age, id);
            Held { age, spans: Vec::new(), bytes: 0, root_ended: false }
        });
        held.root_ended |= record.is_local_root();
        held.spans.push(span);
        held.bytes += bytes;
        self.spans += 1;
        self.bytes += bytes;
        while self.spans > MOST_SPANS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.ages.values().next().copied() else { break };
            self.show(oldest, Occasion::NoRoom);
        }
    }

    fn flush(&mut self) {
        let due =
            |id: &u128| self.shown.contains_key(id) || self.held.get(id).is_some_and(|held| held.root_ended);
        let due: Vec<u128> = self.ages.values().copied().filter(due).collect();
        for id in due {
            self.show(id, Occasion::Whole);
        }
    }

    fn close(&mut self) {
        self.flush();
        let rest: Vec<u128> = self.ages.values().copied().collect();
        for id in rest {
            self.show(id, Occasion::Unfinished);
        }
    }

    fn stats(&self) -> ReporterStats {
        ReporterStats { buffered: self.spans as u64, ..self.stats }
    }
}

/// A copy of what is shown of a span. Values are bounded where they are recorded; here only their number is.
fn keep(record: &SpanRecord<'_>) -> Shown {
    let own = |tags: &[TagRef<'_>]| -> Vec<Tag<'static>> {
        tags.iter().take(MOST_TAGS).map(|tag| Tag::from(*tag).into_owned()).collect()
    };
    let logs = record.logs().iter().take(MOST_LOGS).map(|log| ShownLog {
        at: log.timestamp_micros(),
        fields: own(log.fields()),
        fields_left_out: log.fields().len().saturating_sub(MOST_TAGS),
    });
    Shown {
        id: record.context().span_id().to_u64(),
        parent: record.parent_span_id().map_or(0, |parent| parent.to_u64()),
        name: record.name().to_owned(),
        start: record.start_nanos,
        duration: u64::try_from(record.duration().as_nanos()).unwrap_or(u64::MAX),
        outcome: record.outcome(),
        tags: own(record.tags()),
        tags_left_out: record.tags().len().saturating_sub(MOST_TAGS),
        logs: logs.collect(),
        logs_left_out: record.logs().len().saturating_sub(MOST_LOGS),
    }
}

/// About how much memory that takes.
fn weigh(span: &Shown) -> usize {
    let tags = |tags: &[Tag<'_>]| -> usize {
        let value = |tag: &Tag<'_>| match &tag.value {
            jaeger_thrift::Value::String(text) => text.len(),
            jaeger_thrift::Value::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        tags.iter().map(|tag| size_of::<Tag<'_>>() + tag.key.len() + value(tag)).sum()
    };
    let logs: usize = span.logs.iter().map(|log| size_of::<ShownLog>() + tags(&log.fields)).sum();
    size_of::<Shown>() + span.name.len() + tags(&span.tags) + logs
}

#[cfg(test)]
mod tests;
