//! From the typed words to the command with its options.

use super::args::{
    ClusterCleanup, ClusterCrosscheck, ClusterEvent, ClusterMatrix, ClusterShow, General, NodeCheck,
    NodeControl, NodeRejoin, NodeService, NodeStatus, PrimaryRegister, PrimaryUnregister, StandbyClone,
    StandbyFollow, StandbyPromote, StandbyRegister, StandbyUnregister, VipAnnounce, VipBind, VipStatus,
    VipUnbind, WitnessRegister, WitnessUnregister,
};
use super::choices::CheckOutput;
use super::help;
use super::normalise::{Given, Line, bad, normalise, shown};
use super::options::{Home, OPTIONS, Scope, Value};
use super::verbs::{self, GROUPS, VERBS, Verb, VerbInfo};
use crate::domain::nearest::nearest;
use crate::error::{Error, Result};
use argh::FromArgs;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Where a command line was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The working directory. `None`: it is gone, and relative paths are refused.
    pub cwd: Option<PathBuf>,
    /// The path under which this program was called, links not followed.
    pub program: PathBuf,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run a command.
    Run(Box<Invocation>),
    /// Write this to stdout; nothing else is to be done.
    Print(String),
}

/// A command with everything it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The path under which this program was called: the search for the configuration file starts there.
    pub program: PathBuf,
    /// What any command can be told.
    pub general: General,
    /// Which command, with its own options.
    pub command: Command,
    /// What was typed without effect, a line each; to be written before the command runs.
    pub warnings: Vec<String>,
}

/// A command of this version with its own options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `--dump-config`: no command, the configuration is shown.
    DumpConfig,
    /// `primary register`
    PrimaryRegister(PrimaryRegister),
    /// `primary unregister`
    PrimaryUnregister(PrimaryUnregister),
    /// `standby clone`
    StandbyClone(StandbyClone),
    /// `standby register`
    StandbyRegister(StandbyRegister),
    /// `standby unregister`
    StandbyUnregister(StandbyUnregister),
    /// `standby promote`
    StandbyPromote(StandbyPromote),
    /// `standby follow`
    StandbyFollow(StandbyFollow),
    /// `witness register`
    WitnessRegister(WitnessRegister),
    /// `witness unregister`
    WitnessUnregister(WitnessUnregister),
    /// `node status`
    NodeStatus(NodeStatus),
    /// `node check`
    NodeCheck(NodeCheck),
    /// `node rejoin`
    NodeRejoin(NodeRejoin),
    /// `node service`
    NodeService(NodeService),
    /// `node control`
    NodeControl(NodeControl),
    /// `cluster show`
    ClusterShow(ClusterShow),
    /// `cluster matrix`
    ClusterMatrix(ClusterMatrix),
    /// `cluster crosscheck`
    ClusterCrosscheck(ClusterCrosscheck),
    /// `cluster event`
    ClusterEvent(ClusterEvent),
    /// `cluster cleanup`
    ClusterCleanup(ClusterCleanup),
    /// `vip status`
    VipStatus(VipStatus),
    /// `vip bind`
    VipBind(VipBind),
    /// `vip unbind`
    VipUnbind(VipUnbind),
    /// `vip announce`
    VipAnnounce(VipAnnounce),
}

/// Reads a command line of `repmgr`, without the program's name.
///
/// # Errors
/// [`crate::exit::Exit::BadConfig`] with a one-line message that names the word or option at fault.
pub fn parse(args: &[OsString], place: &Place) -> Result<Request> {
    let line = normalise(&utf8(args)?)?;
    if let Some(text) = asks_for_text(&line)? {
        return Ok(Request::Print(text));
    }
    if line.has("dump-config") {
        return dump_config(&line, place);
    }
    let (verb, host) = resolve(&line.words)?;
    let mut sorted = sort(&line, Some(verb));
    if let Some(host) = host {
        if line.has("host") {
            return Err(bad(format!("host given twice: with \"--host\" and as \"{}\"", shown(host))));
        }
        sorted.general.extend(["--host".to_owned(), host.clone()]);
    }
    let invocation = Invocation {
        program: place.program.clone(),
        general: general(&sorted.general, place)?,
        command: command(verb, &sorted.own)?,
        warnings: sorted.warnings,
    };
    if let Command::NodeCheck(check) = &invocation.command {
        check_output_fits(check)?;
    }
    Ok(Request::Run(Box::new(invocation)))
}

fn utf8(args: &[OsString]) -> Result<Vec<String>> {
    let text = |arg: &OsString| arg.to_str().map(str::to_owned);
    args.iter()
        .map(|arg| {
            text(arg)
                .ok_or_else(|| bad(format!("argument is not UTF-8: \"{}\"", shown(&arg.to_string_lossy()))))
        })
        .collect()
}

