//! The body of a gRPC request on its way to the library that reads it: within the budget of all bodies, and no longer than one may be.
//!
//! The library unfolds a compressed message as soon as it is whole, so by then the room for that is held as well.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::http::HeaderMap;
use hyper::body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::sync::SemaphorePermit;
use tonic::Status;
use tonic::body::Body;

use crate::receive::body::LARGEST;
use crate::receive::budget::{FULL, Full, Held, Packed, unfolded};

/// Before a message: whether it is compressed, and its length in 4 bytes.
const PREFIX: usize = 5;

/// A body's part of the budget, which goes with the request so that it is held until the spans are taken.
pub(super) type Hold = Arc<Mutex<Held>>;

/// A body that holds its part of the budget.
pub(super) struct Metered {
    body: Body,
    hold: Hold,
    packed: Option<Packed>,
    /// The first bytes of the message.
    prefix: Vec<u8>,
    /// Bytes that have come.
    come: usize,
    /// What has come and has no room yet.
    next: Option<(Bytes, Waiting)>,
}

type Waiting = Pin<Box<dyn Future<Output = Result<SemaphorePermit<'static>, Full>> + Send>>;

impl Metered {
    /// For a request with these headers; with what holds its part.
    pub(super) fn new(headers: &HeaderMap) -> (Metered, Hold) {
        let hold = Hold::default();
        let packed = headers.get("grpc-encoding").and_then(|encoding| match encoding.as_bytes() {
            b"identity" => None,
            b"gzip" => Some(Packed::Deflate),
            _ => Some(Packed::Otherwise),
        });
        let metered = Metered {
            body: Body::empty(),
            hold: Arc::clone(&hold),
            packed,
            prefix: Vec::new(),
            come: 0,
            next: None,
        };
        (metered, hold)
    }

    pub(super) fn of(mut self, body: Body) -> Metered {
        self.body = body;
        self
    }

    /// Notes what has come; how many bytes are to be held from now on.
    fn note(&mut self, data: &[u8]) -> usize {
        let more = PREFIX.saturating_sub(self.prefix.len()).min(data.len());
        self.prefix.extend_from_slice(&data[..more]);
        self.come += data.len();
        match (self.packed, &self.prefix[..]) {
            (Some(packed), &[_, a, b, c, d]) => {
                let whole = PREFIX.saturating_add(u32::from_be_bytes([a, b, c, d]) as usize);
                if self.come >= whole { unfolded(self.come, packed) } else { self.come }
            }
            _ => self.come,
        }
    }
}

impl hyper::body::Body for Metered {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.next.is_none() {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            };
            let bytes = this.note(&data);
            if this.come > PREFIX + LARGEST {
                // As the library says it of a message that declares it.
                let message = format!("the request is larger than {} MiB", LARGEST >> 20);
                return Poll::Ready(Some(Err(Status::out_of_range(message))));
            }
            let mut held = this.hold.lock().unwrap_or_else(PoisonError::into_inner);
            match held.try_grow(bytes) {
                Ok(()) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(missing) => this.next = Some((data, Box::pin(missing.wait()))),
            }
        }
        let Some((_, waiting)) = &mut this.next else { return Poll::Ready(None) };
        let waited = ready!(waiting.as_mut().poll(context));
        let data = this.next.take().map(|(data, _)| data).unwrap_or_default();
        Poll::Ready(Some(match waited {
            Ok(permit) => {
                this.hold.lock().unwrap_or_else(PoisonError::into_inner).add(permit);
                Ok(Frame::data(data))
            }
            // Clients send again what was unavailable.
            Err(Full) => Err(Status::unavailable(FULL)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
