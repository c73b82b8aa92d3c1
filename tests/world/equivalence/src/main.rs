//! Prints what can be observed of functions of many shapes: what is dropped when, where panics say they come from, what a future is and how large. One observation a line.
//!
//! There is no attribute in these files: the world test puts it in, and compares what the two programs print. `size NAME BYTES` may grow by 64 in the annotated one, every other line has to
//! be the same. Builds with the strictest settings that a crate can have.
#![forbid(unsafe_code)]
#![deny(warnings)]

mod bare;
mod drops;
mod futures;
mod places;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

struct Silent;

impl Wake for Silent {
    fn wake(self: Arc<Self>) {}
}

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(Silent));
    future.poll(&mut Context::from_waker(&waker))
}

/// Polls until it is done.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            return output;
        }
    }
}

/// Pending once, then ready.
pub(crate) struct Once(pub(crate) bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn main() {
    drops::observe();
    places::observe();
    futures::observe();
    bare::observe();
}
