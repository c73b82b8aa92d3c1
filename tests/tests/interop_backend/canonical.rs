//! Answers with all that Jaeger leaves in random order put in order: lists of names, spans of a trace, traces that came together, processes' names.

use serde_json::{Value, json};

use crate::sides::{Answer, Body};

/// Puts an answer in order, by what its data is.
pub(crate) fn order(path: &str, answer: &mut Answer) {
    let Body::Json(body) = &mut answer.body else { return };
    if path.starts_with("/api/v3/traces") {
        spans_of_v3(body);
    } else if path.starts_with("/api/v3/") {
        for list in ["services", "operations"] {
            sort(&mut body[list]);
        }
        drop_nulls(body);
    } else if path.starts_with("/api/traces") || path == "/api/transform" {
        if let Some(traces) = body["data"].as_array_mut() {
            traces.iter_mut().for_each(spans);
        }
        if let Some(traces) = body["data"].as_array_mut() {
            traces.sort_by_cached_key(|trace| trace["traceID"].to_string());
        }
    } else {
        sort(&mut body["data"]);
    }
}

/// Indexing adds what is not there; it is taken away again.
fn drop_nulls(body: &mut Value) {
    if let Some(object) = body.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
}

/// Sorts a list by its items' text.
fn sort(list: &mut Value) {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_cached_key(Value::to_string);
    }
}

/// Tags that come as Zipkin's are an object, of which Jaeger makes a list in any order.
fn is_zipkins(process: &Value) -> bool {
    process.to_string().contains("\"zipkin-")
}

/// Each span gets its process in place of its name, then they are sorted. Of spans that share an id, Jaeger finds any to be the duplicate: all are said to be.
fn spans(trace: &mut Value) {
    const TWICE: &str = "duplicate span IDs; skipping clock skew adjustment";
    let processes = trace["processes"].take();
    let mut used = Vec::new();
    let Some(spans) = trace["spans"].as_array_mut() else { return };
    let mut ids: Vec<String> = spans.iter().map(|span| span["spanID"].to_string()).collect();
    ids.sort();
    for span in spans.iter_mut() {
        let id = span["spanID"].to_string();
        let twice = ids.iter().filter(|other| **other == id).count() > 1;
        if twice && span["warnings"].is_null() {
            span["warnings"] = json!([TWICE]);
        } else if twice && let Some(warnings) = span["warnings"].as_array_mut() {
            warnings.retain(|warning| warning != TWICE);
            warnings.insert(0, TWICE.into());
        }
        let name = span["processID"].as_str().unwrap_or_default().to_owned();
        span["processID"] = processes[&name].clone();
        if is_zipkins(&span["processID"]) {
            sort(&mut span["tags"]);
        }
        used.push(name);
    }
    used.sort();
    used.dedup();
    // Every process is some span's; that there is no other shows in their number.
    trace["processes"] = json!([used.len(), processes.as_object().map(serde_json::Map::len)]);
    // By id first, so that what is compared, and told of when it differs, is the same span.
    if let Some(spans) = trace["spans"].as_array_mut() {
        spans.sort_by_cached_key(|span| {
            (span["spanID"].to_string(), span["operationName"].to_string(), span.to_string())
        });
    }
}

/// The spans one by one, each with its resource and its scope.
fn spans_of_v3(body: &mut Value) {
    let resources = body["result"]["resourceSpans"].take();
    let mut all = Vec::new();
    for resource in list(&resources) {
        for scope in list(&resource["scopeSpans"]) {
            for span in list(&scope["spans"]) {
                let mut span = span.clone();
                if is_zipkins(&resource["resource"])
                    && let Some(attributes) = span.get_mut("attributes")
                {
                    sort(attributes);
                }
                all.push(json!({"resource": resource["resource"], "scope": scope["scope"], "span": span}));
            }
        }
    }
    if resources.is_array() {
        all.sort_by_cached_key(|one| {
            let span = &one["span"];
            (
                span["traceId"].to_string(),
                span["spanId"].to_string(),
                span["name"].to_string(),
                one.to_string(),
            )
        });
        body["result"]["resourceSpans"] = all.into();
    }
    drop_nulls(body);
}

/// A list's items; none, if it is no list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
