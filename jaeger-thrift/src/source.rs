//! What can be encoded as a span without being one: the borrowed views and the two traits.
//!
//! A program that keeps its spans in another form (an event log, an arena) implements [`SpanSource`] and is encoded from where it stands. A source says
//! how many tags, logs and fields it has before it yields them, because the wire wants the count first. A count that is wrong cannot break the datagram:
//! what is too much is left out, what is missing is written as an empty tag, log or reference.

use crate::model::{Log, Span, SpanRef, Tag, Value};
use std::borrow::Cow;

/// A value, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// Text, `vType` 0.
    String(&'a str),
    /// A float, `vType` 1.
    Double(f64),
    /// Yes or no, `vType` 2.
    Bool(bool),
    /// An integer, `vType` 3.
    Long(i64),
    /// Bytes, `vType` 4.
    Binary(&'a [u8]),
}

/// A tag, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TagRef<'a> {
    /// The key.
    pub key: &'a str,
    /// The value.
    pub value: ValueRef<'a>,
}

/// A span without its lists; the fields are those of [`Span`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanHead<'a> {
    /// The trace.
    pub trace_id: u128,
    /// The span.
    pub span_id: u64,
    /// Its parent, 0 for a root.
    pub parent_span_id: u64,
    /// What was done.
    pub operation_name: &'a str,
    /// Bit 0 sampled, bit 1 debug.
    pub flags: i32,
    /// Microseconds since 1970.
    pub start_time: i64,
    /// Microseconds.
    pub duration: i64,
}

/// What can be encoded as a span.
///
/// ```
/// use jaeger_thrift::{LogSource, Protocol, SpanHead, SpanRef, SpanSource, TagRef, ValueRef};
///
/// /// A span that is nothing but a counter's step.
/// struct Step(u64);
///
/// impl SpanSource for Step {
///     fn head(&self) -> SpanHead<'_> {
///         SpanHead { trace_id: 1, span_id: self.0, operation_name: "step", ..SpanHead::default() }
///     }
///     fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
///         std::iter::empty()
///     }
///     fn tag_count(&self) -> usize {
///         1
///     }
///     fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
///         std::iter::once(TagRef { key: "n", value: ValueRef::Long(self.0 as i64) })
///     }
///     fn log_count(&self) -> usize {
///         0
///     }
///     fn logs(&self) -> impl Iterator<Item = impl LogSource> {
///         std::iter::empty::<&jaeger_thrift::Log<'_>>()
///     }
/// }
///
/// let mut bytes = Vec::new();
/// jaeger_thrift::encode_span(Protocol::Compact, &Step(7), &mut bytes);
/// assert_eq!(bytes.last(), Some(&0));
/// ```
pub trait SpanSource {
    /// Everything but the lists.
    fn head(&self) -> SpanHead<'_>;
    /// Relations beside the parent.
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef>;
    /// How many tags [`tags`](Self::tags) yields.
    fn tag_count(&self) -> usize;
    /// The tags in their order.
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>>;
    /// How many logs [`logs`](Self::logs) yields.
    fn log_count(&self) -> usize;
    /// The logs in their order.
    fn logs(&self) -> impl Iterator<Item = impl LogSource>;
}

/// What can be encoded as a log of a span.
pub trait LogSource {
    /// Microseconds since 1970.
    fn timestamp(&self) -> i64;
    /// How many fields [`fields`](Self::fields) yields.
    fn field_count(&self) -> usize;
    /// The fields in their order.
    fn fields(&self) -> impl Iterator<Item = TagRef<'_>>;
}

impl Value<'_> {
    /// The value, borrowed.
    #[inline]
    pub fn as_value_ref(&self) -> ValueRef<'_> {
        match self {
            Value::String(v) => ValueRef::String(v),
            Value::Double(v) => ValueRef::Double(*v),
            Value::Bool(v) => ValueRef::Bool(*v),
            Value::Long(v) => ValueRef::Long(*v),
            Value::Binary(v) => ValueRef::Binary(v),
        }
    }
}

