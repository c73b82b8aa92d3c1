//! Requests as exporters send them, answered without the library that speaks HTTP.
//!
//! An exporter sends some hundred spans every few milliseconds or seconds, and each time all that a server consists of has to be fetched into the caches first,
//! which takes as long as reading the spans. So what is ordinary is read here: a whole `POST` of the port's path and type, neither packed nor in chunks,
//! of less than 256 KiB, that asks for nothing else. Whatever is not, is late, or is refused goes to the library, with the connection and all that was read of it, and
//! stays there. So this can only be faster, never judge otherwise; the tests hold it to that, answer by answer.
//!
//! Left out on purpose: packed bodies, whose unpacking costs more than all of this, and Zipkin's JSON.

use std::future::poll_fn;
use std::io::{ErrorKind, Write as _};
use std::pin::{Pin, pin};
use std::time::{Duration, SystemTime};

use httparse::Status;
use tokio::io::AsyncWrite as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::budget::Held;
use super::unpacked::UNASKED;
use crate::app::App;
use crate::serve::Connection;

/// Headers that are read here at most, and bytes of all.
const HEADERS: usize = 32;
const HEAD: usize = 4 << 10;
/// Bytes that a connection has to read to, whatever comes. What it has more is held of the budget of all bodies.
const LEAST: usize = 16 << 10;
/// How often a connection is looked after: a request that was begun at the last look is late.
const LOOK: Duration = Duration::from_secs(5);
/// After so many looks without a request it has only [`LEAST`] to read to.
const SHRINK: u32 = 3;
/// And after so many it is closed.
const CLOSE: u32 = 6;

/// What a port takes, and how it answers when it has taken it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quick {
    pub(crate) path: &'static str,
    pub(crate) media_type: &'static str,
    /// The rest of the status line.
    pub(crate) status: &'static str,
    /// Of the answer; none if it is empty.
    pub(crate) answer_type: &'static str,
    pub(crate) answer: &'static [u8],
    /// Takes a body in, whole; whether it did. If not, nothing of it is taken, and nothing counted.
    pub(crate) take: fn(&App, &[u8]) -> bool,
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// The head of an ordinary request, of so many bytes, and its body's.
    Head(usize, usize),
    /// Something that may become one.
    Part,
    Other,
}

/// What was read of a connection and not answered.
struct Reading {
    /// Read to; `filled` bytes are.
    buffer: Vec<u8>,
    filled: usize,
    held: Held,
}

impl Reading {
    /// Has room for more of a request of so many bytes, as much again as came at most: who only says that much will come gets nothing. Whether there was room.
    fn grow(&mut self, request: usize) -> bool {
        let size = request.min(self.filled * 2).max(LEAST);
        if size <= self.buffer.len() {
            return true;
        }
        if size > LEAST && self.held.try_grow(size).is_err() {
            return false;
        }
        self.buffer.resize(size, 0);
        true
    }

    fn shrink(&mut self) {
        self.buffer.truncate(LEAST);
        self.buffer.shrink_to_fit();
        self.held = Held::default();
    }
}

