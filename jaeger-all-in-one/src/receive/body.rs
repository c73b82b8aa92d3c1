//! The body of a request: whole, decompressed, and bounded in every way.
//!
//! At most [`LARGEST`] bytes, before and after decompression (a bomb is noticed while it unfolds), within [`DEADLINE`], and all bodies of all ports together
//! within the [budget](super::budget): who brings more when that is used up is sent away with 503.

use std::future::poll_fn;
use std::io::{Cursor, Read as _};
use std::task::Poll;
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::{HeaderMap, Request, StatusCode, header};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt as _;

use super::budget::{FULL, Full, Held, Packed, READ, unfolded};
use super::unpacked::UNASKED;
use crate::counters::Cause;

/// The largest body, in bytes.
pub(super) const LARGEST: usize = 20 << 20;
/// The largest window of zstd, as a power of two: 32 MiB, which clients' strongest setting has.
const WINDOW: u32 = 25;
/// How long a body may take, from when the library has its head: 10 s at most after it came (`quick.rs`).
const DEADLINE: Duration = Duration::from_secs(30);

/// A body, with its part of the budget.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _held: Held,
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(super) cause: Cause,
    /// For the client, a sentence without its end.
    pub(crate) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, cause: Cause, message: impl Into<String>) -> Self {
        Refusal { status, cause, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, Cause::Invalid, message)
    }
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Self {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Cause::Timeout, FULL)
    }
}

/// The media type of a request, without parameters, in lower case; empty if it says none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    text.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

#[derive(Clone, Copy)]
enum Encoding {
    None,
    Gzip,
    Deflate,
    Zstd,
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let text = headers.get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Encoding::None),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        "deflate" | "zlib" => Ok(Encoding::Deflate),
        "zstd" => Ok(Encoding::Zstd),
        other => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Cause::MediaType,
            format!("content encoding {other:?} is not taken; gzip, deflate and zstd are"),
        )),
    }
}

/// What comes behind the head of a request, as hyper and axum give it.
pub(crate) trait Content: HttpBody<Data = Bytes> + Unpin {}
impl<C: HttpBody<Data = Bytes> + Unpin> Content for C {}

/// Reads the body of a request.
pub(super) async fn read(request: Request<impl Content>) -> Result<Body, Refusal> {
    in_time(whole(request)).await
}

/// Reads a file that comes on the query port: it may be larger, is not packed, and shares the budget.
pub(crate) async fn upload(request: Request<impl Content>, largest: usize) -> Result<Body, Refusal> {
    in_time(async {
        let expected = declared(&request, largest)?;
        let mut held = Held::default();
        Ok(Body { bytes: gather(request.into_body(), expected, largest, &mut held).await?, _held: held })
    })
    .await
}

async fn in_time(body: impl Future<Output = Result<Body, Refusal>>) -> Result<Body, Refusal> {
    let mut body = std::pin::pin!(body);
    // Mostly it came with the head, and then no deadline is needed.
    if let Poll::Ready(body) = poll_fn(|context| Poll::Ready(body.as_mut().poll(context))).await {
        return body;
    }
    match tokio::time::timeout(DEADLINE, body).await {
        Ok(body) => body,
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            Cause::Timeout,
            format!("the body did not come within {} s", DEADLINE.as_secs()),
        )),
    }
}

async fn whole(request: Request<impl Content>) -> Result<Body, Refusal> {
    let encoding = encoding(request.headers())?;
    let expected = declared(&request, LARGEST)?;
    let mut held = Held::default();
    let bytes = gather(request.into_body(), expected, LARGEST, &mut held).await?;
    let packed = match encoding {
        Encoding::None => None,
        Encoding::Gzip | Encoding::Deflate => Some(Packed::Deflate),
        Encoding::Zstd => Some(Packed::Otherwise),
    };
    if let Some(packed) = packed {
        held.grow(unfolded(bytes.len(), packed)).await?;
    }
    let bytes = match encoding {
        Encoding::None => bytes,
        Encoding::Gzip => unfold(MultiGzDecoder::new(Cursor::new(bytes))).await?.into(),
        Encoding::Deflate => unfold(ZlibDecoder::new(Cursor::new(bytes))).await?.into(),
        Encoding::Zstd => {
            let broken = |error| Refusal::invalid(format!("the body cannot be decompressed: {error}"));
            let mut decoder = zstd::Decoder::with_buffer(Cursor::new(bytes)).map_err(broken)?;
            decoder.window_log_max(WINDOW).map_err(broken)?;
            unfold(decoder).await?.into()
        }
    };
    Ok(Body { bytes, _held: held })
}

