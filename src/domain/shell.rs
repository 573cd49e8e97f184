//! Words for a POSIX shell: quoting them, and splitting a line into them.

use std::fmt;

/// True when no shell reads anything into the text, in any place of a command.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.,:/@%+=-".contains(&b))
}

/// The text as one word of a shell command: as it is when it is plain, else within single quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { always_quoted(text) }
}

/// The text within single quotes, whatever it is.
#[must_use]
pub fn always_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A quote that is opened and never closed, or a backslash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbalanced(pub String);

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unbalanced quotes in: {}", self.0)
    }
}

impl std::error::Error for Unbalanced {}

/// Splits a line into words as a shell would, quotes and backslashes taken off; variables, globs and
/// operators are not looked at.
///
/// # Errors
/// [`Unbalanced`].
pub fn split(line: &str) -> Result<Vec<String>, Unbalanced> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    let unbalanced = || Unbalanced(line.to_owned());
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or_else(unbalanced)? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or_else(unbalanced)? {
                        '"' => break,
                        '\\' => match chars.next().ok_or_else(unbalanced)? {
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next().ok_or_else(unbalanced)?),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_split_as_a_shell_splits_them() {
        for (why, line, want) in [
            ("ssh's usual options", "-q -o ConnectTimeout=10", Some(vec!["-q", "-o", "ConnectTimeout=10"])),
            ("quotes hold blanks", "-o 'ProxyCommand=nc %h %p'", Some(vec!["-o", "ProxyCommand=nc %h %p"])),
            ("double quotes, escapes", r#"a"b \" c"d\ e"#, Some(vec!["ab \" cd e"])),
            ("an empty word", "a ''", Some(vec!["a", ""])),
            ("nothing", "  ", Some(vec![])),
            ("open quote", "a 'b", None),
            ("backslash at the end", "a\\", None),
        ] {
            let got = split(line).ok();
            assert_eq!(got, want.map(|w| w.into_iter().map(str::to_owned).collect()), "{why}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_word_comes_back(text in ".*") {
            prop_assert_eq!(split(&quoted(&text)), Ok(vec![text.clone()]));
            prop_assert_eq!(split(&always_quoted(&text)), Ok(vec![text]));
        }
    }
}
