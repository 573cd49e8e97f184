//! The known word nearest to a mistyped one.

/// The word of `of` that `word` was most likely meant to be, in any case of letters.
///
/// Counted in single edits (a letter put in, left out, replaced, or two neighbours swapped). `None`: none
/// is near enough, which is more than a third of the longer word's letters, at least two of them.
pub fn nearest<'a>(word: &str, of: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = letters(word);
    // Nobody has a name this long; the table of edits stays small whatever is typed.
    if typed.len() > 64 {
        return None;
    }
    of.filter_map(|known| {
        let wanted = letters(known);
        let edits = edits(&typed, &wanted);
        let bound = (typed.len().max(wanted.len()) / 3).max(2);
        let near = edits <= bound && edits < typed.len().min(wanted.len());
        near.then_some((edits, known))
    })
    .min_by_key(|&(edits, _)| edits)
    .map(|(_, known)| known)
}

/// Lower case, and the two dashes that people confuse made one.
fn letters(word: &str) -> Vec<char> {
    word.to_lowercase().chars().map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Optimal string alignment distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, cb) in b.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(ca != cb);
            row[j + 1] = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                row[j + 1] = row[j + 1].min(rows[i - 1][j - 1] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_the_one_that_was_meant() {
        let known = ["node_id", "node_name", "conninfo", "promote_command", "--siblings-follow"];
        for (why, word, want) in [
            ("one letter left out", "nod_id", Some("node_id")),
            ("two letters swapped", "conninof", Some("conninfo")),
            ("a dash for an underscore, capitals", "Node-Name", Some("node_name")),
            ("an underscore for a dash", "--siblings_folow", Some("--siblings-follow")),
            ("nothing like it", "frobnicate", None),
            ("too short to tell", "x", None),
            ("nothing at all", "", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), want, "{why}");
        }
    }

    #[test]
    fn a_very_long_word_is_nobody() {
        assert_eq!(nearest(&"a".repeat(100_000), ["aaaa"].into_iter()), None);
    }
}