/// Holds what a body becomes while it is read, by the bound that `becomes` gives; at most [`READ`].
pub(super) async fn room(body: &Bytes, becomes: fn(&[u8]) -> usize) -> Result<Room, Refusal> {
    let mut room = Held::to_read();
    if body.len() > UNASKED {
        let (bytes, size) = (body.clone(), body.len());
        let bytes = aside(move || becomes(&bytes), size).await;
        room.grow(within(bytes)?).await?;
    }
    Ok(Room(room))
}

/// The same for who may not wait, on a thread that may take its time: who waits for something else while it holds room keeps others out.
pub(crate) fn room_at_once(body: &[u8], becomes: fn(&[u8]) -> usize) -> Result<Room, Refusal> {
    let mut room = Held::to_read();
    if body.len() > UNASKED {
        room.try_grow(within(becomes(body))?).map_err(|_| Full)?;
    }
    Ok(Room(room))
}

/// What a body becomes, if so much may be had at all.
fn within(becomes: usize) -> Result<usize, Refusal> {
    if becomes <= READ {
        return Ok(becomes);
    }
    Err(Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        Cause::TooLarge,
        format!(
            "to read the body might take {} MiB, more than {}; send it in parts",
            becomes >> 20,
            READ >> 20
        ),
    ))
}

/// Room to read a body, until this is dropped.
pub(crate) struct Room(#[expect(dead_code, reason = "held, not looked at")] Held);

/// How many bytes a request says that it brings; 0 if it does not, or as many as may be.
fn declared<C>(request: &Request<C>, largest: usize) -> Result<usize, Refusal> {
    let text = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match text.and_then(|text| text.parse::<usize>().ok()) {
        Some(bytes) if bytes > largest => Err(too_large(largest)),
        Some(bytes) if bytes < largest => Ok(bytes),
        _ => Ok(0),
    }
}

/// All of a body, copied once, or not at all if it comes in one piece; `expected` is its length if that is known.
async fn gather(
    mut body: impl Content,
    expected: usize,
    largest: usize,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, Cause::Truncated, "the body breaks off"))?;
        // Trailers say nothing that is asked for.
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > largest {
            return Err(too_large(largest));
        }
        held.grow(all.len() + data.len()).await?;
        if all.is_empty() {
            if !data.is_empty() && data.len() == expected {
                return Ok(data);
            }
            // Reserved, which costs nothing before it is written.
            all.reserve(expected);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.into())
}

/// Decompresses here what is small; a bomb does not hold up the port.
async fn unfold(mut from: impl std::io::Read + Send + 'static) -> Result<Vec<u8>, Refusal> {
    fn read(from: impl std::io::Read, to: &mut Vec<u8>) -> Result<usize, Refusal> {
        let read = from.take((LARGEST + 1 - to.len()) as u64).read_to_end(to);
        read.map_err(|error| Refusal::invalid(format!("the body cannot be decompressed: {error}")))
    }
    let mut bytes = Vec::new();
    if read(from.by_ref().take(SMALL as u64), &mut bytes)? < SMALL {
        return Ok(bytes);
    }
    let rest = move || read(from, &mut bytes).map(|_| bytes);
    match aside(rest, LARGEST).await? {
        bytes if bytes.len() > LARGEST => Err(too_large(LARGEST)),
        bytes => Ok(bytes),
    }
}

fn too_large(largest: usize) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        Cause::TooLarge,
        format!("the body is larger than {} MiB", largest >> 20),
    )
}

/// What has at most so many bytes is done on the port's thread: it takes a millisecond or so, and to hand it to another costs both of them a switch and cold
/// caches.
const SMALL: usize = 1 << 20;

