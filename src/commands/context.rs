//! What every command starts from: what was typed, the configuration, and the way to the servers.

use crate::cli::args::General;
use crate::cli::choices::{Force, Mode as Effort};
use crate::config::{Loaded, Mode, Settings};
use crate::domain::conninfo::{ConnInfo, looks_like_conninfo};
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::{Failure, PgError, Session, connect_patience};
use crate::sys::clock::Deadline;
use crate::sys::parallel::in_parallel;
use std::path::PathBuf;
use std::time::Duration;

/// The longest that connecting may take where the conninfo asks to wait for ever (`connect_timeout=0`).
const LONGEST_CONNECT: Duration = Duration::from_secs(60);

/// What a command starts from.
#[derive(Clone, Debug)]
pub struct Context {
    /// What any command can be told.
    pub general: General,
    /// The configuration. `None`: there is no file, and the command works without one.
    pub loaded: Option<Loaded>,
    /// The path under which this program was called.
    pub program: PathBuf,
    /// Which original decides where they differ.
    pub mode: Mode,
}

impl Context {
    /// The settings of the configuration file.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: there is no file.
    pub fn settings(&self) -> Result<&Settings> {
        self.loaded.as_ref().map(|loaded| &loaded.settings).ok_or_else(|| {
            Error::new(Exit::BadConfig, "this command needs a configuration file")
                .hint("name one with -f/--config-file; -v shows where it was looked for")
        })
    }

    /// This node's number.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: there is no configuration file.
    pub fn node_id(&self) -> Result<NodeId> {
        Ok(NodeId(self.settings()?.node_id))
    }

    /// How this node is named in messages.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: there is no configuration file.
    pub fn label(&self) -> Result<String> {
        let settings = self.settings()?;
        Ok(format!("\"{}\" (ID: {})", settings.node_name, settings.node_id))
    }

    /// The connection string of this node.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: there is no configuration file, or its conninfo cannot be read.
    pub fn own_conninfo(&self) -> Result<ConnInfo> {
        parse(&self.settings()?.conninfo)
    }

    /// The server that `-d`, `-h`, `-p`, `-U` name. `None`: none of them was given. Without `-p`: PGPORT, then
    /// the port of this node's conninfo, then libpq's default.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: `-d` is a connection string that cannot be read.
    pub fn given(&self) -> Result<Option<ConnInfo>> {
        let general = &self.general;
        if !general.names_a_server() {
            return Ok(None);
        }
        let mut conninfo = match &general.dbname {
            Some(text) if looks_like_conninfo(text) => parse(text)?,
            Some(name) => {
                let mut conninfo = ConnInfo::default();
                conninfo.set("dbname", name);
                conninfo
            }
            None => ConnInfo::default(),
        };
        for (key, value) in [("host", &general.host), ("port", &general.port), ("user", &general.username)] {
            if let Some(value) = value {
                conninfo.set(key, value);
            }
        }
        if conninfo.get("port").is_none()
            && std::env::var_os("PGPORT").is_none()
            && let Some(port) = self.own_port()
        {
            conninfo.set("port", port);
        }
        Ok(Some(conninfo))
    }

    fn own_port(&self) -> Option<String> {
        let own = self.own_conninfo().ok()?;
        own.get("port").map(str::to_owned)
    }

    /// A session on this node.
    ///
    /// # Errors
    /// [`Exit::DbConn`], or [`Exit::BadConfig`] without a usable configuration.
    pub fn local(&self) -> Result<Session> {
        let what = format!("local node {}", self.label()?);
        self.connect(&self.own_conninfo()?, &what)
    }

    /// A session on a server; `what` names it in the error (`local node "a" (ID: 1)`).
    ///
    /// # Errors
    /// [`Exit::DbConn`].
    pub fn connect(&self, conninfo: &ConnInfo, what: &str) -> Result<Session> {
        Session::connect(conninfo, connect_deadline(conninfo)).map_err(|e| {
            e.into_error(Exit::DbConn, format!("cannot connect to {what}"))
                .detail(format!("connection string: {conninfo}"))
        })
    }

    /// The same server as `conninfo`, as the superuser of `-S` where that was given.
    #[must_use]
    pub fn superuser(&self, conninfo: &ConnInfo) -> ConnInfo {
        let mut conninfo = conninfo.clone();
        if let Some(user) = &self.general.superuser {
            conninfo.set("user", user);
            conninfo.remove("password");
        }
        conninfo
    }

    /// The active primary, found among the records that `s` shows; all of them are asked at once.
    ///
    /// # Errors
    /// [`Exit::DbConn`]: no registered node is a running primary.
    pub fn primary(&self, s: &mut Session) -> Result<(Session, NodeRecord)> {
        let nodes = metadata::all_nodes(s)
            .map_err(|e| e.into_error(Exit::DbQuery, "unable to read the node records"))?;
        find_primary(nodes)
    }

    /// Whether the command changes anything.
    #[must_use]
    pub const fn effort(&self) -> Effort {
        self.general.mode()
    }

    /// `-F` was given.
    #[must_use]
    pub fn forced(&self) -> bool {
        self.general.force() == Force::Yes
    }
}

/// Asks every node at once and takes the one that is not in recovery; of several, one that is registered
/// as the active primary before others, then the lowest number.
fn find_primary(nodes: Vec<NodeRecord>) -> Result<(Session, NodeRecord)> {
    let rank = |n: &NodeRecord| match (n.role, n.active) {
        (Role::Primary, true) => 0,
        (Role::Standby, true) => 1,
        (Role::Primary | Role::Standby | Role::Unknown, _) => 2,
        (Role::Witness, _) => 3,
    };
    let candidates: Vec<NodeRecord> = nodes.into_iter().filter(|n| n.role != Role::Witness).collect();
    let asked = in_parallel(candidates, |record: NodeRecord| {
        let outcome = connect_node(&record).and_then(|mut s| server::recovery(&mut s).map(|r| (s, r)));
        (record, outcome)
    });
    let mut seen = Vec::new();
    let mut primaries = Vec::new();
    for (record, outcome) in asked {
        match outcome {
            Ok((session, Recovery::Primary)) => primaries.push((session, record)),
            Ok((_, Recovery::Standby)) => seen.push(format!("node {} is in recovery", record.label())),
            Err(e) => seen.push(format!("node {}: {e}", record.label())),
        }
    }
    primaries.sort_by_key(|(_, record)| (rank(record), record.node_id));
    primaries.into_iter().next().ok_or_else(|| {
        let mut error = Error::new(Exit::DbConn, "no registered node is a running primary");
        error.detail = seen;
        error.hint("see \"repmgr cluster show\"")
    })
}

/// A session on a registered node, by the connection string of its record.
///
/// # Errors
/// [`PgError`].
pub fn connect_node(record: &NodeRecord) -> Result<Session, PgError> {
    if record.conninfo.trim().is_empty() {
        // libpq would take its defaults: some server of this host.
        return Err(PgError::new(Failure::BadConnInfo, "the record holds no connection string"));
    }
    let conninfo = ConnInfo::parse(&record.conninfo)
        .map_err(|why| PgError::new(Failure::BadConnInfo, why.to_string()))?;
    Session::connect(&conninfo, connect_deadline(&conninfo))
}

/// When connecting by this string has taken long enough.
#[must_use]
pub fn connect_deadline(conninfo: &ConnInfo) -> Deadline {
    Deadline::after(connect_patience(conninfo, LONGEST_CONNECT))
}

fn parse(text: &str) -> Result<ConnInfo> {
    ConnInfo::parse(text).map_err(|why| Error::new(Exit::BadConfig, why.to_string()))
}
