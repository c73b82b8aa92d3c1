//! Points in time as RFC 3339 writes them, `2026-11-25T19:00:00.5+01:00`, and as nanoseconds since 1970.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Reads a time into nanoseconds since 1970. A space where a plus sign was meant (a `+` in a query string that nobody escaped) is taken for one.
///
/// # Errors
/// What is wrong with it, with the value.
pub fn parse_rfc3339(text: &str) -> Result<i128, String> {
    let time = OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339)
        .map_err(|_| format!("{text:?} is no time such as 2026-11-25T19:00:00Z"))?;
    Ok(time.unix_timestamp_nanos())
}

/// Writes a time, given in nanoseconds since 1970; the nearest that has a four-digit year.
pub fn rfc3339(nanos: i128) -> String {
    // The year 0, and the last nanosecond of the year 9999.
    let nanos = nanos.clamp(-62_167_219_200_000_000_000, 253_402_300_799_999_999_999);
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2023-11-14T22:13:20.5Z", 1_700_000_000_500_000_000),
            ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999_999),
        ] {
            assert_eq!(parse_rfc3339(text), Ok(nanos));
            assert_eq!(rfc3339(nanos), text);
        }
        assert_eq!(parse_rfc3339("2023-11-14T23:13:20+01:00"), Ok(1_700_000_000_000_000_000));
        assert_eq!(parse_rfc3339("2023-11-14T23:13:20 01:00"), Ok(1_700_000_000_000_000_000));
        assert_eq!(rfc3339(i128::MIN), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_time() {
        for text in
            ["", "yesterday", "2023-11-14", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z", "1700000000"]
        {
            let told = format!("{text:?} is no time such as 2026-11-25T19:00:00Z");
            assert_eq!(parse_rfc3339(text), Err(told));
        }
    }
}
