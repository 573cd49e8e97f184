//! What `node status` saw, and what is wrong about it. Pure.

use crate::commands::node::shared::{Child, MissingSlot, Stats};
use crate::domain::lsn::Lsn;
use crate::domain::node::{NodeRecord, Recovery, Role};

/// How WAL is archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archiving {
    /// `archive_mode`: `off`, `on`, `always`.
    pub mode: String,
    /// `archive_command` as the server shows it.
    pub command: String,
    /// WAL files that wait. `None`: the directory cannot be read.
    pub ready: Option<u32>,
}

impl Archiving {
    /// True when the mode is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.mode == "off"
    }

    /// The words of `WAL archiving`.
    #[must_use]
    pub fn words(&self, recovery: Recovery) -> &'static str {
        match (self.mode.as_str(), recovery) {
            ("off", _) => "off",
            ("on", Recovery::Standby) => {
                "disabled (on standbys \"archive_mode\" must be set to \"always\" to be effective)"
            }
            (_, Recovery::Primary | Recovery::Standby) => "enabled",
        }
    }
}

/// Where a standby's replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Seconds behind, never negative.
    pub lag: i64,
    /// Received; 0/0: never.
    pub received: Lsn,
    /// Replayed; 0/0: nothing.
    pub replayed: Lsn,
    /// Whether replay is paused.
    pub paused: bool,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The node's record.
    pub record: NodeRecord,
    /// The upstream's name. `None`: none, or its record is gone.
    pub upstream_name: Option<String>,
    /// `15.18`.
    pub version: String,
    /// Size of all databases as PostgreSQL prints it, or `unknown`.
    pub size: String,
    /// From the control file, with `-v`. `None`: not asked for. `Some(None)`: it cannot be read.
    pub system_identifier: Option<Option<u64>>,
    /// Numbers about replication.
    pub stats: Stats,
    /// Names of physical slots without a receiver.
    pub inactive_slots: Vec<String>,
    /// Slots that records name and the server does not have; none are looked for when it may have none.
    pub missing_slots: Vec<MissingSlot>,
    /// How WAL is archived.
    pub archiving: Archiving,
    /// The nodes below.
    pub children: Vec<Child>,
    /// Where replay stands. `None`: not registered as a standby.
    pub replay: Option<Replay>,
}

impl Facts {
    /// `name (ID: n)` of the upstream. `None`: not registered as a standby.
    #[must_use]
    pub fn upstream(&self) -> Option<String> {
        let name = self.upstream_name.as_deref().unwrap_or_default();
        let id = self.record.upstream_node_id.map_or(-1, |id| id.0);
        (self.record.role == Role::Standby).then(|| format!("{name} (ID: {id})"))
    }

    /// `2 (of maximal 10)`.
    #[must_use]
    pub fn connections(&self) -> String {
        format!("{} (of maximal {})", self.stats.wal_senders, self.stats.max_wal_senders)
    }

    /// `0 physical (of maximal 10; 0 missing)`, and how many are inactive.
    #[must_use]
    pub fn slots(&self) -> String {
        let Stats { slots, max_slots, .. } = self.stats;
        if max_slots == 0 {
            return "disabled".to_owned();
        }
        let inactive = match self.stats.inactive_slots() {
            0 => String::new(),
            count => format!("; {count} inactive"),
        };
        format!("{slots} physical (of maximal {max_slots}; {} missing){inactive}", self.missing_slots.len())
    }

    /// What is wrong, a line each; a line that belongs to the one before begins with blanks.
    #[must_use]
    pub fn issues(&self) -> Vec<String> {
        let mut issues = Vec::new();
        if self.system_identifier == Some(None) {
            issues.push("- pg_control could not be read: no system identifier".to_owned());
        }
        let running = match self.stats.recovery {
            Recovery::Primary => Role::Primary,
            Recovery::Standby => Role::Standby,
        };
        if matches!(self.record.role, Role::Primary | Role::Standby) && self.record.role != running {
            issues.push(format!("- runs as {running}; its record says {}", self.record.role));
        }
        if self.archiving.ready.is_none() {
            issues.push("- folder archive_status could not be read".to_owned());
        }
        let gone: Vec<&Child> = self.children.iter().filter(|c| !c.attached()).collect();
        if !gone.is_empty() {
            let all = self.children.len();
            issues.push(format!("- {} of {all} downstream nodes do not stream from here:", gone.len()));
            issues.extend(gone.iter().map(|child| format!("  - {}", child.listed())));
        }
        if !self.missing_slots.is_empty() {
            let count = self.missing_slots.len();
            issues.push(format!("- no replication slot is there for {count} node(s):"));
            issues.extend(
                self.missing_slots
                    .iter()
                    .map(|m| format!("  - {} (ID: {}, slot name: \"{}\")", m.node, m.id, m.slot)),
            );
        }
        let inactive = self.stats.inactive_slots();
        if self.stats.max_slots > 0 && inactive > 0 {
            issues.push(format!("- {inactive} physical replication slot(s) not in use:"));
            issues.extend(self.inactive_slots.iter().map(|name| format!("  - {name}")));
        }
        issues
    }
}
