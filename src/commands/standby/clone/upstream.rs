//! What the standby will stream from, and what the other nodes say: records, names, one system identifier.

use super::gather::Source;
use super::wish::{UpstreamWish, Wish};
use crate::commands::context::connect_node;
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::{NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::report::{self, Level};
use crate::sys::parallel::in_parallel;

/// What the other nodes are.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// All records; empty without metadata.
    pub records: Vec<NodeRecord>,
    /// The record of the node that answered and is not in recovery. `None`: none did.
    pub primary: Option<NodeRecord>,
}

/// What the standby will stream from.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// How it is reached.
    pub conninfo: ConnInfo,
    /// Who makes replication connections to it.
    pub replication_user: Option<String>,
    /// Its record. `None`: it has none, or was named by a connection string.
    pub record: Option<NodeRecord>,
}

impl Upstream {
    /// How messages name it.
    #[must_use]
    pub fn label(&self) -> String {
        self.record
            .as_ref()
            .map_or_else(|| format!("the server at \"{}\"", self.conninfo), |r| format!("node {}", r.label()))
    }
}

/// Reads the records and asks every node who it is, all at once.
///
/// # Errors
/// [`Exit::BadConfig`]: no usable metadata (without `-F`), this node's name belongs to another, or the nodes
/// are not one cluster; [`Exit::DbQuery`].
pub fn survey(wish: &Wish, source: &Source, session: &mut Session) -> Result<Cluster> {
    let records = match metadata::require(session) {
        Ok(_) => metadata::all_nodes(session)
            .map_err(|e| e.into_error(Exit::DbQuery, "unable to read the node records"))?,
        Err(error) if error.exit == Exit::BadConfig && wish.forced() => {
            report::setback(&error);
            Vec::new()
        }
        Err(error) if error.exit == Exit::BadConfig => {
            return Err(error.hint(
                "if the source is to be cloned all the same, use -F/--force; it is then the upstream too",
            ));
        }
        Err(error) => return Err(error),
    };
    name_is_free(wish, &records)?;
    let asked = in_parallel(
        records
            .iter()
            .filter(|r| r.role != Role::Witness && Some(r.node_id) != wish.node_id)
            .cloned()
            .collect(),
        |record| {
            let answer = ask(&record);
            (record, answer)
        },
    );
    let primary = judge(wish.met, source, asked)?;
    Ok(Cluster { records, primary })
}

/// A node's system identifier and role.
type Answer = Result<(u64, Recovery), PgError>;

fn ask(record: &NodeRecord) -> Answer {
    let mut session = connect_node(record)?;
    Ok((server::system_identifier(&mut session)?, server::recovery(&mut session)?))
}

fn name_is_free(wish: &Wish, records: &[NodeRecord]) -> Result<()> {
    let (Some(name), Some(id)) = (&wish.node_name, wish.node_id) else { return Ok(()) };
    match records.iter().find(|r| r.node_name == *name && r.node_id != id) {
        Some(other) => Err(Error::new(
            Exit::BadConfig,
            format!("another node (ID: {}) has the name \"{name}\" already", other.node_id),
        )
        .detail(format!("this node's \"node_id\" is {id}"))
        .hint("give this node another \"node_name\", or correct its \"node_id\"")),
        None => {
            if let Some(own) = records.iter().find(|r| r.node_id == id && r.node_name != *name) {
                report::warning(format!(
                    "node_id {id} is registered under another name: \"{}\"",
                    own.node_name
                ))
                .detail(format!("this node's \"node_name\" is \"{name}\""))
                .hint("check that \"node_id\" is not that of a node which is in use");
            }
            Ok(())
        }
    }
}

/// One cluster has one number; a node that does not answer cannot be judged.
fn judge(met: Level, source: &Source, asked: Vec<(NodeRecord, Answer)>) -> Result<Option<NodeRecord>> {
    let mut strangers = Vec::new();
    let mut primary = None;
    for (record, answer) in asked {
        match answer {
            Ok((system, _)) if system != source.system => {
                strangers.push(format!("node {}: {system}", record.label()));
            }
            Ok((_, Recovery::Primary)) => primary = primary.or(Some(record)),
            Ok((_, Recovery::Standby)) => {}
            Err(why) => {
                report::info(format!("node {} does not answer and is not compared", record.label()))
                    .detail(why.to_string());
            }
        }
    }
    if strangers.is_empty() {
        report::say(met, format!("all nodes that answer have system identifier {}", source.system));
        return Ok(primary);
    }
    let mut error = Error::new(Exit::BadConfig, "the registered nodes are not copies of one cluster")
        .detail(format!("system identifier of the source node: {}", source.system));
    error.detail.extend(strangers);
    Err(error.hint("check that -h, -p and -d name the right server, and the \"conninfo\" of each record"))
}

/// Decides what the standby will stream from.
///
/// # Errors
/// [`Exit::BadConfig`]: there is no record of it.
pub fn choose(wish: &Wish, cluster: &Cluster) -> Result<Upstream> {
    let of_record = |record: &NodeRecord| -> Result<Upstream> {
        let conninfo = ConnInfo::parse(&record.conninfo).map_err(|why| {
            Error::new(Exit::BadConfig, format!("the record of node {} cannot be used", record.label()))
                .detail(format!("its \"conninfo\": {why}"))
                .hint("correct conninfo on that node and register it anew with --force")
        })?;
        let user = Some(record.repluser.clone()).filter(|u| !u.is_empty());
        Ok(Upstream { conninfo, replication_user: user, record: Some(record.clone()) })
    };
    let as_given = |conninfo: &ConnInfo| Upstream {
        conninfo: conninfo.clone(),
        replication_user: conninfo.get("user").map(str::to_owned),
        record: None,
    };
    match &wish.upstream {
        UpstreamWish::Conninfo(conninfo) => {
            let mut conninfo = conninfo.clone();
            if let Some(user) = wish.source.get("user") {
                conninfo.set_default("user", user);
            }
            Ok(as_given(&conninfo))
        }
        UpstreamWish::Node(id) => match cluster.records.iter().find(|r| r.node_id == *id) {
            Some(record) if record.role == Role::Witness => {
                Err(Error::new(Exit::BadConfig, format!("node {} cannot be an upstream", record.label()))
                    .detail("it is a witness and holds no copy of the data"))
            }
            Some(record) => of_record(record),
            None => Err(Error::new(Exit::BadConfig, format!("upstream node {id} is not registered"))
                .detail(known(&cluster.records))
                .hint("check --upstream-node-id; --upstream-conninfo names a server that is not registered")),
        },
        UpstreamWish::Primary => {
            let registered = cluster
                .records
                .iter()
                .find(|r| r.role == Role::Primary && r.active && Some(r.node_id) != wish.node_id);
            match cluster.primary.as_ref().or(registered) {
                Some(record) => of_record(record),
                None if wish.forced() => {
                    report::warning("no primary is registered; the source node will be the upstream");
                    Ok(as_given(&wish.source))
                }
                None => Err(Error::new(Exit::BadConfig, "no primary is registered in this cluster")
                    .detail(known(&cluster.records))
                    .hint("register it with \"repmgr primary register\", or use --upstream-node-id, or -F/--force to follow the source node")),
            }
        }
    }
}

fn known(records: &[NodeRecord]) -> String {
    let labels: Vec<String> = records.iter().map(NodeRecord::label).collect();
    if labels.is_empty() {
        "no node is registered".to_owned()
    } else {
        format!("registered: {}", labels.join(", "))
    }
}
