//! From bytes to the model, and to where spans stand in a datagram of ours.
//!
//! A bounded reader: input of any content gives a model or a [`DecodeError`], in time linear in its length, with allocations of at most a few times its
//! length, whatever it declares. Bytes behind the message are not looked at, as agents do not.

mod error;
mod input;
mod jaeger;
mod quick;
mod sink;
mod texts;

pub use error::{DecodeError, DecodeErrorKind};
pub(crate) use input::{Binary, Compact, Input, Kind, Read, Result, skip, structs};
use sink::Gathered;
pub use sink::Sink;
pub use texts::Texts;

use self::jaeger::Counts;
use crate::model::Batch;
use crate::protocol::{METHOD, Message, MessageType, Protocol};

/// How much of an unknown method's name an error repeats.
const LONGEST_METHOD: usize = 64;

impl<'a> Message<'a> {
    /// Reads what one datagram holds.
    ///
    /// ```
    /// use jaeger_thrift::{DecodeErrorKind, Message, Protocol};
    /// // A list that declares 2,147,483,647 spans.
    /// let bomb = b"\x82\x21\x01\x09emitBatch\x1c\x1c\x18\x01x\x00\x19\xfc\xff\xff\xff\xff\x07";
    /// let error = Message::decode(Protocol::Compact, bomb).unwrap_err();
    /// assert_eq!(error.reading(), "Batch.spans");
    /// assert_eq!(*error.kind(), DecodeErrorKind::Count { declared: 0x7fff_ffff, left: 0 });
    /// ```
    ///
    /// # Errors
    /// If it is not a call of `emitBatch` in that encoding, or breaks off, or declares what it does not hold.
    pub fn decode(protocol: Protocol, bytes: &'a [u8]) -> std::result::Result<Self, DecodeError> {
        let mut gathered = Gathered::default();
        let (message_type, sequence_id, counts) = message(protocol, bytes, &mut gathered)?;
        Ok(Message { message_type, sequence_id, batch: gathered.batch(counts) })
    }

    /// Reads the same without keeping it: `sink` gets each span as it is read. After an error, what it got so far is part of nothing.
    ///
    /// ```
    /// use jaeger_thrift::{Batch, Message, Process, Protocol, Sink, Span};
    /// struct Count(usize);
    /// impl Sink<'_> for Count {
    ///     fn process(&mut self, _: Process<'_>) {}
    ///     fn span(&mut self, _: &mut Span<'_>) {
    ///         self.0 += 1;
    ///     }
    ///     fn forget(&mut self) {
    ///         self.0 = 0;
    ///     }
    /// }
    /// let batch = Batch { process: Process::new("shop"), spans: vec![Span::default(); 3], ..Batch::default() };
    /// let mut datagram = Vec::new();
    /// Message::new(batch).encode_into(Protocol::Compact, &mut datagram);
    /// let mut count = Count(0);
    /// Message::read(Protocol::Compact, &datagram, &mut count)?;
    /// assert_eq!(count.0, 3);
    /// // It breaks off.
    /// assert!(Message::read(Protocol::Compact, &datagram[..datagram.len() - 5], &mut count).is_err());
    /// # Ok::<(), jaeger_thrift::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Message::decode`].
    pub fn read(
        protocol: Protocol,
        bytes: &'a [u8],
        sink: &mut dyn Sink<'a>,
    ) -> std::result::Result<(), DecodeError> {
        message(protocol, bytes, sink).map(|_| ())
    }
}

impl<'a> Batch<'a> {
    /// Reads a batch without a message around it: with [`Protocol::Binary`] the body of `POST /api/traces`.
    ///
    /// # Errors
    /// If it is no batch in that encoding, or breaks off, or declares what it does not hold.
    pub fn decode(protocol: Protocol, bytes: &'a [u8]) -> std::result::Result<Self, DecodeError> {
        let mut gathered = Gathered::default();
        let counts = batch(protocol, bytes, &mut gathered)?;
        Ok(gathered.batch(counts))
    }

    /// Reads the same without keeping it, as [`Message::read`].
    ///
    /// ```
    /// use jaeger_thrift::{Batch, Process, Protocol, Sink, Span};
    /// #[derive(Default)]
    /// struct Longest(i64);
    /// impl Sink<'_> for Longest {
    ///     fn process(&mut self, _: Process<'_>) {}
    ///     fn span(&mut self, span: &mut Span<'_>) {
    ///         self.0 = self.0.max(span.duration);
    ///     }
    ///     fn forget(&mut self) {
    ///         self.0 = 0;
    ///     }
    /// }
    /// let spans = [30, 50, 40].map(|duration| Span { duration, ..Span::default() }).to_vec();
    /// let mut body = Vec::new();
    /// Batch { process: Process::new("shop"), spans, ..Batch::default() }.encode_into(Protocol::Binary, &mut body);
    /// let mut longest = Longest::default();
    /// Batch::read(Protocol::Binary, &body, &mut longest)?;
    /// assert_eq!(longest.0, 50);
    /// # Ok::<(), jaeger_thrift::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Batch::decode`].
    pub fn read(
        protocol: Protocol,
        bytes: &'a [u8],
        sink: &mut dyn Sink<'a>,
    ) -> std::result::Result<(), DecodeError> {
        batch(protocol, bytes, sink).map(|_| ())
    }
}

