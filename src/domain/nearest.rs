//! The known word that somebody probably meant.

/// The word in `of` that is nearest to `word`, if one is near enough to be meant: at most a third of the letters
/// are wrong, missing, extra or swapped with their neighbour. Letters' case does not count.
#[must_use]
pub fn nearest<'a>(word: &str, of: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer words are nobody's slip, and the distance takes quadratic time.
    const LONGEST: usize = 64;
    let typed: Vec<char> = word.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if typed.is_empty() || typed.len() > LONGEST {
        return None;
    }
    let allowed = (typed.len() / 3).max(1);
    of.map(|known| (distance(&typed, &known.to_lowercase().chars().collect::<Vec<_>>()), known))
        .filter(|(d, known)| *d <= allowed && *d < known.chars().count())
        .min_by_key(|(d, _)| *d)
        .map(|(_, known)| known)
}

/// Damerau and Levenshtein's distance, each letter swapped once at the most.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = ["show", "event", "matrix", "crosscheck", "cleanup"];
        for (typed, want, why) in [
            ("shwo", Some("show"), "neighbours swapped"),
            ("evnet", Some("event"), "neighbours swapped"),
            ("SHOW", Some("show"), "case does not count"),
            ("crosschek", Some("crosscheck"), "a letter is missing"),
            ("cleanupp", Some("cleanup"), "a letter too many"),
            ("frobnicate", None, "nothing is near"),
            ("", None, "nothing typed"),
            ("x", None, "one letter means nothing"),
        ] {
            assert_eq!(nearest(typed, known.into_iter()), want, "{why}");
        }
    }
}
