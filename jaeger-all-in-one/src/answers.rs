//! Answers that have been written and not yet been taken, bounded by bytes, all together.
//!
//! An answer may be large (a trace of 100,000 spans: 50 MB), and who asked may take it slowly, or never. So it lies in pieces, of which each is freed once it is
//! on its way; and where there is no room for a new one, those that nobody has taken a piece of for the longest break off, for a client that reads is worth
//! more than one that does not. If all are being taken, the new one is refused.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// Bytes of all answers together that wait to be taken; one that is larger than that is alone.
const MOST: usize = 256 << 20;
/// Who has taken nothing for so long makes room for somebody else.
const IDLE: Duration = Duration::from_secs(1);
/// Bytes that are freed at a time. What is smaller than that is not counted: its connection costs as much.
pub(crate) const PIECE: usize = 64 << 10;

/// Text in pieces: it is written to, and is never copied while it grows.
#[derive(Debug)]
pub(crate) struct Pieces {
    full: Vec<Bytes>,
    last: Vec<u8>,
    most: usize,
}

impl Pieces {
    /// Of at most so many bytes, a piece more or less; then writing fails.
    pub(crate) fn at_most(most: usize) -> Self {
        Pieces { full: Vec::new(), last: Vec::with_capacity(1024), most: most / PIECE }
    }

    pub(crate) fn new() -> Self {
        Pieces::at_most(usize::MAX)
    }

    /// All of it, in order.
    pub(crate) fn end(mut self) -> Vec<Bytes> {
        self.full.push(self.last.into());
        self.full
    }
}

impl io::Write for Pieces {
    /// Almost all of an answer is written in shreds of a few bytes, which end in the last piece.
    #[inline]
    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        if self.last.len() + text.len() > PIECE {
            return self.write(text).map(|_| ());
        }
        self.last.extend_from_slice(text);
        Ok(())
    }

    fn write(&mut self, mut text: &[u8]) -> io::Result<usize> {
        let length = text.len();
        while self.last.len() + text.len() > PIECE {
            if self.full.len() >= self.most {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let (here, rest) = text.split_at(PIECE - self.last.len());
            self.last.extend_from_slice(here);
            self.full.push(std::mem::replace(&mut self.last, Vec::with_capacity(PIECE)).into());
            text = rest;
        }
        self.last.extend_from_slice(text);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Those that wait; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    waiting: HashMap<u64, Waiting>,
    last: u64,
    bytes: usize,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {} answers", self.bytes, self.waiting.len())
    }
}

struct Waiting {
    pieces: std::vec::IntoIter<Bytes>,
    bytes: usize,
    taken: Instant,
}

impl Held {
    fn forget(&mut self, number: u64) {
        if let Some(waiting) = self.waiting.remove(&number) {
            self.bytes -= waiting.bytes;
        }
    }
}

impl Answers {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing panics under the lock but a bug, and then the others still go out.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.held().bytes
    }

    /// Has an answer wait, if there is room for it or room can be made.
    pub(crate) fn hold(&self, pieces: Vec<Bytes>) -> Option<Answer> {
        let bytes = pieces.iter().map(Bytes::len).sum();
        if bytes <= PIECE {
            return Some(Answer::small(pieces));
        }
        let mut held = self.held();
        while held.bytes > 0 && held.bytes + bytes > MOST {
            let idlest = held.waiting.iter().min_by_key(|(_, waiting)| waiting.taken);
            let (&idlest, _) = idlest.filter(|(_, waiting)| waiting.taken.elapsed() >= IDLE)?;
            held.forget(idlest);
        }
        held.last += 1;
        let number = held.last;
        held.bytes += bytes;
        held.waiting.insert(number, Waiting { pieces: pieces.into_iter(), bytes, taken: Instant::now() });
        Some(Answer { left: bytes, lies: Lies::There { answers: self.clone(), number } })
    }
}

/// An answer, to be taken.
pub(crate) struct Answer {
    left: usize,
    lies: Lies,
}

enum Lies {
    /// Here, for it is small.
    Here(std::vec::IntoIter<Bytes>),
    /// Among those that are counted.
    There { answers: Answers, number: u64 },
}

