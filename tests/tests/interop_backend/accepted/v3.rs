//! Levels the differences of `/api/v3`.

use serde_json::{Value, json};

use super::parts::{each_span, is_v3, json_of, list_mut};
use crate::queries::Question;
use crate::sides::Answer;

pub(super) fn content_type(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let meant = question.path.starts_with("/api/v3/")
        && theirs.status == 200
        && ours.status == 200
        && theirs.kind == "text/plain; charset=utf-8"
        && ours.kind == "application/json";
    if meant {
        theirs.kind.clone_from(&ours.kind);
    }
    meant
}

pub(super) fn links(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let sort = |span: &mut Value| {
        let list = span.get_mut("links").and_then(Value::as_array_mut);
        list.map(|list| list.sort_by_cached_key(Value::to_string)).is_some()
    };
    let follows = |link: &Value| {
        let attributes = link["attributes"].as_array().map(Vec::as_slice).unwrap_or_default();
        matches!(attributes, [one] if one["key"] == "opentracing.ref_type" && one["value"]["stringValue"] != "child_of")
    };
    let found = is_v3(question)
        && each_span(theirs, |span| {
            let mut found = false;
            for link in list_mut(span, "links") {
                if follows(link) {
                    link.as_object_mut().map(|link| link.remove("attributes"));
                    found = true;
                }
            }
            sort(span);
            found
        });
    if found {
        each_span(ours, sort);
    }
    found
}

pub(super) fn events(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let order = |answer: &mut Answer| {
        let mut lists = Vec::new();
        each_span(answer, |span| {
            if let Some(events) = span.get_mut("events").and_then(Value::as_array_mut) {
                lists.push(events.clone());
                events.sort_by_cached_key(Value::to_string);
            }
            false
        });
        lists
    };
    is_v3(question) && order(theirs) != order(ours)
}

const LIBRARY: [&str; 3] = ["telemetry.sdk.name", "telemetry.sdk.language", "telemetry.distro.version"];

pub(super) fn library(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    if !question.path.contains("query.service_name=library") {
        return false;
    }
    let mut taken = [theirs, ours].map(|answer| {
        let mut taken = Vec::new();
        let Some(body) = json_of(answer) else { return taken };
        for resource in list_mut(&mut body["result"], "resourceSpans") {
            if let Some(tags) = resource.pointer_mut("/resource/attributes").and_then(Value::as_array_mut) {
                taken.extend(tags.iter().filter(|tag| LIBRARY.iter().any(|key| tag["key"] == *key)).cloned());
                tags.retain(|tag| LIBRARY.iter().all(|key| tag["key"] != *key));
            }
        }
        taken
    });
    for taken in &mut taken {
        taken.sort_by_cached_key(Value::to_string);
        taken.dedup();
    }
    taken[0].len() == LIBRARY.len() && taken[0] == taken[1]
}

pub(super) fn scope(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    if !question.path.contains("query.service_name=statuses") {
        return false;
    }
    let (mut sent, mut named) = (Vec::new(), false);
    each_span(theirs, |span| {
        if let Some(attributes) = span.get_mut("attributes").and_then(Value::as_array_mut) {
            let is = |one: &Value| one["key"] == "otel.scope.name" || one["key"] == "w3c.tracestate";
            sent.extend(attributes.iter().filter(|one| is(one)).cloned());
            attributes.retain(|one| !is(one));
            if attributes.is_empty() {
                span.as_object_mut().map(|span| span.remove("attributes"));
            }
        }
        false
    });
    each_span(ours, |span| {
        named |= span
            .as_object_mut()
            .and_then(|span| span.remove("traceState"))
            .is_some_and(|state| state == "a=b");
        false
    });
    for resource in json_of(ours).into_iter().flat_map(|body| list_mut(&mut body["result"], "resourceSpans"))
    {
        for scope in list_mut(resource, "scopeSpans") {
            let name =
                scope.get_mut("scope").and_then(Value::as_object_mut).and_then(|scope| scope.remove("name"));
            named &= name.is_none_or(|name| name == "lib");
        }
    }
    named && sent.len() == 2
}

