//! `LogBridge`: a logger for the crate `log` that writes records into the active span, and passes them on to another logger. Behind the feature `log`.
//!
//! Without a recorded span a record costs a comparison of levels and a look at the thread's context. It never asks the next logger's leave, nor keeps anything from it: what the terminal
//! shows is as before.

use super::fields::{self, Fields, Kept};
use super::takes;
use crate::error::Error;
use crate::event_log::format::ExtraKind;
use crate::local;
use crate::value::{Plain, Value};
use log::kv::{Key, VisitSource, VisitValue};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A logger that makes each record a log of the span that is active where it is written: of the innermost `#[traced]` function or entered [`Span`](crate::Span).
///
/// The log has the record's message as `event`, then `level`, `target`, `code.file.path`, `code.line.number`, and the record's key-values with their types. A record outside any span, or in a trace that
/// is not sampled, goes to the next logger only.
///
/// ```
/// use jaeger_runtime::{LogBridge, Tracer, traced};
///
/// #[traced]
/// fn charge(cents: u64) {
///     log::info!(cents; "charged"); // a log of the span "charge", and a line of the terminal
/// }
///
/// # #[derive(Default)] struct Lines;
/// # impl log::Log for Lines {
/// #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
/// #     fn log(&self, record: &log::Record<'_>) { println!("{}", record.args()) }
/// #     fn flush(&self) {}
/// # }
/// fn main() -> Result<(), jaeger_runtime::Error> {
///     let lines = Lines::default(); // such as `env_logger::Builder::from_default_env().build()`
///     LogBridge::new().level(log::LevelFilter::Debug).and(lines, log::LevelFilter::Info).install()?;
///     let _tracer = Tracer::builder("shop").install()?;
///     charge(17);
///     Ok(())
/// }
/// ```
///
/// # Limits
/// The message and each value are kept up to the tracer's bound, 29 key-values at most; what is past that, or finds no room, is counted in `Stats::extras_lost`. What reporters log
/// on the tracer's own threads comes into no span.
#[must_use = "a logger does nothing until it is installed"]
pub struct LogBridge {
    level: LevelFilter,
    place: bool,
    next: Option<(Box<dyn Log>, LevelFilter)>,
}

impl std::fmt::Debug for LogBridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let next = self.next.as_ref().map(|(_, level)| level);
        f.debug_struct("LogBridge")
            .field("level", &self.level)
            .field("place", &self.place)
            .field("next", &next)
            .finish()
    }
}

impl Default for LogBridge {
    fn default() -> Self {
        Self::new()
    }
}

impl LogBridge {
    /// Records of level info and above, with their place in the source, and no other logger.
    pub fn new() -> Self {
        Self { level: LevelFilter::Info, place: true, next: None }
    }

    /// Which records go into spans: those of this level and above.
    pub fn level(mut self, level: LevelFilter) -> Self {
        self.level = level;
        self
    }

    /// Whether logs say where they were written (`code.file.path`, `code.line.number`).
    pub fn place(mut self, place: bool) -> Self {
        self.place = place;
        self
    }

    /// Passes records of `level` and above on to `logger`, which decides about them as it would alone. Twice: the first is replaced.
    pub fn and(mut self, logger: impl Log + 'static, level: LevelFilter) -> Self {
        self.next = Some((Box::new(logger), level));
        self
    }

    /// Makes it the process's logger, and lets through what it or the next one takes (`log::set_max_level`).
    ///
    /// # Errors
    /// There is a logger already: give it to [`LogBridge::and`] instead of installing it.
    pub fn install(self) -> Result<(), Error> {
        let level = self.level.max(self.next.as_ref().map_or(LevelFilter::Off, |(_, level)| *level));
        log::set_boxed_logger(Box::new(self)).map_err(|_| Error::LoggerInstalled)?;
        log::set_max_level(level);
        Ok(())
    }

    /// The next logger, if it is to see records of that level.
    fn next(&self, level: Level) -> Option<&dyn Log> {
        self.next.as_ref().filter(|(_, most)| level <= *most).map(|(next, _)| &**next)
    }
}

impl Log for LogBridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level && takes(local::current())
            || self.next(metadata.level()).is_some_and(|next| next.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() <= self.level {
            self.add(record);
        }
        if let Some(next) = self.next(record.level()) {
            next.log(record);
        }
    }

    fn flush(&self) {
        if let Some((next, _)) = &self.next {
            next.flush();
        }
    }
}

impl LogBridge {
    fn add(&self, record: &Record<'_>) {
        let span = local::current();
        if !takes(span) {
            return;
        }
        let event = record.args();
        // A message without arguments is text already.
        let event = event.as_str().map_or(Value::Display(event), Value::Str);
        let (mut file, mut line) = (record.file(), record.line());
        if !self.place {
            (file, line) = (None, None);
        }
        let head =
            [event, record.level().as_str().plain(), record.target().plain(), file.plain(), line.plain()];
        let pairs = record.key_values();
        // Their visiting is code of whoever logs.
        let none = catch_unwind(AssertUnwindSafe(|| pairs.count() == 0));
        if none.is_ok_and(|none| none) {
            return local::extra(span, ExtraKind::Record, &head);
        }
        fields::with(|fields| {
            let visited = catch_unwind(AssertUnwindSafe(|| pairs.visit(&mut Pairs(fields))));
            // What was visited before is kept. The payload may panic again when it is dropped.
            let _what_was_said = visited.map_err(std::mem::forget);
            fields.log(span, &head);
        });
    }
}

/// Takes key-values.
struct Pairs<'f>(&'f mut Fields);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: log::kv::Value<'kvs>) -> Result<(), log::kv::Error> {
        let key = self.0.keep(Value::Str(key.as_str()));
        self.0.pair(key, |fields| {
            let mut taken = Taken { kept: Kept::NONE, fields };
            match value.visit(&mut taken) {
                Ok(()) => taken.kept,
                Err(_) => Kept::NONE,
            }
        });
        Ok(())
    }
}

/// Takes one value.
struct Taken<'f> {
    fields: &'f mut Fields,
    kept: Kept,
}

impl Taken<'_> {
    fn take(&mut self, value: Value<'_>) -> Result<(), log::kv::Error> {
        self.kept = self.fields.keep(value);
        Ok(())
    }
}

impl VisitValue<'_> for &mut Taken<'_> {
    fn visit_any(&mut self, value: log::kv::Value<'_>) -> Result<(), log::kv::Error> {
        self.take(Value::Display(&value))
    }
    fn visit_null(&mut self) -> Result<(), log::kv::Error> {
        Ok(())
    }
    fn visit_i64(&mut self, value: i64) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
    fn visit_u64(&mut self, value: u64) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
    fn visit_i128(&mut self, value: i128) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
    fn visit_u128(&mut self, value: u128) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
    fn visit_f64(&mut self, value: f64) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
    fn visit_bool(&mut self, value: bool) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
    fn visit_str(&mut self, value: &str) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
    fn visit_char(&mut self, value: char) -> Result<(), log::kv::Error> {
        self.take(value.plain())
    }
}
