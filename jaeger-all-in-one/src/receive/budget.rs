//! The memory that the bodies of requests may take, all ports together, gRPC's too.
//!
//! Only what has come is counted, [`BUDGET`] bytes at most: who brings more when that is used up waits for [`PATIENCE`], and is sent away. A client that only
//! says that it will send much holds nothing.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::body::LARGEST;

/// Bytes that all bodies may hold at a time.
pub(super) const BUDGET: usize = 256 << 20;
/// How long a body waits for its part of that. Not for long: who waits holds what has come already, and so may they all.
const PATIENCE: Duration = Duration::from_secs(2);
/// The budget is given out in pieces of so many bytes.
const PIECE: usize = 1 << 10;
/// What is compressed becomes no more than so many times larger (deflate's bound).
const DEFLATE: usize = 1_032;

static FREE: Semaphore = Semaphore::const_new(BUDGET / PIECE);

/// For the client that is sent away.
pub(super) const FULL: &str = "too much is coming in at the same time; send it again";

/// A body's part of the budget, free again when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Held {
    permit: Option<SemaphorePermit<'static>>,
    bytes: usize,
}

/// Nothing is free, and will not be soon.
#[derive(Debug)]
pub(super) struct Full;

/// Pieces of the budget that are still to be had.
pub(super) struct Missing(u32);

impl Missing {
    /// Has them, if there is room soon.
    pub(super) async fn wait(self) -> Result<SemaphorePermit<'static>, Full> {
        // The semaphore is never closed.
        match tokio::time::timeout(PATIENCE, FREE.acquire_many(self.0)).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Full),
        }
    }
}

impl Held {
    /// Holds so many bytes from now on; if there is no room at once, what has to be waited for and given to [`add`](Self::add).
    pub(super) fn try_grow(&mut self, bytes: usize) -> Result<(), Missing> {
        let more = bytes.div_ceil(PIECE).saturating_sub(self.bytes.div_ceil(PIECE));
        self.bytes = self.bytes.max(bytes);
        if more > 0 {
            // A body has at most a few 10,000 pieces.
            let more = more as u32;
            self.add(FREE.try_acquire_many(more).map_err(|_| Missing(more))?);
        }
        Ok(())
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
pub(super) fn unfolded(bytes: usize) -> usize {
    bytes + LARGEST.min(bytes.saturating_mul(DEFLATE))
}

/// The budget is one for the whole program, so the tests that use it up take turns.
#[cfg(test)]
pub(super) static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
