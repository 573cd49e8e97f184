//! From what was seen of each node to what `cluster show` prints. Pure.

use crate::domain::lsn::{Lsn, Timeline};
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::domain::size;
use std::collections::BTreeMap;

/// One registered node and what was seen of it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Its record.
    pub record: NodeRecord,
    /// What it answered.
    pub reach: Reach,
}

/// What a node answered.
#[derive(Clone, Debug)]
pub enum Reach {
    /// It answered questions.
    Up(Live),
    /// A server runs there and turns us away (pg_hba.conf, password, too many connections); why.
    Rejecting(String),
    /// No server answered, or it takes nobody now (it starts, recovers or stops); why. repmgr does not
    /// tell these from one another.
    Down(String),
}

/// What a running node said.
#[derive(Clone, Debug)]
pub struct Live {
    /// Whether it takes writes.
    pub recovery: Recovery,
    /// The timeline it is on.
    pub timeline: Timeline,
    /// WAL written. `None`: in recovery.
    pub current: Option<Lsn>,
    /// WAL replayed. `None`: not in recovery.
    pub replayed: Option<Lsn>,
    /// application_name of each of its walsenders.
    pub attached: Vec<String>,
    /// What its own copy of the metadata says of it.
    pub belief: Belief,
}

/// What a node's own copy of the metadata says of it. It differs from ours after a promotion that not
/// everybody has heard of, or when replication is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// It has no record of itself, or its copy cannot be read.
    Nothing,
    /// It is the primary.
    Primary,
    /// It is no primary and has no upstream.
    NoUpstream,
    /// This is its upstream.
    Upstream(NodeId),
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The node's number.
    pub node_id: NodeId,
    /// Its name.
    pub name: String,
    /// What it is registered as.
    pub role: Role,
    /// repmgr's status words.
    pub status: String,
    /// The upstream's name with repmgr's marks.
    pub upstream: String,
    /// Its location.
    pub location: String,
    /// Its priority.
    pub priority: i32,
    /// `None`: not known, or a witness, which is no copy of the cluster.
    pub timeline: Option<Timeline>,
    /// Its connection string, without a password.
    pub conninfo: String,
    /// Bytes between the primary's WAL and what it has replayed. `None`: does not apply or is not known.
    pub lag: Option<u64>,
    /// WAL replayed. `None`: not in recovery, or not known.
    pub replayed: Option<Lsn>,
    /// `None`: not reachable.
    pub recovery: Option<Recovery>,
}

impl Line {
    /// The lag as it is shown.
    #[must_use]
    pub fn lag_text(&self) -> String {
        self.lag.map_or_else(|| "n/a".to_owned(), size::pretty)
    }

    /// The timeline as it is shown.
    #[must_use]
    pub fn timeline_text(&self) -> String {
        match (self.timeline, self.role) {
            (Some(timeline), _) => timeline.to_string(),
            (None, Role::Witness) => "n/a".to_owned(),
            (None, Role::Primary | Role::Standby | Role::Unknown) => String::new(),
        }
    }

    /// The replayed position as it is shown.
    #[must_use]
    pub fn replayed_text(&self) -> String {
        self.replayed.map_or_else(|| "none".to_owned(), |lsn| lsn.to_string())
    }
}

/// Everything `cluster show` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// One line a node, by number.
    pub lines: Vec<Line>,
    /// What is wrong, in the order of the nodes.
    pub issues: Vec<String>,
    /// Why nodes could not be reached: label and cause.
    pub causes: Vec<(String, String)>,
}

/// Draws the picture.
#[must_use]
pub fn draw(nodes: &[Observed]) -> Picture {
    let by_id: BTreeMap<NodeId, &Observed> = nodes.iter().map(|n| (n.record.node_id, n)).collect();
    let primary_position = [Role::Primary, Role::Standby]
        .into_iter()
        .find_map(|role| nodes.iter().filter(|n| n.record.role == role).find_map(current));
    let mut picture = Picture { lines: Vec::new(), issues: Vec::new(), causes: Vec::new() };
    for node in nodes {
        let status = status(node, &mut picture.issues);
        match &node.reach {
            Reach::Up(_) => {}
            Reach::Rejecting(why) | Reach::Down(why) => {
                picture.causes.push((node.record.label(), why.clone()));
            }
        }
        let upstream = upstream(node, &by_id, &mut picture.issues);
        picture.lines.push(line(node, status, upstream, primary_position));
    }
    picture
}

