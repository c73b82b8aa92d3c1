//! Tokio's tasks with the context of whoever spawns them. Behind the feature `tokio`.

use crate::context::SpanContext;
use crate::local;
use crate::span::FutureExt;
use std::future::Future;
use tokio::task::JoinHandle;

/// [`tokio::spawn`], and what the task opens becomes a child of the span that is ambient here.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// #[jaeger_runtime::traced]
/// async fn job(n: u32) -> u32 { n + 1 }
///
/// assert_eq!(jaeger_runtime::spawn(job(1)).await.unwrap(), 2);
/// # }
/// ```
///
/// # Panics
/// Outside a Tokio runtime, as `tokio::spawn` does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_context(SpanContext::current()))
}

/// [`tokio::task::spawn_blocking`] with the ambient context.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let sum = jaeger_runtime::spawn_blocking(|| (1..=10).sum::<u32>());
/// assert_eq!(sum.await.unwrap(), 55);
/// # }
/// ```
///
/// # Panics
/// Outside a Tokio runtime, as `spawn_blocking` does.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let context = SpanContext::current();
    tokio::task::spawn_blocking(move || {
        let _ambient = Restore(Some(local::attach(context)));
        f()
    })
}

/// Ends the attachment also when the closure panics.
struct Restore(Option<local::Attached>);

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(attached) = self.0.take() {
            local::restore(attached);
        }
    }
}
