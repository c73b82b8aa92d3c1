//! The floor: what a span that records its start and its end cannot go below.

use crate::alloc::counter;
use crate::measure::Running;
use crate::work::Work;
use std::hint::black_box;

struct Floor(Work);

#[inline(never)]
fn leaf() {
    let start = counter();
    black_box(());
    black_box((start, counter()));
}

#[inline(never)]
fn root() {
    let start = counter();
    leaf();
    black_box((start, counter()));
}

impl Running for Floor {
    fn burst(&mut self, spans: usize) {
        if self.0 == Work::RootChild {
            return (0..spans / 2).for_each(|_| root());
        }
        for _ in 0..spans {
            leaf();
        }
    }
    fn made(&self, _: usize) -> u64 {
        0
    }
}

pub(super) fn start(work: Work) -> Option<Box<dyn Running>> {
    matches!(work, Work::Sync | Work::RootChild).then(|| Box::new(Floor(work)) as Box<dyn Running>)
}
