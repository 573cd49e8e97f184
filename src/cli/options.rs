//! The option table: the one place that names an option. It feeds the normaliser, the help, the shell
//! completions and the warnings about options that do not belong to a command.

use super::verbs::Verb;
use Home::{Alias, General, Meta, Obsolete, Own, Pick};
use Kind::{Choice, Delay, Level, Number, Text};
use Value::{None as Flag, Optional, Required};
use Verb::{
    ClusterCleanup, ClusterCrosscheck, ClusterEvent, ClusterMatrix, ClusterShow, NodeCheck, NodeControl,
    NodeRejoin, NodeService, NodeStatus, PrimaryRegister, PrimaryUnregister, StandbyClone, StandbyFollow,
    StandbyPromote, StandbyRegister, StandbyUnregister, VipAnnounce, VipBind, VipStatus, VipUnbind,
    WitnessRegister, WitnessUnregister,
};

/// One option.
#[derive(Debug)]
pub struct Opt {
    /// Long name without dashes, as repmgr spells it.
    pub long: &'static str,
    /// Short name.
    pub short: Option<char>,
    /// Whether it takes a value.
    pub value: Value,
    /// Where it goes.
    pub home: Home,
    /// Where it has an effect.
    pub scope: Scope,
    /// What it does; empty for what help does not list.
    pub help: &'static str,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Never.
    None,
    /// Always: after `=` or as the next word, whatever that word looks like.
    Required(Kind),
    /// Only after `=`.
    Optional(Kind),
}

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything; the word stands for it in the help. `FILE` and `DIR` are completed as paths.
    Text(&'static str),
    /// A whole number, with the least and the greatest one allowed.
    Number(&'static str, i32, i32),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A log level, in any case.
    Level,
    /// A number with an optional unit of time, as PostgreSQL takes it.
    Delay,
}

/// Where an option goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Ends the parsing with a text: help, version.
    Meta,
    /// Into [`super::General`].
    General,
    /// Into the struct of the command.
    Own,
    /// Into the field of the command's struct that this word names, with the option's name as the value.
    Pick(&'static str),
    /// Another spelling of the option of this name.
    Alias(&'static str),
    /// Accepted, without effect; the text says why.
    Obsolete(&'static str),
}

/// Where an option has an effect.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    /// Everywhere.
    All,
    /// With these commands. An empty list: only with commands of a later version.
    Only(&'static [Verb]),
}

impl Opt {
    /// True when the option has an effect with `verb`.
    #[must_use]
    pub fn belongs_to(&self, verb: Verb) -> bool {
        match self.scope {
            Scope::All => true,
            Scope::Only(verbs) => verbs.contains(&verb),
        }
    }
    /// The option that this one is a spelling of; itself as a rule.
    #[must_use]
    pub fn canonical(&'static self) -> &'static Opt {
        match self.home {
            Alias(long) => OPTIONS.iter().find(|o| o.long == long).unwrap_or(self),
            Meta | General | Own | Pick(_) | Obsolete(_) => self,
        }
    }
}

/// The levels of `--log-level`, most talkative first.
pub const LEVELS: &[&str] = &["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "ALERT", "CRIT", "EMERG"];

/// Options of which no two go together, whatever the command.
pub const EXCLUSIVE: &[&[&str]] = &[
    &["csv", "nagios", "optformat", "json"],
    &["wait", "no-wait"],
    &["repmgrd-no-pause", "repmgrd-force-unpause"],
    &["disable-wal-receiver", "enable-wal-receiver"],
];

const FILE: Kind = Text("FILE");
const DIR: Kind = Text("DIR");
const NAME: Kind = Text("NAME");
const ID: Kind = Number("ID", 1, i32::MAX);
const SECONDS: Kind = Number("SECONDS", 0, i32::MAX);
/// Commands that take a server to connect to.
const CONNECTS: Scope = Scope::Only(&[
    StandbyClone,
    StandbyRegister,
    WitnessRegister,
    WitnessUnregister,
    NodeRejoin,
    ClusterShow,
    ClusterMatrix,
    ClusterCrosscheck,
]);
const REJOIN: Scope = Scope::Only(&[NodeRejoin]);
const CLONE: Scope = Scope::Only(&[StandbyClone]);
const REGISTER: Scope = Scope::Only(&[StandbyRegister]);
const CHECK: Scope = Scope::Only(&[NodeCheck]);
const SERVICE: Scope = Scope::Only(&[NodeService]);
const CONTROL: Scope = Scope::Only(&[NodeControl]);
const EVENT: Scope = Scope::Only(&[ClusterEvent]);
const LATER: Scope = Scope::Only(&[]);
const NOTHING: &str = "";

const fn opt(
    long: &'static str,
    short: Option<char>,
    value: Value,
    home: Home,
    scope: Scope,
    help: &'static str,
) -> Opt {
    Opt { long, short, value, home, scope, help }
}

/// Every option of repmgr, those of later versions included: a shortened long option must not change its
/// meaning when they arrive. The order is that of the help; of the checks, that in which one of several is chosen.
#[rustfmt::skip]
pub static OPTIONS: &[Opt] = &[
    opt("help", Some('?'), Flag, Meta, Scope::All, "show this help"),
    opt("version", Some('V'), Flag, Meta, Scope::All, "show the version"),
    opt("version-number", None, Flag, Meta, Scope::All, "show the version as a number"),
    opt("dump-config", None, Flag, Meta, Scope::All, "show the configuration that is in force"),

    opt("config-file", Some('f'), Required(FILE), General, Scope::All, "configuration file"),
    opt("pg_bindir", Some('b'), Required(DIR), General, Scope::All, "directory of PostgreSQL's programs"),
    opt("log-level", Some('L'), Required(Level), General, Scope::All, "least level of the messages shown (default: that of the configuration, else INFO)"),
    opt("log-to-file", None, Flag, General, Scope::All, "write messages where the configuration says, not to the terminal"),
    opt("quiet", Some('q'), Flag, General, Scope::All, "show errors only"),
    opt("terse", Some('t'), Flag, General, Scope::All, "leave out details and hints"),
    opt("verbose", Some('v'), Flag, General, Scope::All, "say more: which configuration file, why connections failed"),

    opt("dry-run", None, Flag, General, Scope::Only(&[PrimaryRegister, PrimaryUnregister, StandbyClone, StandbyRegister, StandbyUnregister, StandbyPromote, StandbyFollow, WitnessRegister, WitnessUnregister, NodeRejoin, NodeService, ClusterCleanup, VipBind, VipUnbind, VipAnnounce]), "show what would be done, change nothing"),
    opt("force", Some('F'), Flag, General, Scope::Only(&[PrimaryRegister, PrimaryUnregister, StandbyClone, StandbyRegister, StandbyPromote, WitnessRegister, WitnessUnregister]), "go on where the command would otherwise refuse"),
    opt("dbname", Some('d'), Required(Text("CONNINFO")), General, CONNECTS, "name of the database, or a whole connection string"),
    opt("host", Some('h'), Required(Text("HOST")), General, CONNECTS, "host to connect to"),
    opt("port", Some('p'), Required(Number("PORT", 1, 65_535)), General, CONNECTS, "port to connect to"),
    opt("username", Some('U'), Required(NAME), General, CONNECTS, "user to connect as"),
    opt("superuser", Some('S'), Required(NAME), General, Scope::Only(&[PrimaryRegister, StandbyClone, WitnessRegister, NodeCheck, NodeService, NodeControl]), "superuser for what the repmgr user may not do"),
    opt("remote-user", Some('R'), Required(NAME), General, Scope::Only(&[StandbyClone, StandbyPromote]), "user for ssh"),
    opt("pgdata", Some('D'), Required(DIR), General, Scope::Only(&[StandbyClone, NodeService]), "data directory (not used with a configuration file)"),
    opt("node-id", None, Required(ID), General, Scope::Only(&[PrimaryUnregister, StandbyUnregister, WitnessUnregister, ClusterMatrix, ClusterCrosscheck, ClusterEvent, ClusterCleanup]), "the node that is meant, by its ID"),
    opt("node-name", None, Required(NAME), General, Scope::Only(&[StandbyUnregister, ClusterEvent]), "the node that is meant, by its name"),

    opt("fast-checkpoint", Some('c'), Flag, Own, CLONE, "have the source checkpoint at once"),
    opt("copy-external-config-files", None, Optional(Choice(&["samepath", "pgdata"])), Own, CLONE, "copy configuration files from outside the data directory too, to the same place (default) or into the data directory"),
    opt("no-upstream-connection", None, Flag, Own, CLONE, "for copies from Barman, which this version does not make; no effect"),
    opt("replication-user", None, Required(NAME), Own, Scope::Only(&[PrimaryRegister, StandbyClone, StandbyRegister]), "user of replication connections"),
    opt("replication-conf-only", None, Flag, Own, CLONE, "copy nothing, only write the replication settings"),
    opt("upstream-conninfo", None, Required(Text("CONNINFO")), Own, CLONE, "connection string of an upstream that is not there yet"),
    opt("upstream-node-id", None, Required(ID), Own, Scope::Only(&[StandbyClone, StandbyRegister, StandbyFollow]), "ID of the upstream (default: the primary)"),
    opt("recovery-min-apply-delay", None, Required(Delay), Own, CLONE, "delay of replay, with PostgreSQL's units"),
    opt("verify-backup", None, Flag, Own, CLONE, "verify the copy with pg_verifybackup (PostgreSQL 13 and later)"),
    opt("without-barman", None, Flag, Own, CLONE, "copy from the server though Barman is configured"),
    opt("wait-start", None, Required(SECONDS), Own, REGISTER, "time given to the standby to start (default: 30)"),
    opt("wait-sync", None, Optional(SECONDS), Own, REGISTER, "wait until the record has reached the standby, without a number for ever"),

    opt("wait", Some('w'), Optional(SECONDS), Own, Scope::Only(&[StandbyFollow]), "wait for the server to be followed (default: primary_follow_timeout)"),
    opt("no-wait", Some('W'), Flag, Own, Scope::Only(&[StandbyFollow, NodeRejoin]), "look once whether a rejoined node is attached; for follow the default"),
    opt("siblings-follow", None, Flag, Own, Scope::Only(&[StandbyPromote]), "have the other standbys follow the new primary, over ssh"),

    opt("has-passfile", None, Flag, Pick("check"), CHECK, "is there a password file?"),
    opt("replication-connection", None, Flag, Pick("check"), CHECK, "can a replication connection be made?"),
    opt("db-connection", None, Flag, Pick("check"), CHECK, "can a connection be made?"),
    opt("archive-ready", None, Flag, Pick("check"), CHECK, "WAL files that wait to be archived"),
    opt("downstream", None, Flag, Pick("check"), CHECK, "are all downstream nodes attached?"),
    opt("upstream", None, Flag, Pick("check"), CHECK, "is this node attached to its upstream?"),
    opt("replication-lag", None, Flag, Pick("check"), CHECK, "seconds this standby is behind"),
    opt("role", None, Flag, Pick("check"), CHECK, "has this node the role it is registered with?"),
    opt("slots", None, Flag, Pick("check"), CHECK, "inactive replication slots"),
    opt("missing-slots", None, Flag, Pick("check"), CHECK, "missing replication slots"),
    opt("repmgrd", None, Flag, Pick("check"), CHECK, "is repmgrd running?"),
    opt("data-directory-config", None, Flag, Pick("check"), CHECK, "is the configured data directory the real one?"),
    opt("replication-config-owner", None, Flag, Pick("check"), CHECK, "owner of the replication settings"),
    opt("remote-node-id", None, Required(ID), Own, CHECK, "node that --replication-connection connects to"),

    opt("is-shutdown-cleanly", None, Flag, Own, Scope::Only(&[NodeStatus]), "tell whether the server was shut down cleanly"),
    opt("force-rewind", None, Optional(FILE), Own, REJOIN, "have pg_rewind discard what the primary does not have (a path names the program)"),
    opt("config-files", None, Required(Text("FILES")), Own, REJOIN, "files of the data directory, separated by commas, that are kept as they are"),
    opt("config-archive-dir", None, Required(DIR), Own, REJOIN, "where they are kept meanwhile (default: /tmp)"),
    opt("action", None, Required(Choice(&["start", "stop", "restart", "reload", "promote"])), Own, SERVICE, "what to do"),
    opt("list-actions", None, Flag, Own, SERVICE, "show the command of each action"),
    opt("checkpoint", None, Flag, Own, SERVICE, "write out what the server holds before stop and restart"),

    opt("disable-wal-receiver", None, Flag, Own, CONTROL, "end the WAL receiver and keep it from starting"),
    opt("enable-wal-receiver", None, Flag, Own, CONTROL, "let the WAL receiver start, and wait for it"),

    opt("limit", None, Required(Number("ROWS", 1, i32::MAX)), Own, EVENT, "most events shown (default: 20)"),
    opt("all", None, Flag, Own, EVENT, "show all events"),
    opt("event", None, Required(NAME), Own, EVENT, "only events of this name"),
    opt("keep-history", Some('k'), Required(Number("DAYS", 0, i32::MAX)), Own, Scope::Only(&[ClusterCleanup]), "days of history to keep (default: 0, delete all of it)"),

    opt("compact", None, Flag, Own, Scope::Only(&[ClusterShow, ClusterMatrix, ClusterCrosscheck, ClusterEvent]), "show fewer columns"),
    opt("csv", None, Flag, Pick("output"), Scope::Only(&[NodeStatus, NodeCheck, ClusterShow, ClusterMatrix, ClusterCrosscheck, ClusterEvent]), "write CSV"),
    opt("nagios", None, Flag, Pick("output"), CHECK, "write a single check as a Nagios plug-in does"),
    opt("optformat", None, Flag, Pick("output"), CHECK, "write a single check as options, for other programs"),
    opt("json", None, Flag, Pick("output"), Scope::Only(&[NodeStatus, NodeCheck, NodeService, ClusterShow, ClusterMatrix, ClusterCrosscheck, ClusterEvent, VipStatus]), "write JSON"),

    opt("recovery-conf-only", None, Flag, Alias("replication-conf-only"), CLONE, NOTHING),
    opt("data-dir", None, Required(DIR), Alias("pgdata"), CLONE, NOTHING),
    opt("node", None, Required(ID), Alias("node-id"), EVENT, NOTHING),
    opt("check-upstream-config", None, Flag, Obsolete("use --dry-run"), LATER, NOTHING),
    opt("remote-config-file", Some('C'), Required(FILE), Obsolete("it is no longer needed"), LATER, NOTHING),
    opt("no-conninfo-password", None, Flag, Obsolete("passwords are never written unless configured"), LATER, NOTHING),
    opt("always-promote", None, Flag, Own, LATER, NOTHING),
    opt("repmgrd-no-pause", None, Flag, Own, LATER, NOTHING),
    opt("repmgrd-force-unpause", None, Flag, Own, LATER, NOTHING),
    opt("detail", None, Flag, Own, LATER, NOTHING),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_options_share_a_name_and_aliases_take_what_their_option_takes() {
        for (i, o) in OPTIONS.iter().enumerate() {
            for other in &OPTIONS[i + 1..] {
                assert_ne!(o.long, other.long, "one row an option");
                assert!(o.short.is_none() || o.short != other.short, "-{:?} twice", o.short);
            }
            assert_eq!(o.value, o.canonical().value, "--{}", o.long);
            assert!(!matches!(o.canonical().home, Alias(_)), "--{} leads to an option", o.long);
        }
        for long in EXCLUSIVE.iter().flat_map(|group| group.iter()) {
            assert!(OPTIONS.iter().any(|o| o.long == *long), "--{long} exists");
        }
    }

    #[test]
    fn help_lists_exactly_what_a_command_of_this_version_takes() {
        for o in OPTIONS {
            let used = match o.scope {
                Scope::All => true,
                Scope::Only(verbs) => !verbs.is_empty(),
            };
            assert_eq!(used && !matches!(o.home, Alias(_)), !o.help.is_empty(), "--{}", o.long);
        }
    }
}
