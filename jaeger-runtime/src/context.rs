//! `SpanContext`: what one span tells another about itself, in memory.
//!
//! `Copy`, 32 bytes, no heap. How it is written into headers is the propagation's business, not this file's;
//! baggage is deliberately absent (it will sit beside the context behind one pointer, because it is rare).

use core::fmt;

/// The trace is recorded and sent.
pub(crate) const SAMPLED: u8 = 1;
/// The trace was asked for by hand: no sampler may drop it.
pub(crate) const DEBUG: u8 = 2;
/// What a carrier may say; the bits above are this process's own.
pub(crate) const WIRE: u8 = 0x0f;
/// The span lives in another process: a child of it is the root of what this process records.
pub(crate) const REMOTE: u8 = 0x40;

/// Identity of a trace: 64 or 128 bits, shown as 16 or 32 hex digits. Zero means "no trace".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TraceId(pub(crate) u128);

/// Identity of a span inside its trace: 64 bits, shown as 16 hex digits. Zero means "no span".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SpanId(pub(crate) u64);

impl TraceId {
    /// From a number; zero is "no trace".
    pub const fn from_u128(id: u128) -> Self {
        Self(id)
    }
    /// The number.
    pub const fn to_u128(self) -> u128 {
        self.0
    }
    /// The high 64 bits, zero for a 64-bit trace id.
    pub const fn high(self) -> u64 {
        (self.0 >> 64) as u64
    }
    /// The low 64 bits; samplers decide by them.
    pub const fn low(self) -> u64 {
        self.0 as u64
    }
    pub(crate) const fn from_parts(high: u64, low: u64) -> Self {
        Self(((high as u128) << 64) | low as u128)
    }
}

impl SpanId {
    /// From a number; zero is "no span".
    pub const fn from_u64(id: u64) -> Self {
        Self(id)
    }
    /// The number.
    pub const fn to_u64(self) -> u64 {
        self.0
    }
}

/// 16 hex digits, or 32 when the high half is not zero: as Jaeger shows it.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.high() == 0 { write!(f, "{:016x}", self.low()) } else { write!(f, "{:032x}", self.0) }
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 16 hex digits.
impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Trace, span and flags: what a child needs to know of its parent.
///
/// ```
/// use jaeger_runtime::{SpanContext, SpanId, TraceId};
///
/// let context = SpanContext::new(TraceId::from_u128(0xabc), SpanId::from_u64(7), true);
/// assert!(context.is_sampled() && context.is_valid());
/// assert_eq!(context.to_string(), "0000000000000abc:0000000000000007:0:1");
/// assert!(!SpanContext::NONE.is_valid());
/// ```
#[derive(Clone, Copy, Default)]
pub struct SpanContext {
    pub(crate) trace_id: TraceIdHalves,
    pub(crate) span_id: u64,
    pub(crate) flags: u8,
}

/// Two words instead of a `u128`, whose alignment of 16 would make the context 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct TraceIdHalves {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

impl SpanContext {
    /// No context: nothing is ambient.
    pub const NONE: Self = Self { trace_id: TraceIdHalves { high: 0, low: 0 }, span_id: 0, flags: 0 };

    /// A context from its parts, as a carrier would give them. A span under it counts as the root of what this process records.
    pub const fn new(trace_id: TraceId, span_id: SpanId, sampled: bool) -> Self {
        Self::from_raw(trace_id.high(), trace_id.low(), span_id.0, sampled as u8 | REMOTE)
    }

    pub(crate) const fn from_raw(high: u64, low: u64, span_id: u64, flags: u8) -> Self {
        Self { trace_id: TraceIdHalves { high, low }, span_id, flags }
    }

    /// The trace.
    pub const fn trace_id(&self) -> TraceId {
        TraceId::from_parts(self.trace_id.high, self.trace_id.low)
    }
    /// The span.
    pub const fn span_id(&self) -> SpanId {
        SpanId(self.span_id)
    }
    /// Whether spans of this trace are recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
    /// Whether somebody asked for this trace by hand.
    pub const fn is_debug(&self) -> bool {
        self.flags & DEBUG != 0
    }
    /// The flags as Jaeger writes them: bit 0 sampled, bit 1 debug.
    pub const fn flags(&self) -> u8 {
        self.flags & WIRE
    }
    pub(crate) const fn is_remote(&self) -> bool {
        self.flags & REMOTE != 0
    }
    /// Whether trace and span are both known.
    pub const fn is_valid(&self) -> bool {
        self.span_id != 0 && (self.trace_id.high != 0 || self.trace_id.low != 0)
    }
}

/// Equal in what a carrier could say.
impl PartialEq for SpanContext {
    fn eq(&self, other: &Self) -> bool {
        (self.trace_id, self.span_id, self.flags()) == (other.trace_id, other.span_id, other.flags())
    }
}

impl Eq for SpanContext {}

impl core::hash::Hash for SpanContext {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.trace_id, self.span_id, self.flags()).hash(state);
    }
}

/// `{trace}:{span}:0:{flags}`, the value of Jaeger's `uber-trace-id` header.
impl fmt::Display for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:0:{:x}", self.trace_id(), self.span_id(), self.flags())
    }
}

impl fmt::Debug for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanContext({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_four_words_and_shows_short_and_long_ids() {
        assert_eq!(size_of::<SpanContext>(), 32);
        let short = SpanContext::from_raw(0, 0xabc, 1, SAMPLED | DEBUG);
        assert_eq!(short.to_string(), "0000000000000abc:0000000000000001:0:3");
        let long = SpanContext::from_raw(1, 2, 3, 0);
        assert_eq!(long.trace_id().to_string(), "00000000000000010000000000000002");
        assert_eq!(long.trace_id().to_u128(), (1 << 64) | 2);
        assert!(!SpanContext::from_raw(0, 0, 3, 1).is_valid());
        assert!(!SpanContext::from_raw(0, 3, 0, 1).is_valid());
    }
}