/// Help and version, whatever else was typed. `help` as the first word is help for the rest, and behind the first
/// word it is help for that one (behind a whole command it would be the host of `standby clone HOST`).
fn asks_for_text(line: &Line) -> Result<Option<String>> {
    let helps = |word: &String| word.eq_ignore_ascii_case("help");
    let (asked, words) = match line.words.as_slice() {
        [first, rest @ ..] if helps(first) => (true, rest),
        [group, word] if helps(word) => (true, std::slice::from_ref(group)),
        words => (line.has("help"), words),
    };
    if asked {
        return help_for(words).map(Some);
    }
    if line.has("version") {
        return Ok(Some(help::version()));
    }
    Ok(line.has("version-number").then(|| format!("{}\n", help::VERSION_NUMBER)))
}

fn help_for(words: &[String]) -> Result<String> {
    match words {
        [] => Ok(help::program()),
        [group] if verbs::is_group(&verbs::canonical_group(group)) => {
            Ok(help::group(&verbs::canonical_group(group)))
        }
        [_] => resolve(words).map(|(verb, _)| help::command(verb)),
        [group, word, ..] => resolve(&[group.clone(), word.clone()]).map(|(verb, _)| help::command(verb)),
    }
}

fn dump_config(line: &Line, place: &Place) -> Result<Request> {
    if let Some(word) = line.words.first() {
        return Err(bad(format!("\"--dump-config\" goes without a command, \"{}\" was given", shown(word))));
    }
    let sorted = sort(line, None);
    Ok(Request::Run(Box::new(Invocation {
        program: place.program.clone(),
        general: general(&sorted.general, place)?,
        command: Command::DumpConfig,
        warnings: sorted.warnings,
    })))
}

/// The command that the words name, and the HOST of `standby clone HOST`.
fn resolve(words: &[String]) -> Result<(Verb, Option<&String>)> {
    let Some(first) = words.first() else {
        return Err(bad("no command given; see \"repmgr --help\"".to_owned()));
    };
    let group = verbs::canonical_group(first);
    let second = words.get(1);
    if verbs::is_later(&group, second.map(String::as_str)) {
        let phrase: Vec<String> = words.iter().take(2).map(|w| shown(w)).collect();
        return Err(bad(format!("command \"{}\" is not in this version", phrase.join(" "))));
    }
    if !verbs::is_group(&group) {
        return Err(unknown_group(first, second));
    }
    let Some(second) = second else {
        let known: Vec<&str> = VERBS.iter().filter(|v| v.group == group).map(|v| v.word).collect();
        return Err(bad(format!("no action given for \"{group}\" (one of {})", known.join(", "))));
    };
    let Some(info) = verbs::find(&group, second) else {
        let near = nearest(second, VERBS.iter().filter(|v| v.group == group).map(|v| v.word));
        return Err(unknown(&format!("{group} {}", shown(second)), near.map(|n| format!("{group} {n}"))));
    };
    match (info.verb, &words[2..]) {
        (_, []) => Ok((info.verb, None)),
        (Verb::StandbyClone, [host]) => Ok((info.verb, Some(host))),
        (Verb::StandbyClone, [_, extra, ..]) => Err(too_many(info, extra)),
        (_, [extra, ..]) => Err(too_many(info, extra)),
    }
}

fn too_many(info: &VerbInfo, extra: &str) -> Error {
    bad(format!("too many words after \"{}\", the first is \"{}\"", info.phrase(), shown(extra)))
}

fn unknown_group(first: &str, second: Option<&String>) -> Error {
    let near = nearest(first, GROUPS.iter().map(|(g, _)| *g).chain(VERBS.iter().map(|v| v.word)));
    let near = near.map(|near| match VERBS.iter().find(|v| v.word == near) {
        Some(info) => info.phrase(),
        None => near.to_owned(),
    });
    let typed = std::iter::once(first).chain(second.map(String::as_str)).map(shown).collect::<Vec<_>>();
    unknown(&typed.join(" "), near)
}

fn unknown(phrase: &str, near: Option<String>) -> Error {
    let near = near.map(|n| format!("; did you mean \"{n}\"?")).unwrap_or_default();
    bad(format!("unknown command \"{phrase}\"{near}"))
}

/// The options as argh reads them.
#[derive(Default)]
struct Sorted {
    general: Vec<String>,
    own: Vec<String>,
    warnings: Vec<String>,
}

/// Gives every option to where it belongs, the last of a kind only, and warns about the rest.
fn sort(line: &Line, verb: Option<Verb>) -> Sorted {
    let mut sorted = Sorted::default();
    let phrase = verb.map_or_else(|| "--dump-config".to_owned(), |v| verbs::info(v).phrase());
    // In the order of the table, so that the outcome does not depend on the order of different options.
    for given in OPTIONS.iter().filter_map(|o| line.options.iter().rfind(|g| g.opt.long == o.long)) {
        let belongs = verb.map_or(matches!(given.opt.scope, Scope::All), |v| given.opt.belongs_to(v));
        match given.opt.home {
            Home::Obsolete(why) => {
                sorted.warnings.push(format!("option \"{}\" has no effect: {why}", given.typed))
            }
            Home::Meta | Home::Alias(_) => {}
            Home::General | Home::Own | Home::Pick(_) if !belongs => {
                sorted.warnings.push(format!("option \"{}\" has no effect with \"{phrase}\"", given.typed));
            }
            Home::General => pass(&mut sorted.general, given),
            Home::Own => pass(&mut sorted.own, given),
            Home::Pick(field) => pick(&mut sorted, field, given),
        }
    }
    sorted
}

