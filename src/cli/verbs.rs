//! The command words: which exist, what else they are called, and what help says about each.

/// A command of this version. The order is that of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `primary register`
    PrimaryRegister,
    /// `primary unregister`
    PrimaryUnregister,
    /// `standby clone`
    StandbyClone,
    /// `standby register`
    StandbyRegister,
    /// `standby unregister`
    StandbyUnregister,
    /// `standby promote`
    StandbyPromote,
    /// `standby follow`
    StandbyFollow,
    /// `witness register`
    WitnessRegister,
    /// `witness unregister`
    WitnessUnregister,
    /// `node status`
    NodeStatus,
    /// `node check`
    NodeCheck,
    /// `node rejoin`
    NodeRejoin,
    /// `node service`
    NodeService,
    /// `node control`
    NodeControl,
    /// `cluster show`
    ClusterShow,
    /// `cluster matrix`
    ClusterMatrix,
    /// `cluster crosscheck`
    ClusterCrosscheck,
    /// `cluster event`
    ClusterEvent,
    /// `cluster cleanup`
    ClusterCleanup,
    /// `vip status`
    VipStatus,
    /// `vip bind`
    VipBind,
    /// `vip unbind`
    VipUnbind,
    /// `vip announce`
    VipAnnounce,
}

/// What there is to know about a command apart from its options.
#[derive(Debug)]
pub struct VerbInfo {
    /// Which command.
    pub verb: Verb,
    /// First word.
    pub group: &'static str,
    /// Second word.
    pub word: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What it does, in sentences; wrapped by the help.
    pub about: &'static str,
    /// Exit codes besides 0 and 1.
    pub exits: &'static [(&'static str, &'static str)],
    /// Command lines that work.
    pub examples: &'static [&'static str],
}

impl VerbInfo {
    /// Both words: `standby clone`.
    #[must_use]
    pub fn phrase(&self) -> String {
        format!("{} {}", self.group, self.word)
    }
}

/// The first words, each with what it is about.
pub const GROUPS: &[(&str, &str)] = &[
    ("primary", "the server that takes writes"),
    ("standby", "servers that stream from another one"),
    ("witness", "voters that hold no copy of the data"),
    ("node", "the server on this host"),
    ("cluster", "all nodes together"),
    ("vip", "the addresses that move with the primary"),
];

/// Other names of first words.
pub const GROUP_ALIASES: &[(&str, &str)] = &[("master", "primary")];

/// A first and a second word.
pub type Words = (&'static str, &'static str);

/// Other names of commands: typed words, then the real ones.
pub const ALIASES: &[(Words, Words)] = &[
    (("cluster", "events"), ("cluster", "event")),
    (("primary", "status"), ("node", "status")),
    (("primary", "check"), ("node", "check")),
    (("standby", "status"), ("node", "status")),
    (("standby", "check"), ("node", "check")),
];

/// Commands of repmgr and hg_repmgr that this version does not have yet, by first word. A first word
/// that is in [`GROUPS`] too has the other commands. When a command arrives, its word leaves this list.
pub const LATER: &[(&str, &[&str])] = &[
    ("standby", &["switchover"]),
    ("node", &["startup"]),
    ("cluster", &["ready"]),
    ("service", &["status", "pause", "unpause"]),
    ("daemon", &["status", "start", "stop", "pause", "unpause"]),
];

const DB: (&str, &str) = ("6", "a database connection could not be made");
const QUERY: (&str, &str) = ("7", "a query failed");
const UNHEALTHY: (&str, &str) = ("25", "a node is not in the state it should be in");
const NO_SSH: (&str, &str) = ("12", "a node could not be reached over ssh");

