//! `TracingLayer`: a layer for `tracing-subscriber` that makes spans of the crate `tracing` spans of ours and its events logs. Behind the feature `tracing`.
//!
//! Each span of `tracing` holds, among the registry's extensions, what is ambient while it is entered: the span of ours that was opened for it, or, where there is none (its level is not wanted, its
//! trace not sampled), the context that it would have been a child of, so that what is called inside it hangs where it belongs, on whatever thread it is entered.
//!
//! Invariants:
//! 1. Entering and leaving mirror into the thread's ambient context, so the innermost of both kinds of span is always the ambient one, and a contextual span or event needs no look at the registry.
//! 2. No user code (a field's `Debug`) runs while an extension is locked or [`ENTERED`] is borrowed.
//!
//! Left out on purpose: filtering for others. A layer's `enabled` would silence every other layer; levels here are this layer's own, and `with_filter` of `tracing-subscriber` is the cheap way to more.

use super::fields::{self, Fields, Kept};
use super::sites::{self, KIND, NAME, STATUS};
use super::takes;
use crate::context::SpanContext;
use crate::event_log::format::ExtraKind;
use crate::local::{self, Attached, Parent};
use crate::span::Span;
use crate::value::{Plain, Value};
use crate::{global, relation, report};
use std::cell::RefCell;
use std::fmt;
use tracing_core::field::{Field, Visit};
use tracing_core::metadata::LevelFilter;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Makes what is instrumented with the crate `tracing` part of the traces of this process.
///
/// - A **span** becomes a span: a child of its explicit parent, or else of whatever is active where it is made, be it a `#[traced]` function, a [`Span`] or a span of `tracing`. While it is
///   entered it is active for `#[traced]` functions too. So an application annotated here and libraries instrumented there make one tree.
/// - An **event** becomes a log of the active span, or of its explicit parent: its message as `event`, then `level`, `target`, `code.file.path`, `code.line.number` and its fields.
/// - **Fields** keep their types: integers LONG, floats DOUBLE, booleans BOOL, all else text.
/// - `otel.name` renames its span, `otel.kind` becomes `span.kind`, an `otel.status_code` of `error` marks it as failed. So does an event of level error inside it, since a span of `tracing`
///   has no other way to say so; a `#[traced]` function is not marked by one.
///
/// ```
/// use jaeger_runtime::{Tracer, TracingLayer, traced};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// #[traced]
/// fn price(item: &str) -> usize {
///     tracing::info!(found = true, "looked up"); // a log of the span "price"
///     item.len()
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let _tracer = Tracer::builder("shop").install()?;
///     let layers = tracing_subscriber::registry().with(TracingLayer::new()); // and `fmt::layer()` for the terminal
///     tracing::subscriber::set_global_default(layers)?;
///     let request = tracing::info_span!("request", method = "GET"); // as tower-http makes them
///     request.in_scope(|| price("nails")); // "price" is a child of "request"
///     Ok(())
/// }
/// ```
///
/// # Limits
/// Values are bounded as everywhere. An event is a log of 29 fields at most; more are counted in `Stats::extras_lost`. A span of `tracing` ends when it is closed: when its last handle is dropped. What
/// reporters do on the tracer's own threads comes into no trace.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is part of a subscriber"]
pub struct TracingLayer {
    spans: LevelFilter,
    events: LevelFilter,
    place: bool,
}

impl Default for TracingLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl TracingLayer {
    /// Spans of level debug and above (libraries have theirs there), events of level info and above, with their place in the source.
    pub fn new() -> Self {
        Self { spans: LevelFilter::DEBUG, events: LevelFilter::INFO, place: true }
    }

    /// Which spans become spans: those of this level and above. The others are looked through.
    pub fn spans(mut self, level: LevelFilter) -> Self {
        self.spans = level;
        self
    }

    /// Which events become logs: those of this level and above.
    pub fn events(mut self, level: LevelFilter) -> Self {
        self.events = level;
        self
    }

    /// Whether logs say where they were written (`code.file.path`, `code.line.number`).
    pub fn place(mut self, place: bool) -> Self {
        self.place = place;
        self
    }
}

/// What is known of a span of `tracing`.
struct Known {
    /// Ambient while it is entered.
    context: SpanContext,
    /// Ours, which ends with it.
    span: Option<Span>,
    /// It is marked as failed.
    failed: bool,
}

thread_local! {
    /// What is entered on this thread, the innermost last.
    static ENTERED: RefCell<Vec<(u64, Attached)>> = const { RefCell::new(Vec::new()) };
}

/// The context of a span that is told by its id; none if nothing was ambient where it was made, nor recorded for it.
fn context_of<S>(id: &Id, cx: &Context<'_, S>) -> SpanContext
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let context = |span: SpanRef<'_, S>| span.extensions().get::<Known>().map(|known| known.context);
    cx.span(id).and_then(context).unwrap_or(SpanContext::NONE)
}

