//! Whether this server may be registered as a standby, and what is written then. Pure.

use crate::cli::choices::Force;
use crate::domain::node::{NodeId, NodeRecord, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// What the upstream said about this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// It was not asked: it has no record, or this standby does not run.
    NotAsked,
    /// No session could be had; why.
    Unreachable(String),
    /// A walsender serves this node's name.
    Attached,
    /// None does.
    NotAttached,
}

/// Where the wish for an upstream comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `--upstream-node-id`
    ById(NodeId),
    /// Nothing was said: the primary.
    Primary(NodeId),
}

impl Asked {
    /// The upstream's number.
    #[must_use]
    pub const fn id(self) -> NodeId {
        match self {
            Self::ById(id) | Self::Primary(id) => id,
        }
    }
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The record that is wanted.
    pub record: &'a NodeRecord,
    /// Every record that stands.
    pub nodes: &'a [NodeRecord],
    /// The current primary.
    pub primary: NodeId,
    /// The upstream that is wanted.
    pub asked: Asked,
    /// What it said.
    pub upstream: &'a Upstream,
    /// `--force`
    pub force: Force,
}

/// Something the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// As a NOTICE.
    Notice(String),
    /// As a WARNING.
    Warning(String),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// An inactive record that is made for an upstream which has none. `None`: it has one.
    pub placeholder: Option<NodeRecord>,
    /// What the user should know.
    pub remarks: Vec<Remark>,
}

/// Decides.
///
/// # Errors
/// [`Exit::BadConfig`]: the name or the number is taken, or the upstream will not do.
pub fn plan(facts: &Facts<'_>) -> Result<Plan> {
    let mut remarks = Vec::new();
    check_name(facts)?;
    check_number(facts, &mut remarks)?;
    let id = facts.asked.id();
    if id == facts.record.node_id {
        return Err(Error::new(Exit::BadConfig, format!("node {id} cannot be its own upstream"))
            .hint("name the node that it streams from with --upstream-node-id"));
    }
    let Some(upstream) = facts.nodes.iter().find(|n| n.node_id == id) else {
        return no_upstream(facts, remarks);
    };
    check_upstream(facts, upstream, &mut remarks)?;
    check_attached(facts, upstream, &mut remarks)?;
    Ok(Plan { placeholder: None, remarks })
}

/// A name belongs to one node: standbys attach and are told apart by it.
fn check_name(facts: &Facts<'_>) -> Result<()> {
    let record = facts.record;
    let taken = facts
        .nodes
        .iter()
        .find(|n| n.node_name == record.node_name && n.node_id != record.node_id && n.active);
    let Some(taken) = taken else { return Ok(()) };
    let message = format!("node_name \"{}\" belongs to node {}", record.node_name, taken.node_id);
    Err(Error::new(Exit::BadConfig, message)
        .detail(format!("this node's ID is {}", record.node_id))
        .hint("give each node a node_id and a node_name of its own"))
}

fn check_number(facts: &Facts<'_>, remarks: &mut Vec<Remark>) -> Result<()> {
    let record = facts.record;
    let Some(old) = facts.nodes.iter().find(|n| n.node_id == record.node_id) else { return Ok(()) };
    let placeholder = !old.active && old.conninfo.is_empty();
    let other_name = (old.node_name != record.node_name && !placeholder).then(|| {
        format!(
            "the record of node {} has the name \"{}\", this node's is \"{}\"",
            old.node_id, old.node_name, record.node_name
        )
    });
    if facts.force == Force::No && !placeholder {
        let mut error = Error::new(Exit::BadConfig, format!("node {} has a record already", record.node_id));
        error.detail.extend(other_name);
        return Err(error.hint("-F/--force replaces the record"));
    }
    remarks.extend(other_name.map(Remark::Warning));
    if let (Some(before), Asked::Primary(now)) = (old.upstream_node_id, facts.asked)
        && before != now
    {
        remarks.push(Remark::Warning(format!(
            "the record named node {before} as upstream, it will name the primary, node {now}"
        )));
    }
    Ok(())
}

