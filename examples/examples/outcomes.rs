//! How a span ends: an `Err` marks it, also by `?`; `no_err` keeps one that is an answer like any other from that; a panic passes on, told; a future that is dropped early was cancelled.
//!
//! `cargo run --example outcomes` prints:
//! ```text
//! parse: text="7" reply=8
//! parse: text="x" error=true
//!   | event="error" message="x is no number" error.kind="alloc::string::String"
//! find: slot=1 reply="Err(2)"
//! fail: n=2 error=true
//!   | event="panic"
//! wait: n=1 cancelled=true
//! ```

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Waker};

use jaeger_runtime::{Error, traced};

#[traced]
fn parse(text: &str) -> Result<u8, String> {
    let number = text.parse::<u8>().map_err(|_| format!("{text} is no number"))?;
    Ok(number + 1)
}

#[traced(no_err)]
fn find(slot: u8) -> Result<u8, u8> {
    Err(slot + 1)
}

#[traced]
fn fail(n: u8) -> u8 {
    assert!(n > 3, "{n} is too small");
    n
}

#[traced]
async fn wait(n: u8) -> u8 {
    pending::<()>().await;
    n
}

fn main() -> Result<(), Error> {
    examples::show(|| {
        let _ = (parse("7"), parse("x"), find(1));
        assert!(std::panic::catch_unwind(|| fail(2)).is_err());
        let mut future = Box::pin(wait(1));
        assert!(pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(future);
    })
}
