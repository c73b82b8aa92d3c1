//! The differences that are meant, each with its reason. Whatever is not here fails the test, and so does what is here and was not met.
//!
//! Each has a function that levels the one difference, in both answers or in one, and says whether it found it. It looks for exactly what it is for: an answer
//! that is wrong in another way stays so.

use serde_json::{Value, json};

use crate::queries::Question;
use crate::sides::{Answer, Body};
use crate::thrift::RENAMED;

/// A difference that is meant.
pub(crate) struct Difference {
    /// What differs: theirs; ours.
    pub(crate) what: &'static str,
    /// Why ours is as it is.
    pub(crate) why: &'static str,
    /// Levels it; whether there was something to level.
    pub(crate) level: fn(&Question, &mut Answer, &mut Answer) -> bool,
}

/// The table.
pub(crate) const ACCEPTED: &[Difference] = &[
    Difference {
        what: "any path or method that is not known is the page, with 200; ours is 404 or 405 in the API's shape",
        why: "a typing error is told, and a health check means something",
        level: elsewhere,
    },
    Difference {
        what: "a path with a bad escape is 400 with a line of text; ours 400 in the API's shape",
        why: "one shape for all faults",
        level: bad_escape,
    },
    Difference {
        what: "/api/metrics/* is 501 unless a Prometheus is fed elsewhere; ours are computed from the spans held",
        why: "the monitor page works without other programs",
        level: metrics,
    },
    Difference {
        what: "what is wrong with a number, id, time or JSON is said in the words of Go's library; ours in our own, after the same beginning",
        why: "they tell somebody who does not know Go what to write instead",
        level: words,
    },
    Difference {
        what: "answers of /api/v3 are said to be text/plain; ours application/json",
        why: "they are JSON",
        level: content_type,
    },
    Difference {
        what: "flags are dropped; ours are shown where they are not 0 (`flags`, as jaeger-ui knows it)",
        why: "they say whether a span was sampled for debugging",
        level: flags,
    },
    Difference {
        what: "a span of no duration lasts 1 ns and has a warning about negative durations; ours has none",
        why: "0 µs is what a fast call takes",
        level: no_duration,
    },
    Difference {
        what: "a negative duration has a warning in Go's words, raw too; ours says what was sent, and raw=true shows it",
        why: "raw is what was sent",
        level: negative_duration,
    },
    Difference {
        what: "times before 1970 wrap to 2^64 µs; ours are negative, and in /api/v3, which has no sign, 0",
        why: "a clock that is wrong should look wrong, not absurd",
        level: before_1970,
    },
    Difference {
        what: "one NaN or infinity makes the whole answer an error 500; ours is the text NaN, +Inf, -Inf",
        why: "the other traces of the answer are good",
        level: no_number,
    },
    Difference {
        what: "a log's field `event` that is no text is lost; ours stays as it is",
        why: "nothing that was sent is lost",
        level: odd_event,
    },
    Difference {
        what: "a CHILD_OF another trace's span is lost if that has the id of the parent; ours stays",
        why: "the same span id in another trace is another span",
        level: lost_reference,
    },
    Difference {
        what: "the warning about a reference to no trace is a printed Go struct; ours a sentence",
        why: "it is read by people",
        level: no_trace,
    },
    Difference {
        what: "/api/v3: links say opentracing.ref_type=follows_from; ours only if it is child_of, and the parent's link is first",
        why: "a link without it means that; OpenTelemetry's own links have none",
        level: links,
    },
    Difference {
        what: "/api/v3 sorts the events of a span by their names; ours stay in their order",
        why: "their order is what happened when",
        level: events,
    },
    Difference {
        what: "/api/v3 gives the library's tags of a span to all spans of its batch; ours to that span's process",
        why: "another span may be another library's",
        level: library,
    },
    Difference {
        what: "/api/v3 changes what is stored: the next answer has each warning once more; ours does not",
        why: "asking changes nothing",
        level: warned_again,
    },
    Difference {
        what: "/api/v3: tags otel.scope.name and w3c.tracestate that came as Thrift are attributes; ours the scope and the trace state",
        why: "it is what they say, whichever way they came",
        level: scope,
    },
    Difference {
        what: "/api/v3: a status message without a code is the status's; ours the attribute otel.status_description, as /api shows it",
        why: "it cannot be told from that tag of a Thrift client",
        level: lone_message,
    },
    Difference {
        what: "/api/v3: lists, maps and nothing are values of their own; ours their text, and an event's attribute `event` its name, as /api shows them",
        why: "spans are kept as Jaeger's own form has them",
        level: structured,
    },
    Difference {
        what: "/api/v3, raw: a resource that names no service has it last; ours always first",
        why: "a process's service is kept apart from its tags",
        level: service_first,
    },
    // These take the whole answer, so they come after those that level a part of it.
    Difference {
        what: "a process tag `service.name` renames the service; ours keeps the name it was sent with, and shows the tag",
        why: "the service named in the batch is who sent it",
        level: renamed,
    },
    Difference {
        what: "a search for `error=true` or `error=false` finds only spans of status OK; ours what has that tag",
        why: "failed calls are what one searches for",
        level: |question, theirs, ours| searchable(question, theirs, ours, "error", 1),
    },
    Difference {
        what: "`span.kind`, `otel.status_code`, `otel.status_description`, `otel.scope.name`, a log's `event` are shown, but not found; ours are",
        why: "what is shown can be searched for",
        level: |question, theirs, ours| {
            ["span.kind", "otel.status_code", "otel.status_description", "otel.scope.name", "event"]
                .into_iter()
                .any(|key| searchable(question, theirs, ours, key, 1))
        },
    },
    Difference {
        what: "process tags `hostname` and `jaeger.version` are found only under the names they are given; ours under both",
        why: "who sent a tag searches for it by its name",
        level: |question, theirs, ours| {
            ["hostname", "jaeger.version"].into_iter().any(|key| searchable(question, theirs, ours, key, 1))
        },
    },
    Difference {
        what: "an address sent as a number is shown as an address, but found only by the number; ours by both",
        why: "what is shown can be searched for",
        level: |question, theirs, ours| searchable(question, theirs, ours, "peer.ipv4", 1),
    },
];