fn pass(to: &mut Vec<String>, given: &Given) {
    to.push(format!("--{}", given.opt.long.replace('_', "-")));
    match given.opt.value {
        Value::None => {}
        Value::Required(_) | Value::Optional(_) => to.push(given.value.clone().unwrap_or_default()),
    }
}

/// An option that is one of several values of a field: the first in the table's order is taken.
fn pick(sorted: &mut Sorted, field: &str, given: &Given) {
    let name = format!("--{field}");
    if let Some(taken) = sorted.own.iter().position(|a| *a == name) {
        let taken = &sorted.own[taken + 1];
        sorted.warnings.push(format!("option \"{}\" has no effect beside \"--{taken}\"", given.typed));
        return;
    }
    sorted.own.extend([name, given.opt.long.to_owned()]);
    if given.opt.long == "json" {
        sorted.general.push("--json".to_owned());
    }
}

fn general(args: &[String], place: &Place) -> Result<General> {
    let mut general: General = read(args)?;
    for path in [&mut general.config_file, &mut general.pg_bindir, &mut general.pgdata].into_iter().flatten()
    {
        *path = absolute(path, place)?;
    }
    Ok(general)
}

fn absolute(path: &Path, place: &Place) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(bad("an empty path was given".to_owned()));
    }
    let from_root = match (&place.cwd, path.is_absolute()) {
        (_, true) => path.to_owned(),
        (Some(cwd), false) => cwd.join(path),
        (None, false) => {
            let shown = shown(&path.to_string_lossy());
            return Err(bad(format!("relative path \"{shown}\" given, but there is no working directory")));
        }
    };
    Ok(from_root.components().filter(|c| *c != Component::CurDir).collect())
}

fn command(verb: Verb, args: &[String]) -> Result<Command> {
    Ok(match verb {
        Verb::PrimaryRegister => Command::PrimaryRegister(read(args)?),
        Verb::PrimaryUnregister => Command::PrimaryUnregister(read(args)?),
        Verb::StandbyClone => Command::StandbyClone(read(args)?),
        Verb::StandbyRegister => Command::StandbyRegister(read(args)?),
        Verb::StandbyUnregister => Command::StandbyUnregister(read(args)?),
        Verb::StandbyPromote => Command::StandbyPromote(read(args)?),
        Verb::StandbyFollow => Command::StandbyFollow(read(args)?),
        Verb::WitnessRegister => Command::WitnessRegister(read(args)?),
        Verb::WitnessUnregister => Command::WitnessUnregister(read(args)?),
        Verb::NodeStatus => Command::NodeStatus(read(args)?),
        Verb::NodeCheck => Command::NodeCheck(read(args)?),
        Verb::NodeRejoin => Command::NodeRejoin(read(args)?),
        Verb::NodeService => Command::NodeService(read(args)?),
        Verb::NodeControl => Command::NodeControl(read(args)?),
        Verb::ClusterShow => Command::ClusterShow(read(args)?),
        Verb::ClusterMatrix => Command::ClusterMatrix(read(args)?),
        Verb::ClusterCrosscheck => Command::ClusterCrosscheck(read(args)?),
        Verb::ClusterEvent => Command::ClusterEvent(read(args)?),
        Verb::ClusterCleanup => Command::ClusterCleanup(read(args)?),
        Verb::VipStatus => Command::VipStatus(read(args)?),
        Verb::VipBind => Command::VipBind(read(args)?),
        Verb::VipUnbind => Command::VipUnbind(read(args)?),
        Verb::VipAnnounce => Command::VipAnnounce(read(args)?),
    })
}

/// argh's part. The tables have checked everything already, so its own complaint is never expected; it is put into
/// one line all the same.
fn read<T: FromArgs>(args: &[String]) -> Result<T> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    T::from_args(&["repmgr"], &args)
        .map_err(|early| bad(early.output.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn check_output_fits(check: &NodeCheck) -> Result<()> {
    match (check.output, check.check) {
        (CheckOutput::Nagios, None) => {
            Err(bad("\"--nagios\" needs a single check, such as \"--replication-lag\"".to_owned()))
        }
        (CheckOutput::Csv, Some(_)) => Err(bad("\"--csv\" does not go with a single check".to_owned())),
        (
            CheckOutput::Text
            | CheckOutput::Csv
            | CheckOutput::Nagios
            | CheckOutput::OptFormat
            | CheckOutput::Json,
            _,
        ) => Ok(()),
    }
}
