//! man/repmgr.1 and man/hg_repmgr.1, made from the tables of commands and options.

mod prose;

use super::help::{listed_for, metavar};
use super::options::{OPTIONS, Opt, Scope, Value};
use super::verbs::{GROUPS, VERBS, Verb, VerbInfo};
use crate::exit::Exit;
use std::fmt::Write as _;

/// Width of the source's lines; mandoc asks for 80 at the most.
const WIDTH: usize = 76;

/// Every exit code with what it means to whoever reads it in a script.
pub const EXITS: [(Exit, &str); 29] = [
    (Exit::Success, "Done."),
    (Exit::BadConfig, "Wrong command line, wrong configuration, or something that is needed is not so."),
    (Exit::Rsync, "External configuration files could not be copied."),
    (Exit::PidFile, "The pid file is taken or cannot be written."),
    (Exit::NoRestart, "PostgreSQL could not be restarted."),
    (Exit::LocalCommand, "A program on this host failed."),
    (Exit::DbConn, "A database connection could not be made, or was lost."),
    (Exit::DbQuery, "A query failed."),
    (Exit::Promotion, "The promotion failed or was refused."),
    (Exit::MonitoringTimeout, "Monitoring timed out."),
    (Exit::StringOverflow, "A text was too long."),
    (Exit::Failover, "The failover failed."),
    (Exit::Ssh, "A host could not be reached over ssh."),
    (Exit::System, "The operating system refused something."),
    (Exit::BaseBackup, "The base backup failed."),
    (Exit::Internal, "A mistake of the program itself."),
    (Exit::Monitoring, "Monitoring failed."),
    (Exit::BackupLabel, "A backup label was in the way."),
    (Exit::Switchover, "The switchover failed and nothing has changed."),
    (Exit::Barman, "Barman failed."),
    (Exit::RegistrationSync, "The node record did not reach the standby in time."),
    (Exit::OutOfMemory, "There was not enough memory."),
    (Exit::SwitchoverIncomplete, "The standby was promoted, but the switchover is not complete."),
    (Exit::Follow, "The standby cannot follow that server."),
    (Exit::Rejoin, "The node cannot rejoin."),
    (Exit::NodeStatus, "A node or the cluster is not in the state it should be in."),
    (Exit::RepmgrdPause, "repmgrd could not be paused or unpaused."),
    (Exit::RepmgrdService, "repmgrd could not be started or stopped."),
    (Exit::BrainSplit, "Two primaries, and nothing tells which is the right one."),
];

/// The manual page of repmgr, in mdoc.
#[must_use]
pub fn repmgr() -> String {
    let mut page = String::from(prose::HEAD);
    page.push_str(".Sh OPTIONS\n");
    page.push_str("These go with every command, before, between or behind its words.\n");
    options(&mut page, |o| matches!(o.scope, Scope::All));
    page.push_str(".Sh COMMANDS\n");
    page.push_str("Every command ends with 0 when it has done its work and with 1 for a wrong\n");
    page.push_str("command line, configuration or prerequisite.\n");
    page.push_str("Other codes are named with the commands.\n");
    for (group, about) in GROUPS {
        let _ = writeln!(page, ".Ss {group}: {about}");
        page.push_str(".Bl -tag -width Ds\n");
        for info in VERBS.iter().filter(|v| v.group == *group) {
            command(&mut page, info);
        }
        page.push_str(".El\n");
    }
    page.push_str(prose::MIDDLE);
    exits(&mut page);
    page.push_str(prose::TAIL);
    page
}

/// The manual page of the file under its own name, in mdoc.
#[must_use]
pub fn hg_repmgr() -> &'static str {
    prose::OWN_NAME
}

fn command(page: &mut String, info: &VerbInfo) {
    let _ =
        writeln!(page, ".It Ic {}{}", info.phrase(), if takes_host(info.verb) { " Op Ar HOST" } else { "" });
    sentences(page, info.about);
    options(page, |o| listed_for(o, info.verb));
    page.push_str(".Pp\nExit codes besides 0 and 1:\n.Bl -tag -width 2,_3 -compact\n");
    for (code, meaning) in info.exits {
        let _ = writeln!(page, ".It {}", code.replace(", ", " , "));
        sentences(page, meaning);
    }
    page.push_str(".El\n");
    for example in info.examples {
        let _ = writeln!(page, ".Pp\n.Dl $ {}", escaped(example));
    }
}

fn takes_host(verb: Verb) -> bool {
    verb == Verb::StandbyClone
}

fn options(page: &mut String, wanted: impl Fn(&Opt) -> bool) {
    let options: Vec<&Opt> = OPTIONS.iter().filter(|o| !o.help.is_empty() && wanted(o)).collect();
    if options.is_empty() {
        return;
    }
    page.push_str(".Bl -tag -width Ds\n");
    for opt in options {
        let _ = writeln!(page, ".It {}", name(opt));
        sentences(page, opt.help);
    }
    page.push_str(".El\n");
}

/// `Fl f , Fl -config-file Ns = Ns Ar FILE`
fn name(opt: &Opt) -> String {
    let short = opt.short.map_or_else(String::new, |s| format!("Fl \\&{s} , "));
    let value = match opt.value {
        Value::None => String::new(),
        Value::Required(kind) => format!(" Ns = Ns Ar {}", metavar(kind)),
        Value::Optional(kind) => format!(" Ns Oo = Ns Ar {} Oc", metavar(kind)),
    };
    format!("{short}Fl \\-{}{value}", opt.long)
}

fn exits(page: &mut String) {
    page.push_str(".Sh EXIT STATUS\nThe numbers are those of repmgr 5.\n");
    page.push_str("Some belong to commands that this version does not have yet.\n");
    page.push_str(".Bl -tag -width Ds -compact\n");
    for (exit, meaning) in EXITS {
        let _ = writeln!(page, ".It {}", exit.code());
        sentences(page, meaning);
    }
    page.push_str(".El\n.Pp\n");
    page.push_str("A single check of\n.Ic node check\n");
    page.push_str(
        "ends as a plug-in of a monitoring system does: 0 OK, 1 warning, 2 critical, 3\nunknown.\n",
    );
}

/// Text in lines of their own, a new one for each sentence, as mdoc wants it.
fn sentences(page: &mut String, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && (line.len() + 1 + word.len() > WIDTH || line.ends_with('.')) {
            let _ = writeln!(page, "{}", escaped(&line));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(page, "{}", escaped(&line));
}

/// What roff would take for itself; a dash that is typed must stay one when copied from the page.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace("--", "\\-\\-").replace(" -", " \\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_a_request_and_dashes_stay_dashes() {
        for (text, want, why) in [
            (".Sh NAME", "\\&.Sh NAME", "a dot in front"),
            ("'quoted'", "\\&'quoted'", "a quote in front"),
            ("a\\b", "a\\eb", "a backslash"),
            ("use --force or -F", "use \\-\\-force or \\-F", "options"),
            ("read-only", "read-only", "a hyphen"),
        ] {
            assert_eq!(escaped(text), want, "{why}");
        }
    }

    #[test]
    fn each_sentence_has_a_line_and_no_line_is_long() {
        let mut page = String::new();
        sentences(&mut page, &format!("One. Two {}", "word ".repeat(40)));
        assert!(page.starts_with("One.\nTwo word"), "{page}");
        assert!(page.lines().all(|l| l.len() <= WIDTH), "{page}");
    }
}
