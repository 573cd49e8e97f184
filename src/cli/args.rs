//! What each command can be told, as argh reads it from the normalised command line.

use super::choices::{
    Action, Check, CheckOutput, ExternalFiles, Force, Mode, Output, Rows, WaitSync, action, check, check_output,
    external_files, node_id, output, seconds, wait_sync,
};
use crate::domain::node::NodeId;
use argh::FromArgs;
use std::path::PathBuf;
use std::time::Duration;

/// What any command can be told.
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct General {
    /// `-f`, absolute. `None`: the file is searched for
    #[argh(option)]
    pub config_file: Option<PathBuf>,
    /// `-b`, absolute; beats the configuration file
    #[argh(option)]
    pub pg_bindir: Option<PathBuf>,
    /// `-d`: a database's name or a whole connection string, which may hold a password
    #[argh(option)]
    pub dbname: Option<String>,
    /// `-h`, or the HOST of `standby clone HOST`
    #[argh(option)]
    pub host: Option<String>,
    /// `-p`: digits
    #[argh(option)]
    pub port: Option<String>,
    /// `-U`
    #[argh(option)]
    pub username: Option<String>,
    /// `-D`, absolute
    #[argh(option)]
    pub pgdata: Option<PathBuf>,
    /// `-S`
    #[argh(option)]
    pub superuser: Option<String>,
    /// `-R`
    #[argh(option)]
    pub remote_user: Option<String>,
    /// `-L`: one of [`super::options::LEVELS`], in capitals; beats the configuration file
    #[argh(option)]
    pub log_level: Option<String>,
    /// `--log-to-file`
    #[argh(switch)]
    pub log_to_file: bool,
    /// `-q`
    #[argh(switch)]
    pub quiet: bool,
    /// `-t`
    #[argh(switch)]
    pub terse: bool,
    /// `-v`
    #[argh(switch)]
    pub verbose: bool,
    /// `--json`; commands that print a state have it in their `output` too
    #[argh(switch)]
    pub json: bool,
    /// `-F`; see [`General::force`]
    #[argh(switch)]
    pub force: bool,
    /// `--dry-run`; see [`General::mode`]
    #[argh(switch)]
    pub dry_run: bool,
    /// `--node-id`
    #[argh(option, from_str_fn(node_id))]
    pub node_id: Option<NodeId>,
    /// `--node-name`
    #[argh(option)]
    pub node_name: Option<String>,
}

impl General {
    /// `--dry-run` as a word.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        if self.dry_run { Mode::DryRun } else { Mode::Apply }
    }

    /// `--force` as a word.
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

/// `primary register`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct PrimaryRegister {
    /// `--replication-user`
    #[argh(option)]
    pub replication_user: Option<String>,
}

/// `primary unregister`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct PrimaryUnregister {}

/// `standby clone`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyClone {
    /// `-c`
    #[argh(switch)]
    pub fast_checkpoint: bool,
    /// `--copy-external-config-files`. `None`: such files are not copied
    #[argh(option, from_str_fn(external_files))]
    pub copy_external_config_files: Option<ExternalFiles>,
    /// `--no-upstream-connection`
    #[argh(switch)]
    pub no_upstream_connection: bool,
    /// `--replication-user`
    #[argh(option)]
    pub replication_user: Option<String>,
    /// `--replication-conf-only`, `--recovery-conf-only`
    #[argh(switch)]
    pub replication_conf_only: bool,
    /// `--upstream-conninfo`; it may hold a password
    #[argh(option)]
    pub upstream_conninfo: Option<String>,
    /// `--upstream-node-id`. `None`: the primary
    #[argh(option, from_str_fn(node_id))]
    pub upstream_node_id: Option<NodeId>,
    /// `--recovery-min-apply-delay`: PostgreSQL's text, no unit is milliseconds
    #[argh(option)]
    pub recovery_min_apply_delay: Option<String>,
    /// `--verify-backup`
    #[argh(switch)]
    pub verify_backup: bool,
    /// `--without-barman`
    #[argh(switch)]
    pub without_barman: bool,
}

/// `standby register`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyRegister {
    /// `--upstream-node-id`. `None`: the primary
    #[argh(option, from_str_fn(node_id))]
    pub upstream_node_id: Option<NodeId>,
    /// `--replication-user`
    #[argh(option)]
    pub replication_user: Option<String>,
    /// `--wait-start`. `None`: repmgr's 30 seconds
    #[argh(option, from_str_fn(seconds))]
    pub wait_start: Option<Duration>,
    /// `--wait-sync`. `None`: no wait
    #[argh(option, from_str_fn(wait_sync))]
    pub wait_sync: Option<WaitSync>,
}

/// `standby unregister`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct StandbyUnregister {}

/// `node status`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeStatus {
    /// `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
    /// `--is-shutdown-cleanly`
    #[argh(switch)]
    pub is_shutdown_cleanly: bool,
}

/// `node check`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeCheck {
    /// the single check. `None`: all of them
    #[argh(option, from_str_fn(check))]
    pub check: Option<Check>,
    /// `--csv`, `--nagios`, `--optformat`, `--json`
    #[argh(option, from_str_fn(check_output), default = "CheckOutput::Text")]
    pub output: CheckOutput,
    /// `--remote-node-id`: the node that `--replication-connection` connects to
    #[argh(option, from_str_fn(node_id))]
    pub remote_node_id: Option<NodeId>,
}

/// `node service`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct NodeService {
    /// `--action`
    #[argh(option, from_str_fn(action))]
    pub action: Option<Action>,
    /// `--list-actions`
    #[argh(switch)]
    pub list_actions: bool,
    /// `--checkpoint`
    #[argh(switch)]
    pub checkpoint: bool,
    /// `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// `cluster show`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterShow {
    /// `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// `cluster matrix`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterMatrix {
    /// `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// `cluster crosscheck`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterCrosscheck {
    /// `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// `--csv`, `--json`
    #[argh(option, from_str_fn(output), default = "Output::Text")]
    pub output: Output,
}

/// `cluster event`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterEvent {
    /// `--limit`; see [`ClusterEvent::rows`]
    #[argh(option)]
    pub limit: Option<u32>,
    /// `--all`
    #[argh(switch)]
    pub all: bool,
    /// `--event`
    #[argh(option)]
    pub event: Option<String>,
    /// `--compact`
    #[argh(switch)]
    pub compact: bool,
    /// `--csv`, `--json`
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

/// `cluster cleanup`
#[derive(FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[argh(help_triggers("--help"))]
pub struct ClusterCleanup {
    /// `--keep-history`, in days. `None`, like 0: everything is deleted
    #[argh(option)]
    pub keep_history: Option<u32>,
}
