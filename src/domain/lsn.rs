//! WAL positions and timelines.

use std::fmt;
use std::str::FromStr;

/// A position in the WAL. Prints and parses as PostgreSQL does (`0/3000060`).
///
/// Never stands for "unknown": that is `None` wherever it can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Bytes from `earlier` to this position; 0 when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// Text that is not `XXXXXXXX/XXXXXXXX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLsn(pub String);

impl fmt::Display for BadLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not a WAL position", self.0)
    }
}

impl std::error::Error for BadLsn {}

impl FromStr for Lsn {
    type Err = BadLsn;

    fn from_str(text: &str) -> Result<Self, BadLsn> {
        let bad = || BadLsn(text.to_owned());
        let half = |s: &str| {
            if s.is_empty() || s.len() > 8 || !s.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(bad());
            }
            u64::from_str_radix(s, 16).map_err(|_| bad())
        };
        let (high, low) = text.split_once('/').ok_or_else(bad)?;
        Ok(Self(half(high)? << 32 | half(low)?))
    }
}

/// A timeline's number. Two nodes can each make a timeline of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeline(pub u32);

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_as_postgresql_does() {
        for (why, text, want) in [
            ("zero", "0/0", Some(0)),
            ("low half", "0/3000060", Some(0x300_0060)),
            ("both halves", "16/B374D848", Some(0x16_B374_D848)),
            ("no slash", "16", None),
            ("too long", "0/123456789", None),
            ("sign", "0/+1", None),
            ("empty half", "/1", None),
        ] {
            assert_eq!(text.parse::<Lsn>().ok(), want.map(Lsn), "{why}");
            if let Some(value) = want {
                assert_eq!(Lsn(value).to_string(), text, "{why}");
            }
        }
    }

    #[test]
    fn a_distance_is_never_negative() {
        assert_eq!(Lsn(10).since(Lsn(4)), 6);
        assert_eq!(Lsn(4).since(Lsn(10)), 0);
    }
}
