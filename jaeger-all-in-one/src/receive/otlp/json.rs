//! OTLP's JSON, in every spelling that clients use.
//!
//! Protobuf's JSON allows: camel case or the fields' own names, enumerations by number or name, 64-bit numbers as number or text, unknown fields, `null` for
//! what is absent. OTLP adds: ids in hexadecimal.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// Reads a request.
///
/// # Errors
/// If it is not JSON of that form; the text says where.
pub fn request(bytes: &[u8]) -> Result<ExportTraceServiceRequest, String> {
    // The library would take a list of a struct's fields, too.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err("a request is a JSON object".to_owned());
    }
    let request: Request = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let resource_spans = list(request.resource_spans).map(ResourceSpans::into_message).collect();
    Ok(ExportTraceServiceRequest { resource_spans })
}

/// `null` is an empty list.
type List<T> = Option<Vec<T>>;

fn list<T>(list: List<T>) -> impl Iterator<Item = T> {
    list.unwrap_or_default().into_iter()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default, alias = "resource_spans")]
    resource_spans: List<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    resource: Option<Resource>,
    #[serde(default, alias = "scope_spans")]
    scope_spans: List<ScopeSpans>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    attributes: List<KeyValue>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(default)]
    spans: List<Span>,
}

#[derive(Deserialize)]
struct Scope {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(default, alias = "trace_id")]
    trace_id: Id,
    #[serde(default, alias = "span_id")]
    span_id: Id,
    #[serde(default, alias = "parent_span_id")]
    parent_span_id: Id,
    #[serde(default, alias = "trace_state")]
    trace_state: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    kind: Named<Kinds>,
    #[serde(default)]
    flags: Whole,
    #[serde(default, alias = "start_time_unix_nano")]
    start_time_unix_nano: Whole,
    #[serde(default, alias = "end_time_unix_nano")]
    end_time_unix_nano: Whole,
    #[serde(default)]
    attributes: List<KeyValue>,
    #[serde(default)]
    events: List<Event>,
    #[serde(default)]
    links: List<Link>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default, alias = "time_unix_nano")]
    time_unix_nano: Whole,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    attributes: List<KeyValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    #[serde(default, alias = "trace_id")]
    trace_id: Id,
    #[serde(default, alias = "span_id")]
    span_id: Id,
    #[serde(default)]
    attributes: List<KeyValue>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: Named<Codes>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct KeyValue {
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    value: Option<Value>,
}

/// One of these; of several the first.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value {
    #[serde(default, alias = "string_value")]
    string_value: Option<String>,
    #[serde(default, alias = "bool_value")]
    bool_value: Option<bool>,
    #[serde(default, alias = "int_value")]
    int_value: Option<Whole>,
    #[serde(default, alias = "double_value")]
    double_value: Option<Double>,
    #[serde(default, alias = "array_value")]
    array_value: Option<Values<Value>>,
    #[serde(default, alias = "kvlist_value")]
    kvlist_value: Option<Values<KeyValue>>,
    #[serde(default, alias = "bytes_value")]
    bytes_value: Option<Bytes>,
}

#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Values<T> {
    #[serde(default)]
    values: List<T>,
}

fn attributes(all: List<KeyValue>) -> Vec<common::KeyValue> {
    list(all).map(KeyValue::into_message).collect()
}

impl ResourceSpans {
    fn into_message(self) -> otlp::ResourceSpans {
        let scope = |scope: ScopeSpans| otlp::ScopeSpans {
            scope: scope.scope.map(|scope| common::InstrumentationScope {
                name: scope.name.unwrap_or_default(),
                version: scope.version.unwrap_or_default(),
                ..common::InstrumentationScope::default()
            }),
            spans: list(scope.spans).map(Span::into_message).collect(),
            ..otlp::ScopeSpans::default()
        };
        otlp::ResourceSpans {
            resource: self.resource.map(|resource| resource::Resource {
                attributes: attributes(resource.attributes),
                ..resource::Resource::default()
            }),
            scope_spans: list(self.scope_spans).map(scope).collect(),
            ..otlp::ResourceSpans::default()
        }
    }
}

impl Span {
    fn into_message(self) -> otlp::Span {
        let event = |event: Event| otlp::span::Event {
            time_unix_nano: event.time_unix_nano.0 as u64,
            name: event.name.unwrap_or_default(),
            attributes: attributes(event.attributes),
            ..otlp::span::Event::default()
        };
        let link = |link: Link| otlp::span::Link {
            trace_id: link.trace_id.0,
            span_id: link.span_id.0,
            attributes: attributes(link.attributes),
            ..otlp::span::Link::default()
        };
        otlp::Span {
            trace_id: self.trace_id.0,
            span_id: self.span_id.0,
            parent_span_id: self.parent_span_id.0,
            trace_state: self.trace_state.unwrap_or_default(),
            name: self.name.unwrap_or_default(),
            kind: self.kind.number,
            flags: self.flags.0 as u32,
            start_time_unix_nano: self.start_time_unix_nano.0 as u64,
            end_time_unix_nano: self.end_time_unix_nano.0 as u64,
            attributes: attributes(self.attributes),
            events: list(self.events).map(event).collect(),
            links: list(self.links).map(link).collect(),
            status: self.status.map(|status| otlp::Status {
                code: status.code.number,
                message: status.message.unwrap_or_default(),
            }),
            ..otlp::Span::default()
        }
    }
}

