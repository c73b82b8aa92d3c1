//! Durations as Go writes them, because Jaeger's variables are written so: `500ms`, `2s`, `1m30s`, `1.5h`.
//!
//! A sign, then numbers with units, largest or smallest first as one likes; each number may have a decimal point. Computed in whole nanoseconds, without floats, so that what is
//! written is what is meant; what is below a nanosecond is left out, as in Go.

use std::time::Duration;

/// Nanoseconds of a unit. The micro sign (U+00B5) and the Greek letter mu (U+03BC) look alike, so both are taken.
fn unit(name: &str) -> Option<u128> {
    Some(match name {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        _ => return None,
    })
}

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No number, no or an unknown unit, or something else.
    Form,
    /// Below zero; [`Duration`] has no such.
    Negative,
    /// More than 2^63 - 1 nanoseconds, 292 years, which is Go's bound.
    TooLong,
}

/// Reads a duration.
pub(super) fn parse(text: &str) -> Result<Duration, Fault> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        // The only number that needs no unit.
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(Fault::Form);
    }
    let mut nanos = 0u128;
    while !rest.is_empty() {
        let (whole, after) = split(rest, |c| !c.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split(after, |c| !c.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(Fault::Form);
        }
        let (name, after) = split(after, |c| c.is_ascii_digit() || c == '.');
        let unit = unit(name).ok_or(Fault::Form)?;
        // Twenty digits are past the bound in any unit but cannot overflow what follows.
        let whole = whole.trim_start_matches('0');
        if whole.len() > 20 {
            return Err(Fault::TooLong);
        }
        nanos += whole.parse::<u128>().unwrap_or(0) * unit;
        // Eighteen decimals are finer than a nanosecond of any unit.
        let mut worth = unit * 1_000_000_000_000_000_000;
        let mut parts = 0u128;
        for digit in fraction.bytes().take(18) {
            worth /= 10;
            parts += u128::from(digit - b'0') * worth;
        }
        nanos += parts / 1_000_000_000_000_000_000;
        if nanos > i64::MAX as u128 {
            return Err(Fault::TooLong);
        }
        rest = after;
    }
    if negative && nanos > 0 {
        return Err(Fault::Negative);
    }
    Ok(Duration::from_nanos(nanos as u64))
}

/// What is before the first character that `ends` it, and the rest.
fn split(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_reads_them() {
        for (text, nanos) in [
            ("0", 0),
            ("-0", 0),
            ("-0s", 0),
            ("0.0s", 0),
            ("5s", 5_000_000_000),
            ("+5s", 5_000_000_000),
            ("30ms", 30_000_000),
            ("500ms", 500_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("1h15m30.918273645s", 4_530_918_273_645),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("12us", 12_000),
            ("12\u{b5}s", 12_000),
            ("12\u{3bc}s", 12_000),
            ("1ns", 1),
            ("1.9ns", 1),
            ("0.1us", 100),
            ("0.3333333333333333333333h", 1_199_999_999_999),
            ("1s1h1s", 3_602_000_000_000),
            ("00000000000000000000000000000000001s", 1_000_000_000),
            ("9223372036854775807ns", 9_223_372_036_854_775_807),
            ("2562047h47m16.854775807s", 9_223_372_036_854_775_807),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration() {
        for text in [
            "",
            "-",
            "+",
            "3",
            "3.5",
            "s",
            ".",
            ".s",
            "+.s",
            "1d",
            "1S",
            "1 s",
            " 1s",
            "1s ",
            "1h 2m",
            "1m3",
            "--1s",
            "+-1s",
            "1..5s",
            "1e3s",
            "1_000s",
            "٣s",
            "1\u{301}s",
            "∞",
        ] {
            assert_eq!(parse(text), Err(Fault::Form), "{text:?}");
        }
        assert_eq!(parse("-1ns"), Err(Fault::Negative));
        for text in
            ["9223372036854775808ns", "3000000h", "2562047h47m16.854775808s", "100000000000000000000h"]
        {
            assert_eq!(parse(text), Err(Fault::TooLong), "{text}");
        }
        assert_eq!(parse(&"9".repeat(100_000)), Err(Fault::Form));
        assert_eq!(parse(&format!("{}h", "9".repeat(100_000))), Err(Fault::TooLong));
    }
}
