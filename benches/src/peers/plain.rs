//! No tracing at all: the same functions without an annotation, so that what the others add can be told from the work itself.

use crate::measure::Running;
use crate::work::{Work, calls, functions};
use std::hint::black_box;

functions! {
    leaf: [], args: [], six: [], debug: [], long: [], deep: [], fails: [], logs: [] {},
    reply: |reply| {}, error: {}
}

#[inline(never)]
fn root() {
    leaf();
}

/// The function with two arguments and a reply, so many times.
pub(super) fn args_times(n: usize) {
    for _ in 0..n {
        black_box(args(black_box(7), black_box("Hello foo3")));
    }
}

struct Plain(Work);

impl Running for Plain {
    fn burst(&mut self, spans: usize) {
        calls!(self.0, spans);
    }
    fn made(&self, _: usize) -> u64 {
        0
    }
}

pub(super) fn start(work: Work) -> Option<Box<dyn Running>> {
    Some(Box::new(Plain(work)))
}
