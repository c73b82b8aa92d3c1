//! The gRPC service of OTLP on 4317.

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
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EnabledCompressionEncodings};
use tonic::codec::{EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service as HttpService, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::Unreadable;
use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::receive::body::{LARGEST, aside};

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
        let bytes = request.into_inner();
        let size = bytes.len();
        let work = move || {
            super::take_protobuf(&app, Receiver::OtlpGrpc, &bytes).map_err(|error| match error {
                Unreadable::Broken(message) => Status::internal(message),
                Unreadable::Invalid(message) => Status::invalid_argument(message),
            })
        };
        Box::pin(async move {
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
            let mut gzip = EnabledCompressionEncodings::default();
            gzip.enable(CompressionEncoding::Gzip);
            let mut grpc = Grpc::new(Raw)
                .apply_compression_config(gzip, EnabledCompressionEncodings::default())
                .apply_max_message_size_config(Some(LARGEST), None);
            Ok(grpc.unary(method, request).await)
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
        // Out of range, which is what a message that is too large is called.
        b"11" | b"8" => Cause::TooLarge,
        // Unimplemented: another service, or another compression.
        b"12" => Cause::MediaType,
        _ => Cause::Invalid,
    };
    app.counters.refused(Receiver::OtlpGrpc, cause, 1);
}

/// Serves until `stopped` says true.
pub(crate) async fn serve(listener: TcpListener, app: App, mut stopped: watch::Receiver<bool>) {
    let counting = app.clone();
    let routes =
        Routes::new(Service(app)).into_axum_router().layer(map_response(move |response: AxumResponse| {
            count(&counting, &response);
            std::future::ready(response)
        }));
    let stop = async move {
        // An error means that the backend is gone, which is the end too.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let _ = Server::builder()
        .timeout(Duration::from_secs(30))
        .concurrency_limit_per_connection(16)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop)
        .await;
}
