//! What each command can be told, as argh reads it from the normalised command line.

use super::choices::{
    Action, Check, CheckOutput, ExternalFiles, FollowWait, Force, Mode, Output, RewindProgram, Rows,
    WaitSync, action, check, check_output, external_files, follow_wait, node_id, output, rewind_program,
    seconds, wait_sync,
};
use crate::domain::node::NodeId;
use argh::FromArgs;
use std::path::PathBuf;
use std::time::Duration;

/// What any command can be told.
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct General {
    /// given as `-f`, absolute. `None`: the file is searched for
    #[argh(option)]
    pub config_file: Option<PathBuf>,
    /// given as `-b`, absolute; beats the configuration file
    #[argh(option)]
    pub pg_bindir: Option<PathBuf>,
    /// given as `-d`: a database's name or a whole connection string, which may hold a password
    #[argh(option)]
    pub dbname: Option<String>,
    /// given as `-h`, or the HOST of `standby clone HOST`
    #[argh(option)]
    pub host: Option<String>,
    /// given as `-p`: digits
    #[argh(option)]
    pub port: Option<String>,
    /// given as `-U`
    #[argh(option)]
    pub username: Option<String>,
    /// given as `-D`, absolute
    #[argh(option)]
    pub pgdata: Option<PathBuf>,
    /// given as `-S`
    #[argh(option)]
    pub superuser: Option<String>,
    /// given as `-R`
    #[argh(option)]
    pub remote_user: Option<String>,
    /// given as `-L`: one of [`super::options::LEVELS`], in capitals; beats the configuration file
    #[argh(option)]
    pub log_level: Option<String>,
    /// given as `--log-to-file`
    #[argh(switch)]
    pub log_to_file: bool,
    /// given as `-q`
    #[argh(switch)]
    pub quiet: bool,
    /// given as `-t`
    #[argh(switch)]
    pub terse: bool,
    /// given as `-v`
    #[argh(switch)]
    pub verbose: bool,
    /// given as `--json`; commands that print a state have it in their `output` too
    #[argh(switch)]
    pub json: bool,
    /// given as `-F`; see [`General::force`]
    #[argh(switch)]
    pub force: bool,
    /// given as `--dry-run`; see [`General::mode`]
    #[argh(switch)]
    pub dry_run: bool,
    /// given as `--node-id`
    #[argh(option, from_str_fn(node_id))]
    pub node_id: Option<NodeId>,
    /// given as `--node-name`
    #[argh(option)]
    pub node_name: Option<String>,
}

impl General {
    /// given as `--dry-run` as a word.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        if self.dry_run { Mode::DryRun } else { Mode::Apply }
    }

    /// given as `--force` as a word.
    #[must_use]
    pub const fn force(&self) -> Force {
        if self.force { Force::Yes } else { Force::No }
    }

    /// True when an option names a server to connect to: `-h`, `-p`, `-U` or `-d`.
    #[must_use]
    pub const fn names_a_server(&self) -> bool {
        self.host.is_some() || self.port.is_some() || self.username.is_some() || self.dbname.is_some()
    }
}

/// options of `primary register`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct PrimaryRegister {
    /// given as `--replication-user`
    #[argh(option)]
    pub replication_user: Option<String>,
}

/// options of `primary unregister`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct PrimaryUnregister {}

/// options of `standby clone`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyClone {
    /// given as `-c`
    #[argh(switch)]
    pub fast_checkpoint: bool,
    /// given as `--copy-external-config-files`. `None`: such files are not copied
    #[argh(option, from_str_fn(external_files))]
    pub copy_external_config_files: Option<ExternalFiles>,
    /// given as `--no-upstream-connection`
    #[argh(switch)]
    pub no_upstream_connection: bool,
    /// given as `--replication-user`
    #[argh(option)]
    pub replication_user: Option<String>,
    /// given as `--replication-conf-only`, `--recovery-conf-only`
    #[argh(switch)]
    pub replication_conf_only: bool,
    /// given as `--upstream-conninfo`; it may hold a password
    #[argh(option)]
    pub upstream_conninfo: Option<String>,
    /// given as `--upstream-node-id`. `None`: the primary
    #[argh(option, from_str_fn(node_id))]
    pub upstream_node_id: Option<NodeId>,
    /// given as `--recovery-min-apply-delay`: PostgreSQL's text, no unit is milliseconds
    #[argh(option)]
    pub recovery_min_apply_delay: Option<String>,
    /// given as `--verify-backup`
    #[argh(switch)]
    pub verify_backup: bool,
    /// given as `--without-barman`
    #[argh(switch)]
    pub without_barman: bool,
}