impl Quick {
    /// Answers requests until one comes that is none for here: then the connection, with what was read of it. `None` if it is over.
    pub(crate) async fn serve(
        self,
        app: App,
        mut connection: Connection,
        mut stopped: watch::Receiver<bool>,
    ) -> Option<Connection> {
        let mut reading = Reading { buffer: Vec::new(), filled: 0, held: Held::default() };
        let mut begin = Begin::Part;
        let (mut looks, mut late) = (0, false);
        let mut waited = Duration::ZERO;
        let mut look = pin!(sleep(LOOK));
        let told = stopped.clone();
        let mut stop = pin!(stopped.wait_for(|stop| *stop));
        let mut answer = Vec::new();
        loop {
            if begin == Begin::Part {
                begin = self.begin(&reading.buffer[..reading.filled]);
            }
            let whole = match begin {
                Begin::Head(head, body) => head + body,
                Begin::Part => HEAD,
                Begin::Other => break,
            };
            if let Begin::Head(head, _) = begin
                && reading.filled >= whole
            {
                if !(self.take)(&app, &reading.buffer[head..whole]) {
                    break;
                }
                self.answer(&mut answer);
                write(&mut connection, &answer).await?;
                reading.buffer.copy_within(whole..reading.filled, 0);
                reading.filled -= whole;
                (begin, looks, late) = (Begin::Part, 0, false);
                // Who always has another would never come to where it is waited for.
                if *told.borrow() {
                    break;
                }
                // What is kept for the next request shall keep nobody out.
                if reading.filled <= LEAST && reading.held.is_scarce() {
                    reading.shrink();
                }
                continue;
            }
            if !reading.grow(whole) {
                break;
            }
            tokio::select! {
                // What comes is looked at first, and mostly it has come.
                biased;
                readable = connection.readable() => if readable.is_err() { break },
                _ = &mut stop => break,
                () = &mut look => {
                    look.as_mut().reset(Instant::now() + LOOK);
                    looks += 1;
                    if late {
                        waited = LOOK * 2;
                        break;
                    }
                    late = reading.filled > 0;
                    if !late && looks == SHRINK {
                        reading.shrink();
                    }
                    if !late && looks >= CLOSE {
                        return None;
                    }
                    continue;
                }
            }
            match connection.try_read(&mut reading.buffer[reading.filled..]) {
                Ok(0) => break,
                Ok(more) => reading.filled += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // What was begun is the library's to count.
                Err(_) => break,
            }
        }
        let Reading { mut buffer, filled, held } = reading;
        buffer.truncate(filled);
        // Without a byte there is nothing to be answered, now or later: it has ended, or the program does.
        (filled > 0).then(|| connection.begun(buffer, held, waited))
    }

    fn begin(&self, bytes: &[u8]) -> Begin {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let head = match request.parse(bytes) {
            Ok(Status::Complete(head)) if head <= HEAD => head,
            Ok(Status::Partial) if bytes.len() < HEAD => return Begin::Part,
            _ => return Begin::Other,
        };
        let wanted = (Some("POST"), Some(self.path), Some(1));
        match (request.method, request.path, request.version) == wanted {
            true => self.length(request.headers).map_or(Begin::Other, |body| Begin::Head(head, body)),
            false => Begin::Other,
        }
    }

    /// The body's length, if these are the headers of an ordinary request.
    fn length(&self, headers: &[httparse::Header<'_>]) -> Option<usize> {
        let (mut length, mut is_of_type) = (None, None);
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("content-length") && length.is_none() {
                // No sign and no blanks, of which somebody may think otherwise.
                let digits = header.value.iter().all(u8::is_ascii_digit);
                length = Some(std::str::from_utf8(header.value).ok()?.parse().ok().filter(|_| digits)?);
            } else if is("content-type") && is_of_type.is_none() {
                is_of_type = Some(header.value.eq_ignore_ascii_case(self.media_type.as_bytes()));
            } else if is("connection") {
                header.value.eq_ignore_ascii_case(b"keep-alive").then_some(())?;
            } else if ASKING.into_iter().any(is) {
                return None;
            }
        }
        length.filter(|&length: &usize| is_of_type == Some(true) && length <= UNASKED)
    }

    /// As the library writes it.
    fn answer(&self, to: &mut Vec<u8>) {
        let Quick { status, answer_type, answer, .. } = self;
        let (before, after) = if answer_type.is_empty() { ("", "") } else { ("content-type: ", "\r\n") };
        to.clear();
        let date = httpdate::HttpDate::from(SystemTime::now());
        let length = answer.len();
        // A vector takes all.
        let _ = write!(
            to,
            "HTTP/1.1 {status}\r\n{before}{answer_type}{after}content-length: {length}\r\ndate: {date}\r\n\r\n"
        );
        to.extend_from_slice(answer);
    }
}

/// Headers that ask for something, or say something of the body; of the two that are read here a second one.
const ASKING: [&str; 9] = [
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "expect",
    "upgrade",
    "te",
    "trailer",
    "origin",
];

/// Writes all of it; `None` if the other side is gone, or takes nothing for too long.
async fn write(connection: &mut Connection, mut bytes: &[u8]) -> Option<()> {
    while !bytes.is_empty() {
        match poll_fn(|context| Pin::new(&mut *connection).poll_write(context, bytes)).await {
            Ok(written) if written > 0 => bytes = &bytes[written..],
            _ => return None,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
