//! An annotated function drops its arguments, locals and temporaries in the order of the plain one: returned, left early, never polled, suspended and dropped.
#![deny(warnings)]
#![forbid(unsafe_code)]

mod common;

use common::trace;
use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

fn block<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Says its name when it goes.
struct Noisy(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

impl Noisy {
    fn touch(&self) -> Option<&Self> {
        Some(self)
    }
}

/// The same functions, plain and traced: what is dropped when must not differ.
macro_rules! orders {
    ($(#[$traced:meta])? $module:ident) => {
        mod $module {
            use super::Noisy;

            $(#[$traced])?
            pub(crate) fn block_shape(a: Noisy, b: Noisy) -> u8 {
                let _local = Noisy("local", a.1.clone());
                let _moved = b;
                3
            }
            $(#[$traced])?
            pub(crate) fn closure_shape(a: Noisy, mut b: Noisy, _: Noisy, (c, _): (Noisy, Noisy)) -> Option<u8> {
                let _local = Noisy("local", a.1.clone());
                a.touch()?;
                b.0 = "b again";
                drop(c);
                None?;
                Some(1)
            }
            $(#[$traced])?
            pub(crate) fn tail_temporary(a: Noisy) -> usize {
                let _local = Noisy("local", a.1.clone());
                Noisy("temporary", a.1.clone()).touch().map_or(0, |noisy| noisy.0.len())
            }
            $(#[$traced])?
            pub(crate) fn unused(_a: Noisy, _b: Noisy) -> Result<(), ()> {
                Err(())?;
                Ok(())
            }
            $(#[$traced])?
            pub(crate) async fn later(a: Noisy, b: Noisy, (c, _): (Noisy, Noisy), stop: bool) -> u8 {
                let _local = Noisy("local", a.1.clone());
                let _moved = b;
                if stop {
                    std::future::pending::<()>().await;
                }
                drop(c);
                1
            }
        }
    };
}
orders!(plain);
orders!(
    #[jaeger_runtime::traced]
    annotated
);

#[test]
fn everything_is_dropped_in_the_plain_functions_order() {
    macro_rules! order {
        ($module:ident) => {{
            let log = Rc::new(RefCell::new(vec![]));
            let noisy = |name| Noisy(name, log.clone());
            let mut all = vec![];
            let mut note = |what: &'static str| {
                all.push((what, log.take()));
            };
            let _ = $module::block_shape(noisy("a"), noisy("b"));
            note("block");
            let _ = $module::closure_shape(noisy("a"), noisy("b"), noisy("_"), (noisy("c"), noisy("c_")));
            note("closure");
            let _ = $module::tail_temporary(noisy("a"));
            note("tail");
            let _ = $module::unused(noisy("a"), noisy("b"));
            note("unused");
            let _ = block($module::later(noisy("a"), noisy("b"), (noisy("c"), noisy("c_")), false));
            note("async");
            drop($module::later(noisy("a"), noisy("b"), (noisy("c"), noisy("c_")), false));
            note("never polled");
            let mut stuck = Box::pin($module::later(noisy("a"), noisy("b"), (noisy("c"), noisy("c_")), true));
            assert!(stuck.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            note("suspended");
            drop(stuck);
            note("dropped while suspended");
            all
        }};
    }
    let plain = order!(plain);
    trace(|| assert_eq!(order!(annotated), plain));
    assert_eq!(order!(annotated), plain, "and without an ambient span");
}
