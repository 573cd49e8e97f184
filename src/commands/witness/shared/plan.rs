//! Whether this server may be registered as a witness, and whether a record may go. Pure.

use crate::cli::choices::Force;
use crate::domain::node::{NodeId, NodeRecord, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// What a registration rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The record that is wanted.
    pub record: &'a NodeRecord,
    /// Every record of the cluster.
    pub nodes: &'a [NodeRecord],
    /// Every record that the witness's own database holds.
    pub copy: &'a [NodeRecord],
    /// `--force`
    pub force: Force,
}

/// Decides; `Ok`: it may be written, with what the user should know, a WARNING each.
///
/// # Errors
/// [`Exit::BadConfig`]: the name or the number is taken, or the database serves something else.
pub fn register(facts: &Facts<'_>) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    check_name(facts)?;
    check_number(facts, &mut warnings)?;
    check_copy(facts, &mut warnings)?;
    Ok(warnings)
}

/// Records are told apart by name by people and by scripts.
fn check_name(facts: &Facts<'_>) -> Result<()> {
    let record = facts.record;
    let mut others = facts.nodes.iter().filter(|n| n.node_id != record.node_id && n.active);
    let Some(taken) = others.find(|n| n.node_name == record.node_name) else { return Ok(()) };
    let message = format!("node {} has the name \"{}\" already", taken.node_id, record.node_name);
    Err(Error::new(Exit::BadConfig, message)
        .detail(format!("this node's ID is {}", record.node_id))
        .hint("give each node a node_id and a node_name of its own"))
}

fn check_number(facts: &Facts<'_>, warnings: &mut Vec<String>) -> Result<()> {
    let record = facts.record;
    let Some(old) = facts.nodes.iter().find(|n| n.node_id == record.node_id) else { return Ok(()) };
    if old.role != Role::Witness {
        let message = format!("the record of node {} says {}", old.label(), old.role);
        return Err(Error::new(Exit::BadConfig, message)
            .hint("give the witness a node_id of its own, or unregister that node first"));
    }
    if facts.force == Force::No {
        return Err(Error::new(Exit::BadConfig, format!("witness {} is registered already", old.label()))
            .hint("-F/--force writes the record anew"));
    }
    if old.node_name != record.node_name {
        warnings.push(format!(
            "the record of node {} has the name \"{}\", this node's is \"{}\"",
            old.node_id, old.node_name, record.node_name
        ));
    }
    Ok(())
}

fn check_copy(facts: &Facts<'_>, warnings: &mut Vec<String>) -> Result<()> {
    let record = facts.record;
    let own_primary = facts.copy.iter().find(|n| {
        let here = n.node_id == record.node_id || n.conninfo == record.conninfo;
        n.role == Role::Primary && n.active && here
    });
    if let Some(primary) = own_primary {
        return Err(Error::new(Exit::BadConfig, "this database holds the metadata of a cluster of its own")
            .detail(format!("this server is registered there as the primary, {}", primary.label()))
            .hint("give the witness a database of its own: \"dbname\" in \"conninfo\""));
    }
    if facts.copy.is_empty() || facts.force == Force::Yes {
        return Ok(());
    }
    // What a registration leaves that was cut off between the copy and the record on the primary.
    let cut_off = |n: &NodeRecord| {
        n.node_id == record.node_id && n.role == Role::Witness && n.node_name == record.node_name
    };
    if facts.copy.iter().any(cut_off) {
        warnings.push("an earlier registration did not come to its end, finishing it".to_owned());
        return Ok(());
    }
    Err(Error::new(Exit::BadConfig, "the witness's database already contains node records")
        .detail(format!("found: {}", facts.copy.iter().map(NodeRecord::label).collect::<Vec<_>>().join(", ")))
        .hint("use option -F/--force to replace them"))
}

