//! Whether this server may be registered as the primary, and what is written then. Pure.

use crate::cli::choices::Force;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use std::collections::BTreeMap;

/// What another registered primary answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It runs.
    Answers(Recovery),
    /// No session could be had; why.
    Unreachable(String),
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The record that is wanted.
    pub record: &'a NodeRecord,
    /// Every record that stands.
    pub nodes: &'a [NodeRecord],
    /// What the other nodes registered as primary answered.
    pub probes: &'a BTreeMap<NodeId, Probe>,
    /// `--force`
    pub force: Force,
}

/// Whether the record is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// No record has this number.
    Create,
    /// One has, and `--force` allows to write over it.
    Replace,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Primaries whose records become inactive, and what was seen of them.
    pub retire: Vec<(NodeRecord, Probe)>,
    /// How the record is written.
    pub change: Change,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Decides.
///
/// # Errors
/// [`Exit::BadConfig`]: another primary runs, the name or the number is taken.
pub fn plan(facts: &Facts<'_>) -> Result<Plan> {
    let record = facts.record;
    let mut warnings = Vec::new();
    let mut retire = Vec::new();
    let other_primaries =
        facts.nodes.iter().filter(|n| n.role == Role::Primary && n.node_id != record.node_id);
    for other in other_primaries {
        match facts.probes.get(&other.node_id) {
            None => return Err(changed_meanwhile(other)),
            Some(Probe::Answers(Recovery::Primary)) if other.active => return Err(two_primaries(other)),
            Some(Probe::Answers(Recovery::Primary)) => {
                warnings.push(format!("node {} runs as a primary; its record says inactive", other.label()));
            }
            Some(seen) if other.active => {
                warnings.push(match seen {
                    Probe::Answers(_) => {
                        format!("node {} runs as a standby; its record says primary", other.label())
                    }
                    Probe::Unreachable(why) => {
                        format!("node {}, registered as primary, cannot be reached: {why}", other.label())
                    }
                });
                retire.push((other.clone(), seen.clone()));
            }
            Some(_) => {}
        }
    }
    check_name(facts)?;
    let change = change(facts, &mut warnings)?;
    Ok(Plan { retire, change, warnings })
}

fn changed_meanwhile(other: &NodeRecord) -> Error {
    Error::new(Exit::BadConfig, "another node was registered as primary at the same time")
        .detail(format!("node {}", other.label()))
        .hint("see \"repmgr cluster show\", then run the command again")
}

fn two_primaries(other: &NodeRecord) -> Error {
    let message = format!("this cluster has a running primary: node {}", other.label());
    Error::new(Exit::BadConfig, message)
        .detail("its server answers, pg_is_in_recovery() is false")
        .detail("a cluster can have one primary only")
        .hint("make sure that only one of them runs, and register that one")
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

fn change(facts: &Facts<'_>, warnings: &mut Vec<String>) -> Result<Change> {
    let record = facts.record;
    let Some(old) = facts.nodes.iter().find(|n| n.node_id == record.node_id) else {
        return Ok(Change::Create);
    };
    let other_name = (old.node_name != record.node_name)
        .then(|| format!("the record of node {} has the name \"{}\"", old.node_id, old.node_name));
    match (facts.force, other_name) {
        (Force::Yes, Some(text)) => warnings.push(format!("{text}, it becomes \"{}\"", record.node_name)),
        (Force::Yes, None) => {}
        (Force::No, other_name) => {
            let mut error =
                Error::new(Exit::BadConfig, format!("node {} has a record already", record.node_id));
            error
                .detail
                .extend(other_name.map(|text| format!("{text}, this node's is \"{}\"", record.node_name)));
            return Err(error.hint("-F/--force replaces the record"));
        }
    }
    Ok(Change::Replace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::fn_params_excessive_bools, reason = "a row of a table is short")]
    fn node(id: i32, name: &str, role: Role, active: bool) -> NodeRecord {
        NodeRecord {
            node_id: NodeId(id),
            upstream_node_id: None,
            active,
            node_name: name.to_owned(),
            role,
            location: "default".to_owned(),
            priority: 100,
            conninfo: format!("host={name}"),
            repluser: "repmgr".to_owned(),
            slot_name: None,
            config_file: String::new(),
            virtual_ip: None,
            network_card: None,
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_primary_is_registered_only_where_no_other_one_runs() {
        let me = node(1, "a", Role::Primary, true);
        let answers = |r| BTreeMap::from([(NodeId(2), Probe::Answers(r))]);
        let silent = BTreeMap::from([(NodeId(2), Probe::Unreachable("no route".to_owned()))]);
        let other = |active| vec![node(2, "b", Role::Primary, active)];
        let standby = |name: &str, active| vec![node(2, name, Role::Standby, active)];
        let nobody = BTreeMap::new();
        for (why, nodes, probes, force, want) in [
            ("first node", vec![], nobody.clone(), Force::No, Ok((0, Change::Create, 0))),
            ("again", vec![me.clone()], nobody.clone(), Force::No, Err("has a record already")),
            ("again, forced", vec![me.clone()], nobody.clone(), Force::Yes, Ok((0, Change::Replace, 0))),
            ("taken by another name", vec![node(1, "z", Role::Standby, true)], nobody.clone(), Force::No, Err("already")),
            ("renamed by force", vec![node(1, "z", Role::Standby, true)], nobody.clone(), Force::Yes, Ok((0, Change::Replace, 1))),
            ("name of another", standby("a", true), nobody.clone(), Force::Yes, Err("belongs to node 2")),
            ("name of one that is gone", standby("a", false), nobody.clone(), Force::No, Ok((0, Change::Create, 0))),
            ("another primary runs", other(true), answers(Recovery::Primary), Force::Yes, Err("has a running primary")),
            ("another primary is a standby now", other(true), answers(Recovery::Standby), Force::No, Ok((1, Change::Create, 1))),
            ("another primary is gone", other(true), silent, Force::No, Ok((1, Change::Create, 1))),
            ("an inactive one runs", other(false), answers(Recovery::Primary), Force::No, Ok((0, Change::Create, 1))),
            ("one came in meanwhile", other(true), nobody.clone(), Force::Yes, Err("at the same time")),
        ] {
            let facts = Facts { record: &me, nodes: &nodes, probes: &probes, force };
            let got = plan(&facts).map(|p| (p.retire.len(), p.change, p.warnings.len()));
            match (got, want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
                (Err(got), Err(want)) => {
                    assert!(got.message.contains(want), "{why}: {got}");
                    assert_eq!(got.exit, Exit::BadConfig, "{why}");
                }
                (got, want) => panic!("{why}: {got:?}, not {want:?}"),
            }
        }
    }
}
