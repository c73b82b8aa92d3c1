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
                ExtraKind::Log => self.logs_left_out = self.logs_left_out.saturating_add(1),
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
