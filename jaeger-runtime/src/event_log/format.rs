//! The words of an event: how spans look inside the log, written by application threads and read by the collector.
//!
//! The first word says what the event is and how long:
//!
//! ```text
//! bits 60..64  kind (15 is the log's own, see `ring.rs`)
//! End          bits 0..60 ticks; nothing else, one word
//! Suspend      bits 0..60 of the span's id; nothing else, one word
//! all others   bits 48..60 words in all, 32..48 descriptor of value 0, 16..24 untold (not where a callsite is), the rest by kind
//!
//! Context      0..8 flags, 24 new owner | trace high | trace low | parent | state of the id generator
//! Start        0..32 callsite            | ticks | values
//! Root         0..32 callsite            | ticks | 0..8 flags, 8..24 origin, 24 trace id of 128 bits | values
//! EndWith      0..8 outcome, 8..16 count | ticks | values
//! StartAt      0..32 callsite            | ticks | trace high | trace low | span | parent | flags, 8.. origin, 32.. count | values
//! EndAt        0..8 outcome, 8..16 count | ticks | span | values
//! Extra        0..8 ExtraKind, 8..16 count | ticks | span | values           (tags and logs between start and end)
//!
//! values       descriptors of value 1 and on, four to a word | each value's words
//! untold       how many values found no room; those of an end are missed if the span arrives, and lost with it if it does not
//! descriptor   bits 0..4 kind, 4..16 length in bytes (or the boolean)
//! ```
//!
//! A nested span writes neither its ids nor its parent: the collector keeps the same stack and steps the same generator ([`next_id`]),
//! which starts again from each Context. A root takes its trace's id from the same generator, low half last. A nested span that turns out to wait (an async function whose first
//! poll is not its last) is taken off the stack by Suspend, and from there on is what a StartAt would have made of it. Text lies in the log as its bytes, padded to words with zeros.
//!
//! Left out on purpose: user code. A `Debug` or `Display` value is refused with [`NotWritten`]; formatting it here would let it open spans in the middle of this event.

use super::primitive::{Ordering, Word};
use crate::value::{LONGEST, Value};

/// The longest event in words: what bits 48..60 can say.
pub(crate) const MAX_EVENT_WORDS: usize = 4095;
/// The longest text or byte string of one value: what a descriptor can say.
pub(crate) const MAX_VALUE_BYTES: usize = 4095;
/// The most values of one event; what a span has more of follows in events of its own.
pub(crate) const MAX_VALUES: usize = 64;

pub(crate) const CONTEXT_WORDS: usize = 5;
/// In a Context's first word: another thread has taken the log over, so what its predecessor left open stays open for ever.
pub(crate) const NEW_OWNER: u32 = 1 << 24;
pub(crate) const START_WORDS: usize = 2;
pub(crate) const ROOT_WORDS: usize = 3;
/// In a Root's third word.
pub(crate) const ROOT_128: u64 = 1 << 24;
pub(crate) const START_AT_WORDS: usize = 7;
pub(crate) const END_WITH_WORDS: usize = 2;
pub(crate) const END_AT_WORDS: usize = 3;
pub(crate) const EXTRA_WORDS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Context = 1,
    Start = 2,
    End = 3,
    EndWith = 4,
    StartAt = 5,
    EndAt = 6,
    Extra = 7,
    Root = 8,
    Suspend = 9,
}

/// What an `Extra` event adds to its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExtraKind {
    /// Key and value.
    Tag = 0,
    /// Keys and values in turn.
    Log = 1,
    /// A new name.
    Name = 2,
    /// One poll of the span's future: how many ticks it took.
    Poll = 3,
    /// A span that this one follows from: trace id high, low, span id.
    FollowsFrom = 4,
    /// A log whose first values go without their keys, which are always [`RECORD_KEYS`]; then keys and values in turn.
    Record = 5,
}

/// What the first values of a [`Record`](ExtraKind::Record) are called: the message as `event`, as Jaeger's own clients and pages have it, and the place by OpenTelemetry's names.
pub(crate) const RECORD_KEYS: [&str; 5] = ["event", "level", "target", "code.file.path", "code.line.number"];