/// A record for a node that somebody will register soon.
fn no_upstream(facts: &Facts<'_>, mut remarks: Vec<Remark>) -> Result<Plan> {
    let id = facts.asked.id();
    if facts.force == Force::No {
        return Err(Error::new(Exit::BadConfig, format!("upstream node {id} is not registered"))
            .hint("register that node first, or have -F/--force write a placeholder for it"));
    }
    remarks.push(Remark::Notice(format!("upstream node {id} is not registered, it gets a placeholder")));
    let placeholder = NodeRecord {
        node_id: id,
        upstream_node_id: Some(facts.primary),
        active: false,
        node_name: String::new(),
        role: Role::Standby,
        location: "default".to_owned(),
        priority: 100,
        conninfo: String::new(),
        repluser: String::new(),
        slot_name: None,
        config_file: String::new(),
        virtual_ip: None,
        network_card: None,
    };
    Ok(Plan { placeholder: Some(placeholder), remarks })
}

fn check_upstream(facts: &Facts<'_>, upstream: &NodeRecord, remarks: &mut Vec<Remark>) -> Result<()> {
    let id = upstream.node_id;
    if upstream.role == Role::Witness {
        let message = format!("node {} is a witness: nothing can stream from it", upstream.label());
        return Err(Error::new(Exit::BadConfig, message));
    }
    if !upstream.active {
        if facts.force == Force::No {
            return Err(Error::new(Exit::BadConfig, format!("upstream node {id} is inactive"))
                .hint("start and register that node first, or go on all the same with -F/--force"));
        }
        remarks.push(Remark::Notice(format!("upstream node {id} is inactive, going on")));
    }
    if streams_from(facts.nodes, upstream, facts.record.node_id) {
        let text = format!("upstream node {} itself streams from this node", upstream.label());
        if facts.force == Force::No {
            return Err(Error::new(Exit::BadConfig, text)
                .detail("its record, or that of a node above it, names this node as upstream")
                .hint("go on all the same with -F/--force"));
        }
        remarks.push(Remark::Warning(text));
    }
    Ok(())
}

/// Whether `own` stands somewhere above `node`.
fn streams_from(nodes: &[NodeRecord], node: &NodeRecord, own: NodeId) -> bool {
    let mut above = node.upstream_node_id;
    // A ring of records must not hold us: no way is longer than the number of nodes.
    for _ in nodes {
        match above {
            Some(id) if id == own => return true,
            Some(id) => above = nodes.iter().find(|n| n.node_id == id).and_then(|n| n.upstream_node_id),
            None => return false,
        }
    }
    false
}

