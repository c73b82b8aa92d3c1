//! What of a span's tags OpenTelemetry has fields for: kind, status, scope, trace state; and of a log's fields, its name.
//!
//! Spans are kept as Jaeger shows them; whoever writes them in OpenTelemetry's form takes these out of the tags again.

use jaeger_thrift::{Tag, Value};

/// The fields, found among a span's tags.
///
/// ```
/// use jaeger_all_in_one::rules::fields::Fields;
/// use jaeger_thrift::Tag;
/// let tags = [Tag::new("span.kind", "client"), Tag::new("rows", 12)];
/// let fields = Fields::of(&tags);
/// assert_eq!(fields.kind, 3);
/// let attributes: Vec<_> = tags.iter().filter(|tag| fields.is_attribute(tag)).collect();
/// assert_eq!(attributes, [&tags[1]]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'t> {
    /// OpenTelemetry's number, 0 if there is none.
    pub kind: u8,
    /// The status: 0 unset, 1 OK, 2 error.
    pub code: u8,
    /// The status' message; it counts if there is a code.
    pub message: &'t str,
    /// W3C's trace state.
    pub trace_state: &'t str,
    /// Name and version of the library that made the span.
    pub scope: (&'t str, &'t str),
}

impl<'t> Fields<'t> {
    /// The fields among these tags; of tags with the same key the first counts.
    pub fn of(tags: &'t [Tag<'_>]) -> Fields<'t> {
        let text = |key| text(tags, key);
        let kind = match text("span.kind") {
            "internal" => 1,
            "server" => 2,
            "client" => 3,
            "producer" => 4,
            "consumer" => 5,
            _ => 0,
        };
        let code = match text("otel.status_code") {
            "OK" => 1,
            "ERROR" => 2,
            _ => 0,
        };
        Fields {
            kind,
            code,
            message: text("otel.status_description"),
            trace_state: text("w3c.tracestate"),
            scope: (text("otel.scope.name"), text("otel.scope.version")),
        }
    }

    /// Whether a tag says something else than these fields.
    pub fn is_attribute(&self, tag: &Tag<'_>) -> bool {
        match &*tag.key {
            "span.kind" => self.kind == 0,
            "otel.status_code" | "otel.status_description" => self.code == 0,
            "error" => self.code != 2 || tag.value != Value::Bool(true),
            "otel.scope.name" | "otel.scope.version" | "w3c.tracestate" => {
                !matches!(tag.value, Value::String(_))
            }
            _ => true,
        }
    }
}

/// The text of a tag; empty if there is none, or if it is no text.
fn text<'t>(tags: &'t [Tag<'_>], key: &str) -> &'t str {
    match tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value) {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

/// A log's name, which is its first field if that is the text `event`, and its other fields.
pub fn event<'l, 'a>(fields: &'l [Tag<'a>]) -> (&'l str, &'l [Tag<'a>]) {
    if let Some((first, others)) = fields.split_first()
        && first.key == "event"
        && let Value::String(name) = &first.value
    {
        return (name, others);
    }
    ("", fields)
}
