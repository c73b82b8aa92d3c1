//! No tracing at all: the same functions without an annotation, so that what the others add can be told from the work itself.

use crate::measure::Running;
use crate::work::{Work, calls, functions};

functions! {
    leaf: [], args: [], six: [], debug: [], long: [], deep: [], fails: [], logs: [] {},
    reply: |reply| {}, error: {}
}

#[inline(never)]
fn root() {
    leaf();
}

#[inline(never)]
pub(super) fn burst(work: Work, spans: usize) {
    calls!(work, spans);
}

struct Plain(Work);

impl Running for Plain {
    fn burst(&mut self, spans: usize) {
        burst(self.0, spans);
    }
    fn made(&self, _: usize) -> u64 {
        0
    }
}

pub(super) fn start(work: Work) -> Option<Box<dyn Running>> {
    Some(Box::new(Plain(work)))
}