fn check_attached(facts: &Facts<'_>, upstream: &NodeRecord, remarks: &mut Vec<Remark>) -> Result<()> {
    let id = upstream.node_id;
    if let Asked::Primary(_) = facts.asked
        && *facts.upstream != Upstream::NotAsked
        && !facts.nodes.iter().any(|n| n.node_id == facts.record.node_id)
    {
        remarks.push(Remark::Warning(format!(
            "without --upstream-node-id the upstream is the primary, node {id}"
        )));
    }
    let (text, detail) = match facts.upstream {
        Upstream::NotAsked | Upstream::Attached => return Ok(()),
        Upstream::Unreachable(why) => {
            (format!("cannot connect to upstream node {}", upstream.label()), why.clone())
        }
        Upstream::NotAttached => {
            let text = match facts.asked {
                Asked::ById(_) => {
                    format!("this node does not stream from upstream node {}", upstream.label())
                }
                Asked::Primary(_) => format!("this node does not stream from the primary, node {id}"),
            };
            let name = &facts.record.node_name;
            (text, format!("pg_stat_replication there has no row with application_name \"{name}\""))
        }
    };
    if facts.force == Force::Yes {
        remarks.push(Remark::Warning(format!("{text}, going on: {detail}")));
        return Ok(());
    }
    let error = Error::new(Exit::BadConfig, text).detail(detail);
    Err(match facts.asked {
        Asked::ById(_) => error.hint("go on all the same with -F/--force"),
        Asked::Primary(_) => {
            error.hint("name its upstream with --upstream-node-id, or go on all the same with -F/--force")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::fn_params_excessive_bools, reason = "a row of a table is short")]
    fn node(id: i32, role: Role, active: bool, upstream: Option<i32>) -> NodeRecord {
        NodeRecord {
            node_id: NodeId(id),
            upstream_node_id: upstream.map(NodeId),
            active,
            node_name: format!("n{id}"),
            role,
            location: "default".to_owned(),
            priority: 100,
            conninfo: format!("host=n{id}"),
            repluser: "repmgr".to_owned(),
            slot_name: None,
            config_file: String::new(),
            virtual_ip: None,
            network_card: None,
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_standby_is_registered_below_a_node_that_it_streams_from() {
        use Upstream::{Attached, NotAsked, NotAttached, Unreachable};
        let primary = node(1, Role::Primary, true, None);
        let me = node(2, Role::Standby, true, Some(1));
        let named = |id, name: &str| NodeRecord {
            node_name: name.to_owned(),
            ..node(id, Role::Standby, true, Some(1))
        };
        let placeholder = NodeRecord {
            conninfo: String::new(),
            node_name: String::new(),
            ..node(2, Role::Standby, false, None)
        };
        let (by_default, below_3) = (Asked::Primary(NodeId(1)), Asked::ById(NodeId(3)));
        let lost = Unreachable("refused".to_owned());
        let (no, yes) = (Force::No, Force::Yes);
        for (why, others, asked, upstream, force, want) in [
            ("new, attached", vec![], by_default, Attached, no, Ok((false, 1))),
            ("new, not attached", vec![], by_default, NotAttached, no, Err("does not stream from the primary")),
            ("the same, forced", vec![], by_default, NotAttached, yes, Ok((false, 2))),
            ("down: nobody is asked", vec![], by_default, NotAsked, yes, Ok((false, 0))),
            ("registered", vec![me.clone()], by_default, Attached, no, Err("has a record already")),
            ("registered, forced", vec![me.clone()], by_default, Attached, yes, Ok((false, 0))),
            ("number has another name", vec![named(2, "z")], by_default, Attached, yes, Ok((false, 1))),
            ("number has another name, not forced", vec![named(2, "z")], by_default, Attached, no, Err("has a record already")),
            ("a placeholder waits for us", vec![placeholder], by_default, Attached, no, Ok((false, 0))),
            ("name has another number", vec![named(3, "n2")], by_default, Attached, yes, Err("belongs to node 3")),
            ("forced away from its upstream", vec![node(2, Role::Standby, true, Some(3)), node(3, Role::Standby, true, Some(1))], by_default, Attached, yes, Ok((false, 1))),
            ("no record of the upstream", vec![], below_3, NotAsked, no, Err("upstream node 3 is not registered")),
            ("the same, forced", vec![], below_3, NotAsked, yes, Ok((true, 1))),
            ("below itself", vec![], Asked::ById(NodeId(2)), NotAsked, yes, Err("its own upstream")),
            ("cascaded", vec![node(3, Role::Standby, true, Some(1))], below_3, Attached, no, Ok((false, 0))),
            ("upstream inactive", vec![node(3, Role::Standby, false, Some(1))], below_3, Attached, no, Err("is inactive")),
            ("the same, forced", vec![node(3, Role::Standby, false, Some(1))], below_3, Attached, yes, Ok((false, 1))),
            ("upstream lost", vec![node(3, Role::Standby, true, Some(1))], below_3, lost.clone(), no, Err("cannot connect to upstream")),
            ("upstream lost, forced", vec![node(3, Role::Standby, true, Some(1))], below_3, lost, yes, Ok((false, 1))),
            ("below a witness", vec![node(3, Role::Witness, true, Some(1))], below_3, Attached, yes, Err("witness")),
            ("a ring", vec![me.clone(), node(3, Role::Standby, true, Some(2))], below_3, Attached, yes, Ok((false, 1))),
            ("a ring, not forced", vec![node(3, Role::Standby, true, Some(2))], below_3, Attached, no, Err("itself streams from this node")),
        ] {
            let nodes: Vec<NodeRecord> = [vec![primary.clone()], others].concat();
            let facts = Facts { record: &me, nodes: &nodes, primary: NodeId(1), asked, upstream: &upstream, force };
            match (plan(&facts).map(|p| (p.placeholder.is_some(), p.remarks.len())), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
                (Err(got), Err(want)) => assert!(got.message.contains(want), "{why}: {got}"),
                (got, want) => panic!("{why}: {got:?}, not {want:?}"),
            }
        }
    }
}