impl ExtraKind {
    pub(crate) fn from_bits(bits: u64) -> Self {
        match bits & 0xff {
            0 => Self::Tag,
            1 => Self::Log,
            3 => Self::Poll,
            4 => Self::FollowsFrom,
            5 => Self::Record,
            _ => Self::Name,
        }
    }
}

/// How a span ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Outcome {
    /// It returned, and what it returned was no error.
    Ok = 0,
    /// It returned `Err`.
    Error = 1,
    /// It panicked.
    Panic = 2,
    /// Its future was dropped before it was done.
    Cancelled = 3,
}

impl Outcome {
    pub(crate) fn from_bits(bits: u64) -> Self {
        match bits & 0xff {
            0 => Self::Ok,
            1 => Self::Error,
            2 => Self::Panic,
            _ => Self::Cancelled,
        }
    }
}

/// The kind in an event's first word, or `None` for a word that is no event.
pub(crate) fn kind(first: u64) -> Option<Kind> {
    Some(match first >> 60 {
        1 => Kind::Context,
        2 => Kind::Start,
        3 => Kind::End,
        4 => Kind::EndWith,
        5 => Kind::StartAt,
        6 => Kind::EndAt,
        7 => Kind::Extra,
        8 => Kind::Root,
        9 => Kind::Suspend,
        _ => return None,
    })
}

/// An event's words, told by its first.
pub(crate) fn length(first: u64) -> usize {
    if matches!(kind(first), Some(Kind::End | Kind::Suspend)) { 1 } else { (first >> 48 & 0xfff) as usize }
}

/// The only word of an `End` (with its ticks) and a `Suspend` (with the span's id).
#[inline(always)]
pub(crate) fn only_word(kind: Kind, low: u64) -> u64 {
    (kind as u64) << 60 | (low & ((1 << 60) - 1))
}

/// The first word of every event but `End` and `Suspend`.
#[inline(always)]
pub(crate) fn first_word(kind: Kind, words: usize, head: Head, low: u32) -> u64 {
    debug_assert!(words <= MAX_EVENT_WORDS, "an event of {words} words");
    (kind as u64) << 60 | (words as u64) << 48 | u64::from(head.0) << 16 | u64::from(low)
}

/// How many values found no room, of an event whose first word says so.
pub(crate) fn untold(first: u64) -> u64 {
    first >> 16 & 0xff
}

/// The id after `state`, which steps. Never zero. Both sides run it, so that nested spans need not write their ids.
///
/// A multiply-and-fold generator after wyrand: 0.6 ns, passes the usual statistical batteries at 64 bits; not for secrets.
#[inline(always)]
pub(crate) fn next_id(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x2d35_8dcc_aa6c_78a5);
    let product = u128::from(*state) * u128::from(*state ^ 0x8bb8_4b93_962e_acc9);
    let id = product as u64 ^ (product >> 64) as u64;
    if id == 0 { 1 } else { id }
}

const NONE: u16 = 0;
const LONG: u16 = 1;
const DOUBLE: u16 = 2;
const BOOL: u16 = 3;
const STR: u16 = 4;
const BYTES: u16 = 5;

/// Stands at the end of a text that was longer than its bound, inside the bound.
pub(crate) const CUT_MARK: &str = "…";

/// Why values were not written as they are: one must be formatted first, by code of the user's, or they do not fit into one event.
#[derive(Debug)]
pub(crate) struct NotWritten;

/// What becomes of a value that is longer than the room that the event has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// Nothing is written: the caller sends some of the values another way.
    Refuse,
    /// It is cut and marked, or left out where not even the mark has room.
    Cut,
}

/// Bits 16..48 of an event's first word, which are about its values: the descriptor of value 0, and how many found no room. As they stand there, so that who writes an event need not look at either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head(u32);

impl Head {
    pub(crate) const NONE: Self = Self(0);

    #[inline(always)]
    fn of(descriptor: u16) -> Self {
        Self(u32::from(descriptor) << 16)
    }

    /// More than 255 are told as so many.
    pub(crate) fn without(self, left_out: usize) -> Self {
        Self(self.0 | left_out.min(0xff) as u32)
    }
}

/// Words taken up to and with the values, and what the first word says of these.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    pub(crate) words: usize,
    pub(crate) head: Head,
}