impl KeyValue {
    fn into_message(self) -> common::KeyValue {
        common::KeyValue {
            key: self.key.unwrap_or_default(),
            value: self.value.map(Value::into_message),
            ..common::KeyValue::default()
        }
    }
}

impl Value {
    fn into_message(self) -> common::AnyValue {
        let value = self
            .string_value
            .map(Any::StringValue)
            .or(self.bool_value.map(Any::BoolValue))
            .or(self.int_value.map(|whole| Any::IntValue(whole.0 as i64)))
            .or(self.double_value.map(|double| Any::DoubleValue(double.0)))
            .or(self.bytes_value.map(|bytes| Any::BytesValue(bytes.0)))
            .or(self.array_value.map(|array| {
                let values = list(array.values).map(Value::into_message).collect();
                Any::ArrayValue(common::ArrayValue { values })
            }))
            .or(self
                .kvlist_value
                .map(|map| Any::KvlistValue(common::KeyValueList { values: attributes(map.values) })));
        common::AnyValue { value }
    }
}

// ---------------------------------------------------------------------------------------------- values of several spellings

/// A whole number, as number or text; wide enough for both signs of 64 bits.
#[derive(Default)]
struct Whole(i128);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Whole;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number of 64 bits, as number or text")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value.into()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(value.into()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Whole, E> {
                if value.fract() != 0.0 || value.abs() > 2f64.powi(64) {
                    return Err(E::invalid_value(de::Unexpected::Float(value), &self));
                }
                Ok(Whole(value as i128))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Whole, E> {
                let number = text.parse::<i128>().ok();
                let number = number.filter(|number| (i128::from(i64::MIN)..1 << 64).contains(number));
                number.map(Whole).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_unit<E>(self) -> Result<Whole, E> {
                Ok(Whole(0))
            }
        }
        from.deserialize_any(Any)
    }
}

/// A float, as number or text, such as `NaN`.
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Double;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, as number or text")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Double, E> {
                Ok(Double(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Double, E> {
                let number = text.parse().map(Double);
                number.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(Any)
    }
}

/// An id in hexadecimal.
#[derive(Default)]
struct Id(Vec<u8>);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(from)?.unwrap_or_default();
        let pair = |pair: &[u8]| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            match pair {
                [high, low] => Some((digit(*high)? << 4 | digit(*low)?) as u8),
                _ => None,
            }
        };
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
        bytes
            .map(Id)
            .ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&text), &"an id in hexadecimal"))
    }
}

/// Bytes in base64, of either alphabet, padded or not.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD_NO_PAD;
        let text = String::deserialize(from)?;
        let plain = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
        let bytes = STANDARD_NO_PAD.decode(plain);
        bytes.map(Bytes).map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&text), &"base64"))
    }
}

/// The names of an enumeration's values, in the order of their numbers.
trait Names {
    const NAMES: &'static [&'static str];
}

struct Kinds;
impl Names for Kinds {
    const NAMES: &'static [&'static str] = &[
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ];
}

struct Codes;
impl Names for Codes {
    const NAMES: &'static [&'static str] = &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
}

/// A value of an enumeration, by number or name; what is unknown is unspecified.
struct Named<N> {
    number: i32,
    names: std::marker::PhantomData<N>,
}

impl<N> Default for Named<N> {
    fn default() -> Self {
        Named { number: 0, names: std::marker::PhantomData }
    }
}

impl<'de, N: Names> Deserialize<'de> for Named<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any<N>(std::marker::PhantomData<N>);
        impl<N: Names> Visitor<'_> for Any<N> {
            type Value = Named<N>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a number, or one of {}", N::NAMES.join(", "))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Named<N>, E> {
                Ok(Named { number: i32::try_from(value).unwrap_or(0), names: self.0 })
            }
            fn visit_i64<E>(self, value: i64) -> Result<Named<N>, E> {
                Ok(Named { number: i32::try_from(value).unwrap_or(0), names: self.0 })
            }
            fn visit_str<E>(self, text: &str) -> Result<Named<N>, E> {
                let number = N::NAMES.iter().position(|name| *name == text).unwrap_or(0);
                Ok(Named { number: number as i32, names: self.0 })
            }
            fn visit_unit<E>(self) -> Result<Named<N>, E> {
                Ok(Named { number: 0, names: self.0 })
            }
        }
        from.deserialize_any(Any(std::marker::PhantomData::<N>))
    }
}
