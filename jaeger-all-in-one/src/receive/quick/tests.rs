//! That what is answered here is what the library answers, and that nobody stays, waits or holds memory for longer than there.

use super::*;
use crate::Config;
use crate::counters::{Cause, Receiver};
use crate::receive::budget::{BUDGET, TURN};
use crate::receive::port::Port;
use crate::receive::{http, otlp};
use crate::serve::Places;
use crate::store::memory::MemoryStore;
use hyper::StatusCode;
use std::io::Read as _;
use std::net::{Shutdown, TcpStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const QUICK: Quick = otlp::http::QUICK;
/// `Connection: close`, so that the other side ends.
const LAST: &[u8] = b"GET /last HTTP/1.1\r\nConnection: close\r\n\r\n";

fn app() -> App {
    App::new(Config::default(), Box::new(MemoryStore::new(64 << 20)))
}

/// A request in OTLP's protobuf: one span of trace 1, without a name.
fn body() -> Vec<u8> {
    let mut span = vec![0x0a, 16];
    span.extend(1_u128.to_be_bytes());
    span.extend([0x12, 8, 0, 0, 0, 0, 0, 0, 0, 1]);
    let wrap = |bytes: Vec<u8>, key: u8| [vec![key, bytes.len() as u8], bytes].concat();
    wrap(wrap(wrap(span, 0x12), 0x12), 0x0a)
}

fn post(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("{line}\r\n{headers}\r\n").as_bytes(), body].concat()
}

const LINE: &str = "POST /v1/traces HTTP/1.1";

fn ordinary(more: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let headers =
        format!("Host: x\r\nContent-Type: application/x-protobuf\r\n{more}Content-Length: {length}\r\n");
    post(LINE, &headers, body)
}

/// One field that nobody knows, of so many bytes in all.
fn filled(length: usize) -> Vec<u8> {
    let mut bytes = vec![0x7a];
    let mut left = length - 4;
    for _ in 0..2 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes.resize(length, 0);
    bytes
}

/// Requests, each with whether it is answered here.
fn all() -> Vec<(Vec<u8>, bool)> {
    let body = body();
    let kind = "content-type: application/x-protobuf\r\n";
    let odd = |headers: &str| (post(LINE, headers, &body), false);
    let n = body.len();
    let many = |count: usize| (0..count).map(|n| format!("x-{n}: {n}\r\n")).collect::<String>();
    vec![
        (ordinary("", &body), true),
        (ordinary("", b""), true),
        (ordinary("Connection: Keep-Alive\r\nUser-Agent: x\r\nAccept: */*\r\n", &body), true),
        (
            post(LINE, &format!("CONTENT-LENGTH: {n}\r\ncontent-type: Application/X-Protobuf\r\n"), &body),
            true,
        ),
        ([b"\r\n\r\n".to_vec(), ordinary("", &body)].concat(), true),
        (ordinary(&many(HEADERS - 3), &body), true),
        (ordinary("", &filled(UNASKED)), true),
        (ordinary("", &filled(UNASKED + 1)), false),
        (ordinary(&many(HEADERS - 2), &body), false),
        (ordinary(&format!("x: {}\r\n", "y".repeat(HEAD)), &body), false),
        // Refused, so the library says why.
        (ordinary("", b"no protobuf"), false),
        (ordinary("Origin: null\r\n", &body), false),
        (ordinary("Content-Encoding: identity\r\n", &body), false),
        (ordinary("Content-Encoding: br\r\n", &body), false),
        (ordinary("TE: trailers\r\n", &body), false),
        (ordinary("Upgrade: h2c\r\n", &body), false),
        (ordinary("Expect: 100-continue\r\n", &body), false),
        (ordinary("Content-Type: application/json\r\n", &body), false),
        (ordinary(&format!("Content-Length: {n}\r\n"), &body), false),
        odd(&format!("{kind}content-length: {n}, {n}\r\n")),
        odd(&format!("{kind}transfer-encoding: chunked\r\n")),
        (post(LINE, &format!("{kind}transfer-encoding: chunked\r\n"), b"2\r\n\x7a\x00\r\n0\r\n\r\n"), false),
        odd(&format!("content-type: application/x-protobuf; charset=x\r\ncontent-length: {n}\r\n")),
        odd(&format!("content-type: text/plain\r\ncontent-length: {n}\r\n")),
        odd(&format!("content-type: text/plain\r\n{kind}content-length: {n}\r\n")),
        odd(&format!("content-type: application/json\r\n{kind}content-length: {n}\r\n")),
        // The length may be another's, who stands between.
        odd(&format!("{kind}transfer-encoding: chunked\r\ncontent-length: {n}\r\n")),
        odd(&format!("{kind}content-length: {n}\r\ntransfer-encoding: chunked\r\n")),
        odd(&format!("content-length: {n}\r\n")),
        (post("POST /v1/traces?x HTTP/1.1", &format!("{kind}content-length: {n}\r\n"), &body), false),
        (post("POST http://x/v1/traces HTTP/1.1", &format!("{kind}content-length: {n}\r\n"), &body), false),
        (post("POST /v1/trace HTTP/1.1", &format!("{kind}content-length: {n}\r\n"), &body), false),
        (post("PUT /v1/traces HTTP/1.1", &format!("{kind}content-length: {n}\r\n"), &body), false),
    ]
}