/// The record of a witness that may go.
///
/// # Errors
/// [`Exit::BadConfig`]: no such node, not a witness, or others hang on it.
pub fn unregister(target: NodeId, nodes: &[NodeRecord]) -> Result<&NodeRecord> {
    let record = nodes.iter().find(|n| n.node_id == target).ok_or_else(|| {
        Error::new(Exit::BadConfig, format!("node {target} is not registered"))
            .hint("\"repmgr cluster show\" lists the registered nodes")
    })?;
    if record.role != Role::Witness {
        let error = Error::new(Exit::BadConfig, format!("node {target} is no witness")).detail(format!(
            "node {} is registered as {}",
            record.label(),
            record.role
        ));
        return Err(match record.role {
            Role::Primary => error.hint("see \"repmgr primary unregister\""),
            Role::Standby => error.hint("see \"repmgr standby unregister\""),
            Role::Witness | Role::Unknown => error,
        });
    }
    let children: Vec<String> =
        nodes.iter().filter(|n| n.upstream_node_id == Some(target)).map(NodeRecord::label).collect();
    if children.is_empty() {
        return Ok(record);
    }
    Err(Error::new(
        Exit::BadConfig,
        format!("unable to unregister node {target}: it is the upstream of other nodes"),
    )
    .detail(format!("these nodes name it as their upstream: {}", children.join(", ")))
    .hint("have them follow another node with \"repmgr standby follow\", or unregister them first"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: i32, role: Role, upstream: Option<i32>) -> NodeRecord {
        NodeRecord {
            node_id: NodeId(id),
            upstream_node_id: upstream.map(NodeId),
            active: true,
            node_name: format!("n{id}"),
            role,
            location: "default".to_owned(),
            priority: 0,
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
    fn a_witness_takes_nobodys_number_name_or_database() {
        let me = node(4, Role::Witness, Some(1));
        let cluster = vec![node(1, Role::Primary, None), node(2, Role::Standby, Some(1))];
        let with_me = [cluster.clone(), vec![me.clone()]].concat();
        let named = |id, name: &str| NodeRecord { node_name: name.to_owned(), ..node(id, Role::Witness, Some(1)) };
        let at = |id, conninfo: &str| NodeRecord { conninfo: conninfo.to_owned(), ..node(id, Role::Primary, None) };
        let (no, yes) = (Force::No, Force::Yes);
        for (why, nodes, copy, force, want) in [
            ("new, a fresh database", cluster.clone(), vec![], no, Ok(0)),
            ("registered", with_me.clone(), with_me.clone(), no, Err("registered already")),
            ("registered, forced", with_me.clone(), with_me.clone(), yes, Ok(0)),
            ("registered under another name, forced", vec![named(4, "z")], vec![], yes, Ok(1)),
            ("the name is taken", vec![named(3, "n4")], vec![], yes, Err("has the name")),
            ("the number is a standby's", vec![node(4, Role::Standby, Some(1))], vec![], yes, Err("says standby")),
            ("the number is the primary's", vec![node(4, Role::Primary, None)], vec![], yes, Err("says primary")),
            ("records of before", cluster.clone(), cluster.clone(), no, Err("already contains node records")),
            ("the same, forced", cluster.clone(), cluster.clone(), yes, Ok(0)),
            ("cut off", cluster.clone(), with_me, no, Ok(1)),
            ("another cluster's primary, by number", cluster.clone(), vec![node(4, Role::Primary, None)], yes, Err("a cluster of its own")),
            ("another cluster's primary, by address", cluster, vec![at(1, "host=n4")], yes, Err("a cluster of its own")),
        ] {
            let got = register(&Facts { record: &me, nodes: &nodes, copy: &copy, force });
            match (got.map(|warnings| warnings.len()), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
                (Err(got), Err(want)) => assert!(got.message.contains(want), "{why}: {got}"),
                (got, want) => panic!("{why}: {got:?}, not {want:?}"),
            }
        }
    }

    #[test]
    fn only_a_witness_goes() {
        let nodes = [
            node(1, Role::Primary, None),
            node(2, Role::Standby, Some(4)),
            node(3, Role::Witness, Some(1)),
            node(4, Role::Witness, Some(1)),
        ];
        for (why, id, want) in [
            ("a witness", 3, None),
            ("the primary", 1, Some("primary unregister")),
            ("a standby", 2, Some("standby unregister")),
            ("others hang on it", 4, Some("\"n2\" (ID: 2)")),
            ("nobody", 9, Some("node 9 is not registered")),
        ] {
            match (unregister(NodeId(id), &nodes), want) {
                (Ok(got), None) => assert_eq!(got.node_id, NodeId(id), "{why}"),
                (Err(got), Some(want)) => assert!(
                    got.to_string().contains(want) || got.hint.join(" ").contains(want),
                    "{why}: {got}"
                ),
                (got, want) => panic!("{why}: {got:?}, not {want:?}"),
            }
        }
    }
}
