//! What comes as Thrift, with the names that OpenTelemetry gives it.
//!
//! Jaeger keeps spans in OpenTelemetry's form, and shows them turned back from it. What that does to a span that came as Thrift is done here once, on its way
//! in, so that searches find what is shown:
//! - of tags with the same key the last value counts, at the place of the first;
//! - `span.kind` stays if it is one of the five kinds, otherwise it goes;
//! - a span that failed has `otel.status_code=ERROR` and `error=true`: by `error=true` itself, by `otel.status_code`, or by `http.status_code` (below 100, 399,
//!   500 and more; 4xx unless the span is a server's). `otel.status_description` is its message, which `http.status_message` may give;
//! - of the process, `hostname` becomes `host.name` and `jaeger.version` becomes `opencensus.exporterversion=Jaeger-…`, unless those are there already.
//!
//! Tags come out in Jaeger's order: what is replaced goes to the end, and the last tag takes its place.

use std::collections::HashMap;

use jaeger_thrift::{Batch, Process, Span, Tag, Value};

use super::text::value_text;

/// The name of a service that has none.
pub const NO_SERVICE: &str = "missing-service-name";

/// Rewrites a batch that came as Thrift.
///
/// ```
/// use jaeger_all_in_one::rules::thrift::rewrite;
/// use jaeger_thrift::{Batch, Process, Span, Tag};
/// let span = Span { tags: vec![Tag::new("http.status_code", 503)], ..Span::default() };
/// let mut batch = Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() };
/// rewrite(&mut batch);
/// assert!(batch.spans[0].tags.contains(&Tag::new("error", true)));
/// ```
pub fn rewrite(batch: &mut Batch<'_>) {
    process(&mut batch.process);
    for one in &mut batch.spans {
        span(one);
    }
}

/// Rewrites a process.
pub fn process(process: &mut Process<'_>) {
    if process.service_name.is_empty() {
        process.service_name = NO_SERVICE.into();
    }
    let tags = &mut process.tags;
    unique(tags);
    rename(tags, "hostname", "host.name", |value| value);
    rename(tags, "jaeger.version", "opencensus.exporterversion", |value| {
        Value::String(format!("Jaeger-{}", value_text(&value)).into())
    });
}

/// Renames a tag in its place, unless the new name is taken.
fn rename<'a>(tags: &mut [Tag<'a>], from: &str, to: &'static str, with: impl FnOnce(Value<'a>) -> Value<'a>) {
    if tags.iter().any(|tag| tag.key == to) {
        return;
    }
    if let Some(tag) = tags.iter_mut().find(|tag| tag.key == from) {
        tag.key = to.into();
        tag.value = with(std::mem::replace(&mut tag.value, Value::Bool(false)));
    }
}

/// What became of the call.
#[derive(Clone, Copy, PartialEq)]
enum Status {
    Unset,
    Good,
    Failed,
}

/// Rewrites a span: its tags and the fields of its logs.
pub fn span(span: &mut Span<'_>) {
    for log in &mut span.logs {
        unique(&mut log.fields);
        event_first(&mut log.fields);
    }
    let tags = &mut span.tags;
    let (distinct, matters) = look(tags);
    if !distinct {
        unique(tags);
    }
    // Nearly every span has none of these.
    if !matters {
        return;
    }
    let kind = take(tags, "span.kind").filter(is_kind);
    let (status, message) = status(tags, kind.as_ref());
    if let Some(kind) = kind {
        tags.push(Tag { key: "span.kind".into(), value: kind });
    }
    match status {
        Status::Unset => {}
        Status::Good => tags.push(Tag::new("otel.status_code", "OK")),
        Status::Failed => {
            tags.push(Tag::new("otel.status_code", "ERROR"));
            tags.push(Tag::new("error", true));
        }
    }
    if let Some(message) = message {
        tags.push(Tag { key: "otel.status_description".into(), value: message });
    }
}

