//! The atomics that the log is made of: std's, or loom's when the log is model-checked.
//!
//! Under loom a word of the log is not an atomic but a cell whose every access loom holds against all others: loom does not move a relaxed load behind a later store, so atomic words would
//! hide a cursor that is stored too weakly. What the model proves is thus more than the log needs: no word is ever written while it may still be read, or the other way round.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU64, AtomicU64 as Word, Ordering};

#[cfg(loom)]
pub(crate) use {
    super::ring::Word,
    loom::sync::atomic::{AtomicU64, Ordering},
};
