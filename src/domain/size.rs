//! Sizes as PostgreSQL prints them.

/// `bytes` as `pg_size_pretty` prints it: whole bytes below 10 kB, then the largest unit that keeps at
/// least two digits, rounded half up.
#[must_use]
pub fn pretty(bytes: u64) -> String {
    const LIMIT: u64 = 10 * 1024;
    if bytes < LIMIT {
        return format!("{bytes} bytes");
    }
    // One bit more than the unit is kept, so that the last step can round.
    let mut halves = bytes >> 9;
    let mut units = ["kB", "MB", "GB", "TB"].into_iter();
    while let Some(unit) = units.next() {
        if halves < 2 * LIMIT - 1 || units.len() == 0 {
            return format!("{} {unit}", halves.div_ceil(2));
        }
        halves >>= 10;
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn sizes_read_as_in_postgresql() {
        for (bytes, want) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_752, "11 kB"),
            (10 * 1024 * 1024 - 513, "10239 kB"),
            (10 * 1024 * 1024 - 1, "10 MB"),
            (10 * 1024 * 1024, "10 MB"),
            (30_408_704, "29 MB"),
            (123_456_789_012, "115 GB"),
            (20 * 1024_u64.pow(5), "20480 TB"),
        ] {
            assert_eq!(pretty(bytes), want, "{bytes}");
        }
    }
}
