//! The order of tags: by key, then type, then value; of a log's fields the same, its event first.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use jaeger_thrift::{Tag, Value};

/// Sorts the tags of a span or a process.
pub fn tags(tags: &mut [Tag<'_>]) {
    tags.sort_by(compare);
}

/// Sorts the fields of a log.
pub fn fields(fields: &mut [Tag<'_>]) {
    let event = fields.iter().position(|tag| tag.key == "event" && matches!(tag.value, Value::String(_)));
    match event {
        Some(at) => {
            fields.swap(0, at);
            tags(&mut fields[1..]);
        }
        None => tags(fields),
    }
}

/// Which of two tags comes first. Total, also for what is no number, so equal means the same.
pub fn compare(one: &Tag<'_>, two: &Tag<'_>) -> Ordering {
    one.key.cmp(&two.key).then_with(|| values(&one.value, &two.value))
}

/// Types in Jaeger's order: text, yes or no, whole numbers, floats, bytes.
fn rank(value: &Value<'_>) -> u8 {
    match value {
        Value::String(_) => 0,
        Value::Bool(_) => 1,
        Value::Long(_) => 2,
        Value::Double(_) => 3,
        Value::Binary(_) => 4,
    }
}

fn values(one: &Value<'_>, two: &Value<'_>) -> Ordering {
    match (one, two) {
        (Value::String(one), Value::String(two)) => one.cmp(two),
        (Value::Bool(one), Value::Bool(two)) => one.cmp(two),
        (Value::Long(one), Value::Long(two)) => one.cmp(two),
        (Value::Double(one), Value::Double(two)) => one.total_cmp(two),
        (Value::Binary(one), Value::Binary(two)) => one.cmp(two),
        _ => rank(one).cmp(&rank(two)),
    }
}

/// Whether two lists of tags are the same, place by place.
pub fn same(one: &[Tag<'_>], two: &[Tag<'_>]) -> bool {
    one.len() == two.len() && one.iter().zip(two).all(|(one, two)| compare(one, two).is_eq())
}

/// The same lists of tags give the same hash.
pub fn hash(tags: &[Tag<'_>], to: &mut impl Hasher) {
    for Tag { key, value } in tags {
        key.hash(to);
        rank(value).hash(to);
        match value {
            Value::String(text) => text.hash(to),
            Value::Bool(yes) => yes.hash(to),
            Value::Long(number) => number.hash(to),
            Value::Double(number) => number.to_bits().hash(to),
            Value::Binary(bytes) => bytes.hash(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_then_type_then_value() {
        let sorted = [
            Tag::new("A", "z"),
            Tag::new("a", ""),
            Tag::new("a", "b"),
            Tag::new("a", false),
            Tag::new("a", true),
            Tag::new("a", -1),
            Tag::new("a", 2),
            Tag::new("a", -0.5),
            Tag::new("a", f64::NAN),
            Tag::new("a", b"\x00".as_slice()),
            Tag::new("aa", 0),
        ];
        let mut mixed = sorted.to_vec();
        mixed.reverse();
        tags(&mut mixed);
        assert!(same(&mixed, &sorted), "{mixed:?}");
    }

    #[test]
    fn the_event_is_first() {
        let mut list = [Tag::new("z", 1), Tag::new("a", 2), Tag::new("event", "e"), Tag::new("b", 3)];
        fields(&mut list);
        assert_eq!(list.map(|tag| tag.key), ["event", "a", "b", "z"]);
        let mut list = [Tag::new("z", 1), Tag::new("event", 5), Tag::new("a", 2)];
        fields(&mut list);
        assert_eq!(list.map(|tag| tag.key), ["a", "event", "z"]);
        fields(&mut []);
    }
}
