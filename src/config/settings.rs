//! THE table: one row a key. The struct, the checks, the dump, the sample file and the manual come from it.

mod rows_daemon;
mod rows_node;
mod rows_ours;

use super::Mode;
use super::kind::{Below, Case, Kind, Least, Unit};
use super::values::{
    Compatibility, ConnectionCheckType, Failover, FailoverQuorum, LogFacility, LogLevel, PrimaryCrashAction,
    RejoinFallback, ReplicationType, field,
};
use rows_daemon::rows_daemon;
use rows_node::rows_node;
use rows_ours::rows_ours;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// One key of the configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key as it is written, and the name of its field in [`Settings`].
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// What holds when the file does not name it.
    pub preset: Preset,
    /// When a change takes effect.
    pub taken: Taken,
    /// Which program had it first.
    pub origin: Origin,
    /// The chapter of the sample file and the manual.
    pub section: Section,
    /// Help, a line each; a sentence may run over several.
    pub help: &'static [&'static str],
}

impl Setting {
    /// The value that holds when the file does not name the key, and another key's name when it is taken
    /// from there. `None`: nothing is set then.
    #[must_use]
    pub const fn default(&self, mode: Mode) -> Option<&'static str> {
        match (self.preset, mode) {
            (Preset::Is(text), _) => Some(text),
            (Preset::ByMode { repmgr, .. }, Mode::Repmgr) => Some(repmgr),
            (Preset::ByMode { hg, .. }, Mode::Hg) => Some(hg),
            (Preset::Required | Preset::Unset | Preset::Same(_), _) => None,
        }
    }
}

/// What holds when the file does not name a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The file must name it.
    Required,
    /// Nothing is set.
    Unset,
    /// This value.
    Is(&'static str),
    /// The value of another key.
    Same(&'static str),
    /// It depends on `compatibility`.
    ByMode {
        /// As repmgr does.
        repmgr: &'static str,
        /// As hg_repmgr does.
        hg: &'static str,
    },
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// When the daemon gets SIGHUP.
    Reload,
    /// When the daemon starts.
    Restart,
    /// After `repmgr … register --force` and a restart of the daemon.
    Register,
    /// At the next command; the daemon does not use it.
    NextCommand,
}

impl Taken {
    /// In a few words, for the sample file and the manual.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Reload => "taken on SIGHUP",
            Self::Restart => "needs a restart of repmgrd",
            Self::Register => "needs register --force and a restart of repmgrd",
            Self::NextCommand => "taken by the next command",
        }
    }
}

/// Which program had a key first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// repmgr.
    Repmgr,
    /// HighGo's hg_repmgr.
    HgRepmgr,
    /// This program.
    Ours,
}

impl Origin {
    /// The program's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Repmgr => "repmgr",
            Self::HgRepmgr => "hg_repmgr",
            Self::Ours => "ours",
        }
    }
}

/// Chapters of the sample file and the manual, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Who this node is.
    Node,
    /// Where programs lie.
    Programs,
    /// Messages.
    Log,
    /// Cloning and the replication of standbys.
    Replication,
    /// Promotion, following, switchover, rejoin.
    Operations,
    /// Thresholds of the checks.
    Checks,
    /// How PostgreSQL and the daemon are started and stopped.
    Services,
    /// Event notifications.
    Events,
    /// ssh, rsync, Barman.
    Remote,
    /// The daemon.
    Daemon,
    /// Failover.
    Failover,
    /// The primary's watch over its standbys.
    ChildNodes,
    /// The virtual address.
    VirtualAddress,
    /// The disk check.
    Device,
    /// Rejoin by the daemon.
    Rejoin,
    /// Synchronous replication.
    Synchronous,
    /// The daemons' port.
    Http,
    /// Old keys.
    Old,
}