/// What ends the connection, whatever comes behind it.
fn ends() -> Vec<Vec<u8>> {
    let body = body();
    let (n, kind) = (body.len(), "content-type: application/x-protobuf\r\n");
    vec![
        // The client does.
        Vec::new(),
        LAST.to_vec(),
        ordinary("Connection: close\r\n", &body),
        post("POST /v1/traces HTTP/1.0", &format!("{kind}content-length: {n}\r\n"), &body),
        post(LINE, &format!("{kind}content-length: +{n}\r\n"), &body),
        post(LINE, &format!("{kind}content-length: {n}\r\ncontent-length: 1\r\n"), &body),
        post(LINE, &format!("{kind}content length: {n}\r\n"), &body),
        b"no request at all\r\n\r\n".to_vec(),
    ]
}

/// All that is answered to these bytes, sent in pieces of that size with an end behind them, but for the dates.
fn answers(port: &Port, bytes: &[u8], piece: usize) -> String {
    let mut stream = TcpStream::connect(port.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut other = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for piece in bytes.chunks(piece) {
                // It may have ended before.
                if other.write_all(piece).is_err() {
                    break;
                }
            }
            let _ = other.shutdown(Shutdown::Write);
        });
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        text.split("\r\n").filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n")
    })
}

fn counted(app: &App) -> Vec<u64> {
    let causes = [Cause::MediaType, Cause::Invalid, Cause::TooLarge, Cause::Truncated, Cause::Timeout];
    let refused = causes.map(|cause| app.counters.refusals(Receiver::OtlpHttp, cause));
    [&refused[..], &[app.counters.spans(Receiver::OtlpHttp), app.store.stats().spans]].concat()
}

#[test]
fn what_is_answered_here_is_what_the_library_answers() {
    // Dropped behind the channel, whose end is theirs.
    let (quick, library);
    let (_stop, stopped) = watch::channel(false);
    let start = |quick| {
        let app = app();
        let (receiver, free) = (Receiver::OtlpHttp, "127.0.0.1:0".parse().unwrap());
        let port = Port::http(receiver, free, app.clone(), stopped.clone(), quick, otlp::http::answer);
        (app, port.unwrap())
    };
    (quick, library) = (start(Some(QUICK)), start(None));
    let first = ordinary("", &body());
    for (n, (request, _)) in all().iter().enumerate() {
        for end in ends() {
            let bytes = [&first, request, &first, &end].map(|bytes| &bytes[..]).concat();
            let piece = if n % 2 == 0 { bytes.len() } else { 1_000 };
            let answered = answers(&quick.1, &bytes, piece);
            assert!(answered.starts_with("HTTP/1.1 200 OK"), "{answered}");
            assert_eq!(answered, answers(&library.1, &bytes, piece), "{}", String::from_utf8_lossy(&bytes));
            assert_eq!(counted(&quick.0), counted(&library.0), "{}", String::from_utf8_lossy(&bytes));
        }
    }
    // Cut everywhere.
    for piece in 1..300 {
        let bytes = [&first[..], &all()[2].0, &all()[10].0, &first, LAST].concat();
        let answered = answers(&quick.1, &bytes, piece);
        assert_eq!(answered.matches("HTTP/1.1 ").count(), 5, "{piece}: {answered}");
        assert_eq!(answered, answers(&library.1, &bytes, piece), "{piece}");
    }
    assert_eq!(counted(&quick.0), counted(&library.0));
    // Ended in the middle, and there broken off.
    let body = filled(1_000);
    let whole = ordinary("", &body);
    for length in [1, 20, whole.len() - body.len(), whole.len() - body.len() + 1, whole.len() - 1] {
        let bytes = [&first, &whole[..length]].concat();
        let answered = answers(&quick.1, &bytes, bytes.len());
        assert_eq!(answered, answers(&library.1, &bytes, bytes.len()), "{length}");
        assert_eq!(counted(&quick.0), counted(&library.0), "{length}");
        let before = counted(&quick.0);
        for (app, port) in [&quick, &library] {
            break_off(port, &bytes);
            let is_counted = length >= whole.len() - body.len();
            while is_counted && counted(app)[..5] == before[..5] {
                std::thread::yield_now();
            }
        }
        assert_eq!(counted(&quick.0), counted(&library.0), "{length}");
    }
}

