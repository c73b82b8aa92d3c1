//! The memory that the bodies of requests may take, all ports together, gRPC's too.
//!
//! Only what has come is counted, [`BUDGET`] bytes at most: who brings more when that is used up waits for [`PATIENCE`], and is sent away. A client that only
//! says that it will send much holds nothing.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::body::LARGEST;

/// Bytes that all bodies may hold at a time.
pub(super) const BUDGET: usize = 256 << 20;
/// Bytes that all bodies may become at a time while they are read.
pub(super) const READ: usize = 1 << 30;
/// How long a body waits for its part of that. Not for long: who waits holds what has come already, and so may they all.
const PATIENCE: Duration = Duration::from_secs(2);
/// The budget is given out in pieces of so many bytes.
const PIECE: usize = 1 << 10;
/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// By deflate: it becomes no more than [`DEFLATE`] times larger.
    Deflate,
    /// Otherwise: a few bytes may become as many as may be.
    Otherwise,
}

/// Deflate's bound.
const DEFLATE: usize = 1_032;

static FREE: Semaphore = Semaphore::const_new(BUDGET / PIECE);
static FREE_TO_READ: Semaphore = Semaphore::const_new(READ / PIECE);

/// For the client that is sent away.
pub(super) const FULL: &str = "too much is coming in at the same time; send it again";

/// A body's part of a budget, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    of: &'static Semaphore,
    permit: Option<SemaphorePermit<'static>>,
    bytes: usize,
}

impl Default for Held {
    /// Nothing yet, of the bodies' budget.
    fn default() -> Self {
        Held { of: &FREE, permit: None, bytes: 0 }
    }
}

/// Nothing is free, and will not be soon.
#[derive(Debug)]
pub(super) struct Full;

/// Pieces of a budget that are still to be had.
pub(super) struct Missing(&'static Semaphore, u32);

impl Missing {
    /// Has them, if there is room soon.
    pub(super) async fn wait(self) -> Result<SemaphorePermit<'static>, Full> {
        // The semaphore is never closed.
        match tokio::time::timeout(PATIENCE, self.0.acquire_many(self.1)).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Full),
        }
    }
}

impl Held {
    /// Nothing yet, of the budget of what bodies become.
    pub(super) fn to_read() -> Held {
        Held { of: &FREE_TO_READ, ..Held::default() }
    }

    /// Holds so many bytes from now on; if there is no room at once, what has to be waited for and given to [`add`](Self::add).
    pub(super) fn try_grow(&mut self, bytes: usize) -> Result<(), Missing> {
        let more = bytes.div_ceil(PIECE).saturating_sub(self.bytes.div_ceil(PIECE));
        self.bytes = self.bytes.max(bytes);
        if more > 0 {
            // Both budgets have a million pieces at most.
            let more = more as u32;
            self.add(self.of.try_acquire_many(more).map_err(|_| Missing(self.of, more))?);
        }
        Ok(())
    }

    /// Whether less than half of the budget is free: time to give back what is only kept.
    pub(super) fn is_scarce(&self) -> bool {
        self.of.available_permits() < BUDGET / PIECE / 2
    }

    pub(super) fn add(&mut self, permit: SemaphorePermit<'static>) {
        match &mut self.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
    }

    /// Holds so many bytes from now on, if there is room for them soon.
    pub(super) async fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        if let Err(missing) = self.try_grow(bytes) {
            self.add(missing.wait().await?);
        }
        Ok(())
    }
}

/// What a compressed body of so many bytes may take, the body included.
pub(super) fn unfolded(bytes: usize, packed: Packed) -> usize {
    let times = if packed == Packed::Deflate { DEFLATE } else { usize::MAX };
    bytes + LARGEST.min(bytes.saturating_mul(times))
}

/// The budget is one for the whole program, so the tests that use it up take turns.
#[cfg(test)]
pub(super) static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
