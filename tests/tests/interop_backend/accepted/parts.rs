//! Parts of answers, for those who level differences: bodies, lists, spans of either API, their warnings.

use serde_json::{Value, json};

use crate::queries::Question;
use crate::sides::{Answer, Body};

pub(super) fn json_of(answer: &mut Answer) -> Option<&mut Value> {
    match &mut answer.body {
        Body::Json(value) => Some(value),
        Body::Text(_) => None,
    }
}

/// The items of a list of an object; none, if there is no such list.
pub(super) fn list_mut<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = &'v mut Value> {
    value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// The traces of an answer.
pub(super) fn traces(answer: &mut Answer) -> Option<&mut Vec<Value>> {
    json_of(answer)?.get_mut("data")?.as_array_mut()
}

/// The spans of an answer of `/api/traces` or `/api/v3/traces`; there is something to level if `change` says so of any.
pub(super) fn each_span(answer: &mut Answer, mut change: impl FnMut(&mut Value) -> bool) -> bool {
    let Some(body) = json_of(answer) else { return false };
    let mut found = false;
    for trace in list_mut(body, "data") {
        for span in list_mut(trace, "spans") {
            found |= change(span);
        }
    }
    if body.get("result").is_some() {
        for resource in list_mut(&mut body["result"], "resourceSpans") {
            for scope in list_mut(resource, "scopeSpans") {
                for span in list_mut(scope, "spans") {
                    found |= change(span);
                }
            }
        }
    }
    found
}

/// Takes away the warnings of a span that begin so; `null` is left, or no attribute, where there were no others.
pub(super) fn unwarn(span: &mut Value, beginning: &str) -> bool {
    let begins = |warning: &Value| warning.as_str().is_some_and(|warning| warning.starts_with(beginning));
    if let Some(warnings) = span.get_mut("warnings").and_then(Value::as_array_mut) {
        let before = warnings.len();
        warnings.retain(|warning| !begins(warning));
        let found = warnings.len() < before;
        if warnings.is_empty() {
            span["warnings"] = Value::Null;
        }
        return found;
    }
    let mut found = false;
    if let Some(attributes) = span.get_mut("attributes").and_then(Value::as_array_mut) {
        for attribute in attributes.iter_mut().filter(|attribute| attribute["key"] == "@jaeger@warnings") {
            if let Some(values) =
                attribute.pointer_mut("/value/arrayValue/values").and_then(Value::as_array_mut)
            {
                let before = values.len();
                values.retain(|value| !begins(&value["stringValue"]));
                found |= values.len() < before;
            }
        }
        attributes.retain(|attribute| attribute["value"]["arrayValue"]["values"] != json!([]));
        if attributes.is_empty() {
            span.as_object_mut().map(|span| span.remove("attributes"));
        }
    }
    found
}

/// Nanoseconds of a time of `/api/v3`.
pub(super) fn nanos(span: &Value, name: &str) -> Option<u64> {
    span[name].as_str()?.parse().ok()
}

/// Whether an answer is a fault in the API's shape.
pub(super) fn is_fault(answer: &Answer) -> bool {
    let Body::Json(body) = &answer.body else { return false };
    body["errors"][0]["code"] == json!(answer.status) && body["data"].is_null()
}

/// Whether a question is for spans of `/api/v3`.
pub(super) fn is_v3(question: &Question) -> bool {
    question.path.starts_with("/api/v3/traces")
}