/// Whether no two tags have the same key, as far as a look at each key's length and ends can tell; and whether there is one that matters.
fn look(tags: &[Tag<'_>]) -> (bool, bool) {
    let (mut seen, mut distinct) = (0_u64, true);
    for tag in tags {
        let bit = bit(tag.key.as_bytes());
        distinct &= seen & bit == 0;
        seen |= bit;
    }
    (distinct, seen & MATTER != 0 && tags.iter().any(|tag| MATTERING.contains(&&*tag.key)))
}

/// The keys that rewriting looks at.
const MATTERING: [&str; 4] = ["error", "span.kind", "otel.status_code", "http.status_code"];
/// Their bits.
const MATTER: u64 = {
    let [error, kind, status, http] = MATTERING;
    bit(error.as_bytes()) | bit(kind.as_bytes()) | bit(status.as_bytes()) | bit(http.as_bytes())
};

/// One of 64 bits, by a key's length and ends.
#[inline]
const fn bit(key: &[u8]) -> u64 {
    match key {
        [first, .., last] => 1 << ((*first as usize ^ ((*last as usize) << 2) ^ (key.len() * 5)) % 64),
        _ => 1,
    }
}

fn is_kind(value: &Value<'_>) -> bool {
    matches!(value, Value::String(kind) if matches!(&**kind, "server" | "client" | "producer" | "consumer" | "internal"))
}

/// Takes the span's status out of its tags, with its message.
fn status<'a>(tags: &mut Vec<Tag<'a>>, kind: Option<&Value<'a>>) -> (Status, Option<Value<'a>>) {
    let mut status = Status::Unset;
    let mut message = None;
    let mut known = false;
    if matches!(get(tags, "error"), Some(Value::Bool(true))) {
        take(tags, "error");
        (status, known) = (Status::Failed, true);
        message = take(tags, "otel.status_description").or_else(|| get(tags, "http.status_message").cloned());
    }
    if let Some(code) = take(tags, "otel.status_code") {
        if !known {
            known = true;
            status = match &code {
                Value::String(code) if code.eq_ignore_ascii_case("ok") => Status::Good,
                Value::String(code) if code.eq_ignore_ascii_case("error") => Status::Failed,
                _ => Status::Unset,
            };
            message = take(tags, "otel.status_description");
        }
    } else if !known && get(tags, "http.status_code").is_some_and(|code| is_failure(code, kind)) {
        (status, known) = (Status::Failed, true);
        message = get(tags, "http.status_message").cloned();
    }
    let message = message.filter(|text| matches!(text, Value::String(text) if !text.is_empty()));
    (status, message.filter(|_| known))
}

/// Whether an HTTP status means that the call failed, by the kind of the span. A number may also stand there as text.
fn is_failure(code: &Value<'_>, kind: Option<&Value<'_>>) -> bool {
    let code = match code {
        Value::Long(code) => *code,
        Value::String(text) => match text.parse::<i64>() {
            Ok(code) => code,
            Err(_) => return false,
        },
        _ => return false,
    };
    let kind = match kind {
        Some(Value::String(kind)) => &**kind,
        _ => "",
    };
    match code {
        400..=499 => kind != "server",
        // 399 is an error to Jaeger.
        100..=398 => false,
        _ => true,
    }
}

fn get<'t, 'a>(tags: &'t [Tag<'a>], key: &str) -> Option<&'t Value<'a>> {
    tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value)
}

/// Removes a tag; the last takes its place.
fn take<'a>(tags: &mut Vec<Tag<'a>>, key: &str) -> Option<Value<'a>> {
    let at = tags.iter().position(|tag| tag.key == key)?;
    Some(tags.swap_remove(at).value)
}

/// Puts the text `event` first, where Jaeger shows the name of a log.
fn event_first(fields: &mut Vec<Tag<'_>>) {
    let is_name =
        |tag: &Tag<'_>| tag.key == "event" && matches!(&tag.value, Value::String(name) if !name.is_empty());
    if let Some(at) = fields.iter().position(is_name)
        && at != 0
    {
        let name = fields.swap_remove(at);
        fields.insert(0, name);
    }
}

/// So many tags are compared with each other; more of them go through a hash table.
const FEW: usize = 24;