/// Writes `values` into `window` from word `at` on. Each text keeps `max_len` bytes at most; `overflow` says what becomes of what finds no room.
///
/// Numbers and texts that fit are written here, which is almost all there is; the first value of another sort sends the whole event to [`write_any`].
#[inline(always)]
pub(crate) fn write_values(
    window: &[Word],
    at: usize,
    values: &[Value<'_>],
    max_len: usize,
    overflow: Overflow,
) -> Result<Written, NotWritten> {
    match write_usual(window, at, values, max_len) {
        Some(written) => Ok(written),
        None => write_any(window, at, values, max_len, overflow),
    }
}

/// Which of `values` have room in one event of `words` words behind `at` fixed ones, the earlier ones first: bit by bit. Those past [`MAX_VALUES`] have none.
#[cold]
pub(crate) fn fitting(words: usize, at: usize, values: &[Value<'_>], max_len: usize) -> u64 {
    let described = values.len().min(MAX_VALUES).saturating_sub(1).div_ceil(4);
    let mut left = words.saturating_sub(at + described);
    let mut fits = 0;
    for (index, value) in values.iter().take(MAX_VALUES).enumerate() {
        let needs = match *value {
            Value::Str(text) => text.len().min(max_len).div_ceil(8),
            Value::Bytes(bytes) => bytes.len().min(max_len).div_ceil(8),
            Value::Long(_) | Value::Unsigned(_) | Value::Double(_) => 1,
            _ => 0,
        };
        if needs <= left {
            left -= needs;
            fits |= 1 << index;
        }
    }
    fits
}

#[inline(always)]
fn write_usual(window: &[Word], at: usize, values: &[Value<'_>], max_len: usize) -> Option<Written> {
    let mut rest = window.get(at..)?;
    let descriptor = match values {
        // What almost every function has, without a loop.
        [a] => write_one(&mut rest, a, max_len)?,
        [a, b] => {
            let (word, body) = rest.split_first()?;
            rest = body;
            let first = write_one(&mut rest, a, max_len)?;
            word.store(write_one(&mut rest, b, max_len)?, Ordering::Relaxed);
            first
        }
        [a, b, c] => {
            let (word, body) = rest.split_first()?;
            rest = body;
            let first = write_one(&mut rest, a, max_len)?;
            let second = write_one(&mut rest, b, max_len)?;
            word.store(second | write_one(&mut rest, c, max_len)? << 16, Ordering::Relaxed);
            first
        }
        _ => return None,
    };
    Some(Written { words: window.len() - rest.len(), head: Head::of(descriptor as u16) })
}

/// A whole number, or a text within its bound; the descriptor. `None`, and nothing is written, for all else.
#[inline(always)]
fn write_one(rest: &mut &[Word], value: &Value<'_>, max_len: usize) -> Option<u64> {
    if let Value::Str(text) = value {
        let len = text.len();
        if len > max_len {
            return None;
        }
        let (words, left) = rest.split_at_checked(words_of(len))?;
        *rest = left;
        put_bytes(words, text.as_bytes());
        Some(u64::from(STR) | (len as u64) << 4)
    } else {
        let number = match *value {
            Value::Long(number) => number as u64,
            Value::Unsigned(number @ ..=LONGEST) => number,
            _ => return None,
        };
        let (word, left) = rest.split_first()?;
        *rest = left;
        word.store(number, Ordering::Relaxed);
        Some(u64::from(LONG))
    }
}

/// The same for values of all sorts and any number.
#[inline(never)]
fn write_any(
    window: &[Word],
    at: usize,
    values: &[Value<'_>],
    max_len: usize,
    overflow: Overflow,
) -> Result<Written, NotWritten> {
    let Some((first, more)) = values.split_first() else {
        return Ok(Written { words: at, head: Head::NONE });
    };
    if overflow == Overflow::Refuse && values.len() > MAX_VALUES {
        return Err(NotWritten);
    }
    let kept = &more[..more.len().min(MAX_VALUES - 1)];
    let body = window.get(at..).unwrap_or(&[]);
    let Some((descriptors, body)) = body.split_at_checked(kept.len().div_ceil(4)) else {
        return Err(NotWritten);
    };
    let lost =
        |value: &Value<'_>, descriptor| usize::from(descriptor == NONE && !matches!(value, Value::None));
    let mut rest = body;
    let descriptor = write_each(&mut rest, first, max_len, overflow)?;
    let mut left_out = more.len() - kept.len() + lost(first, descriptor);
    for (word, four) in descriptors.iter().zip(kept.chunks(4)) {
        let (mut packed, mut lane) = (0u64, 0);
        for value in four {
            let descriptor = write_each(&mut rest, value, max_len, overflow)?;
            left_out += lost(value, descriptor);
            packed |= u64::from(descriptor) << lane;
            lane += 16;
        }
        word.store(packed, Ordering::Relaxed);
    }
    Ok(Written { words: window.len() - rest.len(), head: Head::of(descriptor).without(left_out) })
}

/// Writes one value at the front of `rest`; its descriptor.
#[inline(always)]
fn write_each(
    rest: &mut &[Word],
    value: &Value<'_>,
    max_len: usize,
    overflow: Overflow,
) -> Result<u16, NotWritten> {
    if let Some(descriptor) = write_one(rest, value, max_len) {
        return Ok(descriptor as u16);
    }
    let (descriptor, left) = write_value(rest, value, max_len, overflow)?;
    *rest = left;
    Ok(descriptor)
}

/// The same for what [`write_one`] does not write; and the words that are left.
#[inline(always)]
fn write_value<'w>(
    window: &'w [Word],
    value: &Value<'_>,
    max_len: usize,
    overflow: Overflow,
) -> Result<(u16, &'w [Word]), NotWritten> {
    let room = |len: usize| overflow == Overflow::Cut || len.min(max_len).div_ceil(8) <= window.len();
    let (kind, bits) = match *value {
        Value::None => return Ok((NONE, window)),
        Value::Bool(v) => return Ok((BOOL | u16::from(v) << 4, window)),
        Value::Long(v) => (LONG, v as u64),
        Value::Unsigned(v @ ..=LONGEST) => (LONG, v),
        Value::Double(v) => (DOUBLE, v.to_bits()),
        Value::Str(v) if room(v.len()) => return Ok(write_bytes(window, STR, v, v.as_bytes(), max_len)),
        Value::Bytes(v) if room(v.len()) => return Ok(write_bytes(window, BYTES, "", v, max_len)),
        Value::Str(_) | Value::Bytes(_) => return Err(NotWritten),
        Value::Unsigned(_) | Value::Display(_) | Value::Debug(_) | Value::Tag(_) => return Err(NotWritten),
    };
    Ok(match window.split_first() {
        Some((word, rest)) => {
            word.store(bits, Ordering::Relaxed);
            (kind, rest)
        }
        None if overflow == Overflow::Refuse => return Err(NotWritten),
        None => (NONE, window),
    })
}

/// Text or bytes, cut at their bound or the event's end.
fn write_bytes<'w>(
    window: &'w [Word],
    kind: u16,
    text: &str,
    bytes: &[u8],
    max_len: usize,
) -> (u16, &'w [Word]) {
    match window.split_at_checked(bytes.len().div_ceil(8)) {
        Some((words, rest)) if bytes.len() <= max_len => {
            put_bytes(words, bytes);
            (kind | (bytes.len() as u16) << 4, rest)
        }
        _ => write_long(window, kind, text, bytes, max_len),
    }
}

/// Text or bytes past their bound, or the event's: text is cut at a character and marked, bytes are cut and not marked (there is no mark that could not be a value).
#[inline(never)]
fn write_long<'w>(
    window: &'w [Word],
    kind: u16,
    text: &str,
    bytes: &[u8],
    max_len: usize,
) -> (u16, &'w [Word]) {
    let bound = max_len.min(window.len() * 8);
    if bound < CUT_MARK.len() {
        return (NONE, window);
    }
    let len = if kind == STR {
        let kept = floor_char_boundary(text, bound - CUT_MARK.len());
        put_cut(window, &text.as_bytes()[..kept])
    } else {
        put_bytes(&window[..bound.div_ceil(8)], &bytes[..bound]);
        bound
    };
    (kind | (len as u16) << 4, &window[len.div_ceil(8)..])
}

/// Writes text and mark; the whole words first, then the last of the text together with the mark.
#[inline(never)]
fn put_cut(window: &[Word], text: &[u8]) -> usize {
    let (whole, rest) = text.split_at(text.len() / 8 * 8);
    let words = whole.len() / 8;
    put_bytes(&window[..words], whole);
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()..rest.len() + CUT_MARK.len()].copy_from_slice(CUT_MARK.as_bytes());
    let tail = &last[..rest.len() + CUT_MARK.len()];
    put_bytes(&window[words..words + tail.len().div_ceil(8)], tail);
    whole.len() + tail.len()
}