/// Every command of this version, in the order of the help.
pub static VERBS: &[VerbInfo] = &[
    VerbInfo {
        verb: Verb::PrimaryRegister,
        group: "primary",
        word: "register",
        summary: "enter this server into the cluster as its primary",
        about: "Creates the cluster's metadata on first use and writes the record of this server, taken from \
                its configuration file. The server must be running and must not be in recovery, and no other \
                registered primary may be running. A record that exists already is replaced with --force.",
        exits: &[DB, QUERY],
        examples: &["repmgr -f /etc/repmgr.conf primary register --dry-run"],
    },
    VerbInfo {
        verb: Verb::PrimaryUnregister,
        group: "primary",
        word: "unregister",
        summary: "remove the record of a former primary",
        about: "Removes a primary that is no longer in use from the cluster's metadata. Refused while other nodes \
                name it as their upstream. A record that is still active, or whose server is the current \
                primary or runs as a standby, goes only with --force.",
        exits: &[DB, QUERY],
        examples: &["repmgr -f /etc/repmgr.conf primary unregister --node-id=1"],
    },
    VerbInfo {
        verb: Verb::StandbyClone,
        group: "standby",
        word: "clone",
        summary: "make a standby by copying another server",
        about: "Copies the server given with -h, -p, -U and -d (or as HOST) into the data directory of this node \
                and writes the settings that replication needs. The new server is not started and not registered.",
        exits: &[
            ("2", "external configuration files could not be copied"),
            DB,
            ("14", "the base backup failed"),
            ("19", "a copy from Barman was asked for, which this version does not make"),
        ],
        examples: &[
            "repmgr -h node1 -U repmgr -d repmgr -f /etc/repmgr.conf standby clone --dry-run",
            "repmgr -f /etc/repmgr.conf -U repmgr -d repmgr standby clone node1 --fast-checkpoint",
        ],
    },
    VerbInfo {
        verb: Verb::StandbyRegister,
        group: "standby",
        word: "register",
        summary: "enter this server into the cluster as a standby",
        about: "Writes the record of this standby on the primary. Normally the standby runs and is attached to its \
                upstream; with --force, and the connection options of the primary, a standby that is down is \
                registered too.",
        exits: &[DB, QUERY, ("20", "the record did not reach the standby in time")],
        examples: &["repmgr -f /etc/repmgr.conf standby register --upstream-node-id=1 --wait-sync=60"],
    },
    VerbInfo {
        verb: Verb::StandbyUnregister,
        group: "standby",
        word: "unregister",
        summary: "remove the record of a standby",
        about: "Removes a standby from the cluster's metadata. The server itself is left alone. Run on another node \
                with --node-id when the standby is gone.",
        exits: &[DB, QUERY],
        examples: &["repmgr -f /etc/repmgr.conf standby unregister --node-id=3"],
    },
    VerbInfo {
        verb: Verb::StandbyPromote,
        group: "standby",
        word: "promote",
        summary: "make this standby the primary",
        about: "Promotes this standby, when no other registered node is a primary, and enters it as the primary. \
                Its virtual addresses, where configured, are taken up then. With --siblings-follow the other standbys of the old primary are made to follow it, over ssh. The \
                old primary must be down and stay down; it comes back as a standby by a rejoin. A run that was cut \
                off is finished by running the command again.",
        exits: &[DB, QUERY, ("8", "refused, or the server was not promoted in time"), NO_SSH],
        examples: &[
            "repmgr -f /etc/repmgr.conf standby promote --siblings-follow --dry-run",
            "repmgr -f /etc/repmgr.conf standby promote --siblings-follow",
        ],
    },
    VerbInfo {
        verb: Verb::StandbyFollow,
        group: "standby",
        word: "follow",
        summary: "have this standby stream from another server",
        about: "Attaches this running standby to the current primary, or to the node named with \
                --upstream-node-id, which may be a standby itself. Refused when this node has WAL that the other \
                one does not have. From PostgreSQL 13 on the server is reloaded, before that restarted.",
        exits: &[
            ("4", "the server could not be restarted or reloaded"),
            DB,
            QUERY,
            ("23", "this node cannot follow, or did not attach in time"),
        ],
        examples: &[
            "repmgr -f /etc/repmgr.conf standby follow --wait=30",
            "repmgr -f /etc/repmgr.conf standby follow --upstream-node-id=2 --dry-run",
        ],
    },
    VerbInfo {
        verb: Verb::WitnessRegister,
        group: "witness",
        word: "register",
        summary: "enter this server into the cluster as a witness",
        about: "Makes this server, a primary of its own that is no copy of the cluster, a voter in failovers: copies \
                the cluster's node records into its database and enters it on the cluster's primary, which the \
                connection options name. With --force a witness is registered anew and its copy is renewed.",
        exits: &[DB, QUERY],
        examples: &["repmgr -f /etc/repmgr.conf witness register -h node1 -U repmgr -d repmgr --dry-run"],
    },
    VerbInfo {
        verb: Verb::WitnessUnregister,
        group: "witness",
        word: "unregister",
        summary: "remove the record of a witness",
        about: "Removes a witness from the cluster's metadata. Its server is left alone. Run on another node with \
                --node-id when the witness is gone, or on its own host with --force and the connection options of \
                the primary.",
        exits: &[DB, QUERY],
        examples: &[
            "repmgr -f /etc/repmgr.conf witness unregister",
            "repmgr -f /etc/repmgr.conf witness unregister --node-id=4",
        ],
    },
    VerbInfo {
        verb: Verb::NodeStatus,
        group: "node",
        word: "status",
        summary: "describe this node and its replication",
        about: "Shows version, size, role, archiving, replication connections and slots, upstream and lag of the \
                server on this host.",
        exits: &[DB, UNHEALTHY],
        examples: &["repmgr -f /etc/repmgr.conf node status --csv"],
    },
    VerbInfo {
        verb: Verb::NodeCheck,
        group: "node",
        word: "check",
        summary: "test the health of this node",
        about: "Without a check named, runs all of them and says what is wrong. With one named, runs that one, and \
                the exit code is that of a monitoring plug-in: 0 OK, 1 warning, 2 critical, 3 unknown.",
        exits: &[
            ("2, 3", "a single check is critical or unknown (1: warning)"),
            DB,
            ("25", "not everything is OK"),
        ],
        examples: &["repmgr -f /etc/repmgr.conf node check --replication-lag --nagios"],
    },
    VerbInfo {
        verb: Verb::NodeRejoin,
        group: "node",
        word: "rejoin",
        summary: "bring a stopped server back as a standby of the primary",
        about: "Makes the server on this host, which must be down, a standby of the current primary: -d names a \
                node that leads to it. A server that has WAL which the primary does not have is refused, with what \
                would be lost; --force-rewind has pg_rewind discard it, after that WAL was kept aside \
                (rejoin_keep_wal_dir). A run that was cut off is finished by running the command again; \
                until then the server does not start, or starts as a standby.",
        exits: &[
            ("4", "the server could not be started"),
            DB,
            QUERY,
            ("24", "this node cannot rejoin, or did not attach in time"),
        ],
        examples: &[
            "repmgr -f /etc/repmgr.conf node rejoin -d postgresql://repmgr@node2/repmgr --dry-run",
            "repmgr node rejoin -d postgresql://repmgr@node2/repmgr --force-rewind",
        ],
    },
    VerbInfo {
        verb: Verb::NodeService,
        group: "node",
        word: "service",
        summary: "start, stop, restart, reload or promote this server",
        about: "Runs the command that the configuration names for an action, or pg_ctl where it names none; or \
                shows these commands.",
        exits: &[("5", "the command failed"), DB],
        examples: &[
            "repmgr -f /etc/repmgr.conf node service --list-actions",
            "repmgr -f /etc/repmgr.conf node service --action=restart --checkpoint",
        ],
    },
    VerbInfo {
        verb: Verb::NodeControl,
        group: "node",
        word: "control",
        summary: "stop this standby's WAL receiver, or let it run again",
        about: "For other commands and for tests. A standby whose WAL receiver is disabled falls behind until it is \
                enabled again. Works by wal_retrieve_retry_interval, which is set by ALTER SYSTEM; needs a \
                superuser (-S) and the right to signal the server's processes.",
        exits: &[DB, QUERY],
        examples: &["repmgr -f /etc/repmgr.conf node control --enable-wal-receiver"],
    },
    VerbInfo {
        verb: Verb::ClusterShow,
        group: "cluster",
        word: "show",
        summary: "list the nodes with their states",
        about: "Connects to every registered node and shows its role and state, then what is wrong. With connection \
                options no configuration file is needed.",
        exits: &[DB, UNHEALTHY],
        examples: &["repmgr -f /etc/repmgr.conf cluster show --compact"],
    },
    VerbInfo {
        verb: Verb::ClusterMatrix,
        group: "cluster",
        word: "matrix",
        summary: "show which node reaches which, as each node sees it",
        about: "Runs \"cluster show\" on every node over ssh and puts the answers side by side.",
        exits: &[DB, NO_SSH, UNHEALTHY],
        examples: &["repmgr -f /etc/repmgr.conf cluster matrix"],
    },
    VerbInfo {
        verb: Verb::ClusterCrosscheck,
        group: "cluster",
        word: "crosscheck",
        summary: "compare the matrix of every node",
        about: "Runs \"cluster matrix\" on every node over ssh and shows the best knowledge of each connection.",
        exits: &[DB, NO_SSH, UNHEALTHY],
        examples: &["repmgr -f /etc/repmgr.conf cluster crosscheck --csv"],
    },
    VerbInfo {
        verb: Verb::ClusterEvent,
        group: "cluster",
        word: "event",
        summary: "list what has happened, newest first",
        about: "Shows the cluster's event log: registrations, clones, failovers and what else the nodes recorded.",
        exits: &[DB, QUERY],
        examples: &["repmgr -f /etc/repmgr.conf cluster event --event=standby_register --limit=5"],
    },
    VerbInfo {
        verb: Verb::ClusterCleanup,
        group: "cluster",
        word: "cleanup",
        summary: "delete old monitoring history",
        about: "Deletes rows of the monitoring history that are older than --keep-history days (all rows without \
                it) and vacuums the table. Works on the primary's database, from any node.",
        exits: &[DB, QUERY],
        examples: &["repmgr -f /etc/repmgr.conf cluster cleanup --keep-history=30"],
    },
    VerbInfo {
        verb: Verb::VipStatus,
        group: "vip",
        word: "status",
        summary: "show the virtual addresses on this host",
        about: "Shows for each address of \"virtual_ip\" whether it is up here, the state of its network card, and \
                what it would be changed and announced by: a command of the configuration, the program's \
                capabilities (CAP_NET_ADMIN, CAP_NET_RAW), a privileged ip or arping, or sudo.",
        exits: &[("25", "an address or its card is not as it should be, or nothing may change it")],
        examples: &["repmgr -f /etc/repmgr.conf vip status --json"],
    },
    VerbInfo {
        verb: Verb::VipBind,
        group: "vip",
        word: "bind",
        summary: "take the virtual addresses up on this host",
        about: "Asks the network whether another host has an address, adds it to its network card, and tells the \
                neighbours. An address that is there already stays and is announced again. The database is not \
                asked: on a host that is not the primary, clients would reach the wrong server.",
        exits: &[("5", "a program or command failed"), ("13", "the system refused the change")],
        examples: &["repmgr -f /etc/repmgr.conf vip bind --dry-run"],
    },
    VerbInfo {
        verb: Verb::VipUnbind,
        group: "vip",
        word: "unbind",
        summary: "take the virtual addresses down on this host",
        about: "Removes each address from its network card, whatever its prefix length is there. One that is not \
                there is no error.",
        exits: &[("5", "a program or command failed"), ("13", "the system refused the change")],
        examples: &["repmgr -f /etc/repmgr.conf vip unbind"],
    },
    VerbInfo {
        verb: Verb::VipAnnounce,
        group: "vip",
        word: "announce",
        summary: "tell the neighbours that the virtual addresses are here",
        about: "Sends gratuitous ARP or unsolicited neighbour advertisements, five times within a second. For \
                addresses that are up on this host.",
        exits: &[("5", "a program or command failed"), ("13", "the system refused to send")],
        examples: &["repmgr -f /etc/repmgr.conf vip announce"],
    },
];

