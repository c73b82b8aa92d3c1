//! Where two answers differ, place by place, for whoever reads a failure.

use serde_json::Value;

use crate::sides::{Answer, Body};

/// So many places are told, the rest counted.
const MOST: usize = 12;

/// The places, one a line.
pub(crate) fn told(theirs: &Answer, ours: &Answer) -> String {
    let mut places = Vec::new();
    if theirs.status != ours.status {
        places.push(format!("  status: Jaeger {}, ours {}", theirs.status, ours.status));
    }
    if theirs.kind != ours.kind {
        places.push(format!("  content: Jaeger {:?}, ours {:?}", theirs.kind, ours.kind));
    }
    match (&theirs.body, &ours.body) {
        (Body::Json(theirs), Body::Json(ours)) => values("", theirs, ours, &mut places),
        (theirs, ours) if theirs == ours => {}
        (theirs, ours) => {
            places.push(format!("  body: Jaeger {}", short(&format!("{theirs:?}"))));
            places.push(format!("        ours {}", short(&format!("{ours:?}"))));
        }
    }
    let rest = places.len().saturating_sub(MOST);
    places.truncate(MOST);
    if rest > 0 {
        places.push(format!("  … and {rest} more"));
    }
    places.join("\n")
}

fn values(place: &str, theirs: &Value, ours: &Value, places: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(one), Value::Object(two)) => {
            for key in one.keys().chain(two.keys().filter(|key| !one.contains_key(*key))) {
                let of = |object: &serde_json::Map<String, Value>| object.get(key).cloned();
                match (of(one), of(two)) {
                    (Some(one), Some(two)) => values(&format!("{place}.{key}"), &one, &two, places),
                    (one, two) => {
                        places.push(format!("  {place}.{key}: Jaeger {}, ours {}", said(one), said(two)))
                    }
                }
            }
        }
        (Value::Array(one), Value::Array(two)) => {
            if one.len() != two.len() {
                places.push(format!("  {place}: Jaeger {} items, ours {}", one.len(), two.len()));
            }
            for (at, (one, two)) in one.iter().zip(two).enumerate() {
                values(&format!("{place}[{at}]"), one, two, places);
            }
        }
        (one, two) if one == two => {}
        (one, two) => places.push(format!(
            "  {place}: Jaeger {}, ours {}",
            said(Some(one.clone())),
            said(Some(two.clone()))
        )),
    }
}

fn said(value: Option<Value>) -> String {
    value.map_or("nothing".to_owned(), |value| short(&value.to_string()))
}

fn short(text: &str) -> String {
    let kept: String = text.chars().take(400).collect();
    if kept.len() < text.len() { format!("{kept}…") } else { kept }
}
