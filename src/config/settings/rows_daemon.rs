//! Rows of the table: repmgr's keys for the daemon, and its old ones.

/// repmgr's keys for the daemon. Hands its rows to the next macro in line.
macro_rules! rows_daemon {
    ($next:ident $(, $rest:ident)* ; $($before:tt)*) => { $next! { $($rest),* ; $($before)*

in Daemon of Repmgr {
    /// File with the daemon's process id.
    /// Unset: one in the folder for run-time files.
    repmgrd_pid_file: Option<PathBuf> = Kind::Path, Unset, Restart;
    /// End the daemon when this node's record is inactive.
    repmgrd_exit_on_inactive_node: bool = Kind::Bool, Is("no"), Restart;
    /// Time between two looks at the upstream node.
    monitor_interval_secs: Duration = SPAN, Is("2"), Reload;
    /// Write each look into repmgr.monitoring_history.
    /// Let repmgr cluster cleanup run now and then if it is on.
    monitoring_history: bool = Kind::Bool, Is("no"), Reload;
    /// How long the daemon may stay in degraded monitoring before it ends; -1: for ever.
    degraded_monitoring_timeout: Option<Duration> = Kind::Time(Unit::Seconds, Least::Never), Is("-1"), Reload;
    /// How long an answer to a query of the monitoring may take.
    async_query_timeout: Duration = SPAN0, Is("60"), Reload;
    /// How long the daemon waits at its start for a standby that is not up yet.
    /// Unset: as standby_reconnect_timeout.
    repmgrd_standby_startup_timeout: Duration = SPAN0, Same("standby_reconnect_timeout"), Reload;
    /// Time between two copies of the metadata to a witness.
    witness_sync_interval: Duration = SPAN, Is("15"), Restart;
    /// How the daemon sees whether a server is there: ping asks whether it accepts connections,
    /// connection makes one, query runs connection_check_query on the one it has.
    connection_check_type: ConnectionCheckType = Kind::Word(ConnectionCheckType::WORDS, Case::Any), Is("ping"), Reload;
    /// Query for connection_check_type=query.
    connection_check_query: String = TEXT, Is("SELECT 1"), Restart;
}
in Failover of Repmgr {
    /// automatic: the daemon promotes and follows by itself. manual: it watches and tells.
    failover: Failover = Kind::Word(Failover::WORDS, Case::Sensitive), Is("manual"), Reload;
    /// Command that promotes this node; needed when failover is automatic.
    /// It should be repmgr standby promote with this file's full path.
    promote_command: Option<String> = Kind::Command, Unset, Reload;
    /// Command that makes this node follow a new primary; needed when failover is automatic.
    /// %n is the new primary's id: repmgr standby follow with --upstream-node-id=%n and this file's full path.
    follow_command: Option<String> = Kind::Command, Unset, Reload;
    /// How often a lost upstream is tried before it counts as failed.
    /// reconnect_attempts times reconnect_interval is the longest outage that is ridden out without a failover;
    /// when neither is set it is six seconds.
    reconnect_attempts: u32 = COUNT0, Is("6"), Reload;
    /// Time between two of these attempts.
    reconnect_interval: Duration = SPAN0, Is("10"), Reload;
    /// How long a standby waits to be told of the new primary.
    primary_notification_timeout: Duration = SPAN0, Is("60"), Reload;
    /// No failover while any standby has seen the primary lately.
    /// Must be the same on all nodes.
    primary_visibility_consensus: bool = Kind::Bool, Is("no"), Reload;
    /// Promote in an election even when this node is behind another that cannot be reached.
    always_promote: bool = Kind::Bool, Is("no"), Reload;
    /// Command that may veto a promotion by an exit code other than 0.
    /// %n is the node's id, %a its name, %v the number of visible nodes, %u that of shared upstream nodes,
    /// %t that of all nodes.
    failover_validation_command: Option<String> = Kind::Command, Unset, Reload;
    /// Time until an election is held again after a veto.
    election_rerun_interval: Duration = SPAN_HG, Is("15"), Restart;
    /// Cut the walreceivers of all standbys before an election, so that their WAL stands still.
    standby_disconnect_on_failover: bool = Kind::Bool, Is("no"), Reload;
    /// How long to wait for the other standbys to have done so.
    sibling_nodes_disconnect_timeout: Duration = SPAN0, Is("30"), Reload;
}
in ChildNodes of Repmgr {
    /// Time between two looks at the attached standbys; never shorter than monitor_interval_secs.
    child_nodes_check_interval: Duration = SPAN, Is("5"), Reload;
    /// Run child_nodes_disconnect_command when so many standbys are gone; -1: by the next key.
    child_nodes_disconnect_min_count: Option<u32> = COUNT_OR_NONE, Is("-1"), Reload;
    /// Run it when fewer than so many standbys are attached; -1: when none is.
    child_nodes_connected_min_count: Option<u32> = COUNT_OR_NONE, Is("-1"), Reload;
    /// Count a witness among them.
    child_nodes_connected_include_witness: bool = Kind::Bool, Is("no"), Reload;
    /// How long this must last before the command is run.
    child_nodes_disconnect_timeout: Duration = SPAN0, Is("30"), Reload;
    /// Command that is run on the primary then, to fence it for instance.
    /// %p is the primary's id.
    child_nodes_disconnect_command: Option<String> = Kind::Command, Unset, Reload;
}
in Old of Repmgr {
    /// A pause before a failover, which repmgr has for its own tests.
    failover_delay: Duration = SPAN0, Is("0"), Restart;
    /// A pause before a promotion, which repmgr has for its own tests.
    promote_delay: Duration = SPAN0, Is("0"), Restart;
    /// A switch that repmgr has for its own tests.
    reconnect_loop_sync: bool = Kind::Bool, Is("no"), Restart;
    /// Of BDR.
    bdr_local_monitoring_only: bool = Kind::Bool, Is("no"), Restart;
    /// Of BDR.
    bdr_recovery_timeout: Duration = SPAN0, Is("30"), Restart;
}
        }
    };
}
pub(super) use rows_daemon;
