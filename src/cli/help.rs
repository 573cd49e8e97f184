//! Help at every level, and the version; made from the tables.

use super::options::{Home, Kind, OPTIONS, Opt, Scope, Value};
use super::verbs::{self, GROUPS, VERBS, Verb};
use std::fmt::Write as _;

/// The version of repmgr whose behaviour this program has; other nodes' programs read it over ssh.
pub const REPMGR_VERSION: &str = "5.5.0";

/// The same as `--version-number` prints it.
pub const VERSION_NUMBER: u32 = 50_500;

/// Columns that help fills.
const WIDTH: usize = 90;

/// Where the explanation of an option starts.
const EXPLAIN_AT: usize = 36;

/// The line of `--version`.
#[must_use]
pub fn version() -> String {
    format!("repmgr {REPMGR_VERSION} (hg_repmgr {})\n", env!("CARGO_PKG_VERSION"))
}

/// `repmgr --help`.
#[must_use]
pub fn program() -> String {
    let mut text = String::from(
        "repmgr manages a cluster of PostgreSQL servers that replicate by streaming.\n\n\
         Usage: repmgr [OPTION]... GROUP COMMAND [OPTION]...\n\nCommands:\n",
    );
    for (group, _) in GROUPS {
        list_commands(&mut text, group);
    }
    section(&mut text, "Options of every command", |o| matches!(o.scope, Scope::All));
    section(&mut text, "Options of several commands", |o| {
        matches!(o.scope, Scope::Only(_)) && matches!(o.home, Home::General)
    });
    exits(&mut text, &[("1", "wrong command line, configuration or prerequisites")]);
    text.push_str("  the others are named in the help of the commands\n");
    text.push_str("\nExample:\n  repmgr -f /etc/repmgr.conf cluster show\n\n");
    text.push_str(
        "\"repmgr GROUP --help\" lists a group, \"repmgr GROUP COMMAND --help\" explains a command.\n",
    );
    text
}

/// `repmgr standby --help`. `name` is a group of [`GROUPS`].
#[must_use]
pub fn group(name: &str) -> String {
    let about = GROUPS.iter().find(|(g, _)| *g == name).map_or("", |(_, about)| about);
    let mut text = format!(
        "repmgr {name}: {about}\n\nUsage: repmgr [OPTION]... {name} COMMAND [OPTION]...\n\nCommands:\n"
    );
    list_commands(&mut text, name);
    for (alias, real) in verbs::GROUP_ALIASES.iter().filter(|(_, real)| *real == name) {
        let _ = write!(text, "\n\"{alias}\" is another word for \"{real}\".\n");
    }
    for v in VERBS.iter().filter(|v| v.group == name) {
        section(&mut text, &format!("Options of \"{}\"", v.phrase()), |o| listed_for(o, v.verb));
    }
    exits(&mut text, &[("1", "wrong command line, configuration or prerequisites")]);
    if let Some(example) = VERBS.iter().filter(|v| v.group == name).find_map(|v| v.examples.first()) {
        let _ = write!(text, "\nExample:\n  {example}\n");
    }
    let _ = write!(
        text,
        "\n\"repmgr {name} COMMAND --help\" explains a command, \"repmgr --help\" the general options.\n"
    );
    text
}

/// `repmgr standby clone --help`.
#[must_use]
pub fn command(verb: Verb) -> String {
    let info = verbs::info(verb);
    let phrase = info.phrase();
    let host = if verb == Verb::StandbyClone { " [HOST]" } else { "" };
    let mut text = format!(
        "repmgr {phrase}: {}\n\nUsage: repmgr [OPTION]... {phrase}{host} [OPTION]...\n\n",
        info.summary
    );
    wrap(&mut text, info.about, 0);
    section(&mut text, "Options", |o| listed_for(o, verb));
    section(&mut text, "Options of every command", |o| matches!(o.scope, Scope::All));
    exits(&mut text, &[("1", "wrong command line, configuration or prerequisites")]);
    for (code, meaning) in info.exits {
        let _ = writeln!(text, "  {code:<5} {meaning}");
    }
    text.push_str(if info.examples.len() > 1 { "\nExamples:\n" } else { "\nExample:\n" });
    for example in info.examples {
        let _ = writeln!(text, "  {example}");
    }
    text
}

/// True when help lists the option as one of this command's own.
#[must_use]
pub fn listed_for(opt: &Opt, verb: Verb) -> bool {
    !opt.help.is_empty() && matches!(opt.scope, Scope::Only(_)) && opt.belongs_to(verb)
}

fn list_commands(text: &mut String, group: &str) {
    for v in VERBS.iter().filter(|v| v.group == group) {
        let _ = writeln!(text, "  {:<20} {}", v.phrase(), v.summary);
    }
}

fn section(text: &mut String, title: &str, wanted: impl Fn(&Opt) -> bool) {
    let options: Vec<&Opt> = OPTIONS.iter().filter(|o| !o.help.is_empty() && wanted(o)).collect();
    if options.is_empty() {
        return;
    }
    let _ = write!(text, "\n{title}:\n");
    for opt in options {
        let name = name(opt);
        if name.len() + 1 < EXPLAIN_AT {
            let _ = write!(text, "{name:<EXPLAIN_AT$}");
        } else {
            let _ = write!(text, "{name}\n{:EXPLAIN_AT$}", "");
        }
        wrap(text, opt.help, EXPLAIN_AT);
    }
}

/// `  -f, --config-file=FILE`
fn name(opt: &Opt) -> String {
    let short = opt.short.map_or_else(|| "    ".to_owned(), |s| format!("-{s}, "));
    let value = match opt.value {
        Value::None => String::new(),
        Value::Required(kind) => format!("={}", metavar(kind)),
        Value::Optional(kind) => format!("[={}]", metavar(kind)),
    };
    format!("  {short}--{}{value}", opt.long)
}

/// The word that stands for a value.
#[must_use]
pub fn metavar(kind: Kind) -> String {
    match kind {
        Kind::Text(word) | Kind::Number(word, ..) => word.to_owned(),
        Kind::Choice(words) => words.join("|"),
        Kind::Level => "LEVEL".to_owned(),
        Kind::Delay => "DELAY".to_owned(),
    }
}

fn exits(text: &mut String, codes: &[(&str, &str)]) {
    text.push_str("\nExit codes:\n  0     done\n");
    for (code, meaning) in codes {
        let _ = writeln!(text, "  {code:<5} {meaning}");
    }
}

/// Appends `words`, broken into lines; the first line starts where the text ends, the others at `indent`.
fn wrap(text: &mut String, words: &str, indent: usize) {
    let mut column = indent;
    for (i, word) in words.split_whitespace().enumerate() {
        if i > 0 && column + 1 + word.len() > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            column = indent;
        } else if i > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}
