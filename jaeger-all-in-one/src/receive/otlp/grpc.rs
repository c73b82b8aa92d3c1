//! The gRPC service of OTLP on 4317.

use std::time::Duration;

use axum::middleware::map_response;
use axum::response::Response as AxumResponse;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::map;
use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::forward::Way;
use crate::receive::body::{LARGEST, aside};

struct Service(App);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let app = self.0.clone();
        let request = request.into_inner();
        let size =
            request.resource_spans.iter().map(|resource| resource.scope_spans.len()).sum::<usize>() << 12;
        let work = move || {
            let original = app.forward.has(Way::Otlp).then(|| request.encode_to_vec());
            let batches = map::batches(request).map_err(Status::invalid_argument)?;
            app.take_otlp(Receiver::OtlpGrpc, batches, || original.unwrap_or_default());
            Ok::<_, Status>(())
        };
        aside(work, size).await?;
        let partial_success = Some(ExportTracePartialSuccess::default());
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
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
    let service = TraceServiceServer::new(Service(app))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(LARGEST);
    let routes =
        Routes::new(service).into_axum_router().layer(map_response(move |response: AxumResponse| {
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
