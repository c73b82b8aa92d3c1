//! The gRPC service of OTLP on 4317: within the bounds that the ports of HTTP have, for bodies (`metered`) and connections (`serve.rs`).

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use axum::middleware::map_response;
use axum::response::Response as AxumResponse;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use prost::bytes::Buf as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EnabledCompressionEncodings};
use tonic::codec::{EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service as HttpService, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

use super::Unreadable;
use super::metered::{Hold, Metered};
use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::receive::body::{LARGEST, aside, room};
use crate::receive::unpacked;
use crate::serve::{CONNECTIONS, Connection, Places, TAKE};

/// The one method.
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The service, by hand and not as it is generated, because that would make the library's messages of every request.
#[derive(Clone)]
struct Service(App);

impl NamedService for Service {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl UnaryService<Bytes> for Service {
    type Response = ExportTraceServiceResponse;
    type Future = BoxFuture<Response<ExportTraceServiceResponse>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let app = self.0.clone();
        let (_, mut extensions, bytes) = request.into_parts();
        let held = extensions.remove::<Hold>();
        let (size, whole) = (bytes.len(), bytes.clone());
        let work = move || {
            // As long as the bytes are there.
            let _held = held;
            super::take_protobuf(&app, Receiver::OtlpGrpc, &bytes).map_err(|error| match error {
                Unreadable::Broken(message) => Status::internal(message),
                Unreadable::Invalid(message) => Status::invalid_argument(message),
            })
        };
        Box::pin(async move {
            let _room = room(&whole, unpacked::protobuf).await.map_err(|refusal| match refusal.cause {
                Cause::TooLarge => Status::resource_exhausted(refusal.message),
                _ => Status::unavailable(refusal.message),
            })?;
            aside(work, size).await?;
            let partial_success = Some(ExportTracePartialSuccess::default());
            Ok(Response::new(ExportTraceServiceResponse { partial_success }))
        })
    }
}

impl HttpService<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            if request.uri().path() != EXPORT {
                return Ok(Status::unimplemented("").into_http());
            }
            let mut packed = EnabledCompressionEncodings::default();
            packed.enable(CompressionEncoding::Gzip);
            packed.enable(CompressionEncoding::Zstd);
            let mut grpc = Grpc::new(Raw)
                .apply_compression_config(packed, EnabledCompressionEncodings::default())
                .apply_max_message_size_config(Some(LARGEST), None);
            let (metered, hold) = Metered::new(request.headers());
            let mut request = request.map(|body| Body::new(metered.of(body)));
            request.extensions_mut().insert(hold);
            let mut response = grpc.unary(method, request).await;
            // What is too large is out of range to the library, which clients send again and again; to OTLP it is an exhausted resource.
            if let Some(code) = response.headers_mut().get_mut("grpc-status").filter(|code| *code == "11") {
                *code = http::HeaderValue::from_static("8");
            }
            Ok(response)
        })
    }
}

/// Requests as they came, answers as messages.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = ExportTraceServiceResponse;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn encode(&mut self, answer: ExportTraceServiceResponse, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        answer.encode(to).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        // Cut off the buffer, not copied.
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// Counts what was refused, by this service or by the library: gRPC tells it in a header of an answer without a body.
fn count(app: &App, response: &AxumResponse) {
    let Some(code) = response.headers().get("grpc-status") else { return };
    let cause = match code.as_bytes() {
        b"0" => return,
        // Deadline exceeded, cancelled.
        b"4" | b"1" => Cause::Timeout,
        // An exhausted resource, which is what a message that is too large is called.
        b"8" => Cause::TooLarge,
        // Unimplemented: another service, or another compression.
        b"12" => Cause::MediaType,
        _ => Cause::Invalid,
    };
    app.counters.refused(Receiver::OtlpGrpc, cause, 1);
}

/// An answered ping is asked for so often.
const PING: Duration = Duration::from_secs(60);
/// How long a client may say nothing: a little longer than it has for the answer to a ping. So one that never speaks gRPC is hung up on, too.
const QUIET: Duration = Duration::from_secs(90);

/// Serves until `stopped` says true.
pub(crate) async fn serve(listener: TcpListener, app: App, stopped: watch::Receiver<bool>) {
    serve_some(listener, app, stopped, CONNECTIONS).await;
}

/// The same with so many connections at a time.
async fn serve_some(listener: TcpListener, app: App, mut stopped: watch::Receiver<bool>, places: usize) {
    let counting = app.clone();
    let routes =
        Routes::new(Service(app)).into_axum_router().layer(map_response(move |response: AxumResponse| {
            count(&counting, &response);
            std::future::ready(response)
        }));
    let mut ended = stopped.clone();
    let stop = async move {
        // An error means that the backend is gone, which is the end too.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let (coming, connections) = mpsc::channel(1);
    tokio::spawn(async move {
        let places = Places::new(places);
        loop {
            let connection = tokio::select! {
                connection = places.accept(&listener) => connection,
                _ = ended.wait_for(|stop| *stop) => return,
            };
            if coming.send(Ok::<_, Infallible>(connection.quiet_for(QUIET))).await.is_err() {
                return;
            }
        }
    });
    let _ = Server::builder()
        .timeout(Duration::from_secs(30))
        .concurrency_limit_per_connection(16)
        // More would wait with what they have sent, which nobody counts.
        .max_concurrent_streams(16)
        .http2_keepalive_interval(Some(PING))
        .http2_keepalive_timeout(Some(TAKE))
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), stop)
        .await;
}

