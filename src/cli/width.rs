//! How many columns of a terminal a text takes.

/// Columns of `text`: two for what East Asian scripts and pictures fill, none for what joins its neighbour.
pub fn width(text: &str) -> usize {
    text.chars().map(of_char).sum()
}

fn of_char(c: char) -> usize {
    let within = |ranges: &[(u32, u32)]| ranges.iter().any(|(from, to)| (*from..=*to).contains(&(c as u32)));
    if within(NONE) {
        0
    } else if within(WIDE) {
        2
    } else {
        1
    }
}

/// Control, combining and joining characters (the usual blocks, from Unicode's list of general categories).
const NONE: &[(u32, u32)] = &[
    (0x0000, 0x001f),
    (0x007f, 0x009f),
    (0x0300, 0x036f),
    (0x0483, 0x0489),
    (0x0591, 0x05bd),
    (0x0610, 0x061a),
    (0x064b, 0x065f),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200f),
    (0x202a, 0x202e),
    (0x2060, 0x2064),
    (0x20d0, 0x20ff),
    (0x302a, 0x302d),
    (0x3099, 0x309a),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0xfeff, 0xfeff),
];

/// East Asian Wide and Fullwidth.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0x9fff),
    (0xa000, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1f64f),
    (0x1f680, 0x1f6ff),
    (0x1f900, 0x1f9ff),
    (0x20000, 0x3fffd),
];

#[cfg(test)]
mod tests {
    use super::width;

    #[test]
    fn a_terminal_gives_two_columns_to_han_and_none_to_marks() {
        for (text, columns, why) in [
            ("node1", 5, "plain letters"),
            ("节点1", 5, "Han letters are wide"),
            ("ノード", 6, "kana are wide"),
            ("노드", 4, "hangul is wide"),
            ("（主）", 6, "full-width brackets"),
            ("e\u{301}", 1, "a combining accent takes no column"),
            ("é", 1, "a letter with its accent takes one"),
            ("", 0, "nothing"),
        ] {
            assert_eq!(width(text), columns, "{why}: {text}");
        }
    }
}
