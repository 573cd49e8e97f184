//! Booleans, spans of time and numbers of bytes as people write them.

use super::kind::Unit;

/// repmgr's spellings of yes and no, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if ["1", "true", "on", "yes"].into_iter().any(is) {
        Some(true)
    } else if ["0", "false", "off", "no"].into_iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// Microseconds of `10`, `0.5`, `500ms`, `10 s`, `5min`, `1h`, `2d`; a bare number counts in `unit`.
/// `None`: not a span of time, or longer than a century.
pub(super) fn micros(text: &str, unit: Unit) -> Option<u64> {
    const CENTURY: u128 = 100 * 366 * 24 * 3600 * 1_000_000;
    let (number, suffix) = split(text)?;
    let factor: u128 = match suffix {
        "" => match unit {
            Unit::Seconds => 1_000_000,
            Unit::Minutes => 60_000_000,
        },
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    let total = times(number, factor)?;
    (total <= CENTURY).then(|| u64::try_from(total).ok())?
}

/// Bytes of `1048576`, `1MB`, `16 kB`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, suffix) = split(text)?;
    let power = match suffix.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "kb" | "k" => 1,
        "mb" | "m" => 2,
        "gb" | "g" => 3,
        "tb" | "t" => 4,
        _ => return None,
    };
    u64::try_from(times(number, 1024_u128.pow(power))?).ok()
}

/// Whether PostgreSQL takes it as recovery_min_apply_delay. Empty: nothing is set.
pub(super) fn delay(text: &str) -> bool {
    text.is_empty()
        || split(text).is_some_and(|(number, unit)| {
            !number.contains('.') && ["", "us", "ms", "s", "min", "h", "d"].contains(&unit)
        })
}

/// Number and unit, with or without white space between them.
fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then_some((number, unit.trim()))
}

/// `12.5` times `factor`, what is less than one dropped.
fn times(number: &str, factor: u128) -> Option<u128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() > 18 || part.len() > 9 || (whole.is_empty() && part.is_empty()) || part.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    let part: u128 = if part.is_empty() { 0 } else { part.parse().ok()? };
    whole.checked_mul(factor)?.checked_add(part.checked_mul(factor)? / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_as_people_write_them() {
        for (text, want) in [
            ("10", Some(10_000_000)),
            ("0", Some(0)),
            ("500ms", Some(500_000)),
            ("250 ms", Some(250_000)),
            ("0.25", Some(250_000)),
            ("1.5min", Some(90_000_000)),
            ("10s", Some(10_000_000)),
            ("5min", Some(300_000_000)),
            ("1h", Some(3_600_000_000)),
            ("2d", Some(172_800_000_000)),
            ("", None),
            (".", None),
            ("-1", None),
            ("10 parsecs", None),
            ("1.2.3", None),
            ("5M", None),
            ("99999999999999999999", None),
            ("999999999999", None),
        ] {
            assert_eq!(micros(text, Unit::Seconds), want, "{text:?}");
        }
        assert_eq!(micros("10", Unit::Minutes), Some(600_000_000), "a bare number of minutes");
    }

    #[test]
    fn sizes_have_postgresqls_units() {
        for (text, want) in [
            ("0", Some(0)),
            ("1MB", Some(1 << 20)),
            ("5 MB", Some(5 << 20)),
            ("16kB", Some(16 << 10)),
            ("2g", Some(2 << 30)),
            ("1.5kB", Some(1536)),
            ("1PB", None),
            ("99999999999999999TB", None),
        ] {
            assert_eq!(bytes(text), want, "{text:?}");
        }
    }

    #[test]
    fn booleans_have_eight_spellings_in_any_case() {
        for (text, want) in [
            ("YES", Some(true)),
            ("on", Some(true)),
            ("True", Some(true)),
            ("1", Some(true)),
            ("no", Some(false)),
            ("OFF", Some(false)),
            ("false", Some(false)),
            ("0", Some(false)),
            ("perhaps", None),
            ("t", None),
            ("2", None),
            ("", None),
        ] {
            assert_eq!(boolean(text), want, "{text:?}");
        }
    }
}