/// WAL position of the active, writable primary; a standby that was promoted by hand counts where no
/// registered primary does. `None`: this is not it.
fn current(node: &Observed) -> Option<Lsn> {
    match &node.reach {
        Reach::Up(live) if node.record.active || node.record.role == Role::Standby => live.current,
        Reach::Up(_) | Reach::Rejecting(_) | Reach::Down(_) => None,
    }
}

fn line(node: &Observed, status: String, upstream: String, primary: Option<Lsn>) -> Line {
    let record = &node.record;
    let live = match &node.reach {
        Reach::Up(live) => Some(live),
        Reach::Rejecting(_) | Reach::Down(_) => None,
    };
    let replayed = live.filter(|_| record.role != Role::Witness).and_then(|l| l.replayed);
    Line {
        node_id: record.node_id,
        name: record.node_name.clone(),
        role: record.role,
        status,
        upstream,
        location: record.location.clone(),
        priority: record.priority,
        timeline: live.filter(|_| record.role != Role::Witness).map(|l| l.timeline),
        conninfo: record.shown_conninfo(),
        lag: replayed.and_then(|at| primary.map(|p| p.since(at))),
        replayed,
        recovery: live.map(|l| l.recovery),
    }
}

/// repmgr's status words, and the issue that goes with them.
fn status(node: &Observed, issues: &mut Vec<String>) -> String {
    let record = &node.record;
    let label = record.label();
    let role = record.role.word();
    let words = match &node.reach {
        Reach::Up(live) => return running(record, live.recovery, issues).to_owned(),
        Reach::Rejecting(_) => {
            issues.push(format!("cannot connect to node {label}"));
            match (record.role, record.active) {
                (Role::Witness, true) => "? rejected",
                (Role::Witness, false) => "! failed",
                (_, true) => "? running",
                (_, false) => "! running",
            }
        }
        Reach::Down(_) => {
            issues.push(format!("cannot connect to node {label}"));
            if record.active && record.role != Role::Witness {
                issues.push(format!("node {label} is unreachable; its record says active {role}"));
            }
            if record.active { "? unreachable" } else { "- failed" }
        }
    };
    words.to_owned()
}

/// Status words of a node that answers.
fn running(record: &NodeRecord, recovery: Recovery, issues: &mut Vec<String>) -> &'static str {
    let label = record.label();
    if !record.active {
        issues.push(format!("node {label} is running; its record says inactive"));
    }
    let other = |issues: &mut Vec<String>, really: &str| {
        issues.push(format!("node {label} runs as {really}; its record says {}", record.role));
    };
    match (record.role, recovery) {
        (Role::Primary | Role::Witness, Recovery::Primary) if record.active => "* running",
        (Role::Primary | Role::Witness, Recovery::Primary) => "! running",
        (Role::Primary | Role::Witness, Recovery::Standby) => {
            other(issues, "standby");
            "! running as standby"
        }
        (Role::Standby, Recovery::Standby) if record.active => "  running",
        (Role::Standby, Recovery::Standby) => "! running",
        (Role::Standby, Recovery::Primary) => {
            other(issues, "primary");
            "! running as primary"
        }
        (Role::Unknown, _) => {
            issues.push(format!("node {label} has a record of unknown type"));
            "! unknown"
        }
    }
}

/// The upstream's name with repmgr's marks: `?` cannot be told, `!` not as registered.
fn upstream(node: &Observed, by_id: &BTreeMap<NodeId, &Observed>, issues: &mut Vec<String>) -> String {
    let record = &node.record;
    let registered = record.upstream_node_id.and_then(|id| by_id.get(&id).copied());
    let name = registered.map(|u| u.record.node_name.as_str()).unwrap_or_default();
    let live = match &node.reach {
        Reach::Up(live) => live,
        Reach::Rejecting(_) | Reach::Down(_) => return format!("? {name}").trim_end().to_owned(),
    };
    let Some(registered) = registered else { return String::new() };
    if record.role == Role::Primary {
        return name.to_owned();
    }
    let label = record.label();
    match live.belief {
        Belief::Nothing => return format!("? {name}"),
        Belief::Primary => return String::new(),
        Belief::NoUpstream => {
            issues.push(format!("node {label} has no upstream; its record says \"{name}\""));
            return "!".to_owned();
        }
        Belief::Upstream(id) if id != registered.record.node_id => {
            let reported = by_id.get(&id).map(|node| node.record.node_name.as_str()).unwrap_or_default();
            issues.push(format!("node {label} has upstream \"{reported}\"; its record says \"{name}\""));
            return format!("! {reported}");
        }
        Belief::Upstream(_) => {}
    }
    attached(record, registered, issues)
}