fn batch<'a>(protocol: Protocol, bytes: &'a [u8], sink: &mut dyn Sink<'a>) -> Result<Counts> {
    let mut input = Input::new(bytes);
    match protocol {
        Protocol::Compact => jaeger::batch::<Compact>(&mut input, sink),
        Protocol::Binary => jaeger::batch::<Binary>(&mut input, sink),
    }
}

/// The header of a message of ours.
fn header<R: Read>(input: &mut Input<'_>) -> Result<(MessageType, i32)> {
    const READING: &str = "message header";
    let start = input.at();
    let (number, sequence_id, name) = R::message(input)?;
    let message_type = MessageType::from_number(number)
        .ok_or_else(|| Input::fault(start, READING, DecodeErrorKind::MessageType(number)))?;
    if name != METHOD.as_bytes() {
        let name = String::from_utf8_lossy(&name[..name.len().min(LONGEST_METHOD)]).into_owned();
        return Err(Input::fault(start, READING, DecodeErrorKind::UnknownMethod(name)));
    }
    Ok((message_type, sequence_id))
}

type Header = (MessageType, i32, Counts);

fn message<'a>(protocol: Protocol, bytes: &'a [u8], sink: &mut dyn Sink<'a>) -> Result<Header> {
    match protocol {
        Protocol::Compact => message_of::<Compact>(bytes, sink),
        Protocol::Binary => message_of::<Binary>(bytes, sink),
    }
}

fn message_of<'a, R: Read + quick::Quick>(bytes: &'a [u8], sink: &mut dyn Sink<'a>) -> Result<Header> {
    let mut input = Input::new(bytes);
    let (message_type, sequence_id) = header::<R>(&mut input)?;
    let mut counts = None;
    jaeger::fields::<R>(&mut input, "emitBatch", |input, id, kind| match (id, kind) {
        (1, Kind::Struct) => {
            if counts.is_some() {
                sink.forget();
            }
            counts = Some(jaeger::batch::<R>(input, sink)?);
            Ok(true)
        }
        _ => Ok(false),
    })?;
    Ok((message_type, sequence_id, jaeger::required(&input, counts, "emitBatch.batch")?))
}

/// The length of the struct with which `bytes` begin.
pub(crate) fn struct_length(protocol: Protocol, bytes: &[u8]) -> Result<usize> {
    let mut input = Input::new(bytes);
    match protocol {
        Protocol::Compact => skip::<Compact>(&mut input, Kind::Struct, "Span")?,
        Protocol::Binary => skip::<Binary>(&mut input, Kind::Struct, "Span")?,
    }
    Ok(input.at())
}

/// The spans of a datagram as they stand in it, one behind the other.
pub(crate) fn spans_within(protocol: Protocol, message: bool, bytes: &[u8]) -> Result<&[u8]> {
    match protocol {
        Protocol::Compact => spans_in::<Compact>(message, bytes),
        Protocol::Binary => spans_in::<Binary>(message, bytes),
    }
}

fn spans_in<R: Read>(message: bool, bytes: &[u8]) -> Result<&[u8]> {
    let mut input = Input::new(bytes);
    let mut spans = None;
    let mut batch = |input: &mut Input<'_>| {
        jaeger::fields::<R>(input, "Batch", |input, id, kind| match (id, kind) {
            (2, Kind::List) => {
                let n = structs::<R>(input, 1, "Batch.spans")?;
                let start = input.at();
                for _ in 0..n {
                    skip::<R>(input, Kind::Struct, "Span")?;
                }
                spans = Some(start..input.at());
                Ok(true)
            }
            _ => Ok(false),
        })
    };
    if message {
        header::<R>(&mut input)?;
        jaeger::fields::<R>(&mut input, "emitBatch", |input, id, kind| match (id, kind) {
            (1, Kind::Struct) => batch(input).map(|()| true),
            _ => Ok(false),
        })?;
    } else {
        batch(&mut input)?;
    }
    let spans = jaeger::required(&input, spans, "Batch.spans")?;
    Ok(&bytes[spans])
}
