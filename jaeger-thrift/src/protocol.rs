//! Which encoding, and what stands around a batch in a message. No code of either encoding.

use crate::model::Batch;

/// The method that a message calls.
pub(crate) const METHOD: &str = "emitBatch";

/// One of Thrift's two encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Variable-length integers, field ids as differences: port 6831/udp.
    Compact,
    /// Fixed-width integers, with the version in the header ("strict"): port 6832/udp, and the body of `POST /api/traces`.
    ///
    /// Readers also take the old header without a version.
    Binary,
}

/// What a message says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// A call whose caller waits for an answer. Jaeger's Go client sends this, though it never waits.
    Call = 1,
    /// An answer. No client sends it; the agent does not look.
    Reply = 2,
    /// A failed call's answer. No client sends it; the agent does not look.
    Exception = 3,
    /// A call without an answer. What the service's definition says, and what the Python and Node clients send.
    Oneway = 4,
}

impl MessageType {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Call, Self::Reply, Self::Exception, Self::Oneway].into_iter().find(|it| *it as u8 == number)
    }
}

/// A call of `emitBatch`: what a datagram holds.
///
/// [`Message::new`] chooses what Jaeger's Go client sends, a call with the sequence id 1, so that the same batch gives the same bytes. An agent takes any
/// type and any sequence id and never answers over UDP; batches are counted by [`Batch::seq_no`].
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// The message's type.
    pub message_type: MessageType,
    /// Thrift's number of the call, of no use over UDP.
    pub sequence_id: i32,
    /// The argument.
    pub batch: Batch<'a>,
}

impl<'a> Message<'a> {
    /// A message as Jaeger's Go client would send it.
    pub fn new(batch: Batch<'a>) -> Self {
        Message { message_type: MessageType::Call, sequence_id: 1, batch }
    }

    /// Copies what is borrowed.
    pub fn into_owned(self) -> Message<'static> {
        Message {
            message_type: self.message_type,
            sequence_id: self.sequence_id,
            batch: self.batch.into_owned(),
        }
    }
}
