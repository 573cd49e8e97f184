//! Who reaches whom: the grid of `cluster matrix` and `cluster crosscheck`. Pure.

use crate::cli::table::{self, Colour, Table};
use crate::domain::node::NodeId;
use serde_json::json;
use std::collections::BTreeMap;

/// Whether one node reaches another. The order is what `cluster crosscheck` prefers: a success seen by
/// anybody beats a failure, a failure beats not knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// `?`, −2: nobody could tell.
    Unknown,
    /// `x`, −1: it does not.
    Failed,
    /// `*`, 0: it does.
    Ok,
}

impl Link {
    const fn mark(self) -> &'static str {
        match self {
            Self::Unknown => "?",
            Self::Failed => "x",
            Self::Ok => "*",
        }
    }

    const fn code(self) -> i32 {
        match self {
            Self::Unknown => -2,
            Self::Failed => -1,
            Self::Ok => 0,
        }
    }

    /// The link of a number in CSV. `None`: no such number.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::Ok),
            -1 => Some(Self::Failed),
            -2 => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// The nodes and what is known of each pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    nodes: Vec<(NodeId, String)>,
    links: BTreeMap<(NodeId, NodeId), Link>,
}

impl Grid {
    /// A grid in which nothing is known.
    #[must_use]
    pub const fn new(nodes: Vec<(NodeId, String)>) -> Self {
        Self { nodes, links: BTreeMap::new() }
    }

    /// What is known of `from` reaching `to`.
    #[must_use]
    pub fn link(&self, from: NodeId, to: NodeId) -> Link {
        self.links.get(&(from, to)).copied().unwrap_or(Link::Unknown)
    }

    /// Adds what somebody saw; the better of two answers stays. Pairs of nodes that are not in the grid
    /// (registered since) are passed over.
    pub fn see(&mut self, from: NodeId, to: NodeId, link: Link) {
        let known = |id: NodeId| self.nodes.iter().any(|(n, _)| *n == id);
        if known(from) && known(to) {
            let entry = self.links.entry((from, to)).or_insert(link);
            *entry = (*entry).max(link);
        }
    }

    /// True when every node reaches every node.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let ids = || self.nodes.iter().map(|(id, _)| *id);
        ids().all(|from| ids().all(|to| self.link(from, to) == Link::Ok))
    }

    /// True when some node is known not to reach another.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.links.values().any(|link| *link == Link::Failed)
    }

    fn pairs(&self) -> impl Iterator<Item = (NodeId, NodeId, Link)> + '_ {
        self.nodes
            .iter()
            .flat_map(|(from, _)| self.nodes.iter().map(|(to, _)| (*from, *to, self.link(*from, *to))))
    }

    /// `from,to,code`, a line a pair.
    #[must_use]
    pub fn csv(&self) -> String {
        let line = |(from, to, link): (NodeId, NodeId, Link)| {
            table::csv([from.to_string(), to.to_string(), link.code().to_string()])
        };
        self.pairs().map(line).collect()
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let word = |link| match link {
            Link::Unknown => "unknown",
            Link::Failed => "failed",
            Link::Ok => "ok",
        };
        let pairs: Vec<serde_json::Value> = self
            .pairs()
            .map(|(from, to, link)| json!({ "from": from.0, "to": to.0, "link": word(link) }))
            .collect();
        json!({ "links": pairs, "whole": self.is_whole() })
    }

    /// repmgr's table: a line a node, a column a node it should reach.
    #[must_use]
    pub fn text(&self) -> String {
        let ids = self.nodes.iter().map(|(id, _)| id.to_string());
        let mut table = Table::new(["Name".to_owned(), "ID".to_owned()].into_iter().chain(ids));
        for (from, name) in &self.nodes {
            let marks = self.nodes.iter().map(|(to, _)| self.link(*from, *to).mark().to_owned());
            table.row([name.clone(), from.to_string()].into_iter().chain(marks));
        }
        table.text_padded(Colour::Off)
    }
}

/// Reads `id,availability,…` lines of another node's `cluster show --csv`: what it reaches.
#[must_use]
pub fn parse_show(csv: &str) -> Vec<(NodeId, Link)> {
    csv.lines()
        .filter_map(|line| {
            let [id, available, ..] = numbers(line)?[..] else { return None };
            Some((NodeId(id), if available == 0 { Link::Ok } else { Link::Failed }))
        })
        .collect()
}

/// Reads `from,to,code` lines of another node's `cluster matrix --csv`.
#[must_use]
pub fn parse_matrix(csv: &str) -> Vec<(NodeId, NodeId, Link)> {
    csv.lines()
        .filter_map(|line| {
            let [from, to, code] = numbers(line)?[..] else { return None };
            Some((NodeId(from), NodeId(to), Link::from_code(code)?))
        })
        .collect()
}

fn numbers(line: &str) -> Option<Vec<i32>> {
    line.trim().split(',').map(|field| field.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Grid {
        Grid::new(vec![(NodeId(1), "h1".into()), (NodeId(2), "h2".into())])
    }

    #[test]
    fn the_best_answer_stays() {
        let mut grid = pair();
        for (why, seen, want) in [
            ("nothing known", None, Link::Unknown),
            ("a failure", Some(Link::Failed), Link::Failed),
            ("a success seen by another", Some(Link::Ok), Link::Ok),
            ("a later failure does not undo it", Some(Link::Failed), Link::Ok),
        ] {
            if let Some(link) = seen {
                grid.see(NodeId(1), NodeId(2), link);
            }
            assert_eq!(grid.link(NodeId(1), NodeId(2)), want, "{why}");
        }
        assert!(!grid.is_whole(), "three pairs are still unknown");
        grid.see(NodeId(1), NodeId(9), Link::Ok);
        assert_eq!(grid.csv().lines().count(), 4, "a node that is not in the grid adds nothing");
    }

    #[test]
    fn what_the_other_end_prints_is_read() {
        assert_eq!(
            parse_show("1,0,0\n2,-1,-1\nWARNING: x\n"),
            [(NodeId(1), Link::Ok), (NodeId(2), Link::Failed)]
        );
        assert_eq!(
            parse_matrix("1,2,-1\n2,1,-2\n1,1\n1,2,7\n"),
            [(NodeId(1), NodeId(2), Link::Failed), (NodeId(2), NodeId(1), Link::Unknown)]
        );
    }

    #[test]
    fn a_grid_reads_back_from_its_own_csv() {
        let mut grid = pair();
        grid.see(NodeId(1), NodeId(2), Link::Ok);
        grid.see(NodeId(2), NodeId(1), Link::Failed);
        let mut again = pair();
        for (from, to, link) in parse_matrix(&grid.csv()) {
            again.see(from, to, link);
        }
        assert_eq!(grid.csv(), again.csv());
    }
}
