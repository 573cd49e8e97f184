//! getopt_long's habits turned into plain words: options before, between and behind the command words,
//! `--opt=value`, `-fFILE`, `-vF`, `--`, shortened long options. Pure; knows nothing of commands.

use super::options::{EXCLUSIVE, Home, Kind, LEVELS, OPTIONS, Opt, Value};
use crate::domain::nearest::nearest;
use crate::error::{Error, Result};
use crate::exit::Exit;

/// A command line taken apart.
#[derive(Debug, Default)]
pub struct Line {
    /// The options in the order they were typed.
    pub options: Vec<Given>,
    /// What is no option and no option's value.
    pub words: Vec<String>,
}

/// One option as it was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// The row of the table; never an alias.
    pub opt: &'static Opt,
    /// As it was typed, with its dashes and without its value: `-f`, `--conf`.
    pub typed: String,
    /// Its value, checked against its kind. `None`: it takes none, or the optional one was left out.
    pub value: Option<String>,
}

impl Line {
    /// True when the option of this long name was given.
    #[must_use]
    pub fn has(&self, long: &str) -> bool {
        self.options.iter().any(|g| g.opt.long == long)
    }
}

/// Takes a command line (without the program's name) apart.
///
/// # Errors
/// [`Exit::BadConfig`] for an unknown or ambiguous option, a missing or superfluous value, a bad number, or two
/// options that exclude each other; the message is one line that names the option.
pub fn normalise(args: &[String]) -> Result<Line> {
    let mut line = Line::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            line.words.extend(rest.by_ref().cloned());
        } else if let Some(long) = arg.strip_prefix("--") {
            take_long(&mut line, long, &mut rest)?;
        } else if arg.len() > 1 && arg.starts_with('-') {
            take_short(&mut line, &arg[1..], &mut rest)?;
        } else {
            line.words.push(arg.clone());
        }
    }
    exclusive(&line)?;
    Ok(line)
}

/// `--name`, `--name=value`, `--name value`.
fn take_long<'a>(line: &mut Line, text: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<()> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let opt = find_long(name)?;
    let typed = format!("--{name}");
    let value = match (opt.value, value) {
        (Value::None, Some(_)) => return Err(bad(format!("option \"--{}\" takes no value", opt.long))),
        (Value::None, None) | (Value::Optional(_), None) => None,
        (Value::Optional(_) | Value::Required(_), Some(value)) => Some(value),
        (Value::Required(_), None) => Some(next_value(&typed, rest)?),
    };
    push(line, opt, typed, value)
}

/// `-f FILE`, `-fFILE`, `-vF`, `-vfFILE`.
fn take_short<'a>(line: &mut Line, bundle: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<()> {
    let mut letters = bundle.chars();
    while let Some(letter) = letters.next() {
        let typed = format!("-{letter}");
        let opt = OPTIONS.iter().find(|o| o.short == Some(letter));
        let opt = opt.ok_or_else(|| bad(format!("unknown option \"{typed}\"")))?;
        let attached = letters.as_str();
        let value = match opt.value {
            Value::None => None,
            Value::Optional(_) if !attached.starts_with('=') => None,
            Value::Optional(_) => Some(letters.by_ref().skip(1).collect()),
            Value::Required(_) if attached.is_empty() => Some(next_value(&typed, rest)?),
            Value::Required(_) => Some(letters.by_ref().collect()),
        };
        push(line, opt, typed, value)?;
    }
    Ok(())
}

fn next_value<'a>(typed: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<String> {
    rest.next().cloned().ok_or_else(|| bad(format!("option \"{typed}\" needs a value")))
}

fn push(line: &mut Line, opt: &'static Opt, typed: String, value: Option<String>) -> Result<()> {
    let value = match (value, opt.value) {
        (Some(value), Value::Required(kind) | Value::Optional(kind)) => Some(check(kind, &typed, value)?),
        (value, _) => value,
    };
    line.options.push(Given { opt: opt.canonical(), typed, value });
    Ok(())
}

/// The option that `name` names in full, or as the beginning of one option only.
fn find_long(name: &str) -> Result<&'static Opt> {
    if let Some(exact) = OPTIONS.iter().find(|o| o.long == name) {
        return Ok(exact);
    }
    let begins = |o: &&'static Opt| o.long.starts_with(name);
    let mut begins: Vec<&'static Opt> = OPTIONS.iter().filter(begins).collect();
    // An old spelling must not make a beginning ambiguous that is clear in repmgr.
    if begins.iter().any(|o| !matches!(o.home, Home::Alias(_))) {
        begins.retain(|o| !matches!(o.home, Home::Alias(_)));
    }
    match begins.as_slice() {
        [one] if !name.is_empty() => Ok(one),
        [] => {
            let near = nearest(name, OPTIONS.iter().filter(|o| !o.help.is_empty()).map(|o| o.long));
            let near = near.map(|n| format!("; did you mean \"--{n}\"?")).unwrap_or_default();
            Err(bad(format!("unknown option \"--{name}\"{near}")))
        }
        several => {
            let names: Vec<String> = several.iter().map(|o| format!("--{}", o.long)).collect();
            Err(bad(format!("option \"--{name}\" is ambiguous: {}", names.join(", "))))
        }
    }
}

/// The value in the form the rest of the program expects, or what is wrong with it.
fn check(kind: Kind, typed: &str, value: String) -> Result<String> {
    let wrong =
        |wanted: String| bad(format!("option \"{typed}\": invalid value \"{}\" ({wanted})", shown(&value)));
    match kind {
        Kind::Text(_) => Ok(value),
        Kind::Number(_, least, most) => match value.trim().parse::<i128>() {
            Ok(n) if (i128::from(least)..=i128::from(most)).contains(&n) => Ok(n.to_string()),
            Ok(n) if n > i128::from(most) => {
                Err(wrong(format!("a whole number from {least} to {most} is needed")))
            }
            Ok(_) | Err(_) => Err(wrong(format!("a whole number, {least} or greater, is needed"))),
        },
        Kind::Choice(words) if words.contains(&value.as_str()) => Ok(value),
        Kind::Choice(words) => Err(wrong(format!("one of {} is needed", words.join(", ")))),
        Kind::Level => match LEVELS.iter().find(|l| l.eq_ignore_ascii_case(&value)) {
            Some(level) => Ok((*level).to_owned()),
            None => Err(wrong(format!("one of {} is needed", LEVELS.join(", ")))),
        },
        Kind::Delay if is_delay(&value) => Ok(value),
        Kind::Delay => Err(wrong("a number with one of the units ms, s, min, h, d is needed".to_owned())),
    }
}

/// Digits and one of PostgreSQL's units of time, or none (milliseconds).
fn is_delay(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && ["", "ms", "s", "min", "h", "d"].contains(&unit.trim_start())
}

fn exclusive(line: &Line) -> Result<()> {
    for group in EXCLUSIVE {
        let given: Vec<&str> = group.iter().copied().filter(|long| line.has(long)).collect();
        if let [first, second, ..] = given.as_slice() {
            return Err(bad(format!("\"--{first}\" and \"--{second}\" exclude each other")));
        }
    }
    Ok(())
}

/// A typed word as a message may show it: one line, not endless, and no password of a connection string.
#[must_use]
pub(super) fn shown(word: &str) -> String {
    const LONGEST: usize = 60;
    if word.to_ascii_lowercase().contains("password") || word.contains("://") {
        return "(connection string)".to_owned();
    }
    let mut text: String = word.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if word.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}

/// A command line that cannot be understood.
pub(super) fn bad(message: String) -> Error {
    Error::new(Exit::BadConfig, message)
}
