//! Commands of the user with placeholders, and values put into them so that no quote mark and no command
//! can come out of a value.
//!
//! A value is put in by where its placeholder stands: bare, it becomes one word; inside '…' or "…" it
//! stays inside. Where neither holds for sure (inside `$(…)`, backticks, `${…}`, after `$'` or a here
//! document), a value of letters, digits and `_.,:/@%+=-` is put in as it is and any other is refused.

use super::shell::{always_quoted, is_plain};
use std::fmt;

/// A placeholder's letter and what it stands for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder<'a> {
    /// `n` of `%n`.
    pub letter: char,
    /// The value; empty when there is none.
    pub value: &'a str,
}

/// A value that cannot be put where its placeholder stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsafe {
    /// The placeholder's letter.
    pub letter: char,
    /// Why not.
    pub why: &'static str,
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of %{} cannot be put there safely: {}", self.letter, self.why)
    }
}

impl std::error::Error for Unsafe {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Bare,
    Single,
    Double,
    Comment,
    /// Something this reader does not follow.
    Opaque,
}

/// Puts values into a command. `%%` is a percent sign; `%` before any other character stays as it is.
///
/// # Errors
/// [`Unsafe`] when a value is not plain and its placeholder stands where quoting is not certain.
pub fn substitute(template: &str, values: &[Placeholder<'_>]) -> Result<String, Unsafe> {
    let mut out = String::with_capacity(template.len() + 64);
    let mut place = Place::Bare;
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        let len = match (place, c) {
            (_, '%') => percent(rest, place, values, &mut out)?,
            (Place::Bare | Place::Double, '\\') => {
                let len = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
                copied(rest, len, &mut out)
            }
            (Place::Bare | Place::Double, '$' | '`') => {
                let simple = simple_expansion(rest);
                match simple {
                    Some(len) if !rest.get(..len).unwrap_or_default().contains('%') => {
                        copied(rest, len, &mut out)
                    }
                    Some(_) | None if opens(rest) => {
                        place = Place::Opaque;
                        copied(rest, 1, &mut out)
                    }
                    Some(_) | None => copied(rest, 1, &mut out),
                }
            }
            (Place::Bare, '<' | '(') if here_document(rest) || rest.starts_with("((") => {
                place = Place::Opaque;
                copied(rest, 1, &mut out)
            }
            _ => {
                place = next_place(place, c, &out);
                copied(rest, c.len_utf8(), &mut out)
            }
        };
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(out)
}

/// Copies the first `len` bytes of `rest` and returns `len`.
fn copied(rest: &str, len: usize, out: &mut String) -> usize {
    out.push_str(rest.get(..len).unwrap_or(rest));
    len
}

fn next_place(place: Place, c: char, before: &str) -> Place {
    match (place, c) {
        (Place::Bare, '\'') => Place::Single,
        (Place::Bare, '"') => Place::Double,
        (Place::Bare, '#')
            if before.is_empty() || before.ends_with([' ', '\t', '\n', ';', '&', '|', '(', ')']) =>
        {
            Place::Comment
        }
        (Place::Single, '\'') | (Place::Double, '"') | (Place::Comment, '\n') => Place::Bare,
        (same, _) => same,
    }
}

/// Handles a `%` at the start of `rest`; returns how many bytes of the template it took.
fn percent(rest: &str, place: Place, values: &[Placeholder<'_>], out: &mut String) -> Result<usize, Unsafe> {
    let Some(letter) = rest.chars().nth(1) else { return Ok(copied(rest, 1, out)) };
    if letter == '%' {
        out.push('%');
        return Ok(2);
    }
    let Some(value) = values.iter().find(|p| p.letter == letter).map(|p| p.value) else {
        return Ok(copied(rest, 1, out));
    };
    let refuse = |why| Err(Unsafe { letter, why });
    if value.contains('\0') {
        return refuse("it holds a zero byte");
    }
    match place {
        Place::Bare if out.ends_with('$') => return refuse("it stands right behind a $"),
        Place::Bare if is_plain(value) => out.push_str(value),
        Place::Bare => out.push_str(&always_quoted(value)),
        Place::Single => out.push_str(&value.replace('\'', r"'\''")),
        Place::Double if out.ends_with('$') && !value.is_empty() => {
            return refuse("it stands right behind a $");
        }
        Place::Double => {
            for c in value.chars() {
                if matches!(c, '"' | '\\' | '$' | '`') {
                    out.push('\\');
                }
                out.push(c);
            }
        }
        Place::Comment => {}
        Place::Opaque if is_plain(value) => out.push_str(value),
        Place::Opaque => return refuse("it stands inside or behind $(…), `…`, ${…}, $'…' or <<"),
    }
    Ok(1 + letter.len_utf8())
}

fn here_document(rest: &str) -> bool {
    rest.starts_with("<<") && rest.contains('\n')
}

/// True when a `$` or backtick at the start opens something.
fn opens(rest: &str) -> bool {
    rest.starts_with('`') || matches!(rest.chars().nth(1), Some('(' | '{' | '\'' | '"' | '['))
}

/// The length of an expansion that holds no quote and no nesting, so that what follows it is still known:
/// `$(date)`, `` `date` ``, `${HOME}`.
fn simple_expansion(rest: &str) -> Option<usize> {
    let (open, close) = match rest.as_bytes() {
        [b'`', ..] => (1, '`'),
        [b'$', b'(', ..] => (2, ')'),
        [b'$', b'{', ..] => (2, '}'),
        _ => return None,
    };
    let inner = rest.get(open..)?;
    let end = inner.find(close)?;
    let harmless = |c: char| !matches!(c, '\'' | '"' | '\\' | '`' | '$' | '(' | '{' | '#' | '<' | '\n');
    // `case` has unpaired parentheses.
    let body = inner.get(..end)?;
    (body.chars().all(harmless) && !body.contains("case")).then_some(open + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(value: &'a str) -> Vec<Placeholder<'a>> {
        vec![Placeholder { letter: 'n', value: "3" }, Placeholder { letter: 'd', value }]
    }

    #[test]
    fn values_are_put_in_by_where_the_placeholder_stands() {
        for (why, template, value, want) in [
            ("a number is put in as it is", "follow %n", "", Some("follow 3")),
            ("a sentence becomes one word", "say %d", "it is", Some("say 'it is'")),
            ("nothing is still a word", "say %d", "", Some("say ''")),
            ("inside double quotes", "say \"<%d>\"", "a\"$b`c\\", Some(r#"say "<a\"\$b\`c\\>""#)),
            ("inside single quotes", "say '<%d>'", "it's", Some(r"say '<it'\''s>'")),
            ("percent sign", "date +%%Y", "", Some("date +%Y")),
            ("not a placeholder", "date +%Y %", "", Some("date +%Y %")),
            ("an escaped quote opens nothing", r"say \'%d", "a b", Some(r"say \''a b'")),
            ("a backslash before it makes it plain text", r"say \%d", "a b", Some(r"say \%d")),
            ("a harmless expansion before it", "say \"$(date) %d\"", "a\"", Some("say \"$(date) a\\\"\"")),
            ("a variable before it", "say $HOME/%d", "a b", Some("say $HOME/'a b'")),
            ("plain inside an expansion", "say $(id %d)", "abc", Some("say $(id abc)")),
            ("not plain inside an expansion", "say $(id %d)", "a b", None),
            ("not plain in backticks", "say `id %d`", "a;b", None),
            ("quotes inside an expansion are not followed", "say \"$(id \"%d\")\"", "a b", None),
            ("the shell's own escapes", "say $'%d'", "a b", None),
            ("bash's arithmetic runs what is in a subscript", "(( %d ))", "a[$(id)]", None),
            ("right behind a dollar", "say $%d", "HOME", None),
            ("a comment takes nothing", "say x # %d", "\nrm", Some("say x # ")),
            ("a hash within a word is none", "say a#%d", "b c", Some("say a#'b c'")),
            ("zero byte", "say %d", "a\0b", None),
        ] {
            assert_eq!(substitute(template, &with(value)).ok().as_deref(), want, "{why}");
        }
    }
}
