//! Zipkin's JSON, 9411: `POST /api/v2/spans` and `/api/v1/spans`. One bad span refuses the whole request.
//!
//! | file | job |
//! |---|---|
//! | this | the port, and version 2 into Jaeger's form |
//! | `v1` | version 1 into version 2 |

mod v1;

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::StatusCode;
use jaeger_thrift::{Batch, Log, Process, Span, Tag, Value};
use serde::Deserialize;

use super::body::{self, Refusal};
use super::http::{self, Answer, Request};
use super::unpacked;
use crate::app::App;
use crate::counters::{Cause, Receiver};

const TWO: &str = "/api/v2/spans";
const ONE: &str = "/api/v1/spans";

/// Answers a request to the port.
pub(crate) async fn answer(app: App, request: Request) -> Answer {
    if let Some(refused) = http::refused(&request, &[TWO, ONE]) {
        return refused;
    }
    let reader = if request.uri().path() == TWO { read } else { v1::read };
    match take(&app, request, reader).await {
        Ok(()) => http::answer(StatusCode::ACCEPTED, "", ""),
        Err(refusal) => {
            app.counters.refused(Receiver::Zipkin, refusal.cause, 1);
            http::text(refusal.status, refusal.message + "\n")
        }
    }
}

type Reader = fn(&[u8]) -> Result<Vec<ZipkinSpan>, String>;

async fn take(app: &App, request: Request, read: Reader) -> Result<(), Refusal> {
    let media_type = body::media_type(request.headers());
    // Whatever does not say that it is something else is taken for JSON, as Jaeger does: clients and curl say text/plain, a form, or nothing.
    if matches!(&*media_type, "application/x-protobuf" | "application/protobuf" | "application/x-thrift") {
        let message = format!("content type {media_type:?} is not taken; application/json is");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Cause::MediaType, message));
    }
    let body = body::read(request).await?;
    let room = body::room(&body.bytes, unpacked::json).await?;
    let app = app.clone();
    let size = body.bytes.len();
    let work = move || {
        let _room = room;
        let spans = read(&body.bytes).map_err(Refusal::invalid)?;
        app.take_all(Receiver::Zipkin, batches(spans).map_err(Refusal::invalid)?);
        Ok(())
    };
    body::aside(work, size).await
}

fn read(bytes: &[u8]) -> Result<Vec<ZipkinSpan>, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("the body is no list of Zipkin's spans: {error}"))
}

/// A span of Zipkin's version 2. Unknown fields are passed over.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ZipkinSpan {
    trace_id: String,
    id: String,
    parent_id: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    /// µs since 1970; 0 is none.
    timestamp: Option<u64>,
    /// µs.
    duration: Option<u64>,
    local_endpoint: Option<Endpoint>,
    remote_endpoint: Option<Endpoint>,
    annotations: Option<Vec<Annotation>>,
    /// In their order.
    #[serde(deserialize_with = "pairs")]
    tags: Vec<(String, String)>,
    debug: Option<bool>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Endpoint {
    service_name: Option<String>,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Option<u16>,
}

#[derive(Deserialize)]
struct Annotation {
    timestamp: u64,
    value: String,
}

/// A map's entries in their order.
fn pairs<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Pairs;
    impl<'de> serde::de::Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object of texts")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
    }
    from.deserialize_any(Pairs)
}

/// An id of 1 to `digits` hexadecimal digits.
fn id(what: &str, text: &str, digits: usize) -> Result<u128, String> {
    if text.is_empty() || text.len() > digits || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("{what} {text:?} is not 1 to {digits} hexadecimal digits"));
    }
    // Checked: nothing but digits, and no more than fit.
    Ok(u128::from_str_radix(text, 16).unwrap_or_default())
}

/// Spans by process, in the order of their first.
fn batches(spans: Vec<ZipkinSpan>) -> Result<Vec<Batch<'static>>, String> {
    let mut batches: Vec<Batch<'static>> = Vec::new();
    for one in spans {
        let (process, span) = one.into_span()?;
        // The spans of a process mostly come one after the other.
        match batches.iter_mut().rev().take(16).find(|batch| batch.process == process) {
            Some(batch) => batch.spans.push(span),
            None => batches.push(Batch { process, spans: vec![span], ..Batch::default() }),
        }
    }
    Ok(batches)
}

/// Whether a tag is the process's and not the span's, by OpenTelemetry's conventions.
fn is_processes(key: &str) -> bool {
    const GROUPS: [&str; 12] = [
        "aws.",
        "cloud.",
        "container.",
        "device.",
        "host.",
        "k8s.",
        "os.",
        "process.",
        "service.",
        "telemetry.",
        "webengine.",
        "opencensus.",
    ];
    const OTHERS: [&str; 5] =
        ["deployment.environment", "faas.id", "faas.instance", "faas.name", "faas.version"];
    GROUPS.iter().any(|group| key.starts_with(group)) || OTHERS.contains(&key)
}

