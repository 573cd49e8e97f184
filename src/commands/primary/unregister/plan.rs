//! Whether a primary's record may go. Pure.

use crate::cli::choices::Force;
use crate::commands::primary::register::plan::Probe;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The record that is to go.
    pub target: &'a NodeRecord,
    /// Every record that stands.
    pub nodes: &'a [NodeRecord],
    /// What the target's server answered.
    pub probe: &'a Probe,
    /// `--force`
    pub force: Force,
}

/// Decides; `Ok`: the record may go.
///
/// # Errors
/// [`Exit::BadConfig`]: why it must stay.
pub fn plan(facts: &Facts<'_>) -> Result<()> {
    let target = facts.target;
    if target.role == Role::Witness {
        return Err(
            refused(target, "it is a witness").hint("a witness goes with \"repmgr witness unregister\"")
        );
    }
    check_children(facts)?;
    match facts.probe {
        Probe::Unreachable(why) if target.role != Role::Primary => {
            Err(not_a_primary(target, "it is not a primary").detail(why))
        }
        Probe::Answers(Recovery::Standby) if target.role != Role::Primary => {
            Err(not_a_primary(target, &format!("it is a {}", target.role)))
        }
        Probe::Answers(Recovery::Standby) if facts.force == Force::No => {
            Err(refused(target, "it runs as a standby")
                .hint("if it is a standby now: \"repmgr standby register --force\"")
                .hint("if it is to be forgotten: \"repmgr primary unregister --force\""))
        }
        Probe::Answers(Recovery::Primary)
            if facts.force == Force::No && current(facts) == Some(target.node_id) =>
        {
            Err(refused(target, "it is the current primary")
                .detail("its server answers, pg_is_in_recovery() is false")
                .hint("-F/--force removes its record all the same"))
        }
        Probe::Unreachable(_) | Probe::Answers(_) if target.active && facts.force == Force::No => {
            Err(refused(target, "its record is active").hint("-F/--force removes its record all the same"))
        }
        Probe::Unreachable(_) | Probe::Answers(_) => Ok(()),
    }
}

/// The active node that is registered as primary.
fn current(facts: &Facts<'_>) -> Option<NodeId> {
    facts.nodes.iter().find(|n| n.role == Role::Primary && n.active).map(|n| n.node_id)
}

fn refused(target: &NodeRecord, why: &str) -> Error {
    Error::new(Exit::BadConfig, format!("node {} stays registered: {why}", target.label()))
}

fn not_a_primary(target: &NodeRecord, why: &str) -> Error {
    let error = refused(target, why);
    match target.role {
        Role::Standby => error.hint("a standby goes with \"repmgr standby unregister\""),
        Role::Primary | Role::Witness | Role::Unknown => error,
    }
}

fn check_children(facts: &Facts<'_>) -> Result<()> {
    let own = facts.target.node_id;
    let children: Vec<String> = facts
        .nodes
        .iter()
        .filter(|n| n.upstream_node_id == Some(own) && n.node_id != own)
        .map(|n| format!("{} (ID: {})", n.node_name, n.node_id))
        .collect();
    if children.is_empty() {
        return Ok(());
    }
    Err(refused(facts.target, "it is the upstream of other nodes")
        .detail(format!("these nodes name it as their upstream: {}", children.join(", ")))
        .hint("have them follow another node with \"repmgr standby follow\", or unregister them first"))
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
            conninfo: String::new(),
            repluser: "repmgr".to_owned(),
            slot_name: None,
            config_file: String::new(),
            virtual_ip: None,
            network_card: None,
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_primarys_record_goes_only_when_nobody_needs_it() {
        let gone = Probe::Unreachable("refused".to_owned());
        let (primary, standby) = (Probe::Answers(Recovery::Primary), Probe::Answers(Recovery::Standby));
        let old = |active| node(1, Role::Primary, active, None);
        let current = node(2, Role::Primary, true, None);
        let child = node(3, Role::Standby, false, Some(1));
        for (why, target, others, probe, force, want) in [
            ("old, gone, inactive", old(false), vec![current.clone()], &gone, Force::No, None),
            ("old, gone, still active", old(true), vec![], &gone, Force::No, Some("its record is active")),
            ("the same, forced", old(true), vec![], &gone, Force::Yes, None),
            ("others hang on it, even inactive ones", old(false), vec![child.clone()], &gone, Force::No, Some("upstream of other nodes")),
            ("force changes nothing about that", old(false), vec![child.clone()], &gone, Force::Yes, Some("upstream of other nodes")),
            ("the current one", old(true), vec![], &primary, Force::No, Some("current primary")),
            ("the current one, forced", old(true), vec![], &primary, Force::Yes, None),
            ("old and inactive, runs all the same", old(false), vec![current.clone()], &primary, Force::No, None),
            ("came back as a standby", old(false), vec![current.clone()], &standby, Force::No, Some("runs as a standby")),
            ("the same, forced", old(false), vec![current.clone()], &standby, Force::Yes, None),
            ("a standby", node(1, Role::Standby, true, None), vec![], &standby, Force::Yes, Some("is a standby")),
            ("a standby that is gone", node(1, Role::Standby, true, None), vec![], &gone, Force::Yes, Some("not a primary")),
            ("a witness", node(1, Role::Witness, true, None), vec![], &gone, Force::Yes, Some("witness")),
        ] {
            let nodes: Vec<NodeRecord> = [vec![target.clone()], others].concat();
            let got = plan(&Facts { target: &target, nodes: &nodes, probe, force });
            match (got, want) {
                (Ok(()), None) => {}
                (Err(got), Some(want)) => assert!(got.message.contains(want), "{why}: {got}"),
                (got, want) => panic!("{why}: {got:?}, not {want:?}"),
            }
        }
    }
}