impl Section {
    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Node => "This node",
            Self::Programs => "Programs and folders",
            Self::Log => "Messages",
            Self::Replication => "Cloning and replication",
            Self::Operations => "Promotion, following, switchover, rejoin",
            Self::Checks => "Thresholds of node check",
            Self::Services => "Starting and stopping",
            Self::Events => "Event notifications",
            Self::Remote => "ssh, rsync and Barman",
            Self::Daemon => "The daemon",
            Self::Failover => "Failover",
            Self::ChildNodes => "The primary's watch over its standbys",
            Self::VirtualAddress => "The virtual address",
            Self::Device => "The disk check",
            Self::Rejoin => "Return of a failed node",
            Self::Synchronous => "Synchronous replication",
            Self::Http => "The port between the daemons",
            Self::Old => "Read for old files' sake, without effect",
        }
    }
}

/// The largest number that a repmgr file may hold.
const MOST: i64 = i32::MAX as i64;
/// Any length of text.
const TEXT: Kind = Kind::Text(usize::MAX);
/// PostgreSQL's names end at 63 bytes; a longer one would not be found in pg_stat_replication.
const NAME: Kind = Kind::Text(63);
/// A span of time that is not zero.
const SPAN: Kind = Kind::Time(Unit::Seconds, Least::AboveZero);
/// A span of time that may be zero.
const SPAN0: Kind = Kind::Time(Unit::Seconds, Least::Zero);
/// A span of time that may be zero for hg_repmgr.
const SPAN_HG: Kind = Kind::Time(Unit::Seconds, Least::ZeroForHg);
/// A count from 1.
const COUNT: Kind = Kind::Int(1, MOST, Below::Refused);
/// A count from 0.
const COUNT0: Kind = Kind::Int(0, MOST, Below::Refused);
/// A count, or -1 for none.
const COUNT_OR_NONE: Kind = Kind::Int(0, MOST, Below::Absent);

macro_rules! define {
    (; $(in $section:ident of $origin:ident {
        $($(#[doc = $help:expr])+ $name:ident: $type:ty = $kind:expr, $preset:expr, $taken:ident;)+
    })+) => {
        /// Every setting by the key's name. Made from the table; a key without default is an `Option`.
        #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
        pub struct Settings {
            $($($(#[doc = $help])+ #[serde(deserialize_with = "field")] pub $name: $type,)+)+
        }

        /// The table, in the order of the sample file.
        pub static TABLE: &[Setting] = &[$($(Setting {
            name: stringify!($name),
            kind: $kind,
            preset: $preset,
            taken: Taken::$taken,
            origin: Origin::$origin,
            section: Section::$section,
            help: &[$($help),+],
        },)+)+];
    };
}

use Preset::{ByMode, Is, Required, Same, Unset};

rows_node! { rows_daemon, rows_ours, define; }

/// Names the node alone: connection strings and commands may hold passwords; the dump shows the rest.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings(node {}, {:?})", self.node_id, self.node_name)
    }
}

/// The row of a key. `None`: no such key.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|row| row.name == name)
}

/// A key of repmgr 3 and what became of it.
pub(super) struct Former {
    /// The key as repmgr 3 had it.
    pub name: &'static str,
    /// The key in its place. `None`: nothing is.
    pub now: Option<&'static str>,
}

/// Keys that are no longer read. `barman_server` is not among them: it has another meaning now.
pub(super) const FORMER: &[Former] = &[
    Former { name: "node", now: Some("node_id") },
    Former { name: "name", now: Some("node_name") },
    Former { name: "loglevel", now: Some("log_level") },
    Former { name: "logfacility", now: Some("log_facility") },
    Former { name: "logfile", now: Some("log_file") },
    // Both spellings: the original's own was wrong.
    Former { name: "master_reponse_timeout", now: Some("async_query_timeout") },
    Former { name: "master_response_timeout", now: Some("async_query_timeout") },
    Former { name: "retry_promote_interval_secs", now: Some("primary_notification_timeout") },
    Former { name: "cluster", now: None },
    Former { name: "upstream_node", now: None },
];
