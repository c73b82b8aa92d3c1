//! Durations as Go writes them: `300ms`, `-1.5h`, `2h45m`, `1.5µs`.
//!
//! Nanoseconds in 64 bits, as there: what does not fit is refused, digits beyond a nanosecond are cut.

use std::fmt;

/// A length of time in nanoseconds; shown as Go shows one (`9ms`, `1h2m3.5s`, `0s`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub(crate) i64);

impl Duration {
    /// Nanoseconds.
    pub fn nanos(self) -> i64 {
        self.0
    }
}

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Reads a duration: a sign, then numbers each with a unit of ns, us, µs, ms, s, m, h; or a lone `0`.
///
/// # Errors
/// A text that names the fault and the value: `time: missing unit in duration "1"`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(Duration(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let whole = match digits {
            0 => 0,
            _ => rest[..digits].parse::<u64>().ok().filter(|&n| n <= 1 << 63).ok_or_else(invalid)?,
        };
        let mut after = &rest[digits..];
        let mut fraction = "";
        if let Some(point) = after.strip_prefix('.') {
            let digits = point.bytes().take_while(u8::is_ascii_digit).count();
            (fraction, after) = point.split_at(digits);
        }
        if digits == 0 && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {text:?}"));
        }
        let unit = match unit {
            "ns" => 1,
            // The micro sign and the Greek letter.
            "us" | "\u{b5}s" | "\u{3bc}s" => MICRO,
            "ms" => MILLI,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            _ => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        let part = whole.checked_mul(unit).and_then(|whole| whole.checked_add(part_of(fraction, unit)));
        total =
            part.and_then(|part| total.checked_add(part)).filter(|&n| n <= 1 << 63).ok_or_else(invalid)?;
        rest = next;
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(nanos)) => Ok(Duration(nanos)),
        (true, Ok(nanos)) => Ok(Duration(-nanos)),
        // 2^63 exactly, which only a negative one can be.
        (true, Err(_)) => Ok(Duration(i64::MIN)),
        (false, Err(_)) => Err(invalid()),
    }
}

/// So many nanoseconds are the digits after the point, of a unit.
fn part_of(digits: &str, unit: u64) -> u64 {
    let (mut nanos, mut place) = (0.0, unit as f64);
    // More digits than these add nothing to a float.
    for digit in digits.bytes().take(18) {
        place /= 10.0;
        nanos += place * f64::from(digit - b'0');
    }
    // Half of a thousandth, against what the division by ten lost.
    (nanos + 0.000_5) as u64
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            out.write_str("-")?;
        }
        match nanos {
            0 => out.write_str("0s"),
            1..MICRO => write!(out, "{nanos}ns"),
            MICRO..MILLI => decimal(out, nanos, MICRO, "\u{b5}s"),
            MILLI..SECOND => decimal(out, nanos, MILLI, "ms"),
            _ => {
                let (minutes, rest) = (nanos / (60 * SECOND), nanos % (60 * SECOND));
                if minutes >= 60 {
                    write!(out, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(out, "{}m", minutes % 60)?;
                }
                decimal(out, rest, SECOND, "s")
            }
        }
    }
}

/// `1.5` of a unit, without zeros at the end.
fn decimal(out: &mut fmt::Formatter<'_>, nanos: u64, unit: u64, name: &str) -> fmt::Result {
    write!(out, "{}", nanos / unit)?;
    let rest = nanos % unit;
    if rest != 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        write!(out, ".{}", digits.trim_end_matches('0'))?;
    }
    out.write_str(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let good = [
            ("0", 0),
            ("-0", 0),
            ("+5s", 5_000_000_000),
            ("1.5ms", 1_500_000),
            ("1h30m", 5_400_000_000_000),
            ("10us", 10_000),
            ("10\u{b5}s", 10_000),
            ("10\u{3bc}s", 10_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("-1m2.25s", -62_250_000_000),
            ("0.1ms", 100_000),
            ("1.0000000001s", 1_000_000_000),
            ("3.3ms", 3_300_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("2540400h10m10s", 9_145_440_610_000_000_000),
        ];
        for (text, nanos) in good {
            assert_eq!(parse_duration(text), Ok(Duration(nanos)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let bad = [
            ("", "time: invalid duration \"\""),
            ("-", "time: invalid duration \"-\""),
            ("1", "time: missing unit in duration \"1\""),
            ("1.5", "time: missing unit in duration \"1.5\""),
            ("abc", "time: invalid duration \"abc\""),
            (".s", "time: invalid duration \".s\""),
            ("1x", "time: unknown unit \"x\" in duration \"1x\""),
            ("1s 2s", "time: unknown unit \"s \" in duration \"1s 2s\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
            ("99999999999999999999s", "time: invalid duration \"99999999999999999999s\""),
            ("3000000h", "time: invalid duration \"3000000h\""),
        ];
        for (text, message) in bad {
            assert_eq!(parse_duration(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn shows_as_go_shows() {
        let shown = [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1\u{b5}s"),
            (9_000_000, "9ms"),
            (-2_200_000, "-2.2ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (3_723_500_000_000, "1h2m3.5s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (nanos, text) in shown {
            assert_eq!(Duration(nanos).to_string(), text);
        }
    }
}
