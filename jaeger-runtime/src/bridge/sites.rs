//! The callsite of each span of `tracing`: made when the first one opens, the same ever after.
//!
//! A callsite holds all texts of a span that do not change, so that an event of the log need not. It lives as long as the process, as `tracing`'s own metadata does. Each thread
//! remembers those it has met: in steady state nothing is locked.

use crate::site::Site;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};
use tracing_core::Metadata;

/// Fields by which OpenTelemetry's users say what is no attribute.
pub(super) const NAME: &str = "otel.name";
pub(super) const KIND: &str = "otel.kind";
pub(super) const STATUS: &str = "otel.status_code";

/// Metadata lives for ever, so its address is its name.
type Sites = HashMap<usize, &'static Site, BuildHasherDefault<ByAddress>>;

/// Spreads an address over the bits that a table looks at.
#[derive(Default)]
struct ByAddress(u64);

impl Hasher for ByAddress {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize((*byte).into());
        }
    }
    fn write_usize(&mut self, address: usize) {
        let product = u128::from(self.0 ^ address as u64) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

static ALL: Mutex<Option<Sites>> = Mutex::new(None);

thread_local! {
    static MET: RefCell<Sites> = RefCell::default();
}

/// The callsite for spans of that metadata; its keys are the fields in their order.
pub(super) fn of(metadata: &'static Metadata<'static>) -> &'static Site {
    let address = std::ptr::from_ref(metadata).addr();
    let met = MET.try_with(|met| met.borrow().get(&address).copied());
    if let Ok(Some(site)) = met {
        return site;
    }
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let site = *all.get_or_insert_default().entry(address).or_insert_with(|| make(metadata));
    drop(all);
    let _thread_is_ending = MET.try_with(|met| met.borrow_mut().insert(address, site));
    site
}

/// The tag's key for a field.
pub(super) fn key(field: &'static str) -> &'static str {
    if field == KIND { "span.kind" } else { field }
}

#[cold]
fn make(metadata: &'static Metadata<'static>) -> &'static Site {
    let mut texts = vec![metadata.name(), "reply", ""];
    texts.extend(metadata.fields().iter().map(|field| key(field.name())));
    texts.extend([metadata.module_path().unwrap_or_default(), metadata.file().unwrap_or_default()]);
    Site::leak(&texts, metadata.line().unwrap_or_default())
}