/// Marks the span as failed, once, if it is one that was opened for `span`.
fn fail<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, context: SpanContext) {
    let mut extensions = span.extensions_mut();
    let known =
        extensions.get_mut::<Known>().filter(|known| known.span.is_some() && known.context == context);
    let first = known.is_some_and(|known| !std::mem::replace(&mut known.failed, true));
    drop(extensions);
    if first {
        local::extra(context, ExtraKind::Tag, &[Value::Str("error"), Value::Bool(true)]);
    }
}

impl<S> Layer<S> for TracingLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        if !global::is_on() || report::is_reporting() {
            return;
        }
        let (parent, context) = if attributes.is_root() {
            (Parent::None, SpanContext::NONE)
        } else {
            match attributes.parent() {
                Some(parent) => {
                    let context = context_of(parent, &cx);
                    (Parent::Of(context), context)
                }
                None => (Parent::Ambient, local::current()),
            }
        };
        let known =
            if *attributes.metadata().level() > self.spans || context.is_valid() && !context.is_sampled() {
                Known { context, span: None, failed: false }
            } else {
                open(attributes, parent)
            };
        if known.context.is_valid() {
            if let Some(span) = cx.span(id) {
                span.extensions_mut().replace(known);
            }
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let known =
            span.extensions().get::<Known>().filter(|known| known.span.is_some()).map(|known| known.context);
        let Some(context) = known.filter(|context| takes(*context)) else { return };
        fields::with(|fields| {
            let mut visitor = Fresh { fields, special: Special::default() };
            record.record(&mut visitor);
            let special = visitor.special;
            fields.tag(context);
            if special.say(fields, context) {
                fail(&span, context);
            }
        });
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let own =
            span.extensions().get::<Known>().filter(|known| known.span.is_some()).map(|known| known.context);
        if let Some(context) = own.filter(|context| takes(*context)) {
            relation::say_follows(context, context_of(follows, &cx));
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() > self.events || event.is_root() {
            return;
        }
        let context = match event.parent() {
            Some(parent) => context_of(parent, &cx),
            None => local::current(),
        };
        if !takes(context) {
            return;
        }
        fields::with(|fields| {
            let mut said = Said { fields, event: Kept::NONE, place: Relayed::of(event) };
            event.record(&mut said);
            let (message, place) = (said.event, said.place);
            // One without a message has a name at least.
            let message = if message.is_none() { Value::Str(metadata.name()) } else { fields.value(message) };
            let (line, file) = (metadata.line(), metadata.file());
            let (mut target, mut file, mut line) =
                (Value::Str(metadata.target()), file.plain(), line.plain());
            if let Relayed::Yes { target: own, file: place, line: number } = place {
                (target, file, line) = (fields.value(own), fields.value(place), fields.value(number));
            }
            if !self.place {
                (file, line) = (Value::None, Value::None);
            }
            fields.log(context, &[message, metadata.level().as_str().plain(), target, file, line]);
        });
        if *metadata.level() == Level::ERROR {
            if let Some(span) = cx.event_span(event) {
                fail(&span, context);
            }
        }
    }

    fn on_enter(&self, id: &Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let Some(context) = span.extensions().get::<Known>().map(|known| known.context) else { return };
        // Not where it could not be left again, because the thread is ending.
        let _thread_is_ending = ENTERED.try_with(|entered| {
            entered.borrow_mut().push((id.into_u64(), local::attach(context)));
        });
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        let left = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            // The last but for guards dropped out of turn.
            let at = entered.iter().rposition(|(entered, _)| *entered == id.into_u64())?;
            Some(entered.remove(at).1)
        });
        if let Ok(Some(attached)) = left {
            local::detach(attached);
        }
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        let known = cx.span(&id).and_then(|span| span.extensions_mut().remove::<Known>());
        // Ended here and not when the registry clears the slot, and with the extensions unlocked.
        drop(known);
    }
}

/// Opens a span for one of `tracing`, with the fields that have values.
fn open(attributes: &Attributes<'_>, parent: Parent) -> Known {
    let metadata = attributes.metadata();
    let site = sites::of(metadata);
    fields::with(|fields| {
        let mut visitor = Opening { fields, special: Special::default() };
        visitor.fields.reserve(metadata.fields().len());
        attributes.record(&mut visitor);
        let special = visitor.special;
        let span = fields.lend(|values| Span::open(site, parent, values));
        let context = span.context();
        let failed = special.say(fields, context);
        if failed && span.is_recording() {
            local::extra(context, ExtraKind::Tag, &[Value::Str("error"), Value::Bool(true)]);
        }
        Known { context, span: Some(span), failed }
    })
}

