//! Takes out of a program's output what differs from one run to the next.

/// Replaces times, WAL positions and process numbers by words of the same shape; the width of a table's
/// column stays, as each is replaced by as many characters.
pub fn normalise(text: &str) -> String {
    text.lines().map(|line| normal_line(line.trim_end()) + "\n").collect()
}

fn normal_line(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let after_digit = out.ends_with(|c: char| c.is_ascii_alphanumeric());
        let taken =
            if after_digit { None } else { time(rest).or_else(|| lsn(rest)).or_else(|| pid(rest, &out)) };
        if let Some((length, word)) = taken {
            out += &word;
            rest = &rest[length..];
        } else {
            let next = rest.chars().next().map_or(0, char::len_utf8);
            out += &rest[..next];
            rest = &rest[next..];
        }
    }
    out
}

/// Does `text` begin with this pattern? `9` stands for a digit, all else for itself.
fn begins(text: &str, pattern: &str) -> bool {
    text.len() >= pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(have, want)| match want {
            b'9' => have.is_ascii_digit(),
            _ => have == want,
        })
}

/// `2026-11-21 02:15:13.123456+00`: the fraction and the zone are dropped, as they vary in length.
fn time(text: &str) -> Option<(usize, String)> {
    let pattern = "9999-99-99 99:99:99";
    if !begins(text, pattern) {
        return None;
    }
    let tail = &text[pattern.len()..];
    let length = tail.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-')).count();
    Some((pattern.len() + length, "YYYY-MM-DD HH:MM:SS".to_owned()))
}

/// `0/3000148`: a slash between hexadecimal numbers, at least one of them longer than a digit.
fn lsn(text: &str) -> Option<(usize, String)> {
    let hex = |s: &str| s.bytes().take_while(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b)).count();
    let high = hex(text);
    if high == 0 || text.as_bytes().get(high) != Some(&b'/') {
        return None;
    }
    let low = hex(&text[high + 1..]);
    let length = high + 1 + low;
    let ends = !text[length..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    (low > 2 && ends).then(|| (length, format!("{}/{}", "X".repeat(high), "X".repeat(low))))
}

/// `PID 4711`, `pid: 4711`.
fn pid(text: &str, before: &str) -> Option<(usize, String)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let word = before.trim_end_matches([' ', ':', '(']).to_ascii_lowercase();
    (length > 0 && word.ends_with("pid")).then(|| (length, "N".repeat(length)))
}

#[test]
fn what_varies_is_replaced_and_nothing_else() {
    for (why, given, want) in [
        ("a time of an event", " 1 | t | 2026-11-21 02:15:13 | x", " 1 | t | YYYY-MM-DD HH:MM:SS | x"),
        ("a time with fraction and zone", "2026-11-21 02:15:13.12+00", "YYYY-MM-DD HH:MM:SS"),
        ("a WAL position keeps its width", "at 0/3000148.", "at X/XXXXXXX."),
        ("a path is none", "/var/lib/15/main", "/var/lib/15/main"),
        ("attempts are none", "attempt 1/6", "attempt 1/6"),
        ("a process number", "PID 4711, node 3", "PID NNNN, node 3"),
        ("blanks at the end go", "a | b  ", "a | b"),
    ] {
        assert_eq!(normalise(given), format!("{want}\n"), "{why}");
    }
}