/// Of tags with the same key keeps the last value, at the place of the first.
fn unique(tags: &mut Vec<Tag<'_>>) {
    let repeats = if tags.len() <= FEW {
        (1..tags.len()).any(|at| tags[..at].iter().any(|tag| tag.key == tags[at].key))
    } else {
        true
    };
    if !repeats {
        return;
    }
    let mut places: HashMap<_, usize> = HashMap::with_capacity(tags.len());
    let mut kept: Vec<Tag<'_>> = Vec::with_capacity(tags.len());
    for tag in tags.drain(..) {
        match places.entry(tag.key.clone()) {
            std::collections::hash_map::Entry::Occupied(place) => kept[*place.get()] = tag,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(tag);
            }
        }
    }
    *tags = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaeger_thrift::Log;

    fn rewritten(tags: Vec<Tag<'static>>) -> Vec<Tag<'static>> {
        let mut one = Span { tags, ..Span::default() };
        span(&mut one);
        one.tags
    }

    #[test]
    fn a_failed_call_says_so_in_both_languages() {
        let failed = vec![Tag::new("otel.status_code", "ERROR"), Tag::new("error", true)];
        assert_eq!(rewritten(vec![Tag::new("error", true)]), failed);
        assert_eq!(rewritten(vec![Tag::new("otel.status_code", "error")]), failed);
        // Text is no error to Jaeger, and `false` no status.
        for tag in [Tag::new("error", "true"), Tag::new("error", false), Tag::new("error", 1)] {
            assert_eq!(rewritten(vec![tag.clone()]), [tag]);
        }
        assert_eq!(rewritten(vec![Tag::new("otel.status_code", "ok")]), [Tag::new("otel.status_code", "OK")]);
        assert_eq!(rewritten(vec![Tag::new("otel.status_code", "odd")]), []);
        // The error tag is what counts.
        let both = vec![Tag::new("otel.status_code", "OK"), Tag::new("error", true)];
        assert_eq!(rewritten(both), failed);
    }

    #[test]
    fn http_status_by_kind() {
        let failure = |code: Value<'static>, kind: Option<&'static str>| {
            let mut tags = vec![Tag { key: "http.status_code".into(), value: code }];
            tags.extend(kind.map(|kind| Tag::new("span.kind", kind)));
            rewritten(tags).contains(&Tag::new("error", true))
        };
        for (code, plain, server, client) in [
            (0, true, true, true),
            (99, true, true, true),
            (100, false, false, false),
            (200, false, false, false),
            (398, false, false, false),
            (399, true, true, true),
            (400, true, false, true),
            (499, true, false, true),
            (500, true, true, true),
            (-1, true, true, true),
        ] {
            assert_eq!(failure(Value::Long(code), None), plain, "{code}");
            assert_eq!(failure(Value::Long(code), Some("server")), server, "{code} server");
            assert_eq!(failure(Value::Long(code), Some("client")), client, "{code} client");
        }
        assert!(failure(Value::from("500"), None));
        assert!(!failure(Value::from("five hundred"), None));
        assert!(!failure(Value::Double(500.0), None));
    }

    #[test]
    fn the_message_of_a_failure() {
        let message = |tags| {
            let tags = rewritten(tags);
            let text = get(&tags, "otel.status_description").cloned();
            (text, get(&tags, "http.status_message").is_some())
        };
        let from_http = vec![Tag::new("http.status_code", 500), Tag::new("http.status_message", "Oh")];
        assert_eq!(message(from_http), (Some("Oh".into()), true));
        let own = vec![
            Tag::new("error", true),
            Tag::new("otel.status_description", "mine"),
            Tag::new("http.status_message", "Oh"),
        ];
        assert_eq!(message(own), (Some("mine".into()), true));
        let good = vec![Tag::new("http.status_code", 200), Tag::new("http.status_message", "OK")];
        assert_eq!(message(good), (None, true));
        // Without a status the description is a tag like any other.
        assert_eq!(
            rewritten(vec![Tag::new("otel.status_description", "x")]),
            [Tag::new("otel.status_description", "x")]
        );
    }

    #[test]
    fn kinds() {
        for kind in ["server", "client", "producer", "consumer", "internal"] {
            assert_eq!(rewritten(vec![Tag::new("span.kind", kind)]), [Tag::new("span.kind", kind)]);
        }
        assert_eq!(rewritten(vec![Tag::new("span.kind", "Server"), Tag::new("a", 1)]), [Tag::new("a", 1)]);
        assert_eq!(rewritten(vec![Tag::new("span.kind", 2)]), []);
    }

    #[test]
    fn what_is_replaced_goes_to_the_end() {
        let tags = vec![
            Tag::new("span.kind", "client"),
            Tag::new("a", 1),
            Tag::new("error", true),
            Tag::new("b", 2),
            Tag::new("c", 3),
        ];
        let keys: Vec<_> = rewritten(tags).into_iter().map(|tag| tag.key).collect();
        assert_eq!(keys, ["c", "a", "b", "span.kind", "otel.status_code", "error"]);
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let tags = vec![Tag::new("a", 1), Tag::new("b", 2), Tag::new("a", "three")];
        assert_eq!(rewritten(tags), [Tag::new("a", "three"), Tag::new("b", 2)]);
        let many = (0..200).map(|n| Tag::new(format!("k{}", n % 100), n)).collect();
        let kept = rewritten(many);
        assert_eq!(kept.len(), 100);
        assert_eq!(kept[7], Tag::new("k7", 107));
    }

    #[test]
    fn logs_start_with_their_event() {
        let fields = vec![Tag::new("a", 1), Tag::new("event", "e"), Tag::new("b", 2), Tag::new("a", 3)];
        let mut one = Span { logs: vec![Log { timestamp: 0, fields }], ..Span::default() };
        span(&mut one);
        assert_eq!(one.logs[0].fields, [Tag::new("event", "e"), Tag::new("a", 3), Tag::new("b", 2)]);
        let odd = vec![Tag::new("a", 1), Tag::new("event", 5)];
        let mut one = Span { logs: vec![Log { timestamp: 0, fields: odd.clone() }], ..Span::default() };
        span(&mut one);
        assert_eq!(one.logs[0].fields, odd, "an event that is no text is kept");
    }

    #[test]
    fn processes() {
        let mut one = Process {
            service_name: "".into(),
            tags: vec![Tag::new("hostname", "h"), Tag::new("ip", 1), Tag::new("jaeger.version", "Go-2")],
        };
        process(&mut one);
        assert_eq!(one.service_name, NO_SERVICE);
        let renamed = [
            Tag::new("host.name", "h"),
            Tag::new("ip", 1),
            Tag::new("opencensus.exporterversion", "Jaeger-Go-2"),
        ];
        assert_eq!(one.tags, renamed);
        let again = one.clone();
        process(&mut one);
        assert_eq!(one, again, "what is rewritten stays");
        let taken = vec![Tag::new("hostname", "h"), Tag::new("host.name", "other")];
        let mut one = Process { service_name: "s".into(), tags: taken.clone() };
        process(&mut one);
        assert_eq!(one.tags, taken);
    }
}