/// Values that mean something else than a tag of their name.
#[derive(Clone, Copy, Default)]
struct Special {
    name: Option<Kept>,
    failed: bool,
}

impl Special {
    /// What becomes of a field of a span: a value to keep under its key, or nothing.
    fn take(&mut self, fields: &mut Fields, field: &Field, value: Value<'_>) -> Kept {
        let kept = fields.keep(value);
        match field.name() {
            name if !name.starts_with("otel.") => {}
            NAME => {
                self.name = Some(kept);
                return Kept::NONE;
            }
            KIND => return Kept::Plain(kind(fields.value(kept))),
            STATUS => {
                let code = fields.value(kept);
                self.failed |= matches!(code, Value::Str(code) if code.eq_ignore_ascii_case("error"));
            }
            _ => {}
        }
        kept
    }

    /// Gives the span its name; whether it has failed.
    fn say(self, fields: &Fields, span: SpanContext) -> bool {
        if let Some(name) = self.name {
            local::extra(span, ExtraKind::Name, &[fields.value(name)]);
        }
        self.failed
    }
}

/// Jaeger's word for a kind of OpenTelemetry's in any case, or nothing.
fn kind(said: Value<'_>) -> Value<'static> {
    let Value::Str(said) = said else { return Value::None };
    let known = ["server", "client", "producer", "consumer", "internal"];
    let found = known.into_iter().find(|kind| said.eq_ignore_ascii_case(kind));
    found.map_or(Value::None, Value::Str)
}

/// The same for each type that a field can have: `visit!(|self, field, value| …)`.
macro_rules! visit {
    (|$self:ident, $field:ident, $value:ident| $take:expr) => {
        fn record_i64(&mut $self, $field: &Field, value: i64) {
            let $value = value.plain();
            $take
        }
        fn record_u64(&mut $self, $field: &Field, value: u64) {
            let $value = value.plain();
            $take
        }
        fn record_i128(&mut $self, $field: &Field, value: i128) {
            let $value = value.plain();
            $take
        }
        fn record_u128(&mut $self, $field: &Field, value: u128) {
            let $value = value.plain();
            $take
        }
        fn record_f64(&mut $self, $field: &Field, value: f64) {
            let $value = value.plain();
            $take
        }
        fn record_bool(&mut $self, $field: &Field, value: bool) {
            let $value = value.plain();
            $take
        }
        fn record_str(&mut $self, $field: &Field, value: &str) {
            let $value = value.plain();
            $take
        }
        fn record_error(&mut $self, $field: &Field, value: &(dyn std::error::Error + 'static)) {
            let $value = Value::Display(&value);
            $take
        }
        fn record_debug(&mut $self, $field: &Field, value: &dyn fmt::Debug) {
            let $value = Value::Debug(&value);
            $take
        }
    };
}

/// Takes the fields that a span opens with, each at its place among the callsite's.
struct Opening<'f> {
    fields: &'f mut Fields,
    special: Special,
}

impl Visit for Opening<'_> {
    visit!(|self, field, value| {
        let kept = self.special.take(self.fields, field, value);
        self.fields.set(field.index(), kept);
    });
}

/// Takes the fields that a span gets later.
struct Fresh<'f> {
    fields: &'f mut Fields,
    special: Special,
}

impl Visit for Fresh<'_> {
    visit!(|self, field, value| {
        let special = &mut self.special;
        let key = Kept::Plain(Value::Str(sites::key(field.name())));
        self.fields.pair(key, |fields| special.take(fields, field, value));
    });
}

/// Takes the fields of an event.
struct Said<'f> {
    fields: &'f mut Fields,
    event: Kept,
    place: Relayed,
}

/// Whether an event was a record of the crate `log` (by way of `tracing-log`), whose target and place are fields then.
#[derive(Clone, Copy)]
enum Relayed {
    No,
    Yes { target: Kept, file: Kept, line: Kept },
}

impl Relayed {
    fn of(event: &Event<'_>) -> Self {
        match event.metadata().target() {
            "log" => Self::Yes { target: Kept::Plain(Value::Str("log")), file: Kept::NONE, line: Kept::NONE },
            _ => Self::No,
        }
    }
}

impl Visit for Said<'_> {
    visit!(|self, field, value| {
        let name = field.name();
        if name == "message" {
            self.event = self.fields.keep(value);
            return;
        }
        if let Relayed::Yes { target, file, line } = &mut self.place {
            match name {
                "log.target" => return *target = self.fields.keep(value),
                "log.file" => return *file = self.fields.keep(value),
                "log.line" => return *line = self.fields.keep(value),
                "log.module_path" => return,
                _ => {}
            }
        }
        self.fields.pair(Kept::Plain(Value::Str(name)), |fields| fields.keep(value));
    });
}
