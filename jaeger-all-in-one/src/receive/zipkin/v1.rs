//! Zipkin's version 1 into version 2: core annotations say the kind and the times, the endpoints of annotations the service.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Annotation, Endpoint, ZipkinSpan};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct One {
    trace_id: String,
    id: String,
    parent_id: Option<String>,
    name: Option<String>,
    timestamp: Option<u64>,
    duration: Option<u64>,
    annotations: Option<Vec<OneAnnotation>>,
    binary_annotations: Option<Vec<OneBinary>>,
    debug: Option<bool>,
}

#[derive(Deserialize)]
struct OneAnnotation {
    timestamp: u64,
    value: String,
    #[serde(default)]
    endpoint: Option<Endpoint>,
}

#[derive(Deserialize)]
struct OneBinary {
    key: String,
    #[serde(default)]
    value: Json,
    #[serde(default)]
    endpoint: Option<Endpoint>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<ZipkinSpan>, String> {
    let spans: Vec<One> = serde_json::from_slice(bytes)
        .map_err(|error| format!("the body is no list of Zipkin's spans of version 1: {error}"))?;
    Ok(spans.into_iter().map(One::into_two).collect())
}

impl One {
    fn into_two(self) -> ZipkinSpan {
        let mut local = None;
        let mut remote = None;
        let mut kind = None;
        let (mut began, mut ended) = (None, None);
        let mut annotations = Vec::new();
        for annotation in self.annotations.unwrap_or_default() {
            local = local.or(annotation.endpoint);
            let (is, begins) = match &*annotation.value {
                "cs" => ("CLIENT", true),
                "cr" => ("CLIENT", false),
                "sr" => ("SERVER", true),
                "ss" => ("SERVER", false),
                "ms" => ("PRODUCER", true),
                "mr" => ("CONSUMER", true),
                _ => {
                    annotations.push(Annotation { timestamp: annotation.timestamp, value: annotation.value });
                    continue;
                }
            };
            kind = kind.or(Some(is.to_owned()));
            *(if begins { &mut began } else { &mut ended }) = Some(annotation.timestamp);
        }
        let mut tags = Vec::new();
        for binary in self.binary_annotations.unwrap_or_default() {
            // The other side's address: its value is true and means nothing.
            if matches!(&*binary.key, "sa" | "ca" | "ma") {
                remote = remote.or(binary.endpoint);
                continue;
            }
            local = local.or(binary.endpoint);
            let value = match binary.value {
                Json::String(text) => text,
                other => other.to_string(),
            };
            tags.push((binary.key, value));
        }
        let duration = || Some(ended?.saturating_sub(began?));
        ZipkinSpan {
            trace_id: self.trace_id,
            id: self.id,
            parent_id: self.parent_id,
            name: self.name,
            kind,
            timestamp: self.timestamp.or(began),
            duration: self.duration.or_else(duration),
            local_endpoint: local,
            remote_endpoint: remote,
            annotations: Some(annotations),
            tags,
            debug: self.debug,
        }
    }
}
