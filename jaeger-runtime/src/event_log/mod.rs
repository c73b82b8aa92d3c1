//! The event log: one bounded log per thread, written by application threads, read by the collector.
//!
//! `format` is what both sides agree on, `ring` how words pass from one to the other, `registry` which thread has which ring, `primitive` lets loom in. Hot and cold meet here and nowhere else.

pub(crate) mod format;
pub(crate) mod primitive;
pub(crate) mod registry;
pub(crate) mod ring;