impl Connected for Connection {
    /// Nobody asks.
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::receive::budget::{BUDGET, Held, TURN};
    use crate::store::memory::MemoryStore;
    use axum::body::Body as Content;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    fn app() -> App {
        App::new(Config::default(), Box::new(MemoryStore::new(64 << 20)))
    }

    /// The status of a request that has no spans, but so many bytes of a field that nobody knows; and of the same, compressed by a client.
    async fn export(bytes: usize, encoding: Option<&str>) -> Option<i32> {
        let mut message = vec![0x7a];
        prost::encoding::encode_varint(bytes as u64, &mut message);
        message.resize(message.len() + bytes, b'x');
        export_message(message, encoding).await
    }

    async fn export_message(mut message: Vec<u8>, encoding: Option<&str>) -> Option<i32> {
        match encoding {
            Some("gzip") => {
                use std::io::Write as _;
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                packed.write_all(&message).unwrap();
                message = packed.finish().unwrap();
            }
            Some("zstd") => message = zstd::encode_all(&message[..], 1).unwrap(),
            _ => {}
        }
        let mut body = vec![encoding.is_some().into()];
        body.extend_from_slice(&(message.len() as u32).to_be_bytes());
        body.extend_from_slice(&message);
        let mut request = http::Request::builder().method("POST").uri(EXPORT);
        if let Some(encoding) = encoding {
            request = request.header("grpc-encoding", encoding);
        }
        // In parts, as it comes from a connection.
        let parts: Vec<_> = body.chunks(16 << 10).map(|part| Ok::<_, Infallible>(part.to_vec())).collect();
        let request = request.header("content-type", "application/grpc");
        let request = request.body(Body::new(Content::from_stream(tokio_stream::iter(parts)))).unwrap();
        let response = HttpService::call(&mut Service(app()), request).await.unwrap();
        Some(response.headers().get("grpc-status")?.to_str().unwrap().parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_share_the_budget_of_all_ports() {
        let _turn = TURN.lock().await;
        let mut others = Held::default();
        others.grow(BUDGET - (1 << 20)).await.unwrap();
        assert_eq!(export(500 << 10, None).await, None, "there is room for it");
        assert_eq!(export(2 << 20, None).await, Some(14), "there is none: unavailable");
        for encoding in ["gzip", "zstd"] {
            assert_eq!(export(2 << 20, Some(encoding)).await, Some(14), "nor for what it unfolds to");
        }
        drop(others);
        let mut all = Held::default();
        for encoding in [None, Some("gzip"), Some("zstd")] {
            assert_eq!(export(2 << 20, encoding).await, None, "its place is free again");
        }
        assert!(all.try_grow(BUDGET).is_ok(), "and those of the requests are, too");
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_become_too_large_is_refused_before_it_is_read() {
        let _turn = TURN.lock().await;
        // Spans of nothing, of a scope, of a resource.
        let spans = |count: usize| {
            let within = |field: u8, held: Vec<u8>| {
                let mut all = vec![field << 3 | 2];
                prost::encoding::encode_varint(held.len() as u64, &mut all);
                [all, held].concat()
            };
            within(1, within(2, b"\x12\0".repeat(count)))
        };
        for (count, status) in [(200_000, None), (1_200_000, Some(8))] {
            for encoding in [None, Some("gzip"), Some("zstd")] {
                assert_eq!(export_message(spans(count), encoding).await, status, "{count} {encoding:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bomb_ends_where_a_message_may_end() {
        let _turn = TURN.lock().await;
        for encoding in ["gzip", "zstd"] {
            assert_eq!(export(LARGEST + 1, Some(encoding)).await, Some(8), "{encoding}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_of_many_messages_ends_where_one_would() {
        let _turn = TURN.lock().await;
        // An empty message, again and again.
        let endless = tokio_stream::iter(std::iter::repeat_with(|| Ok::<_, Infallible>(vec![0; 5 << 10])));
        let request = http::Request::builder().uri(EXPORT).header("content-type", "application/grpc");
        let request = request.body(Body::new(Content::from_stream(endless))).unwrap();
        let response = HttpService::call(&mut Service(app()), request).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "8", "an exhausted resource");
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_say_nothing_hold_their_places_for_a_while_only() {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve_some(listener, app(), stopped, 2));
        let began = Instant::now();
        let mut idle = Vec::new();
        for _ in 0..2 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(PREFACE).await.unwrap();
        let mut settings = [0; 9];
        client.read_exact(&mut settings).await.unwrap();
        assert!(began.elapsed() >= QUIET, "it had a place beside the two: {:?}", began.elapsed());
        assert_eq!(settings[3], 4, "the server's settings");
        drop((client, idle));
        stop.send(true).unwrap();
        server.await.unwrap();
    }
}