/// Whether the upstream has a walsender for this standby; a witness needs an upstream that answers, no more.
fn attached(record: &NodeRecord, upstream: &Observed, issues: &mut Vec<String>) -> String {
    let (label, name, of) = (record.label(), &upstream.record.node_name, upstream.record.label());
    match &upstream.reach {
        Reach::Up(_) if record.role == Role::Witness => name.clone(),
        Reach::Up(live) if live.attached.contains(&record.node_name) => name.clone(),
        Reach::Up(_) => {
            issues.push(format!("node {label} does not stream from its upstream {of}"));
            format!("! {name}")
        }
        Reach::Rejecting(_) | Reach::Down(_) => {
            issues.push(format!("cannot connect to node {of}, the upstream of node {label}"));
            if record.role != Role::Witness {
                issues.push(format!("cannot tell whether node {label} streams from node {of}"));
            }
            format!("? {name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: i32, role: Role, upstream: Option<i32>) -> NodeRecord {
        NodeRecord {
            node_id: NodeId(id),
            upstream_node_id: upstream.map(NodeId),
            active: true,
            node_name: format!("h{id}"),
            role,
            location: "default".into(),
            priority: 100,
            conninfo: format!("host=h{id} password=secret"),
            repluser: "repmgr".into(),
            slot_name: None,
            config_file: String::new(),
            virtual_ip: None,
            network_card: None,
        }
    }

    fn primary(attached: &[&str]) -> Reach {
        Reach::Up(Live {
            recovery: Recovery::Primary,
            timeline: Timeline(1),
            current: Some(Lsn(5000)),
            replayed: None,
            attached: attached.iter().map(ToString::to_string).collect(),
            belief: Belief::Upstream(NodeId(1)),
        })
    }

    fn standby(believed: i32) -> Reach {
        Reach::Up(Live {
            recovery: Recovery::Standby,
            timeline: Timeline(1),
            current: None,
            replayed: Some(Lsn(4000)),
            attached: vec![],
            belief: Belief::Upstream(NodeId(believed)),
        })
    }

    fn down() -> Reach {
        Reach::Down("Connection refused".into())
    }

    fn draw_pair(first: (bool, Reach), second: (Role, bool, Reach)) -> Picture {
        let mut one = node(1, Role::Primary, None);
        one.active = first.0;
        let mut two = node(2, second.0, Some(1));
        two.active = second.1;
        draw(&[Observed { record: one, reach: first.1 }, Observed { record: two, reach: second.2 }])
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn status_words_are_repmgrs() {
        use Role::{Standby, Unknown, Witness};
        let up = || primary(&["h2"]);
        for (why, first, second, want, upstream) in [
            ("healthy", (true, up()), (Standby, true, standby(1)), ["* running", "  running"], "h1"),
            (
                "not attached",
                (true, primary(&[])),
                (Standby, true, standby(1)),
                ["* running", "  running"],
                "! h1",
            ),
            (
                "primary lost",
                (true, down()),
                (Standby, true, standby(1)),
                ["? unreachable", "  running"],
                "? h1",
            ),
            (
                "primary failed",
                (false, down()),
                (Standby, true, standby(1)),
                ["- failed", "  running"],
                "? h1",
            ),
            (
                "old primary back",
                (false, up()),
                (Standby, true, standby(1)),
                ["! running", "  running"],
                "h1",
            ),
            (
                "primary in recovery",
                (true, standby(1)),
                (Standby, true, down()),
                ["! running as standby", "? unreachable"],
                "? h1",
            ),
            (
                "standby promoted",
                (true, primary(&[])),
                (Standby, true, primary(&[])),
                ["* running", "! running as primary"],
                "! h1",
            ),
            (
                "standby inactive",
                (true, up()),
                (Standby, false, standby(1)),
                ["* running", "! running"],
                "h1",
            ),
            ("standby failed", (true, up()), (Standby, false, down()), ["* running", "- failed"], "? h1"),
            (
                "standby turns us away",
                (true, up()),
                (Standby, true, Reach::Rejecting("no pg_hba.conf entry".into())),
                ["* running", "? running"],
                "? h1",
            ),
            ("witness", (true, up()), (Witness, true, primary(&[])), ["* running", "* running"], "h1"),
            (
                "witness turns us away",
                (true, up()),
                (Witness, true, Reach::Rejecting(String::new())),
                ["* running", "? rejected"],
                "? h1",
            ),
            ("witness failed", (true, up()), (Witness, false, down()), ["* running", "- failed"], "? h1"),
            ("foreign type", (true, up()), (Unknown, true, standby(1)), ["* running", "! unknown"], "h1"),
        ] {
            let picture = draw_pair(first, second);
            let status: Vec<&str> = picture.lines.iter().map(|l| l.status.as_str()).collect();
            assert_eq!(status, want, "{why}");
            assert_eq!(picture.lines[1].upstream, upstream, "{why}");
            assert_eq!(
                picture.issues.is_empty(),
                ["healthy", "witness"].contains(&why),
                "{why}: {:?}",
                picture.issues
            );
        }
    }

    #[test]
    fn a_standby_that_follows_another_is_told() {
        let nodes = [(1, Role::Primary, None), (2, Role::Standby, Some(1)), (3, Role::Standby, Some(1))];
        let reach = [primary(&["h2"]), standby(1), standby(2)];
        let seen: Vec<Observed> = nodes
            .into_iter()
            .zip(reach)
            .map(|((id, role, up), reach)| Observed { record: node(id, role, up), reach })
            .collect();
        let picture = draw(&seen);
        assert_eq!(picture.lines[2].upstream, "! h2");
        assert_eq!(picture.issues.len(), 1, "{:?}", picture.issues);
    }

    #[test]
    fn what_a_node_believes_decides_its_upstream() {
        for (why, belief, want, issues) in [
            ("as registered", Belief::Upstream(NodeId(1)), "h1", 0),
            ("another", Belief::Upstream(NodeId(2)), "! h2", 1),
            ("one that we do not know", Belief::Upstream(NodeId(9)), "! ", 1),
            ("none", Belief::NoUpstream, "!", 1),
            ("it has heard of its promotion, we have not", Belief::Primary, "", 0),
            ("it does not know itself", Belief::Nothing, "? h1", 0),
        ] {
            let mut two = standby(1);
            if let Reach::Up(live) = &mut two {
                live.belief = belief;
            }
            let picture = draw_pair((true, primary(&["h2"])), (Role::Standby, true, two));
            assert_eq!(picture.lines[1].upstream, want, "{why}");
            assert_eq!(picture.issues.len(), issues, "{why}: {:?}", picture.issues);
        }
    }

    #[test]
    fn the_lag_is_measured_from_the_registered_primary_not_from_one_beside_it() {
        let mut rogue = primary(&[]);
        if let Reach::Up(live) = &mut rogue {
            live.current = Some(Lsn(9000));
        }
        let nodes = [
            (node(1, Role::Standby, Some(2)), rogue),
            (node(2, Role::Primary, None), primary(&["h3"])),
            (node(3, Role::Standby, Some(2)), standby(2)),
        ];
        let seen: Vec<Observed> =
            nodes.into_iter().map(|(record, reach)| Observed { record, reach }).collect();
        assert_eq!(draw(&seen).lines[2].lag, Some(1000));
        assert_eq!(draw(&[seen[0].clone(), seen[2].clone()]).lines[1].lag, Some(5000), "the only one there");
    }

    #[test]
    fn the_lag_is_what_the_standby_has_not_replayed() {
        let picture = draw_pair((true, primary(&["h2"])), (Role::Standby, true, standby(1)));
        assert_eq!(picture.lines[1].lag_text(), "1000 bytes");
        assert_eq!(picture.lines[0].lag_text(), "n/a");
        assert_eq!(picture.lines[0].replayed_text(), "none");
    }

    #[test]
    fn no_password_is_shown() {
        let picture = draw_pair((true, primary(&["h2"])), (Role::Standby, true, standby(1)));
        assert!(!format!("{:?}", picture.lines).contains("secret"));
    }
}
