//! Memory of batches that were taken in, for those to come: as many pieces as batches are read at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jaeger_thrift::Room;

/// Pieces that are kept. The UDP ports and the workers of the HTTP ports are no more; a burst of large bodies, read aside, does not leave its memory here.
const MOST: usize = 5;

/// The pieces that nobody uses now.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<Vec<Room>>);

impl Rooms {
    /// Lends one while a batch is read and taken in: the one that was used last, which the caches still hold.
    pub(crate) fn lend<T>(&self, work: impl FnOnce(&mut Room) -> T) -> T {
        let mut room = self.free().pop().unwrap_or_default();
        let done = work(&mut room);
        let mut free = self.free();
        if free.len() < MOST {
            free.push(room);
        }
        done
    }

    fn free(&self) -> MutexGuard<'_, Vec<Room>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