/// Sends it, reads the first answer, and resets the connection.
fn break_off(port: &Port, bytes: &[u8]) {
    let mut stream = TcpStream::connect(port.address()).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = [0; 300];
    assert!(stream.read(&mut answer).unwrap() > 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    stream.set_nonblocking(true).unwrap();
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    stream.set_zero_linger().unwrap();
}

#[test]
fn what_is_ordinary_is_answered_here_and_nothing_else() {
    let port;
    let (_stop, stopped) = watch::channel(false);
    let teapot = async |_, _| http::answer(StatusCode::IM_A_TEAPOT, "", "");
    let free = "127.0.0.1:0".parse().unwrap();
    port = Port::http(Receiver::OtlpHttp, free, app(), stopped, Some(QUICK), teapot).unwrap();
    for (request, is_ordinary) in all() {
        let answered = answers(&port, &[&request[..], LAST].concat(), request.len());
        assert_eq!(answered.starts_with("HTTP/1.1 200 OK"), is_ordinary, "{answered}\n{}", {
            String::from_utf8_lossy(&request[..request.len().min(300)])
        });
    }
}

/// A connection as this has it, and the client's side.
async fn pair() -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (Places::new(1).accept(&listener).await, client)
}

#[tokio::test(start_paused = true)]
async fn who_is_late_goes_to_the_library_with_all_that_came() {
    let (_stop, stopped) = watch::channel(false);
    let whole = ordinary("", &body());
    for length in [1, 30, whole.len() - 1] {
        let (connection, mut client) = pair().await;
        client.write_all(&whole[..length]).unwrap();
        let began = Instant::now();
        let mut left = QUICK.serve(app(), connection, stopped.clone()).await.expect("it was begun");
        assert!((LOOK..=LOOK * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert!(left.waited() >= began.elapsed());
        drop(client);
        let mut bytes = Vec::new();
        left.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, whole[..length]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_hung_up_on_and_so_are_all_at_the_end() {
    let (stop, stopped) = watch::channel(false);
    let (connection, _client) = pair().await;
    let began = Instant::now();
    assert!(QUICK.serve(app(), connection, stopped.clone()).await.is_none());
    assert!((LOOK * CLOSE..LOOK * (CLOSE + 1)).contains(&began.elapsed()));
    stop.send(true).unwrap();
    let (connection, _client) = pair().await;
    let began = Instant::now();
    assert!(QUICK.serve(app(), connection, stopped).await.is_none());
    assert!(began.elapsed() < LOOK);
}

#[tokio::test]
async fn who_always_has_another_request_does_not_hold_up_the_end() {
    let (stop, stopped) = watch::channel(false);
    let (connection, mut client) = pair().await;
    let request = ordinary("", &body());
    client.write_all(&request.repeat(3)).unwrap();
    stop.send(true).unwrap();
    let mut left = QUICK.serve(app(), connection, stopped).await.expect("the library ends it");
    client.shutdown(Shutdown::Write).unwrap();
    let mut bytes = Vec::new();
    left.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, request.repeat(2));
}

#[tokio::test(start_paused = true)]
async fn who_asks_now_and_then_stays() {
    let (_stop, stopped) = watch::channel(false);
    let (connection, client) = pair().await;
    client.set_nonblocking(true).unwrap();
    // The system would keep the other half for some milliseconds, in which this clock makes hours go by.
    client.set_nodelay(true).unwrap();
    let mut client = tokio::net::TcpStream::from_std(client).unwrap();
    let serving = tokio::spawn(QUICK.serve(app(), connection, stopped));
    let request = ordinary("", &body());
    for n in 0..CLOSE * 2 {
        // Some come in two halves, so far apart that a look falls between most, and never two.
        let half = if n % 2 == 0 { request.len() } else { request.len() / 2 };
        client.write_all(&request[..half]).await.unwrap();
        tokio::time::sleep(LOOK * 9 / 10).await;
        client.write_all(&request[half..]).await.unwrap();
        let mut answer = [0; 300];
        let length = client.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200 OK"), "{n}: {length}");
        tokio::time::sleep(LOOK / 2).await;
    }
    assert!(!serving.is_finished());
}

/// What connections read to is held of the budget, goes with them to the library, and is given back by those that ask nothing. They are so many that what other
/// tests hold meanwhile makes no difference, and the clock only jumps when what was sent has come.
#[tokio::test]
async fn what_is_read_is_held_as_long_as_it_is_there() {
    const LARGE: usize = 200 << 10;
    const OTHERS: usize = 6 << 20;
    let _turn = TURN.lock().await;
    let is_free = || Held::default().try_grow(BUDGET - OTHERS).is_ok();
    let (_stop, stopped) = watch::channel(false);
    let request = ordinary("", &filled(LARGE));
    let (mut clients, mut serving) = (Vec::new(), Vec::new());
    for _ in 0..OTHERS * 2 / LARGE {
        let (connection, client) = pair().await;
        serving.push(tokio::spawn(QUICK.serve(app(), connection, stopped.clone())));
        client.set_nonblocking(true).unwrap();
        let mut client = tokio::net::TcpStream::from_std(client).unwrap();
        client.write_all(&request).await.unwrap();
        let mut answer = [0; 300];
        assert!(client.read(&mut answer).await.unwrap() > 0);
        clients.push(client);
    }
    assert!(!is_free(), "they keep it for the next");
    tokio::time::pause();
    tokio::time::sleep(LOOK * (SHRINK + 1)).await;
    assert!(is_free() && !serving.iter().any(|serving| serving.is_finished()));

    tokio::time::resume();
    for client in &mut clients {
        client.write_all(&request[..LARGE]).await.unwrap();
    }
    while is_free() {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    let mut left = Vec::new();
    for serving in serving {
        left.push(serving.await.unwrap().expect("it is late"));
    }
    assert!(!is_free());
    drop(left);
    assert!(is_free());

    let mut others = Held::default();
    others.grow(BUDGET - OTHERS).await.unwrap();
    let mut reading = Reading { buffer: Vec::new(), filled: OTHERS, held: Held::default() };
    assert!(!reading.grow(OTHERS * 2), "there is no room");
}

/// A client that sends many small requests behind a large one, when room has become scarce.
#[tokio::test]
async fn what_has_come_is_kept_however_scarce_room_is() {
    const MANY: usize = 1_000;
    let _turn = TURN.lock().await;
    let (_stop, stopped) = watch::channel(false);
    let (connection, client) = pair().await;
    let serving = tokio::spawn(QUICK.serve(app(), connection, stopped));
    client.set_nonblocking(true).unwrap();
    let mut client = tokio::net::TcpStream::from_std(client).unwrap();
    client.write_all(&ordinary("", &filled(200 << 10))).await.unwrap();
    let mut answers = vec![0; 300];
    let length = client.read(&mut answers).await.unwrap();
    let mut others = Held::default();
    others.grow(BUDGET / 2 + (1 << 20)).await.unwrap();
    client.write_all(&ordinary("", &body()).repeat(MANY)).await.unwrap();
    answers.resize(length * MANY, 0);
    client.read_exact(&mut answers).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 200 OK\r\n").count(), MANY);
    assert!(!serving.is_finished());
}

/// Each has sent a request of some length and keeps its buffer for the next, until half of all bodies' budget is used.
#[tokio::test]
async fn what_connections_keep_leaves_room_for_bodies() {
    let _turn = TURN.lock().await;
    let (port, mut clients): (Port, Vec<TcpStream>);
    let (_stop, stopped) = watch::channel(false);
    let free = "127.0.0.1:0".parse().unwrap();
    port = Port::http(Receiver::OtlpHttp, free, app(), stopped, Some(QUICK), otlp::http::answer).unwrap();
    let mut others = Held::default();
    others.grow(BUDGET / 2 - (1 << 20)).await.unwrap();
    let request = ordinary("", &filled(200 << 10));
    clients = Vec::new();
    for _ in 0..50 {
        let mut client = TcpStream::connect(port.address()).unwrap();
        for _ in 0..2 {
            std::io::Write::write_all(&mut client, &request).unwrap();
            let mut answer = [0; 15];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
            let mut rest = [0; 300];
            assert!(client.read(&mut rest).unwrap() > 0);
        }
        clients.push(client);
    }
    // They keep ten megabytes if they may.
    assert!(others.try_grow(BUDGET - (2 << 20)).is_ok(), "bodies find no room");
}

#[test]
fn who_only_says_that_much_will_come_gets_no_memory() {
    let mut reading = Reading { buffer: Vec::new(), filled: 0, held: Held::default() };
    assert!(reading.grow(UNASKED));
    assert_eq!(reading.buffer.len(), LEAST);
    reading.filled = LEAST;
    assert!(reading.grow(UNASKED));
    assert_eq!(reading.buffer.len(), LEAST * 2);
    reading.filled = 0;
    reading.shrink();
    assert_eq!(reading.buffer.capacity(), LEAST);
}
