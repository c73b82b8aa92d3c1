//! The span of a stream that a function returns: ambient during each poll, ended when the stream is, with the number of its items.

use crate::async_span::{Making, OpenSpan, Turn};
use crate::reply::Ends as _;
use crate::value::Value;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A stream that runs inside a span. Made by [`in_span_stream`].
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct RunStream<S> {
        #[pin]
        stream: S,
        // Behind the stream, so that what it holds is dropped before the span ends.
        span: Counted,
    }
}

#[derive(Debug)]
struct Counted {
    span: OpenSpan,
    items: i64,
}

/// Dropped before its end: cancelled, after so many items.
impl Drop for Counted {
    fn drop(&mut self) {
        self.span.tag("items", Value::Long(self.items));
    }
}

/// A stream that a function returns, in the span that was opened when it was called.
pub fn in_span_stream<S: Stream>(making: Making, stream: S) -> RunStream<S> {
    RunStream { stream, span: Counted { span: making.done(), items: 0 } }
}

/// The same for a stream in a box.
pub fn boxed_stream<S: Stream>(making: Making, stream: S) -> Pin<Box<RunStream<S>>> {
    Box::pin(in_span_stream(making, stream))
}

impl<S: Stream> Stream for RunStream<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let mut before = None;
        let Counted { span, items } = this.span;
        let turn = Turn::begin(span, &mut before);
        let polled = this.stream.poll_next(cx);
        if let Some(turn) = turn {
            match &polled {
                Poll::Ready(None) => {
                    turn.tag("items", Value::Long(*items));
                    turn.end();
                }
                Poll::Ready(Some(_)) => {
                    *items += 1;
                    turn.wait();
                }
                Poll::Pending => turn.wait(),
            }
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
