//! A library that is instrumented with `tracing` and functions that are annotated here, in one tree: tower-http around an annotated handler, below an annotated function.

use http::{Request, Response, StatusCode};
use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Tracer, TracingLayer, traced};
use jaeger_thrift::{Span, Value};
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tower::ServiceExt;
use tower_http::trace::TraceLayer;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

#[traced(no_reply)]
async fn handle(path: &str) -> Response<String> {
    let mut response = Response::new(stock(path).to_string());
    if path == "/broken" {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    response
}

#[traced]
fn stock(path: &str) -> usize {
    tracing::info!(shelf = 3, "looked up");
    path.len()
}

/// What a server does for each request.
#[traced(skip_all, no_reply)]
async fn serve(path: &'static str) -> StatusCode {
    let handler = tower::service_fn(|request: Request<String>| async move {
        Ok::<_, Infallible>(handle(request.uri().path()).await)
    });
    let service = tower::Layer::layer(&TraceLayer::new_for_http(), handler);
    let request = Request::get(path).body(String::new()).expect("a request");
    service.oneshot(request).await.expect("an answer").status()
}

/// Polls until it is done: nothing here waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

fn text(span: &Span<'_>, key: &str) -> String {
    match span.tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value) {
        Some(Value::String(text)) => text.to_string(),
        Some(value) => format!("{value:?}"),
        None => "absent".into(),
    }
}

#[test]
fn tower_http_and_annotated_functions_make_one_tree() {
    let layer = TracingLayer::new().events(LevelFilter::DEBUG);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    let memory = MemoryReporter::new();
    let tracer =
        Tracer::builder("server").sampler(Sampler::Const(true)).reporter(memory.clone()).install().unwrap();
    assert_eq!(block_on(serve("/nails")), StatusCode::OK);
    assert_eq!(block_on(serve("/broken")), StatusCode::INTERNAL_SERVER_ERROR);
    let stats = tracer.flush(Duration::from_secs(60)).unwrap();
    assert_eq!((stats.started, stats.finished), (8, 8));

    let spans = memory.spans();
    for (path, status) in [("/nails", 200), ("/broken", 500)] {
        let request = spans.iter().find(|span| text(span, "uri") == path).expect("tower-http's span");
        let parent =
            |span: &Span<'_>| spans.iter().find(|other| other.span_id == span.parent_span_id).cloned();
        let child =
            |span: &Span<'_>| spans.iter().find(|other| other.parent_span_id == span.span_id).cloned();
        assert_eq!((&*request.operation_name, &*text(request, "method")), ("request", "GET"));
        let serve = parent(request).expect("its parent");
        assert_eq!((&*serve.operation_name, serve.parent_span_id), ("serve", 0));
        let handle = child(request).expect("its child");
        assert_eq!(handle.operation_name, "handle");
        assert_eq!(child(&handle).expect("a child of that").operation_name, "stock");

        let events: Vec<String> =
            request.logs.iter().map(|log| format!("{:?}", log.fields[0].value)).collect();
        assert!(events[0].contains("started processing request"), "{events:?}");
        assert!(events[1].contains("finished processing request"), "{events:?}");
        let fields = &request.logs[1].fields;
        let answered = fields.iter().find(|field| field.key == "status").map(|field| &field.value);
        assert_eq!(answered, Some(&Value::Long(status)));
        let failed = if status == 500 { "Bool(true)" } else { "absent" };
        assert_eq!(text(request, "error"), failed, "{events:?}");
    }
}
