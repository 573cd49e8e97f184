//! Rows of the table: hg_repmgr's keys and ours.

/// hg_repmgr's keys and ours. Hands its rows to the next macro in line.
macro_rules! rows_ours {
    ($next:ident $(, $rest:ident)* ; $($before:tt)*) => { $next! { $($rest),* ; $($before)*

in VirtualAddress of HgRepmgr {
    /// Addresses that the primary holds and clients connect to; without a prefix length: that address alone.
    virtual_ip: Vec<String> = Kind::Addresses, Unset, Register;
    /// Network cards for them: one for all, or one for each address in the same order.
    network_card: Vec<String> = Kind::List, Unset, Register;
}
in VirtualAddress of Ours {
    /// Command that takes an address up, in place of the built-in way.
    /// %i is the address, %c the card.
    vip_up_command: Option<String> = Kind::Command, Unset, Reload;
    /// Command that takes an address down, in place of the built-in way.
    vip_down_command: Option<String> = Kind::Command, Unset, Reload;
    /// Command that tells the neighbours where the address is, in place of the built-in way.
    vip_announce_command: Option<String> = Kind::Command, Unset, Reload;
    /// How long the network card may be without its carrier before the primary gives up.
    carrier_grace: Duration = SPAN0, Is("1"), Reload;
}
in Device of HgRepmgr {
    /// How long one trial write to the disk may take.
    device_check_timeout: Duration = SPAN, Is("60"), Restart;
    /// How many trials in a row must fail before the disk counts as dead.
    device_check_times: u32 = Kind::Int(1, MOST, Below::ZeroForHg), Is("3"), Restart;
}
in Failover of HgRepmgr {
    /// Look for a second primary that was promoted by hand, and settle it:
    /// the higher timeline stays, then the higher priority, then the lower id.
    check_brain_split: bool = Kind::Bool, Is("false"), Restart;
}
in Daemon of HgRepmgr {
    /// How long a standby's daemon that starts while its upstream is down keeps trying; a bare number is minutes.
    standby_wait_timeout: Duration = Kind::Time(Unit::Minutes, Least::Zero), Is("10"), Restart;
}
in Daemon of Ours {
    /// Which original decides where repmgr and hg_repmgr differ.
    /// auto: hg when this file is called hg_repmgr.conf, else repmgr.
    compatibility: Compatibility = Kind::Word(Compatibility::WORDS, Case::Any), Is("auto"), Restart;
    /// Folder for what the daemon must remember: terms, votes, promises.
    /// It must survive a reboot and must not lie in the data directory.
    state_directory: PathBuf = Kind::Path, Is("/var/lib/hg_repmgr"), Restart;
    /// Watchdog device that resets the host when the daemon stops keeping it alive on a primary.
    /// Unset: none.
    watchdog_device: Option<PathBuf> = Kind::Path, Unset, Restart;
    /// How long node startup waits for another node to answer after a power loss.
    /// Unset: as standby_wait_timeout.
    startup_wait_timeout: Duration = SPAN0, Same("standby_wait_timeout"), NextCommand;
}
in Failover of Ours {
    /// Who may decide a failover.
    /// majority: never without more than half of the voters. none: anybody, as in repmgr, at the risk of two
    /// primaries. auto: majority with three or more voters; with two, as trusted_servers tells.
    failover_quorum: FailoverQuorum = Kind::Word(FailoverQuorum::WORDS, Case::Any), Is("auto"), Restart;
    /// Addresses outside the cluster, on different paths (the gateway, for instance), that a cluster of two asks
    /// when the nodes do not see each other: a host for ICMP echo, host:port for TCP.
    trusted_servers: Vec<String> = Kind::List, Unset, Reload;
    /// How much WAL may be lost by a failover; 0: none (needs synchronous replication), -1: no limit.
    maximum_lag_on_failover: Option<u64> = Kind::Size, Is("1MB"), Reload;
    /// What becomes of a primary whose server process died while its host goes on: hand over (failover) or
    /// start it again in its place (restart).
    /// auto is failover.
    primary_crash_action: PrimaryCrashAction = Kind::Word(PrimaryCrashAction::WORDS, Case::Any), Is("auto"), Reload;
    /// How long such a restart may take before it is given up.
    primary_start_timeout: Duration = SPAN, Is("300"), Reload;
}
in Rejoin of Ours {
    /// The daemon of a former primary brings it back as a standby by itself.
    auto_rejoin: bool = Kind::Bool, Is("yes"), Reload;
    /// What to do when neither following nor pg_rewind can bring it back.
    rejoin_fallback: RejoinFallback = Kind::Word(RejoinFallback::WORDS, Case::Any), Is("none"), Reload;
    /// Folder that keeps the WAL which a return throws away.
    /// Unset: one beside the data directory.
    rejoin_keep_wal_dir: Option<PathBuf> = Kind::Path, Unset, Reload;
}
in Synchronous of Ours {
    /// Let the primary go on without its synchronous standbys when too few are left.
    /// While it does, a failover can lose what was acknowledged.
    sync_degrade: bool = Kind::Bool, ByMode { repmgr: "no", hg: "yes" }, Reload;
    /// How long they must be gone before it does.
    sync_degrade_timeout: Duration = SPAN0, Is("30"), Reload;
    /// How near a returned standby must be before the primary waits for it again.
    sync_restore_lag: Option<u64> = Kind::Size, Is("5MB"), Reload;
}
in Http of Ours {
    /// Port on which the daemons talk and answer health checks; 0: none, and no majority can be gathered.
    http_port: u16 = Kind::Int(0, 65535, Below::Refused), Is("5445"), Restart;
    /// Addresses on which the daemon listens; *: all of them.
    http_listen_addresses: Vec<String> = Kind::List, Is("*"), Restart;
    /// What the other nodes dial to reach this one, as host:port.
    /// Unset: the host of conninfo and http_port.
    http_address: Option<String> = TEXT, Unset, Restart;
    /// Certificate for TLS on this port.
    /// Unset: no TLS; the daemons' messages are authenticated in any case.
    http_tls_cert: Option<PathBuf> = Kind::Path, Unset, Restart;
    /// Private key of that certificate.
    http_tls_key: Option<PathBuf> = Kind::Path, Unset, Restart;
    /// Certificates of the authorities that the other nodes' certificates come from.
    http_tls_ca: Option<PathBuf> = Kind::Path, Unset, Restart;
}
        }
    };
}
pub(super) use rows_ours;