pub(super) fn warned_again(question: &Question, theirs: &mut Answer, _: &mut Answer) -> bool {
    is_v3(question)
        && each_span(theirs, |span| {
            let Some(attributes) = span.get_mut("attributes").and_then(Value::as_array_mut) else {
                return false;
            };
            let Some(at) = attributes.iter().position(|one| one["key"] == "@jaeger@warnings") else {
                return false;
            };
            // Where it was sorted among the others, the last answer had added it.
            let mut found = at + 1 < attributes.len();
            let mut warnings = attributes.remove(at);
            if let Some(values) =
                warnings.pointer_mut("/value/arrayValue/values").and_then(Value::as_array_mut)
            {
                let mut once: Vec<Value> = Vec::new();
                for value in values.drain(..) {
                    found |= once.contains(&value);
                    if !once.contains(&value) {
                        once.push(value);
                    }
                }
                *values = once;
            }
            attributes.push(warnings);
            found
        })
}

pub(super) fn lone_message(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let status = json!({"message": "alone"});
    let attribute = json!([{"key": "otel.status_description", "value": {"stringValue": "alone"}}]);
    question.path.contains("query.service_name=otlp-statuses")
        && each_span(theirs, |span| {
            let found = span["status"] == status;
            if found {
                span["status"] = json!({});
            }
            found
        })
        && each_span(ours, |span| {
            let found = span.get("attributes") == Some(&attribute);
            found && span.as_object_mut().and_then(|span| span.remove("attributes")).is_some()
        })
}

pub(super) fn structured(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    if !question.path.contains("query.service_name=otlp-values") {
        return false;
    }
    let level = |answer: &mut Answer, kinds: [&str; 3]| {
        each_span(answer, |span| {
            let mut found = 0;
            for attribute in list_mut(span, "attributes") {
                let keys = ["list", "map", "nothing"];
                if let Some(at) = keys.iter().position(|key| attribute["key"] == *key) {
                    let is = kinds[at].is_empty() && attribute["value"] == json!({})
                        || attribute["value"].get(kinds[at]).is_some();
                    found += usize::from(is);
                    attribute["value"] = Value::Null;
                }
            }
            for event in list_mut(span, "events") {
                let attributes = event.get_mut("attributes").and_then(Value::as_array_mut);
                let name = attributes.and_then(|all| {
                    let at = all.iter().position(|one| one["key"] == "event")?;
                    Some(all.remove(at)["value"]["stringValue"].clone())
                });
                if let Some(name) = name {
                    event["name"] = name;
                }
                if let Some(event) = event.as_object_mut() {
                    event.retain(|key, value| key != "attributes" || *value != json!([]));
                }
            }
            if let Some(events) = span.get_mut("events").and_then(Value::as_array_mut) {
                events.sort_by_cached_key(Value::to_string);
            }
            found == 3
        })
    };
    level(theirs, ["arrayValue", "kvlistValue", ""]) && level(ours, ["stringValue"; 3])
}

pub(super) fn service_first(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    if !question.path.contains("query.service_name=missing-service-name")
        || !question.path.ends_with("raw_traces=true")
    {
        return false;
    }
    let level = |answer: &mut Answer, last: bool| {
        let mut found = false;
        for resource in
            json_of(answer).into_iter().flat_map(|body| list_mut(&mut body["result"], "resourceSpans"))
        {
            if let Some(all) = resource.pointer_mut("/resource/attributes").and_then(Value::as_array_mut) {
                let at = all.iter().position(|one| one["key"] == "service.name");
                found |= all.len() > 1 && at == Some(if last { all.len() - 1 } else { 0 });
                all.sort_by_cached_key(Value::to_string);
            }
        }
        found
    };
    level(theirs, true) & level(ours, false)
}
