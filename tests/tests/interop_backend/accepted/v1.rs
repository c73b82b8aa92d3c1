//! Levels the differences of `/api`, and of what is nowhere.

use serde_json::{Value, json};

use super::parts::{each_span, is_fault, json_of, list_mut, nanos, traces, unwarn};
use crate::queries::Question;
use crate::sides::Answer;
use crate::thrift::RENAMED;

pub(super) fn elsewhere(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let is_page = theirs.status == 200 && theirs.kind.starts_with("text/html");
    let meant = is_page && matches!(ours.status, 404 | 405) && is_fault(ours);
    if meant {
        *theirs = ours.clone();
    }
    meant
}

pub(super) fn bad_escape(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let path = question.path.split('?').next().unwrap_or_default();
    let meant = path.contains("%zz") && theirs.status == 400 && ours.status == 400 && is_fault(ours);
    if meant {
        *theirs = ours.clone();
    }
    meant
}

pub(super) fn metrics(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

pub(super) fn words(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

pub(super) fn renamed(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

/// A search for a tag that finds nothing there, and `expected` traces here.
pub(super) fn searchable(
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

pub(super) fn flags(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    let mut there = false;
    each_span(theirs, |span| {
        there |= span.get("flags").is_some();
        false
    });
    !there && each_span(ours, |span| span.as_object_mut().is_some_and(|span| span.remove("flags").is_some()))
}

pub(super) fn no_duration(_: &Question, theirs: &mut Answer, _: &mut Answer) -> bool {
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

pub(super) fn negative_duration(_: &Question, _: &mut Answer, ours: &mut Answer) -> bool {
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

pub(super) fn before_1970(_: &Question, theirs: &mut Answer, _: &mut Answer) -> bool {
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

pub(super) fn no_number(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

pub(super) fn odd_event(_: &Question, _: &mut Answer, ours: &mut Answer) -> bool {
    let odd = |field: &Value| {
        let value = &field["value"];
        field["key"] == "event"
            && (field["type"] == "int64"
                || value.get("intValue").is_some()
                || *value == ""
                || value["stringValue"] == "")
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

/// Of two spans with the same id, one from each of two services, each side takes another one.
pub(super) fn doubled(question: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    const WARNING: &str = "duplicate span IDs";
    let warned = |answer: &mut Answer| {
        let mut names = Vec::new();
        each_span(answer, |span| {
            if unwarn(&mut span.clone(), WARNING) {
                names.push(span["startTimeUnixNano"].to_string());
            }
            false
        });
        names
    };
    if question.path.starts_with("/api/v3/traces?query.service_name=otlp-") {
        // One each, and not the same.
        let (their, our) = (warned(theirs), warned(ours));
        let meant = their.len() == 1 && our.len() == 1 && their != our;
        if meant {
            for answer in [theirs, ours] {
                each_span(answer, |span| unwarn(span, WARNING));
            }
        }
        return meant;
    }
    let calls = |parent: &str| json!({"parent": parent, "child": "otlp-below", "callCount": 1});
    let (first, earlier) = (calls("otlp-first"), calls("otlp-earlier"));
    let (Some(theirs), Some(ours)) = (traces(theirs), traces(ours)) else { return false };
    let meant = question.path.starts_with("/api/dependencies")
        && ours.contains(&earlier)
        && !ours.contains(&first)
        && theirs.contains(&first)
        && !theirs.contains(&earlier);
    if meant {
        theirs.iter_mut().filter(|one| **one == first).for_each(|one| *one = earlier.clone());
    }
    meant
}

pub(super) fn lost_reference(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
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

pub(super) fn no_trace(_: &Question, theirs: &mut Answer, ours: &mut Answer) -> bool {
    each_span(theirs, |span| {
        unwarn(span, "Invalid span reference removed {TraceID:0000000000000000 SpanID:0000000000000003")
    }) & each_span(ours, |span| {
        unwarn(span, "Invalid span reference removed: FOLLOWS_FROM span 0000000000000003")
    })
}