/// Words that hold `len` bytes.
#[inline(always)]
fn words_of(len: usize) -> usize {
    // As `div_ceil`, which looks at the remainder because it must not overflow; no text is that long.
    len.wrapping_add(7) >> 3
}

/// Copies `bytes` into exactly the words they need, the last one padded with zeros.
#[inline(always)]
fn put_bytes(words: &[Word], bytes: &[u8]) {
    let Some((last, whole)) = words.split_last() else { return };
    match whole {
        [] => {}
        // Nine to sixteen bytes, which names and ids have: without a loop, which is worth its beginning only for more.
        [first] => {
            first.store(bytes.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk)), Ordering::Relaxed)
        }
        _ => {
            for (word, chunk) in whole.iter().zip(bytes.chunks_exact(8)) {
                word.store(load(chunk), Ordering::Relaxed);
            }
        }
    }
    // The eight bytes before the end hold the last word's in their upper part: one load and one shift instead of a loop over bytes.
    let bits = match bytes.last_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk) >> (8 * (bytes.len().wrapping_neg() % 8)),
        None => short(bytes),
    };
    last.store(bits, Ordering::Relaxed);
}

#[inline(always)]
fn load(eight: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(eight);
    u64::from_le_bytes(word)
}

/// One to seven bytes as a little-endian word, by two overlapping loads where they fit.
#[inline(always)]
fn short(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    if n >= 4 {
        let low = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let high = u32::from_le_bytes([bytes[n - 4], bytes[n - 3], bytes[n - 2], bytes[n - 1]]);
        u64::from(low) | u64::from(high) << (8 * (n - 4))
    } else {
        // First, middle and last: for one byte all three are the same, for two the middle is the last.
        u64::from(bytes[0])
            | u64::from(bytes[n / 2]) << (8 * (n / 2))
            | u64::from(bytes[n - 1]) << (8 * (n - 1))
    }
}