impl Answer {
    /// One that is not counted.
    pub(crate) fn small(pieces: Vec<Bytes>) -> Self {
        Answer { left: pieces.iter().map(Bytes::len).sum(), lies: Lies::Here(pieces.into_iter()) }
    }
}

/// An answer made room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody took the answer, and others needed its room")
    }
}

impl std::error::Error for BrokenOff {}

impl Body for Answer {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = match &mut self.lies {
            Lies::Here(pieces) => pieces.next(),
            Lies::There { answers, number } => {
                let mut held = answers.held();
                let held = &mut *held;
                match held.waiting.entry(*number) {
                    Entry::Vacant(_) => None,
                    Entry::Occupied(mut waiting) => {
                        let waiting = waiting.get_mut();
                        let piece = waiting.pieces.next();
                        let bytes = piece.as_ref().map_or(0, Bytes::len);
                        waiting.taken = Instant::now();
                        waiting.bytes -= bytes;
                        held.bytes -= bytes;
                        piece
                    }
                }
            }
        };
        let Some(piece) = piece else { return Poll::Ready(Some(Err(BrokenOff))) };
        self.left -= piece.len();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Lies::There { answers, number } = &self.lies {
            answers.held().forget(*number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use std::io::Write as _;

    fn pieces(bytes: usize) -> Vec<Bytes> {
        let mut pieces = Pieces::new();
        pieces.write_all(&vec![b'x'; bytes]).unwrap();
        pieces.end()
    }

    #[test]
    fn what_is_written_in_any_steps_comes_out_whole() {
        let text: Vec<u8> = (0..3 * PIECE + 5).map(|n| (n % 251) as u8).collect();
        for step in [1, 7, 1000, PIECE - 1, PIECE, PIECE + 1, text.len()] {
            let mut pieces = Pieces::new();
            for part in text.chunks(step) {
                pieces.write_all(part).unwrap();
            }
            let pieces = pieces.end();
            assert_eq!((pieces.concat() == text, pieces.len()), (true, 4), "in steps of {step}");
        }
    }

    #[test]
    fn what_becomes_too_large_fails() {
        let mut pieces = Pieces::at_most(2 * PIECE);
        pieces.write_all(&vec![b'x'; 2 * PIECE]).unwrap();
        assert!(pieces.write_all(&vec![b'x'; PIECE + 1]).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_makes_room_for_who_asks() {
        const LARGE: usize = MOST / 4;
        let answers = Answers::default();
        let mut all: Vec<_> = (0..4).map(|_| answers.hold(pieces(LARGE)).unwrap()).collect();
        assert_eq!(answers.bytes(), MOST);
        assert!(answers.hold(pieces(LARGE)).is_none(), "all of them may be on their way");
        assert!(answers.hold(pieces(PIECE)).is_some(), "what is small needs no room");
        tokio::time::sleep(IDLE).await;
        // All but the second are taken from.
        for one in [0, 2, 3] {
            assert_eq!(all[one].frame().await.unwrap().unwrap().data_ref().unwrap().len(), PIECE);
        }
        let new = answers.hold(pieces(LARGE)).unwrap();
        assert_eq!(all[1].frame().await.unwrap().unwrap_err(), BrokenOff);
        assert_eq!(all.remove(0).collect().await.unwrap().to_bytes().len(), LARGE - PIECE);
        drop((all, new));
        assert_eq!(answers.bytes(), 0, "what is taken, broken off or dropped is not counted");
    }

    #[tokio::test]
    async fn one_that_is_larger_than_all_may_be_is_alone() {
        let answers = Answers::default();
        let large = answers.hold(pieces(MOST + 1)).unwrap();
        assert!(answers.hold(pieces(PIECE + 1)).is_none());
        assert_eq!(large.size_hint().exact(), Some(MOST as u64 + 1));
        assert_eq!(large.collect().await.unwrap().to_bytes().len(), MOST + 1);
        assert!(answers.hold(pieces(PIECE + 1)).is_some());
    }
}
