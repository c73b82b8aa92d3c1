//! Tags, logs, names, references and polls that were added to an open span. Rare, so they stand apart from it, and capped: what is past the cap is left out and counted.

use crate::event_log::format::{ExtraKind, Stored, Values};

/// The most additions to one span, and the most bytes of all of them.
const MAX_ITEMS: usize = 512;
const MAX_BYTES: usize = 1 << 16;

#[derive(Debug, Default)]
pub(super) struct Extras {
    items: Vec<Place>,
    bytes: Vec<u8>,
    pub(super) tags_left_out: u32,
    pub(super) logs_left_out: u32,
    /// Of the span's future: how many, and the ticks in them. Not items: a future may be polled for ever.
    pub(super) polls: u64,
    pub(super) busy_ticks: u64,
}

#[derive(Debug)]
struct Place {
    kind: ExtraKind,
    nanos: i64,
    count: usize,
    descriptor: u16,
    start: usize,
    end: usize,
}

/// One addition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) kind: ExtraKind,
    /// When, in nanoseconds since 1970.
    pub(super) nanos: i64,
    pub(super) count: usize,
    pub(super) descriptor: u16,
    pub(super) bytes: &'a [u8],
}

impl<'a> Item<'a> {
    pub(super) fn values(&self) -> Values<'a> {
        Values::new(self.count, self.descriptor, self.bytes)
    }
}

/// Emptied ones for the next spans, so that a program whose spans have tags or logs of their own does not allocate for each.
#[derive(Debug, Default)]
pub(super) struct Spare {
    #[expect(clippy::vec_box, reason = "spans hold them in boxes, to be small")]
    kept: Vec<Box<Extras>>,
}

/// The most that are kept, and the most bytes of one that is.
const MAX_SPARE: usize = 64;
const MAX_SPARE_BYTES: usize = 1 << 10;

impl Spare {
    pub(super) fn take(&mut self) -> Box<Extras> {
        self.kept.pop().unwrap_or_default()
    }

    /// Takes those of a span that has ended.
    pub(super) fn give(&mut self, extras: Option<Box<Extras>>) {
        if let Some(mut extras) = extras {
            let bytes = extras.bytes.capacity() + extras.items.capacity() * size_of::<Place>();
            if self.kept.len() < MAX_SPARE && bytes <= MAX_SPARE_BYTES {
                extras.items.clear();
                extras.bytes.clear();
                let (items, bytes) = (std::mem::take(&mut extras.items), std::mem::take(&mut extras.bytes));
                *extras = Extras { items, bytes, ..Extras::default() };
                self.kept.push(extras);
            }
        }
    }
}

impl Extras {
    /// Adds or leaves out; returns by how many bytes this grew.
    pub(super) fn add(&mut self, item: Item<'_>) -> usize {
        if item.kind == ExtraKind::Poll {
            if let Some(Stored::Long(ticks)) = item.values().next() {
                self.polls += 1;
                self.busy_ticks = self.busy_ticks.wrapping_add(ticks as u64);
            }
            return 0;
        }
        if self.items.len() >= MAX_ITEMS || self.bytes.len() + item.bytes.len() > MAX_BYTES {
            match item.kind {
                ExtraKind::Tag => self.tags_left_out = self.tags_left_out.saturating_add(1),
                ExtraKind::Log | ExtraKind::Record => {
                    self.logs_left_out = self.logs_left_out.saturating_add(1)
                }
                ExtraKind::Name | ExtraKind::Poll | ExtraKind::FollowsFrom => {}
            }
            return 0;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(item.bytes);
        let Item { kind, nanos, count, descriptor, .. } = item;
        self.items.push(Place { kind, nanos, count, descriptor, start, end: self.bytes.len() });
        size_of::<Place>() + item.bytes.len()
    }

    /// Bytes held, as `add` has counted them.
    pub(super) fn held(&self) -> usize {
        self.items.len() * size_of::<Place>() + self.bytes.len()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.items.iter().map(|place| Item {
            kind: place.kind,
            nanos: place.nanos,
            count: place.count,
            descriptor: place.descriptor,
            bytes: &self.bytes[place.start..place.end],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spare_ones_come_back_empty_and_large_ones_do_not_come_back() {
        let mut spare = Spare::default();
        let item = Item { kind: ExtraKind::Tag, nanos: 1, count: 1, descriptor: 0, bytes: &[1; 8] };
        let mut used = spare.take();
        used.add(item);
        used.tags_left_out = 3;
        used.polls = 9;
        let place = &raw const *used;
        spare.give(Some(used));
        let again = spare.take();
        assert!(std::ptr::eq(place, &*again), "the same memory");
        assert_eq!((again.items().count(), again.held(), again.tags_left_out, again.polls), (0, 0, 0, 0));
        let mut large = spare.take();
        large.add(Item { bytes: &[1; 2_000], ..item });
        spare.give(Some(large));
        spare.give(None);
        assert!(spare.kept.is_empty());
    }

    #[test]
    fn past_the_cap_is_counted_and_memory_stays() {
        let mut extras = Extras::default();
        for i in 0..1_000_000 {
            let kind = if i % 4 == 0 { ExtraKind::Log } else { ExtraKind::Tag };
            extras.add(Item { kind, nanos: i, count: 1, descriptor: 0, bytes: &[0; 8] });
        }
        assert_eq!(extras.items().count(), MAX_ITEMS);
        assert_eq!(extras.tags_left_out + extras.logs_left_out, 1_000_000 - MAX_ITEMS as u32);
        assert!(extras.held() < 64 * 1024);
        let mut large = Extras::default();
        let item = Item { kind: ExtraKind::Tag, nanos: 0, count: 1, descriptor: 0, bytes: &[0; 40_000] };
        assert!(large.add(item) > 40_000);
        assert_eq!(large.add(item), 0);
        assert_eq!(large.tags_left_out, 1);
    }
}