impl<'a> From<ValueRef<'a>> for Value<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::String(v) => Value::String(Cow::Borrowed(v)),
            ValueRef::Double(v) => Value::Double(v),
            ValueRef::Bool(v) => Value::Bool(v),
            ValueRef::Long(v) => Value::Long(v),
            ValueRef::Binary(v) => Value::Binary(Cow::Borrowed(v)),
        }
    }
}

impl Tag<'_> {
    /// The tag, borrowed.
    #[inline]
    pub fn as_tag_ref(&self) -> TagRef<'_> {
        TagRef { key: &self.key, value: self.value.as_value_ref() }
    }
}

impl<'a> From<TagRef<'a>> for Tag<'a> {
    fn from(tag: TagRef<'a>) -> Self {
        Tag { key: Cow::Borrowed(tag.key), value: tag.value.into() }
    }
}

impl<'a> Span<'a> {
    /// The model of a source. Borrows the name and the tags; logs are copied, since a source may make them as it goes.
    ///
    /// ```
    /// use jaeger_thrift::Span;
    /// let span = Span { operation_name: "a".into(), ..Span::default() };
    /// assert_eq!(Span::from_source(&span), span);
    /// ```
    pub fn from_source<S: SpanSource + ?Sized>(source: &'a S) -> Self {
        let head = source.head();
        Span {
            trace_id: head.trace_id,
            span_id: head.span_id,
            parent_span_id: head.parent_span_id,
            operation_name: Cow::Borrowed(head.operation_name),
            references: source.references().collect(),
            flags: head.flags,
            start_time: head.start_time,
            duration: head.duration,
            tags: source.tags().map(Tag::from).collect(),
            logs: source
                .logs()
                .map(|log| Log {
                    timestamp: log.timestamp(),
                    fields: log.fields().map(|field| Tag::from(field).into_owned()).collect(),
                })
                .collect(),
        }
    }
}

impl SpanSource for Span<'_> {
    #[inline]
    fn head(&self) -> SpanHead<'_> {
        SpanHead {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            operation_name: &self.operation_name,
            flags: self.flags,
            start_time: self.start_time,
            duration: self.duration,
        }
    }
    #[inline]
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
        self.references.iter().copied()
    }
    #[inline]
    fn tag_count(&self) -> usize {
        self.tags.len()
    }
    #[inline]
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
        self.tags.iter().map(Tag::as_tag_ref)
    }
    #[inline]
    fn log_count(&self) -> usize {
        self.logs.len()
    }
    #[inline]
    fn logs(&self) -> impl Iterator<Item = impl LogSource> {
        self.logs.iter()
    }
}

impl<S: SpanSource + ?Sized> SpanSource for &S {
    #[inline]
    fn head(&self) -> SpanHead<'_> {
        (**self).head()
    }
    #[inline]
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
        (**self).references()
    }
    #[inline]
    fn tag_count(&self) -> usize {
        (**self).tag_count()
    }
    #[inline]
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
        (**self).tags()
    }
    #[inline]
    fn log_count(&self) -> usize {
        (**self).log_count()
    }
    #[inline]
    fn logs(&self) -> impl Iterator<Item = impl LogSource> {
        (**self).logs()
    }
}

impl LogSource for Log<'_> {
    #[inline]
    fn timestamp(&self) -> i64 {
        self.timestamp
    }
    #[inline]
    fn field_count(&self) -> usize {
        self.fields.len()
    }
    #[inline]
    fn fields(&self) -> impl Iterator<Item = TagRef<'_>> {
        self.fields.iter().map(Tag::as_tag_ref)
    }
}

impl<L: LogSource + ?Sized> LogSource for &L {
    #[inline]
    fn timestamp(&self) -> i64 {
        (**self).timestamp()
    }
    #[inline]
    fn field_count(&self) -> usize {
        (**self).field_count()
    }
    #[inline]
    fn fields(&self) -> impl Iterator<Item = TagRef<'_>> {
        (**self).fields()
    }
}
