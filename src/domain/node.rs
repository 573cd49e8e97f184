//! A node of the cluster as `repmgr.nodes` describes it.

use super::conninfo::ConnInfo;
use std::fmt;

/// A node's number: 1 or greater, unique in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub i32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a node is registered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The server that takes writes.
    Primary,
    /// A server in recovery that streams from its upstream.
    Standby,
    /// A voter that holds no copy of the data.
    Witness,
    /// A word in `nodes.type` that this program does not know.
    Unknown,
}

impl Role {
    /// The word in `repmgr.nodes.type`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::Witness => "witness",
            Self::Unknown => "unknown",
        }
    }

    /// The role that a word in `repmgr.nodes.type` names; `master` is repmgr 3's word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "primary" | "master" => Self::Primary,
            "standby" => Self::Standby,
            "witness" => Self::Witness,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Whether a server is in recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// It takes writes.
    Primary,
    /// It is in recovery.
    Standby,
}

/// One row of `repmgr.nodes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// Unique number.
    pub node_id: NodeId,
    /// The node it streams from. `None` for a primary.
    pub upstream_node_id: Option<NodeId>,
    /// False: known, but not taking part (unregistered primary, failed, placeholder).
    pub active: bool,
    /// Unique name; also the standby's application_name.
    pub node_name: String,
    /// What it is registered as.
    pub role: Role,
    /// Free text; nodes of one site share it.
    pub location: String,
    /// Preference in an election; 0: never promoted.
    pub priority: i32,
    /// How every node reaches this one, as it stands in the table (it may hold a password).
    pub conninfo: String,
    /// The role used for replication connections to this node.
    pub repluser: String,
    /// Its slot on the upstream. `None`: it uses none.
    pub slot_name: Option<String>,
    /// The path of its configuration file on its own host, used over ssh.
    pub config_file: String,
    /// hg_repmgr's virtual IP. `None`: none set, or a table without the column.
    pub virtual_ip: Option<String>,
    /// hg_repmgr's network card. `None`: none set, or a table without the column.
    pub network_card: Option<String>,
}

impl NodeRecord {
    /// The conninfo as it may be shown: without a password.
    #[must_use]
    pub fn shown_conninfo(&self) -> String {
        match ConnInfo::parse(&self.conninfo) {
            Ok(parsed) => parsed.to_string(),
            Err(_) => "(not a connection string)".to_owned(),
        }
    }

    /// `"name" (ID: n)`, the form in which messages name a node.
    #[must_use]
    pub fn label(&self) -> String {
        format!("\"{}\" (ID: {})", self.node_name, self.node_id)
    }
}
