//! Where spans go as they are read: to whoever wants them one by one, or into a list.

use super::jaeger::Counts;
use crate::model::{Batch, Process, Span};

/// Takes a batch as it is read, a span at a time: none is kept that the taker does not keep, and one span's memory serves them all.
///
/// ```
/// use jaeger_thrift::{Batch, Message, Process, Protocol, Sink, Span};
/// # let spans = vec![Span { trace_id: 1, operation_name: "get".into(), ..Span::default() }];
/// # let mut datagram = Vec::new();
/// # Message::new(Batch { process: Process::new("shop"), spans, ..Batch::default() }).encode_into(Protocol::Compact, &mut datagram);
/// #[derive(Default)]
/// struct Names(String, Vec<String>);
/// impl<'a> Sink<'a> for Names {
///     fn process(&mut self, process: Process<'a>) {
///         self.0 = process.service_name.into();
///     }
///     fn span(&mut self, span: &mut Span<'a>) {
///         self.1.push(span.operation_name.to_string());
///     }
///     fn forget(&mut self) {
///         self.1.clear();
///     }
/// }
/// let mut names = Names::default();
/// Message::read(Protocol::Compact, &datagram, &mut names)?;
/// assert_eq!((names.0.as_str(), names.1), ("shop", vec!["get".to_owned()]));
/// # Ok::<(), jaeger_thrift::DecodeError>(())
/// ```
pub trait Sink<'a> {
    /// Who sent the spans that come next.
    fn process(&mut self, process: Process<'a>);
    /// A span. What is left in it is thrown away.
    fn span(&mut self, span: &mut Span<'a>);
    /// What came so far was not meant: the input says all of it once more, otherwise. No client does so, but of what comes twice the last counts.
    fn forget(&mut self);
}

/// Takes nothing: for what has to be readable and nobody asks for.
pub(super) struct Nobody;

impl Sink<'_> for Nobody {
    fn process(&mut self, _: Process<'_>) {}
    fn span(&mut self, _: &mut Span<'_>) {}
    fn forget(&mut self) {}
}

/// Process and spans of a batch.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    pub(super) process: Process<'a>,
    pub(super) spans: Vec<Span<'a>>,
}

impl<'a> Gathered<'a> {
    pub(super) fn batch(self, Counts { seq_no, stats }: Counts) -> Batch<'a> {
        Batch { process: self.process, spans: self.spans, seq_no, stats }
    }
}

impl<'a> Sink<'a> for Gathered<'a> {
    fn process(&mut self, process: Process<'a>) {
        self.process = process;
    }

    fn span(&mut self, span: &mut Span<'a>) {
        self.spans.push(std::mem::take(span));
    }

    fn forget(&mut self) {
        self.spans.clear();
    }
}