fn json_of(answer: &mut Answer) -> Option<&mut Value> {
    match &mut answer.body {
        Body::Json(value) => Some(value),
        Body::Text(_) => None,
    }
}

/// The items of a list of an object; none, if there is no such list.
fn list_mut<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = &'v mut Value> {
    value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Whether an answer is a fault in the API's shape.
fn is_fault(answer: &Answer) -> bool {
    let Body::Json(body) = &answer.body else { return false };
    body["errors"][0]["code"] == json!(answer.status) && body["data"].is_null()
}

fn elsewhere(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let is_page = theirs.status == 200 && theirs.kind.starts_with("text/html");
    let meant = is_page && matches!(ours.status, 404 | 405) && is_fault(ours);
    if meant {
        *theirs = ours.clone();
    }
    meant
}

fn bad_escape(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let path = question.path.split('?').next().unwrap_or_default();
    let meant = path.contains("%zz") && theirs.status == 400 && ours.status == 400 && is_fault(ours);
    if meant {
        *theirs = ours.clone();
    }
    meant
}

fn metrics(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let meant = question.path.starts_with("/api/metrics/") && theirs.status == 501 && ours.status == 200;
    if meant {
        *theirs = ours.clone();
    }
    meant
}

/// Where the words of Go's library begin.
const GO: [&str; 7] = [
    "strconv.",
    "parsing time ",
    "json: ",
    "invalid character ",
    "unexpected end of JSON",
    "ReadObject: ",
    "ReadArray: ",
];