/// Runs what may take some milliseconds where it holds up nobody.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static, size: usize) -> T {
    if size <= SMALL {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // A panic is a bug, and goes on to the connection, which ends with it.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::{BUDGET, TURN};
    use super::*;
    use axum::body::Body as Content;
    use axum::extract::Request;

    fn request(encoding: &str, body: Content) -> Request {
        let request = axum::http::Request::builder().header(header::CONTENT_ENCODING, encoding);
        request.header(header::CONTENT_LENGTH, LARGEST).body(body).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_says_that_it_will_send_much_holds_up_nobody() {
        let _turn = TURN.lock().await;
        // So many that they would hold several times the budget.
        let idle: Vec<_> = (0..64)
            .map(|n| {
                let begun = tokio_stream::once(Ok::<_, std::io::Error>(vec![0; 100]));
                let never = tokio_stream::StreamExt::chain(begun, tokio_stream::pending());
                tokio::spawn(read(request(["gzip", "identity"][n % 2], Content::from_stream(never))))
            })
            .collect();
        tokio::task::yield_now().await;
        let began = tokio::time::Instant::now();
        assert!(read(request("identity", Content::from(vec![0; 1 << 20]))).await.is_ok());
        assert_eq!(began.elapsed(), Duration::ZERO);
        idle.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_come_is_bounded_and_more_is_sent_away() {
        let _turn = TURN.lock().await;
        let mut all = Vec::new();
        for _ in 0..BUDGET / LARGEST {
            all.push(read(request("identity", Content::from(vec![0; LARGEST]))).await.unwrap());
        }
        let refusal =
            read(request("identity", Content::from(vec![0; LARGEST]))).await.err().expect("no room");
        assert_eq!((refusal.status, refusal.cause), (StatusCode::SERVICE_UNAVAILABLE, Cause::Timeout));
        all.pop();
        assert!(
            read(request("identity", Content::from(vec![0; LARGEST]))).await.is_ok(),
            "its place is free again"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_bodies_become_is_bounded_and_who_finds_no_room_is_sent_away() {
        let _turn = TURN.lock().await;
        let body = Bytes::from(vec![0; UNASKED + 1]);
        let mut others = Held::to_read();
        others.grow(READ - 1_000).await.unwrap();
        let refused = |room: Result<Room, Refusal>| room.err().map(|refusal| (refusal.status, refusal.cause));
        let full = Some((StatusCode::SERVICE_UNAVAILABLE, Cause::Timeout));
        let too_large = Some((StatusCode::PAYLOAD_TOO_LARGE, Cause::TooLarge));
        assert_eq!(refused(room(&body, |_| 2_000).await), full);
        assert_eq!(refused(room_at_once(&body, |_| 2_000)), full);
        assert_eq!(refused(room_at_once(&body[1..], |_| 2_000)), None, "a small one is not counted");
        drop(others);
        let begun = room(&body, |_| READ).await.ok();
        assert!(begun.is_some());
        assert_eq!(refused(room_at_once(&body, |_| 1)), full);
        drop(begun);
        assert_eq!(refused(room_at_once(&body, |_| READ)), None);
        assert_eq!(refused(room(&body, |_| READ + 1).await), too_large);
        assert_eq!(refused(room_at_once(&body, |_| READ + 1)), too_large);
    }

    /// The one other thread that there is waits, so what is done nevertheless is done here.
    #[test]
    fn only_what_is_small_is_decompressed_on_the_ports_thread() {
        use std::io::Write as _;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.max_blocking_threads(1).enable_all().build().unwrap().block_on(async {
            let _turn = TURN.lock().await;
            for (bytes, is_done_here) in
                [(SMALL - 1, true), (SMALL, false), (LARGEST, false), (LARGEST + 1, false)]
            {
                let (go, waits) = std::sync::mpsc::channel::<()>();
                tokio::task::spawn_blocking(move || waits.recv());
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packed.write_all(&vec![b'x'; bytes]).unwrap();
                let mut read = std::pin::pin!(read(request("gzip", Content::from(packed.finish().unwrap()))));
                let asked = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await;
                assert_eq!(asked.is_ready(), is_done_here, "{bytes}");
                drop(go);
                let body = match asked {
                    Poll::Ready(body) => body,
                    Poll::Pending => read.await,
                };
                match body {
                    Ok(body) => assert_eq!(body.bytes.len(), bytes),
                    Err(refusal) => assert_eq!((refusal.cause, bytes), (Cause::TooLarge, LARGEST + 1)),
                }
            }
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        let _turn = TURN.lock().await;
        let began = tokio::time::Instant::now();
        let never = tokio_stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let refusal = read(Request::new(Content::from_stream(never))).await.err().expect("it is refused");
        assert_eq!((refusal.status, refusal.cause), (StatusCode::REQUEST_TIMEOUT, Cause::Timeout));
        assert!(began.elapsed() >= DEADLINE);
        assert!(read(Request::new(Content::from("all of it"))).await.is_ok(), "its place is free again");
    }

    #[tokio::test(start_paused = true)]
    async fn files_that_are_uploaded_have_the_same_deadline_and_budget() {
        const FILE: usize = 64 << 20;
        let _turn = TURN.lock().await;
        let never = tokio_stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let refusal = upload(Request::new(Content::from_stream(never)), FILE).await.err().expect("too late");
        assert_eq!(refusal.status, StatusCode::REQUEST_TIMEOUT);
        let large = upload(Request::new(Content::from(vec![0; FILE + 1])), FILE).await.err();
        assert_eq!(large.map(|refusal| refusal.message).unwrap(), "the body is larger than 64 MiB");
        let mut all = Vec::new();
        for _ in 0..BUDGET / FILE {
            all.push(upload(Request::new(Content::from(vec![0; FILE])), FILE).await.unwrap());
        }
        let refusal = upload(Request::new(Content::from("{}")), FILE).await.err().expect("no room");
        assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
