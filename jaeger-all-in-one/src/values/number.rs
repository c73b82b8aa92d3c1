//! Whole numbers, decimals, yes and no, trace ids.

/// Reads a whole number that fits in `bits` bits with a sign: digits, and a sign before them if need be.
///
/// # Errors
/// What is wrong with it, with the value.
pub fn parse_int(text: &str, bits: u32) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text:?} is not a whole number"));
    }
    let most = i64::MAX >> (64 - bits);
    // Rust takes the plus sign too.
    text.parse::<i64>()
        .ok()
        .filter(|number| (-most - 1..=most).contains(number))
        .ok_or_else(|| format!("{text:?} does not fit in {bits} bits"))
}

/// Reads a decimal number, finite.
///
/// # Errors
/// What is wrong with it, with the value.
pub fn parse_number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().map_err(|_| format!("{text:?} is not a number"))?;
    if number.is_finite() { Ok(number) } else { Err(format!("{text:?} is not a finite number")) }
}

/// Reads yes or no: `1`, `t`, `T`, `true`, `TRUE`, `True`, and the same of false.
///
/// # Errors
/// What is wrong with it, with the value.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// Reads a trace id: 1 to 32 hexadecimal digits of either case, with or without zeros before them.
///
/// # Errors
/// What is wrong with it, with the value.
pub fn parse_trace_id(text: &str) -> Result<u128, String> {
    if text.len() > 32 {
        return Err(format!("TraceID cannot be longer than 32 hex characters: {text}"));
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("{text:?} is not a trace id, which has 1 to 32 hexadecimal digits"));
    }
    u128::from_str_radix(text, 16).map_err(|error| format!("{text:?}: {error}"))
}

/// A trace id as Jaeger writes it: 16 digits, 32 if the high half is not zero.
pub fn trace_id_text(id: u128) -> String {
    if id >> 64 == 0 { format!("{id:016x}") } else { format!("{id:032x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(parse_int("+5", 64), Ok(5));
        assert_eq!(parse_int("-007", 32), Ok(-7));
        assert_eq!(parse_int("-9223372036854775808", 64), Ok(i64::MIN));
        assert_eq!(parse_int("2147483647", 32), Ok(2_147_483_647));
        assert_eq!(parse_int("2147483648", 32), Err("\"2147483648\" does not fit in 32 bits".into()));
        assert_eq!(
            parse_int("9223372036854775808", 64),
            Err("\"9223372036854775808\" does not fit in 64 bits".into())
        );
        for text in ["", "+", "1.5", "1e3", "0x1", "1_000", " 1", "\u{661}"] {
            assert_eq!(parse_int(text, 64), Err(format!("{text:?} is not a whole number")));
        }
    }

    #[test]
    fn trace_ids() {
        assert_eq!(parse_trace_id("1"), Ok(1));
        assert_eq!(parse_trace_id("ABCdef"), Ok(0xabcdef));
        assert_eq!(parse_trace_id(&"f".repeat(32)), Ok(u128::MAX));
        assert!(parse_trace_id(&"0".repeat(33)).unwrap_err().starts_with("TraceID cannot be longer than 32"));
        for text in ["", "xyz", "+1", "0x1", "1_1", "-1", " 1"] {
            assert!(parse_trace_id(text).is_err(), "{text}");
        }
        assert_eq!(trace_id_text(0x1234), "0000000000001234");
        assert_eq!(trace_id_text(1 << 64), "00000000000000010000000000000000");
    }

    #[test]
    fn yes_no_and_decimals() {
        assert_eq!(parse_bool("T"), Ok(true));
        assert_eq!(parse_bool("False"), Ok(false));
        assert_eq!(parse_bool("yes"), Err("\"yes\" is neither true nor false".into()));
        assert_eq!(parse_number("0.95"), Ok(0.95));
        assert_eq!(parse_number("inf"), Err("\"inf\" is not a finite number".into()));
        assert_eq!(parse_number(""), Err("\"\" is not a number".into()));
    }
}