/// options of `standby register`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyRegister {
    /// given as `--upstream-node-id`. `None`: the primary
    #[argh(option, from_str_fn(node_id))]
    pub upstream_node_id: Option<NodeId>,
    /// given as `--replication-user`
    #[argh(option)]
    pub replication_user: Option<String>,
    /// given as `--wait-start`. `None`: repmgr's 30 seconds
    #[argh(option, from_str_fn(seconds))]
    pub wait_start: Option<Duration>,
    /// given as `--wait-sync`. `None`: no wait
    #[argh(option, from_str_fn(wait_sync))]
    pub wait_sync: Option<WaitSync>,
}

/// options of `standby unregister`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyUnregister {}

/// options of `standby promote`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyPromote {
    /// given as `--siblings-follow`
    #[argh(switch)]
    pub siblings_follow: bool,
}

/// options of `standby follow`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyFollow {
    /// given as `--upstream-node-id`. `None`: the primary
    #[argh(option, from_str_fn(node_id))]
    pub upstream_node_id: Option<NodeId>,
    /// given as `--wait`. `None`: the server to be followed must be there
    #[argh(option, from_str_fn(follow_wait))]
    pub wait: Option<FollowWait>,
    /// given as `--no-wait`: the default
    #[argh(switch)]
    pub no_wait: bool,
}

/// options of `witness register`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct WitnessRegister {}

/// options of `witness unregister`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct WitnessUnregister {}

/// options of `node status`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeStatus {
    /// given as `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
    /// given as `--is-shutdown-cleanly`
    #[argh(switch)]
    pub is_shutdown_cleanly: bool,
}

/// options of `node check`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeCheck {
    /// the single check. `None`: all of them
    #[argh(option, from_str_fn(check))]
    pub check: Option<Check>,
    /// given as `--csv`, `--nagios`, `--optformat`, `--json`
    #[argh(option, from_str_fn(check_output), default = "CheckOutput::Text")]
    pub output: CheckOutput,
    /// given as `--remote-node-id`: the node that `--replication-connection` connects to
    #[argh(option, from_str_fn(node_id))]
    pub remote_node_id: Option<NodeId>,
}

/// options of `node rejoin`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeRejoin {
    /// given as `--force-rewind`. `None`: pg_rewind is not run
    #[argh(option, from_str_fn(rewind_program))]
    pub force_rewind: Option<RewindProgram>,
    /// given as `--config-files`: names in the data directory, separated by commas
    #[argh(option)]
    pub config_files: Option<String>,
    /// given as `--config-archive-dir`. `None`: /tmp
    #[argh(option)]
    pub config_archive_dir: Option<PathBuf>,
    /// given as `--no-wait`
    #[argh(switch)]
    pub no_wait: bool,
}

/// options of `node service`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeService {
    /// given as `--action`
    #[argh(option, from_str_fn(action))]
    pub action: Option<Action>,
    /// given as `--list-actions`
    #[argh(switch)]
    pub list_actions: bool,
    /// given as `--checkpoint`
    #[argh(switch)]
    pub checkpoint: bool,
    /// given as `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// options of `node control`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeControl {
    /// given as `--disable-wal-receiver`
    #[argh(switch)]
    pub disable_wal_receiver: bool,
    /// given as `--enable-wal-receiver`: never beside the other one
    #[argh(switch)]
    pub enable_wal_receiver: bool,
}

/// options of `cluster show`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterShow {
    /// given as `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// given as `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// options of `cluster matrix`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterMatrix {
    /// given as `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// given as `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// options of `cluster crosscheck`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterCrosscheck {
    /// given as `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// given as `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// options of `cluster event`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterEvent {
    /// given as `--limit`; see [`ClusterEvent::rows`]
    #[argh(option)]
    pub limit: Option<u32>,
    /// given as `--all`
    #[argh(switch)]
    pub all: bool,
    /// given as `--event`
    #[argh(option)]
    pub event: Option<String>,
    /// given as `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// given as `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

impl ClusterEvent {
    /// How many events are shown: `--limit` beats `--all`, 20 without either.
    #[must_use]
    pub const fn rows(&self) -> Rows {
        match (self.limit, self.all) {
            (Some(limit), _) => Rows::AtMost(limit),
            (None, true) => Rows::All,
            (None, false) => Rows::AtMost(20),
        }
    }
}

/// options of `cluster cleanup`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterCleanup {
    /// given as `--keep-history`, in days. `None`, like 0: everything is deleted
    #[argh(option)]
    pub keep_history: Option<u32>,
}

/// options of `vip status`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct VipStatus {
    /// given as `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// options of `vip bind`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct VipBind {}

/// options of `vip unbind`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct VipUnbind {}

/// options of `vip announce`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct VipAnnounce {}