/// What there is to know about `verb`.
#[must_use]
pub fn info(verb: Verb) -> &'static VerbInfo {
    // Every variant has its row (a test holds that); the first row stands in for none.
    VERBS.iter().find(|v| v.verb == verb).unwrap_or(&VERBS[0])
}

/// The command that two words name, aliases and either case included.
#[must_use]
pub fn find(group: &str, word: &str) -> Option<&'static VerbInfo> {
    let group = canonical_group(group);
    let word = word.to_ascii_lowercase();
    let typed = (group.as_str(), word.as_str());
    let real = ALIASES.iter().find(|(alias, _)| *alias == typed).map_or(typed, |(_, real)| *real);
    VERBS.iter().find(|v| (v.group, v.word) == real)
}

/// A first word in lower case, aliases resolved.
#[must_use]
pub fn canonical_group(word: &str) -> String {
    let word = word.to_ascii_lowercase();
    GROUP_ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word, |(_, real)| (*real).to_owned())
}

/// True when the word is a first word of this version (in canonical form).
#[must_use]
pub fn is_group(word: &str) -> bool {
    GROUPS.iter().any(|(g, _)| *g == word)
}

/// True when the words name something of a later version: a command, or a first word that has none yet.
#[must_use]
pub fn is_later(group: &str, word: Option<&str>) -> bool {
    let Some((_, words)) = LATER.iter().find(|(g, _)| *g == group) else { return false };
    match word {
        _ if !is_group(group) => true,
        Some(word) => words.contains(&word.to_ascii_lowercase().as_str()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_words_and_has_one_row() {
        for v in VERBS {
            assert_eq!(find(v.group, v.word).map(|f| f.verb), Some(v.verb), "{}", v.phrase());
            assert_eq!(info(v.verb).phrase(), v.phrase(), "one row a command");
            assert!(is_group(v.group), "{} has a group", v.phrase());
            assert!(!v.examples.is_empty() && !v.about.is_empty(), "{} is described", v.phrase());
        }
    }

    #[test]
    fn aliases_lead_to_commands_and_no_word_is_both_here_and_later() {
        for ((g, w), (rg, rw)) in ALIASES {
            assert_eq!(find(g, w).map(VerbInfo::phrase), Some(format!("{rg} {rw}")), "{g} {w}");
        }
        for (g, words) in LATER {
            for w in *words {
                assert!(find(g, w).is_none(), "{g} {w} is in this version");
            }
        }
    }
}