impl ZipkinSpan {
    fn into_span(self) -> Result<(Process<'static>, Span<'static>), String> {
        let trace_id = id("traceId", &self.trace_id, 32)?;
        let narrow = |what, text: &str| id(what, text, 16).map(|id| id as u64);
        let span_id = narrow("id", &self.id)?;
        if span_id == 0 {
            return Err("id is zero".to_owned());
        }
        let parent_span_id = match self.parent_id.as_deref() {
            None | Some("") => 0,
            Some(parent) => narrow("parentId", parent)?,
        };
        let local = self.local_endpoint.unwrap_or_default();
        let name = local.service_name.clone().filter(|name| !name.is_empty());
        let mut process = Process::new(name.unwrap_or_else(|| "missing-service-name".to_owned()));
        let mut tags: Vec<Tag<'static>> = Vec::with_capacity(self.tags.len() + 6);
        let mut kind = match self.kind.as_deref() {
            Some("CLIENT") => "client",
            Some("SERVER") => "server",
            Some("PRODUCER") => "producer",
            Some("CONSUMER") => "consumer",
            _ => "",
        };
        let (mut status, mut description) = ("", None);
        for (key, value) in self.tags {
            match &*key {
                "span.kind" if kind.is_empty() => {
                    if value == "internal" {
                        kind = "internal";
                    }
                }
                "otel.status_code" => {
                    status = match &*value {
                        "STATUS_CODE_OK" | "Ok" | "OK" => "OK",
                        "STATUS_CODE_ERROR" | "Error" | "ERROR" => "ERROR",
                        _ => "",
                    };
                }
                "otel.status_description" => description = Some(value),
                "otel.library.name" | "otel.scope.name" => tags.push(Tag::new("otel.scope.name", value)),
                "otel.library.version" | "otel.scope.version" => {
                    tags.push(Tag::new("otel.scope.version", value))
                }
                key if is_processes(key) => process.tags.push(Tag::new(key.to_owned(), value)),
                _ => tags.push(Tag::new(key, value)),
            }
        }
        if let Some(at) = tags.iter().position(|tag| tag.key == "error") {
            status = "ERROR";
            if tags[at].value == Value::from("true") {
                tags.remove(at);
            }
        }
        endpoint(&mut tags, &local, ["net.host.ip", "net.host.port"]);
        if let Some(remote) = &self.remote_endpoint {
            if let Some(name) = remote.service_name.clone().filter(|name| !name.is_empty()) {
                tags.push(Tag::new("peer.service", name));
            }
            endpoint(&mut tags, remote, ["net.peer.ip", "net.peer.port"]);
        }
        let start_time = self.timestamp.unwrap_or(0);
        if start_time == 0 {
            tags.push(Tag::new("otel.zipkin.absentField.startTime", true));
        }
        if !kind.is_empty() {
            tags.push(Tag::new("span.kind", kind));
        }
        if !status.is_empty() {
            tags.push(Tag::new("otel.status_code", status));
        }
        if status == "ERROR" {
            tags.push(Tag::new("error", true));
        }
        if let Some(description) = description {
            tags.push(Tag::new("otel.status_description", description));
        }
        let log = |annotation: Annotation| Log {
            timestamp: micros(annotation.timestamp),
            fields: vec![Tag { key: Cow::Borrowed("event"), value: annotation.value.into() }],
        };
        let span = Span {
            trace_id,
            span_id,
            parent_span_id: if parent_span_id == span_id { 0 } else { parent_span_id },
            operation_name: self.name.unwrap_or_default().into(),
            flags: if self.debug == Some(true) { 3 } else { 1 },
            start_time: micros(start_time),
            duration: micros(self.duration.unwrap_or(0)),
            tags,
            logs: self.annotations.unwrap_or_default().into_iter().map(log).collect(),
            ..Span::default()
        };
        Ok((process, span))
    }
}

fn micros(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Address and port as tags; what is no address is left out.
fn endpoint(tags: &mut Vec<Tag<'static>>, endpoint: &Endpoint, [ip, port]: [&'static str; 2]) {
    let four = endpoint.ipv4.as_deref().and_then(|text| text.parse::<Ipv4Addr>().ok());
    let six = endpoint.ipv6.as_deref().and_then(|text| text.parse::<Ipv6Addr>().ok());
    if let Some(address) = six.map(|it| it.to_string()).or(four.map(|it| it.to_string())) {
        tags.push(Tag::new(ip, address));
    }
    if let Some(number) = endpoint.port.filter(|number| *number > 0) {
        tags.push(Tag::new(port, i64::from(number)));
    }
}
