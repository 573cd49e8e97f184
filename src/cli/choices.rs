//! The values that options choose from, and how they are read.

use crate::domain::node::NodeId;
use std::path::PathBuf;
use std::time::Duration;

/// Whether a command changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does what it is for.
    Apply,
    /// `--dry-run`: it checks, and says what it would do.
    DryRun,
}

/// Whether a command goes on where it would otherwise refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It refuses.
    No,
    /// `-F`, `--force`: it goes on.
    Yes,
}

/// How a state is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// A table, or lines for people.
    #[default]
    Text,
    /// `--csv`
    Csv,
    /// `--json`
    Json,
}

/// How `node check` prints its findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckOutput {
    /// Lines for people.
    #[default]
    Text,
    /// `--csv`: never with a single check.
    Csv,
    /// `--nagios`: only with a single check.
    Nagios,
    /// `--optformat`: what other nodes' programs read.
    OptFormat,
    /// `--json`
    Json,
}

/// A single check of `node check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// `--role`
    Role,
    /// `--replication-lag`
    ReplicationLag,
    /// `--archive-ready`
    ArchiveReady,
    /// `--upstream`
    Upstream,
    /// `--downstream`
    Downstream,
    /// `--slots`
    Slots,
    /// `--missing-slots`
    MissingSlots,
    /// `--repmgrd`
    Repmgrd,
    /// `--data-directory-config`
    DataDirectoryConfig,
    /// `--replication-config-owner`
    ReplicationConfigOwner,
    /// `--db-connection`
    DbConnection,
    /// `--has-passfile`
    HasPassfile,
    /// `--replication-connection`
    ReplicationConnection,
}

/// What `node service` does with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop and start it.
    Restart,
    /// Have it read its configuration again.
    Reload,
    /// Make it a primary.
    Promote,
}

/// Where `standby clone` puts configuration files that lie outside the source's data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalFiles {
    /// The same path as on the source.
    SamePath,
    /// The data directory.
    PgData,
}

/// How long `standby register` waits for the record to reach the standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitSync {
    /// `--wait-sync`
    Forever,
    /// `--wait-sync=SECONDS`; zero: not at all.
    UpTo(Duration),
}

/// How long `standby follow` waits for the server to be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowWait {
    /// `--wait`: for primary_follow_timeout.
    AsConfigured,
    /// `--wait=SECONDS`.
    UpTo(Duration),
}

/// Which pg_rewind `node rejoin` may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewindProgram {
    /// `--force-rewind`: the one of this PostgreSQL.
    Found,
    /// `--force-rewind=PATH`.
    At(PathBuf),
}

/// How many events `cluster event` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The newest ones.
    AtMost(u32),
    /// Every one.
    All,
}

impl Check {
    /// Every check with the option that names it, in the order in which one of several is chosen.
    pub const ALL: [(&'static str, Self); 13] = [
        ("has-passfile", Self::HasPassfile),
        ("replication-connection", Self::ReplicationConnection),
        ("db-connection", Self::DbConnection),
        ("archive-ready", Self::ArchiveReady),
        ("downstream", Self::Downstream),
        ("upstream", Self::Upstream),
        ("replication-lag", Self::ReplicationLag),
        ("role", Self::Role),
        ("slots", Self::Slots),
        ("missing-slots", Self::MissingSlots),
        ("repmgrd", Self::Repmgrd),
        ("data-directory-config", Self::DataDirectoryConfig),
        ("replication-config-owner", Self::ReplicationConfigOwner),
    ];
}

pub(super) fn node_id(text: &str) -> Result<NodeId, String> {
    text.parse().map(NodeId).map_err(|_| "a node's ID is needed".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "a number of seconds is needed".to_owned())
}

/// The normaliser passes an empty value where the optional one was left out.
pub(super) fn wait_sync(text: &str) -> Result<WaitSync, String> {
    if text.is_empty() { Ok(WaitSync::Forever) } else { seconds(text).map(WaitSync::UpTo) }
}

pub(super) fn follow_wait(text: &str) -> Result<FollowWait, String> {
    if text.is_empty() { Ok(FollowWait::AsConfigured) } else { seconds(text).map(FollowWait::UpTo) }
}

pub(super) fn rewind_program(text: &str) -> Result<RewindProgram, String> {
    Ok(if text.is_empty() { RewindProgram::Found } else { RewindProgram::At(PathBuf::from(text)) })
}

pub(super) fn external_files(text: &str) -> Result<ExternalFiles, String> {
    match text {
        "" | "samepath" => Ok(ExternalFiles::SamePath),
        "pgdata" => Ok(ExternalFiles::PgData),
        _ => Err("samepath or pgdata is needed".to_owned()),
    }
}

pub(super) fn action(text: &str) -> Result<Action, String> {
    match text {
        "start" => Ok(Action::Start),
        "stop" => Ok(Action::Stop),
        "restart" => Ok(Action::Restart),
        "reload" => Ok(Action::Reload),
        "promote" => Ok(Action::Promote),
        _ => Err("no such action".to_owned()),
    }
}

pub(super) fn output(text: &str) -> Result<Output, String> {
    match text {
        "csv" => Ok(Output::Csv),
        "json" => Ok(Output::Json),
        _ => Err("no such format".to_owned()),
    }
}

pub(super) fn check_output(text: &str) -> Result<CheckOutput, String> {
    match text {
        "csv" => Ok(CheckOutput::Csv),
        "nagios" => Ok(CheckOutput::Nagios),
        "optformat" => Ok(CheckOutput::OptFormat),
        "json" => Ok(CheckOutput::Json),
        _ => Err("no such format".to_owned()),
    }
}

pub(super) fn check(text: &str) -> Result<Check, String> {
    Check::ALL
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, c)| *c)
        .ok_or_else(|| "no such check".to_owned())
}
