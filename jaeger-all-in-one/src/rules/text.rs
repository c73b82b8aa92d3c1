//! A value as text: what a search for `key=value` compares, and what completion offers.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jaeger_thrift::Value;

/// A value as text: as it is, `true`, digits, [`number_text`], base64.
///
/// ```
/// use jaeger_all_in_one::rules::value_text;
/// use jaeger_thrift::Value;
/// assert_eq!(value_text(&Value::Double(5.0)), "5");
/// assert_eq!(value_text(&Value::Binary(b"\x01\x02".as_slice().into())), "AQI=");
/// ```
pub fn value_text<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Long(number) => Cow::Owned(number.to_string()),
        Value::Double(number) => number_text(*number),
        Value::Binary(bytes) => Cow::Owned(BASE64.encode(bytes)),
    }
}

/// A float with the fewest digits that mean it, as JavaScript and Jaeger write numbers: `5`, `0.1`, `1e+21`, `1e-7`; and `NaN`, `+Inf`, `-Inf`.
pub fn number_text(number: f64) -> Cow<'static, str> {
    if number.is_nan() {
        return Cow::Borrowed("NaN");
    }
    if number.is_infinite() {
        return Cow::Borrowed(if number > 0.0 { "+Inf" } else { "-Inf" });
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return Cow::Owned(if size < 1.0 { text } else { text.replace('e', "e+") });
    }
    Cow::Owned(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_javascript_writes_them() {
        for (number, text) in [
            (5.0, "5"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn values() {
        assert_eq!(value_text(&Value::Bool(true)), "true");
        assert_eq!(value_text(&Value::Long(i64::MIN)), "-9223372036854775808");
        assert_eq!(value_text(&Value::from("As it is")), "As it is");
    }
}
