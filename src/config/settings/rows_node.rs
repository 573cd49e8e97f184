//! Rows of the table: the node, its files, and what the commands do.

/// repmgr's keys for the commands. Hands its rows to the next macro in line.
macro_rules! rows_node {
    ($next:ident $(, $rest:ident)* ; $($before:tt)*) => { $next! { $($rest),* ; $($before)*

in Node of Repmgr {
    /// Number of this node, unique in the cluster.
    /// It ties the node to its record and must not change while the node is registered.
    node_id: i32 = COUNT, Required, Register;
    /// Name of this node, unique in the cluster, at most 63 bytes.
    /// A standby connects under it (application_name), so choose one that stays right when roles change.
    node_name: String = NAME, Required, Register;
    /// How every node of the cluster, this one included, connects to this node.
    /// Set connect_timeout in it, and keep the password in a passfile instead.
    conninfo: String = Kind::Conninfo, Required, Reload;
    /// PostgreSQL's data directory on this node.
    data_directory: PathBuf = Kind::Path, Required, Register;
    /// Role for replication connections to this node.
    /// Unset: the user of conninfo.
    replication_user: Option<String> = NAME, Unset, NextCommand;
    /// Name of the site this node stands in.
    /// When nobody is seen in the primary's location, no failover happens.
    location: String = NAME, Is("default"), Register;
    /// Preference among standbys whose WAL is equally far; 0: never promoted.
    priority: i32 = COUNT0, Is("100"), Register;
    /// Kind of replication. bdr is read and refused where it would be used.
    replication_type: ReplicationType = Kind::Word(ReplicationType::WORDS, Case::Any), Is("physical"), Restart;
}
in Programs of Repmgr {
    /// Folder with PostgreSQL's configuration files, where that is not the data directory.
    config_directory: Option<PathBuf> = Kind::Path, Unset, NextCommand;
    /// Folder with PostgreSQL's programs (pg_ctl, pg_basebackup, pg_rewind).
    /// Unset: they are found by PATH.
    pg_bindir: Option<PathBuf> = Kind::Path, Unset, Restart;
    /// Folder with repmgr on this and the other hosts, for what runs over ssh.
    /// Unset: pg_bindir.
    repmgr_bindir: Option<PathBuf> = Kind::Path, Unset, NextCommand;
}
in Log of Repmgr {
    /// The least important messages that are written.
    /// A word that is none of these is a warning, and the default is used.
    log_level: LogLevel = Kind::LenientWord(LogLevel::WORDS), Is("INFO"), Reload;
    /// Where the daemon's messages go: standard error, or one of syslog's facilities.
    log_facility: LogFacility = Kind::LenientWord(LogFacility::WORDS), Is("STDERR"), Reload;
    /// File that takes what would go to standard error.
    /// It is opened anew on SIGHUP, so that logrotate can move it.
    log_file: Option<PathBuf> = Kind::Path, Unset, Reload;
    /// Time between two lines in which the daemon sums up what it sees; 0: none.
    log_status_interval: Duration = SPAN0, Is("300"), Reload;
}
in Replication of Repmgr {
    /// Use a replication slot for each standby, so that the upstream keeps the WAL it needs.
    use_replication_slots: bool = Kind::Bool, Is("no"), NextCommand;
    /// Further options for pg_basebackup.
    pg_basebackup_options: Option<String> = Kind::Command, Unset, NextCommand;
    /// PostgreSQL's restore_command, written into the settings of a cloned standby.
    restore_command: Option<String> = Kind::Command, Unset, NextCommand;
    /// Place of a tablespace on this node, as old_path=new_path.
    /// The key may stand on several lines, one for each tablespace.
    tablespace_mapping: Vec<(String, String)> = Kind::Mapping, Unset, NextCommand;
    /// How far a standby stays behind on purpose, in PostgreSQL's own notation.
    recovery_min_apply_delay: Option<String> = Kind::Delay, Unset, NextCommand;
    /// PostgreSQL's archive_cleanup_command, written into the settings of a cloned standby.
    archive_cleanup_command: Option<String> = Kind::Command, Unset, NextCommand;
    /// Write the password of PGPASSWORD into primary_conninfo.
    /// A passfile is the better place.
    use_primary_conninfo_password: bool = Kind::Bool, Is("no"), NextCommand;
    /// Passfile that primary_conninfo names.
    /// Unset: PostgreSQL looks in its usual places.
    passfile: Option<PathBuf> = Kind::Path, Unset, NextCommand;
}
in Operations of Repmgr {
    /// How long a promoted standby may take to become writable.
    promote_check_timeout: Duration = SPAN, Is("60"), Restart;
    /// Time between two looks whether it is.
    promote_check_interval: Duration = SPAN, Is("1"), Restart;
    /// How long standby follow waits for a new primary.
    primary_follow_timeout: Duration = SPAN_HG, Is("60"), Restart;
    /// How long a standby may take to attach to its new upstream.
    standby_follow_timeout: Duration = SPAN_HG, Is("30"), Restart;
    /// Restart PostgreSQL to follow, also where a reload would do (13 and later).
    standby_follow_restart: bool = Kind::Bool, Is("no"), NextCommand;
    /// How long the old primary may take to shut down in a switchover.
    shutdown_check_timeout: Duration = SPAN_HG, Is("60"), NextCommand;
    /// How long the old primary may take to come back as a standby in a switchover.
    /// It may not be less than node_rejoin_timeout.
    standby_reconnect_timeout: Duration = SPAN_HG, Is("60"), NextCommand;
    /// How long the new primary waits in a switchover for the last WAL of the old one.
    wal_receive_check_timeout: Duration = SPAN, Is("30"), NextCommand;
    /// How long node rejoin waits for the node to attach.
    node_rejoin_timeout: Duration = SPAN_HG, Is("60"), Restart;
}
in Checks of Repmgr {
    /// WAL files that wait for the archiver, from which node check warns.
    archive_ready_warning: u32 = COUNT, Is("16"), NextCommand;
    /// The same, from which it is critical.
    archive_ready_critical: u32 = COUNT, Is("128"), NextCommand;
    /// Replication lag from which node check warns.
    replication_lag_warning: Duration = SPAN, Is("300"), NextCommand;
    /// The same, from which it is critical.
    replication_lag_critical: Duration = SPAN, Is("600"), NextCommand;
}
in Services of Repmgr {
    /// Further options for pg_ctl, where it is used.
    pg_ctl_options: Option<String> = Kind::Command, Unset, NextCommand;
    /// Command that starts PostgreSQL.
    /// Unset, here and below: pg_ctl.
    service_start_command: Option<String> = Kind::Command, Unset, Restart;
    /// Command that stops PostgreSQL.
    service_stop_command: Option<String> = Kind::Command, Unset, Restart;
    /// Command that restarts PostgreSQL.
    service_restart_command: Option<String> = Kind::Command, Unset, Restart;
    /// Command that makes PostgreSQL read its configuration again.
    service_reload_command: Option<String> = Kind::Command, Unset, Restart;
    /// Command that promotes PostgreSQL.
    /// It must not be repmgr standby promote, which calls it.
    service_promote_command: Option<String> = Kind::Command, Unset, Restart;
    /// Command that starts repmgrd.
    repmgrd_service_start_command: Option<String> = Kind::Command, Unset, NextCommand;
    /// Command that stops repmgrd.
    repmgrd_service_stop_command: Option<String> = Kind::Command, Unset, NextCommand;
}
in Events of Repmgr {
    /// Command that is run for each event.
    /// %n is the node's id, %e the event, %s 1 or 0 for success or failure, %t the time, %d the details;
    /// %p is an id, %c a conninfo and %a a name of the other node, where an event has one.
    event_notification_command: Option<String> = Kind::Command, Unset, Reload;
    /// Events for which the command is run.
    /// Unset: all of them.
    event_notifications: Vec<String> = Kind::List, Unset, Reload;
}
in Remote of Repmgr {
    /// Options for ssh.
    ssh_options: String = Kind::Command, Is("-q -o ConnectTimeout=10"), NextCommand;
    /// Options for rsync, used for configuration files outside the data directory.
    rsync_options: Option<String> = Kind::Command, Unset, NextCommand;
    /// Host on which Barman runs; set, it makes standby clone take the backup from there.
    barman_host: Option<String> = TEXT, Unset, NextCommand;
    /// The cluster's name in Barman's configuration.
    barman_server: Option<String> = TEXT, Unset, NextCommand;
    /// Barman's configuration file, where it is not in its usual place.
    barman_config: Option<PathBuf> = Kind::Path, Unset, NextCommand;
    /// Identifier of the backup that pg-backup-api is asked for.
    pg_backupapi_backup_id: Option<String> = TEXT, Unset, NextCommand;
    /// Host of pg-backup-api.
    pg_backupapi_host: Option<String> = TEXT, Unset, NextCommand;
    /// This node's name in pg-backup-api.
    pg_backupapi_node_name: Option<String> = TEXT, Unset, NextCommand;
    /// ssh command by which pg-backup-api reaches this node.
    pg_backupapi_remote_ssh_command: Option<String> = Kind::Command, Unset, NextCommand;
}
        }
    };
}
pub(super) use rows_node;
