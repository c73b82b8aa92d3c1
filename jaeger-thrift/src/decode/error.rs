//! Why bytes could not be read: what, where, and what was being read. No text of the input but a method's name, shortened.

use std::fmt;

/// Bytes that are no message of Jaeger's.
///
/// ```
/// use jaeger_thrift::{Batch, DecodeErrorKind, Protocol};
/// let error = Batch::decode(Protocol::Binary, &[12, 0, 1]).unwrap_err();
/// assert_eq!(*error.kind(), DecodeErrorKind::Truncated);
/// assert_eq!(error.to_string(), "at byte 3, reading Process: the input ends");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<Fault>);

/// Boxed, so that what every step of reading returns fits into registers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    kind: DecodeErrorKind,
    reading: &'static str,
    offset: usize,
}

impl DecodeError {
    #[cold]
    pub(super) fn new(offset: usize, reading: &'static str, kind: DecodeErrorKind) -> Self {
        DecodeError(Box::new(Fault { kind, reading, offset }))
    }

    /// What is wrong.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.0.kind
    }

    /// What was being read: a struct such as `Span`, or a field such as `Span.operationName`, by their names in `jaeger.thrift`.
    pub fn reading(&self) -> &'static str {
        self.0.reading
    }

    /// Where, in bytes from the start of the input: where the faulty thing begins, or where the input ends.
    pub fn offset(&self) -> usize {
        self.0.offset
    }
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends within.
    Truncated,
    /// A variable-length integer that does not fit its type.
    VarintTooLarge,
    /// A variable-length integer with needless zeros behind it, which no encoder writes.
    VarintOverlong,
    /// A length or a count below zero.
    Negative(i32),
    /// Text or bytes longer than what is left of the input.
    Length {
        /// The length that it declares, in bytes.
        declared: usize,
        /// What is left, in bytes.
        left: usize,
    },
    /// More elements than what is left of the input can hold.
    Count {
        /// The count that it declares.
        declared: usize,
        /// What is left, in bytes.
        left: usize,
    },
    /// Structs and containers within each other deeper than 64.
    TooDeep,
    /// A type that the encoding does not have.
    UnknownType(u8),
    /// A list of something else than structs.
    NotStructs,
    /// An id beyond 16 bits.
    FieldId,
    /// The first byte is not that of the encoding.
    NotThisProtocol(u8),
    /// A version of the encoding other than 1.
    Version(u16),
    /// A message type other than call, reply, exception, oneway.
    MessageType(u8),
    /// A method other than `emitBatch`; its name, or the beginning of it.
    UnknownMethod(String),
    /// A required field is not there, or is there with another type.
    Missing,
    /// A number that is none of an enumeration's.
    UnknownValue(i32),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}, reading {}: {}", self.offset(), self.reading(), self.kind())
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the input ends"),
            Self::VarintTooLarge => f.write_str("a variable-length integer is too large for its type"),
            Self::VarintOverlong => f.write_str("a variable-length integer is longer than it needs to be"),
            Self::Negative(n) => write!(f, "a length or count is negative: {n}"),
            Self::Length { declared, left } => write!(f, "{declared} bytes are declared, {left} are left"),
            Self::Count { declared, left } => {
                write!(f, "{declared} elements are declared, which do not fit into the {left} bytes left")
            }
            Self::TooDeep => write!(f, "nested deeper than {}", super::input::DEEPEST),
            Self::UnknownType(n) => write!(f, "unknown type {n}"),
            Self::NotStructs => f.write_str("a list of structs holds something else"),
            Self::FieldId => f.write_str("a field's id is beyond 16 bits"),
            Self::NotThisProtocol(n) => write!(f, "byte {n:#04x} does not begin a message of this protocol"),
            Self::Version(n) => write!(f, "unknown version {n:#x} of the protocol"),
            Self::MessageType(n) => write!(f, "unknown message type {n}"),
            Self::UnknownMethod(name) => write!(f, "unknown method {name:?}"),
            Self::Missing => f.write_str("a required field is missing"),
            Self::UnknownValue(n) => write!(f, "unknown value {n}"),
        }
    }
}

impl std::error::Error for DecodeError {}
