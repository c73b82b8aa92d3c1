//! Async functions and functions that return futures: the span ends when the future does, and what is called in between is below it. `polls` says how often it was polled and for how long.
//!
//! `cargo run --example futures` prints, the times aside:
//! ```text
//! page: n=2 reply=24 polls=3 busy_us=… idle_us=…
//!   lines: n=2 reply=3
//!     count: n=2 reply=3
//!   words: n=2 reply=21
//!     count: n=2 reply=3
//! ```

use std::future::Future;
use std::pin::Pin;

use jaeger_runtime::{Error, traced};

#[traced(polls)]
async fn page(n: u32) -> Result<u32, String> {
    tokio::task::yield_now().await;
    Ok(lines(n).await + words(n).await)
}

#[traced]
fn lines(n: u32) -> impl Future<Output = u32> {
    async move {
        tokio::task::yield_now().await;
        count(n)
    }
}

#[traced]
fn words(n: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { count(n) * 7 })
}

#[traced]
fn count(n: u32) -> u32 {
    n + 1
}

fn main() -> Result<(), Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O and timers");
    examples::show(|| {
        assert_eq!(runtime.block_on(page(2)), Ok(24));
    })
}