fn words(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    if theirs.status != 400 || ours.status != 400 {
        return false;
    }
    let (Some(their_body), Some(our_body)) = (json_of(theirs), json_of(ours)) else { return false };
    let place = if their_body["error"].is_object() { "/error/message" } else { "/errors/0/msg" };
    let text = |body: &Value| body.pointer(place).and_then(Value::as_str).map(str::to_owned);
    let (Some(told), Some(say)) = (text(their_body), text(our_body)) else { return false };
    let Some(at) = GO.iter().filter_map(|word| told.find(word)).min() else { return false };
    if told == say || !say.starts_with(&told[..at]) || say.len() == at {
        return false;
    }
    for body in [their_body, our_body] {
        if let Some(message) = body.pointer_mut(place) {
            *message = told[..at].into();
        }
    }
    true
}

fn content_type(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

fn renamed(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let (ours_name, theirs_name) = RENAMED;
    // Whoever asks for the one or the other by name finds it on one side only.
    let names = [ours_name, theirs_name];
    if names.iter().any(|name| {
        question.path.contains(&format!("={name}")) || question.path.contains(&format!("/{name}/"))
    }) {
        *theirs = ours.clone();
        return true;
    }
    let (Some(their_body), Some(our_body)) = (json_of(theirs), json_of(ours)) else { return false };
    let rename = |list: &mut Value| {
        let found = list.as_array_mut().and_then(|list| list.iter_mut().find(|one| **one == theirs_name));
        found.map(|one| *one = ours_name.into()).is_some()
    };
    let named = our_body["data"].as_array().or(our_body["services"].as_array());
    named.is_some_and(|names| names.contains(&ours_name.into()))
        && ["/data", "/services"].iter().any(|place| their_body.pointer_mut(place).is_some_and(rename))
}

/// The traces of an answer.
fn traces(answer: &mut Answer) -> Option<&mut Vec<Value>> {
    json_of(answer)?.get_mut("data")?.as_array_mut()
}

/// A search for a tag that finds nothing there, and `expected` traces here.
fn searchable(
    question: &Question,
    theirs: &mut Answer,
    ours: &mut Answer,
    key: &str,
    expected: usize,
) -> bool {
    let meant = question.path.starts_with("/api/traces?")
        && question.path.contains(&format!("tag={key}:"))
        && traces(theirs).is_some_and(|traces| traces.is_empty())
        && traces(ours).is_some_and(|traces| traces.len() == expected);
    if meant {
        *theirs = ours.clone();
    }
    meant
}

/// The spans of an answer of `/api/traces` or `/api/v3/traces`; there is something to level if `change` says so of any.
fn each_span(answer: &mut Answer, mut change: impl FnMut(&mut Value) -> bool) -> bool {
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

fn flags(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let mut there = false;
    each_span(theirs, |span| {
        there |= span.get("flags").is_some();
        false
    });
    !there && each_span(ours, |span| span.as_object_mut().is_some_and(|span| span.remove("flags").is_some()))
}

/// Takes away the warnings of a span that begin so; `null` is left, or no attribute, where there were no others.
fn unwarn(span: &mut Value, beginning: &str) -> bool {
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
fn nanos(span: &Value, name: &str) -> Option<u64> {
    span[name].as_str()?.parse().ok()
}

fn no_duration(_: &Question, theirs: &mut Answer, _: &mut Answer) -> bool {
    each_span(theirs, |span| {
        // One nanosecond after its start, as text.
        if let (Some(start), Some(end)) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"))
            && end == start + 1
        {
            span["endTimeUnixNano"] = start.to_string().into();
            return unwarn(span, "Negative duration detected, sanitizing end timestamp.");
        }
        span["duration"] == 0 && unwarn(span, "Negative duration detected, sanitizing end timestamp.")
    })
}

fn negative_duration(_: &Question, _: &mut Answer, ours: &mut Answer) -> bool {
    each_span(ours, |span| {
        if let (Some(start), Some(end)) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"))
            && end < start
        {
            span["endTimeUnixNano"] = start.to_string().into();
            return true;
        }
        if span["duration"].as_i64().is_some_and(|duration| duration < 0) {
            span["duration"] = 0.into();
            return true;
        }
        unwarn(span, "negative duration of -5ms; shown as 0")
    })
}

fn before_1970(_: &Question, theirs: &mut Answer, _: &mut Answer) -> bool {
    each_span(theirs, |span| {
        if let Some(start) = span["startTime"].as_u64().filter(|start| *start > i64::MAX as u64) {
            span["startTime"] = start.cast_signed().into();
            return true;
        }
        let wrapped = nanos(span, "startTimeUnixNano").is_some_and(|start| start > i64::MAX as u64);
        if wrapped {
            span["startTimeUnixNano"] = "0".into();
            span["endTimeUnixNano"] = "0".into();
        }
        wrapped
    })
}

fn no_number(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let told = json_of(theirs).and_then(|body| body["errors"][0]["msg"].as_str().map(str::to_owned));
    let fails = theirs.status == 500 && told.is_some_and(|told| told.contains("json: unsupported value: "));
    let mut texts = 0;
    each_span(ours, |span| {
        let tags = span["tags"].as_array().into_iter().flatten();
        texts += tags.filter(|tag| matches!(tag["value"].as_str(), Some("NaN" | "+Inf" | "-Inf"))).count();
        false
    });
    let meant = fails && ours.status == 200 && texts == 3;
    if meant {
        *theirs = ours.clone();
    }
    meant
}

fn odd_event(_: &Question, _: &mut Answer, ours: &mut Answer) -> bool {
    let odd = |field: &Value| {
        field["key"] == "event" && (field["type"] == "int64" || field["value"].get("intValue").is_some())
    };
    each_span(ours, |span| {
        let mut found = false;
        for (logs, fields) in [("logs", "fields"), ("events", "attributes")] {
            let all = list_mut(span, logs);
            for list in all.filter_map(|log| log.get_mut(fields).and_then(Value::as_array_mut)) {
                let before = list.len();
                list.retain(|field| !odd(field));
                found |= list.len() < before;
            }
        }
        found
    })
}

fn lost_reference(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let shown = json!({"refType": "CHILD_OF", "traceID": "000000000000beef", "spanID": "0000000000000001"});
    let linked = json!({
        "traceId": "0000000000000000000000000000beef", "spanId": "0000000000000001",
        "attributes": [{"key": "opentracing.ref_type", "value": {"stringValue": "child_of"}}],
    });
    let take = |answer: &mut Answer| {
        each_span(answer, |span| {
            let mut found = false;
            for (name, lost) in [("references", &shown), ("links", &linked)] {
                if let Some(list) = span.get_mut(name).and_then(Value::as_array_mut) {
                    let before = list.len();
                    list.retain(|one| one != lost);
                    found |= list.len() < before;
                    if list.is_empty() && name == "links" {
                        span.as_object_mut().map(|span| span.remove("links"));
                    }
                }
            }
            found
        })
    };
    !take(&mut theirs.clone()) && take(ours)
}

fn no_trace(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    each_span(theirs, |span| {
        unwarn(span, "Invalid span reference removed {TraceID:0000000000000000 SpanID:0000000000000003")
    }) & each_span(ours, |span| {
        unwarn(span, "Invalid span reference removed: FOLLOWS_FROM span 0000000000000003")
    })
}

/// Whether a question is for spans of `/api/v3`.
fn is_v3(question: &Question) -> bool {
    question.path.starts_with("/api/v3/traces")
}

fn links(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

fn events(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

fn library(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

fn scope(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

fn warned_again(question: &Question, theirs: &mut Answer, _: &mut Answer) -> bool {
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

fn lone_message(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

fn structured(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    if !question.path.contains("query.service_name=otlp-values") {
        return false;
    }
    let mut level = |answer: &mut Answer, kinds: [&str; 3]| {
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

fn service_first(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    if !question.path.contains("query.service_name=missing-service-name")
        || !question.path.ends_with("raw_traces=true")
    {
        return false;
    }
    let mut level = |answer: &mut Answer, last: bool| {
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
