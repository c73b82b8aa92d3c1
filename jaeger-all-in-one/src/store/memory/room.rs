//! Memory for records: a vector of bytes that the system may hold as one large page.
//!
//! A store that grows takes memory that nobody had before, and each page of it costs a fault, which on a virtual machine can take as long as reading a hundred
//! spans. So a piece is as large as a large page of the common machines, and the system is told that it may be one (`transparent_hugepage`, `always` or
//! `madvise`, which most have); where it gives none all is as with a vector.

use std::alloc::{Layout, handle_alloc_error};
use std::ops::Deref;

use memmap2::{MmapMut, MmapOptions};

use super::bytes::Out;

/// Bytes of a piece: a large page of x86-64, and of arm64 with pages of 4 KiB.
pub(super) const SIZE: usize = 2 << 20;
/// Bytes of a common page, or some of them.
const PAGE: usize = 4 << 10;

/// The bytes.
pub(super) struct Room {
    map: MmapMut,
    length: usize,
}

impl Default for Room {
    /// An empty one with room for [`SIZE`].
    fn default() -> Self {
        Room::with(SIZE)
    }
}

impl Clone for Room {
    fn clone(&self) -> Self {
        self.moved_to(Room::with(self.map.len()))
    }
}

impl Deref for Room {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &self.map[..self.length]
    }
}

impl Room {
    fn with(size: usize) -> Room {
        let Ok(map) = MmapOptions::new().len(size).map_anon() else {
            // As a vector does.
            handle_alloc_error(Layout::from_size_align(size, PAGE).unwrap_or(Layout::new::<u8>()))
        };
        // A kernel without it says so, and gives common ones.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Room { map, length: 0 }
    }

    fn moved_to(&self, mut other: Room) -> Room {
        other.map[..self.length].copy_from_slice(self);
        other.length = self.length;
        other
    }

    /// Bytes that it takes, if all of it is used.
    pub(super) fn size(&self) -> usize {
        self.map.len()
    }

    /// Forgets all from here on.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Gives back what is not used if that is much.
    pub(super) fn fit(&mut self) {
        if self.map.len() - self.length > SIZE / 4 {
            *self = self.moved_to(Room::with(self.length.next_multiple_of(PAGE).max(PAGE)));
        }
    }

    /// The next `more` bytes, to be written to.
    #[inline]
    fn next(&mut self, more: usize) -> &mut [u8] {
        if self.map.len() - self.length < more {
            self.grow(more);
        }
        &mut self.map[self.length..self.length + more]
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        *self = self.moved_to(Room::with((self.length + more).next_multiple_of(SIZE)));
    }
}

impl Out for Room {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.next(1)[0] = byte;
        self.length += 1;
    }

    #[inline]
    fn slice(&mut self, bytes: &[u8]) {
        self.next(bytes.len()).copy_from_slice(bytes);
        self.length += bytes.len();
    }

    #[inline]
    fn part<const N: usize>(&mut self, bytes: &[u8; N], length: usize) {
        self.next(N).copy_from_slice(bytes);
        self.length += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a vector that is told the same, past its size, cut, copied and fitted.
    #[test]
    fn it_holds_what_a_vector_holds() {
        let (mut room, mut vector) = (Room::default(), Vec::new());
        let mut n = 0_usize;
        while vector.len() < 3 * SIZE {
            let bytes: Vec<u8> = (0..n * 31 % 9_000).map(|m| (m * n) as u8).collect();
            room.slice(&bytes);
            vector.slice(&bytes);
            for out in [&mut room as &mut dyn Bytes, &mut vector] {
                out.some(n);
            }
            if n.is_multiple_of(40) {
                let to = vector.len() - bytes.len() / 2;
                room.truncate(to);
                vector.truncate(to);
            }
            if n.is_multiple_of(100) {
                assert!(*room == *vector && *room.clone() == *vector, "{n}");
            }
            n += 1;
        }
        assert!(*room == *vector);
        assert_eq!(room.size() % SIZE, 0);
        room.truncate(5_000);
        room.fit();
        assert_eq!((&*room, room.size()), (&vector[..5_000], 8_192));
        room.slice(&vector[5_000..20_000]);
        assert_eq!((&*room, room.size()), (&vector[..20_000], SIZE));
        room.truncate(SIZE);
        assert_eq!(room.len(), 20_000, "to cut it where it does not reach changes nothing");
    }

    trait Bytes {
        fn some(&mut self, n: usize);
    }

    impl<O: Out> Bytes for O {
        fn some(&mut self, n: usize) {
            self.byte(n as u8);
            self.part(&[n as u8; 16], n % 17);
        }
    }
}