/// The last boundary of a character at or before `index`.
pub(crate) fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut at = index.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A value as the collector finds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stored<'a> {
    None,
    Bool(bool),
    Long(i64),
    Double(f64),
    /// Text. Valid UTF-8 unless the log is damaged.
    Str(&'a [u8]),
    Bytes(&'a [u8]),
}

/// The values of an event, read from the bytes of the words that follow its fixed part.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Values<'a> {
    first: u16,
    index: usize,
    count: usize,
    descriptors: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Values<'a> {
    /// `count` values, the first described by `descriptor`, the rest in `bytes`.
    pub(crate) fn new(count: usize, descriptor: u16, bytes: &'a [u8]) -> Self {
        let count = count.min(MAX_VALUES);
        let split = (count.saturating_sub(1).div_ceil(4) * 8).min(bytes.len());
        let (descriptors, payload) = bytes.split_at(split);
        Self { first: descriptor, index: 0, count, descriptors, payload }
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (value, rest) = self.payload.split_at(bytes.next_multiple_of(8).min(self.payload.len()));
        self.payload = rest;
        &value[..bytes.min(value.len())]
    }

    fn word(&mut self) -> u64 {
        let bytes = self.take(8);
        if bytes.len() == 8 { load(bytes) } else { 0 }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Stored<'a>;

    fn next(&mut self) -> Option<Stored<'a>> {
        if self.index == self.count {
            return None;
        }
        let descriptor = match self.index.checked_sub(1) {
            None => self.first,
            Some(i) => match self.descriptors.get(2 * i..2 * i + 2) {
                Some(two) => u16::from_le_bytes([two[0], two[1]]),
                None => NONE,
            },
        };
        self.index += 1;
        let len = usize::from(descriptor >> 4);
        Some(match descriptor & 0xf {
            LONG => Stored::Long(self.word() as i64),
            DOUBLE => Stored::Double(f64::from_bits(self.word())),
            BOOL => Stored::Bool(len != 0),
            STR => Stored::Str(self.take(len)),
            BYTES => Stored::Bytes(self.take(len)),
            _ => Stored::None,
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
