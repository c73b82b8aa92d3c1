//! The backend as a library, inside the tests of other programs.

use jaeger_all_in_one::{Backend, Config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Starts one, asks it from the same runtime, and drops it there.
async fn starts_answers_and_stops() {
    let backend = Backend::start(Config::free_ports()).unwrap();
    let query = backend.address("query").unwrap();
    let mut stream = TcpStream::connect(query).await.unwrap();
    stream
        .write_all(b"GET /api/services HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // One connection is open, as a client that keeps it alive has.
    let _open = TcpStream::connect(query).await.unwrap();
    drop(backend);
    assert!(TcpStream::connect(query).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn inside_a_runtime_of_one_thread() {
    starts_answers_and_stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_a_runtime_of_many_threads() {
    starts_answers_and_stops().await;
}
