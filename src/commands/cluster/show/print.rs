//! The picture as a table, as CSV and as JSON. Pure.

use super::status::{Line, Picture};
use crate::cli::args::ClusterShow;
use crate::cli::table::{self, Cell, Colour, Paint, Table};
use crate::config::Mode;
use crate::domain::node::Recovery;
use serde_json::json;

/// Which columns are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// repmgr's nine columns, then lag and position.
    Full,
    /// The same without the connection string, with short headings.
    Compact,
    /// hg_repmgr's nine columns.
    Hg,
}

impl Shape {
    /// The shape that the options and the compatibility ask for.
    #[must_use]
    pub const fn of(args: &ClusterShow, mode: Mode) -> Self {
        match (mode, args.compact) {
            (Mode::Repmgr, true) => Self::Compact,
            (Mode::Repmgr, false) => Self::Full,
            (Mode::Hg, _) => Self::Hg,
        }
    }
}

/// The table.
#[must_use]
pub fn text(picture: &Picture, shape: Shape) -> String {
    let lag = ["Replication lag", "Last replayed LSN"];
    let headings: Vec<&str> = ["ID", "Name", "Role", "Status", "Upstream", "Location"]
        .into_iter()
        .chain(match shape {
            Shape::Full => vec!["Priority", "Timeline", "Connection string"],
            Shape::Compact => vec!["Prio.", "TLI"],
            Shape::Hg => vec!["Priority"],
        })
        .chain(lag)
        .collect();
    let mut table = Table::new(headings);
    for line in &picture.lines {
        table.row(cells(line, shape));
    }
    match shape {
        Shape::Compact => table.text_padded(Colour::of_stdout()),
        Shape::Full | Shape::Hg => table.text(Colour::of_stdout()),
    }
}

fn cells(line: &Line, shape: Shape) -> Vec<Cell> {
    let paint = match line.status.trim_start().chars().next() {
        Some('!' | '-') => Some(Paint::Bad),
        Some('?') => Some(Paint::Doubtful),
        Some(_) | None => None,
    };
    let status = match paint {
        Some(paint) => Cell::painted(line.status.clone(), paint),
        None => Cell::from(line.status.clone()),
    };
    let timeline = line.timeline_text();
    let mut cells = vec![
        Cell::from(line.node_id.to_string()),
        Cell::from(line.name.clone()),
        Cell::from(line.role.word().to_owned()),
        status,
        Cell::from(line.upstream.clone()),
        Cell::from(line.location.clone()),
        Cell::from(line.priority.to_string()),
    ];
    match shape {
        Shape::Full => cells.extend([Cell::from(timeline), Cell::from(line.conninfo.clone())]),
        Shape::Compact => cells.push(Cell::from(timeline)),
        Shape::Hg => {}
    }
    cells.extend([Cell::from(line.lag_text()), Cell::from(line.replayed_text())]);
    cells
}

/// `id,availability,recovery`: availability 0 or -1; recovery 0, 1 or -1.
#[must_use]
pub fn csv(picture: &Picture) -> String {
    let line = |line: &Line| {
        let (available, recovery) = match line.recovery {
            Some(Recovery::Primary) => ("0", "0"),
            Some(Recovery::Standby) => ("0", "1"),
            None => ("-1", "-1"),
        };
        table::csv([line.node_id.to_string().as_str(), available, recovery])
    };
    picture.lines.iter().map(line).collect()
}

/// Everything, for programs.
#[must_use]
pub fn json(picture: &Picture) -> serde_json::Value {
    let nodes: Vec<serde_json::Value> = picture
        .lines
        .iter()
        .map(|line| {
            json!({
                "node_id": line.node_id.0,
                "node_name": line.name,
                "type": line.role.word(),
                "status": line.status.trim_start_matches(['*', ' ']),
                "status_shown": line.status,
                "upstream": line.upstream,
                "location": line.location,
                "priority": line.priority,
                "timeline": line.timeline.map(|t| t.0),
                "conninfo": line.conninfo,
                "replication_lag_bytes": line.lag,
                "last_replayed_lsn": line.replayed.map(|lsn| lsn.to_string()),
                "in_recovery": line.recovery.map(|r| r == Recovery::Standby),
            })
        })
        .collect();
    json!({ "nodes": nodes, "issues": picture.issues })
}
