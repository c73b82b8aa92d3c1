//! The bytes being written: one check for room per group of fields, then stores of fixed width.
//!
//! The buffer's vector is always filled to its length, with zeros or with bytes of earlier use; `at` says how far it holds output. That makes room a
//! matter of one comparison, and lets a store write more bytes than it uses: a variable-length integer is stored as 8 or 16 bytes of which the next store
//! covers the rest. Every slot has [`SLACK`] bytes behind what was asked for, so such a store is always inside. All of it is plain indexing; a slot
//! that was sized wrongly panics, in debug builds whenever it is used, and `tests/wire` uses every kind and size of field.

/// The most bytes that a store covers beyond those it uses.
const SLACK: usize = 16;
/// How much is filled ahead of what is asked for.
const AHEAD: usize = 256;

/// A growing buffer, filled from the front.
#[derive(Debug, Default)]
pub(crate) struct Out {
    buf: Vec<u8>,
    at: usize,
}

impl Out {
    /// Continues behind what `buf` holds.
    pub(crate) fn append_to(buf: Vec<u8>) -> Self {
        let at = buf.len();
        Out { buf, at }
    }

    /// How many bytes are written.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Room for `n` bytes, and some slack. What is stored there counts once it is [`took`](Self::took).
    #[inline]
    pub(crate) fn room(&mut self, n: usize) -> Slot<'_> {
        if self.buf.len() - self.at < n.saturating_add(SLACK) {
            self.grow(n);
        }
        // In debug builds, and so in tests, not a byte more than was asked for: a group that asks for too little panics there, every time.
        let end = if cfg!(debug_assertions) { self.at + n + SLACK } else { self.buf.len() };
        Slot { bytes: &mut self.buf[self.at..end], used: 0 }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, n: usize) {
        // The vector's own growth is geometric; only what is soon needed is filled, so that appending to a long vector costs no more than to a short one.
        self.buf.resize(self.at + n + SLACK + AHEAD, 0);
    }

    /// The last slot holds `used` bytes.
    #[inline]
    pub(crate) fn took(&mut self, used: usize) {
        self.at += used;
        debug_assert!(self.at <= self.buf.len());
    }

    /// Goes back or, over bytes that were written before, forth.
    pub(crate) fn set_at(&mut self, at: usize) {
        debug_assert!(at <= self.buf.len());
        self.at = at;
    }

    /// What is written.
    pub(crate) fn written(&self) -> &[u8] {
        &self.buf[..self.at]
    }

    /// What is written, to be changed in place.
    pub(crate) fn written_mut(&mut self) -> &mut [u8] {
        &mut self.buf[..self.at]
    }

    /// Appends `bytes`.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let mut slot = self.room(bytes.len());
        slot.slice(bytes);
        let used = slot.used;
        self.took(used);
    }

    /// Gives memory back if the buffer is longer than `most`; what is written stays.
    pub(crate) fn shrink(&mut self, most: usize) {
        if self.buf.len() > most {
            self.buf.truncate(most.max(self.at));
            self.buf.shrink_to_fit();
        }
    }

    /// The vector, holding what is written and no more.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        self.buf.truncate(self.at);
        self.buf
    }
}

/// Room that was asked for, and how much of it is used.
pub(crate) struct Slot<'a> {
    bytes: &'a mut [u8],
    pub(crate) used: usize,
}

impl Slot<'_> {
    /// Stores all of `bytes` and keeps the first `keep`.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&mut self, bytes: [u8; N], keep: usize) {
        self.bytes[self.used..self.used + N].copy_from_slice(&bytes);
        self.used += keep;
    }

    /// Stores `bytes`.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.store(bytes, N);
    }

    /// Stores a slice. Short ones, which keys and names are, as two overlapping stores of fixed width instead of a call of `memcpy`.
    #[inline(always)]
    pub(crate) fn slice(&mut self, from: &[u8]) {
        let n = from.len();
        let to = &mut self.bytes[self.used..][..n];
        if n > 32 {
            to.copy_from_slice(from);
        } else if n >= 16 {
            ends::<16>(to, from);
        } else if n >= 8 {
            ends::<8>(to, from);
        } else if n >= 4 {
            ends::<4>(to, from);
        } else if n > 0 {
            to[0] = from[0];
            to[n / 2] = from[n / 2];
            to[n - 1] = from[n - 1];
        }
        self.used += n;
    }
}

/// Copies `from` of `N` to `2 * N` bytes by its first and its last `N`.
#[inline(always)]
fn ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(a), Some(b)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        let (a, b) = (*a, *b);
        if let Some(first) = to.first_chunk_mut::<N>() {
            *first = a;
        }
        if let Some(last) = to.last_chunk_mut::<N>() {
            *last = b;
        }
    }
}
