//! Memory of batches that were read before, for those to come.

use crate::model::{Batch, Span, Tag};

/// Spans of one batch that are kept room for.
const MOST_SPANS: usize = 8 << 10;
/// Tags that are kept room for, of all spans together.
const MOST_TAGS: usize = 32 << 10;
/// A list of tags that has room for more is not kept.
const LONGEST: usize = 64;

/// The lists of spans and tags of batches that are done with, emptied, so that reading another allocates none.
///
/// A receiver reads batch after batch of the same shape: making and dropping a list of tags for each span costs it a seventh of all it does. What is kept is
/// bounded, 3 MB at most, whatever the batches were.
///
/// ```
/// use jaeger_thrift::{Batch, Message, Process, Protocol, Room, Span, Tag};
/// let span = Span { trace_id: 1, tags: vec![Tag::new("rows", 3)], ..Span::default() };
/// let mut datagram = Vec::new();
/// let batch = Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() };
/// Message::new(batch).encode_into(Protocol::Compact, &mut datagram);
///
/// let mut room = Room::default();
/// for _ in 0..3 {
///     let batch = Message::decode_in(&mut room, Protocol::Compact, &datagram)?.batch;
///     assert_eq!(batch.spans[0].tags, [Tag::new("rows", 3)]);
///     room.reclaim(batch);
/// }
/// # Ok::<(), jaeger_thrift::DecodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Room {
    spans: Vec<Span<'static>>,
    tags: Vec<Vec<Tag<'static>>>,
    /// What all of `tags` have room for.
    tags_held: usize,
}

impl Room {
    /// An empty list of spans.
    pub fn spans<'a>(&mut self) -> Vec<Span<'a>> {
        std::mem::take(&mut self.spans)
    }

    /// An empty list of tags.
    #[inline]
    pub fn tags<'a>(&mut self) -> Vec<Tag<'a>> {
        let Some(tags) = self.tags.pop() else { return Vec::new() };
        self.tags_held -= tags.capacity();
        tags
    }

    /// Empties a batch that is done with, and keeps its memory.
    pub fn reclaim(&mut self, batch: Batch<'_>) {
        let mut spans = batch.spans;
        for Span { tags, logs, .. } in spans.drain(..) {
            self.keep(tags);
            if !logs.is_empty() {
                logs.into_iter().for_each(|log| self.keep(log.fields));
            }
        }
        if (self.spans.capacity() + 1..=MOST_SPANS).contains(&spans.capacity()) {
            self.spans = emptied(spans);
        }
    }

    #[inline]
    fn keep(&mut self, tags: Vec<Tag<'_>>) {
        let room = tags.capacity();
        if (1..=LONGEST).contains(&room) && self.tags_held + room <= MOST_TAGS {
            self.tags_held += room;
            self.tags.push(emptied(tags));
        }
    }
}

/// The same list without what is in it: so it can hold what lives otherwise. The library collects into the list that it takes from.
#[inline]
fn emptied<T, U>(mut list: Vec<T>) -> Vec<U> {
    list.clear();
    list.into_iter().map(|_| unreachable!("it is empty")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(spans: usize, tags: usize) -> Batch<'static> {
        let tags = vec![Tag::new("a", 1); tags];
        Batch { spans: vec![Span { tags, ..Span::default() }; spans], ..Batch::default() }
    }

    #[test]
    fn the_same_memory_comes_again() {
        let mut room = Room::default();
        let batch = batch(3, 5);
        let spans = batch.spans.as_ptr().addr();
        let mut tags: Vec<_> = batch.spans.iter().map(|span| span.tags.as_ptr().addr()).collect();
        room.reclaim(batch);
        let again = room.spans();
        assert_eq!((again.as_ptr().addr(), again.len(), again.capacity()), (spans, 0, 3));
        for _ in 0..3 {
            let again = room.tags();
            assert_eq!((again.len(), again.capacity()), (0, 5));
            assert_eq!(Some(again.as_ptr().addr()), tags.pop());
        }
        assert_eq!((room.tags().capacity(), room.tags_held), (0, 0));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut room = Room::default();
        for (spans, tags) in [(10, 10_000), (MOST_SPANS + 1, 1), (1_000, LONGEST), (1_000, LONGEST)] {
            room.reclaim(batch(spans, tags));
        }
        let held: usize = room.tags.iter().map(Vec::capacity).sum();
        assert_eq!(held, room.tags_held);
        assert!(held <= MOST_TAGS && held > MOST_TAGS / 2, "{held}");
        assert!(room.tags.iter().all(|tags| tags.is_empty() && tags.capacity() <= LONGEST));
        assert!(room.spans.is_empty() && room.spans.capacity() == 1_000);
    }
}
