//! The picture as text, CSV and JSON. Pure.

use super::picture::{Facts, Replay};
use crate::cli::table;
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::{NodeRecord, Recovery};
use serde_json::{Value, json};
use std::fmt::Write;

/// Where a line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Everywhere,
    CsvOnly,
}

type Line = (&'static str, String, Shown);

/// The lines between the node's name and the bare numbers, in their order.
fn lines(facts: &Facts, waiting: &str) -> Vec<Line> {
    use Shown::{CsvOnly, Everywhere};
    let archiving = &facts.archiving;
    let command = if archiving.is_off() { "(none)" } else { &archiving.command };
    let mut lines = vec![
        ("PostgreSQL version", facts.version.clone(), Everywhere),
        ("Total data size", facts.size.clone(), Everywhere),
        ("Conninfo", shown_conninfo(&facts.record), Everywhere),
    ];
    if let Some(id) = facts.system_identifier {
        let text = id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
        lines.push(("System identifier", text, Everywhere));
    }
    lines.extend([
        ("Role", facts.record.role.word().to_owned(), Everywhere),
        ("WAL archiving", archiving.words(facts.stats.recovery).to_owned(), Everywhere),
        ("Archive command", command.to_owned(), Everywhere),
    ]);
    if let Some(ready) = archiving.ready {
        let shown = if archiving.is_off() { CsvOnly } else { Everywhere };
        lines.push(("WALs pending archiving", format!("{ready}{waiting}"), shown));
    }
    lines.extend([
        ("Replication connections", facts.connections(), Everywhere),
        ("Replication slots", facts.slots(), Everywhere),
    ]);
    lines.extend(replay_lines(facts));
    lines
}

fn replay_lines(facts: &Facts) -> [Line; 4] {
    use Shown::{CsvOnly, Everywhere};
    let none = || "(none)".to_owned();
    match (facts.upstream(), facts.replay) {
        (Some(upstream), Some(Replay { lag, received, replayed, .. })) => [
            ("Upstream node", upstream, Everywhere),
            ("Replication lag", format!("{lag} seconds"), Everywhere),
            ("Last received LSN", received.to_string(), Everywhere),
            ("Last replayed LSN", replayed.to_string(), Everywhere),
        ],
        (None, _) | (_, None) => [
            ("Upstream node", none(), CsvOnly),
            ("Replication lag", "n/a".to_owned(), Everywhere),
            ("Last received LSN", none(), CsvOnly),
            ("Last replayed LSN", none(), CsvOnly),
        ],
    }
}

/// The connection string as it stands in the record, unless it holds a password.
fn shown_conninfo(record: &NodeRecord) -> String {
    let open = ConnInfo::parse(&record.conninfo).is_ok_and(|c| c.to_string() == c.with_secrets());
    if open { record.conninfo.clone() } else { record.shown_conninfo() }
}

/// Lines for people, and a blank one.
#[must_use]
pub fn text(facts: &Facts) -> String {
    let mut out = format!("Node \"{}\":\n", facts.record.node_name);
    for (key, value, shown) in lines(facts, " pending files") {
        if shown == Shown::Everywhere {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "\t{key}: {value}");
        }
    }
    out + "\n"
}

/// Names and values; the last ones bare numbers, followed by the names of slots.
#[must_use]
pub fn csv(facts: &Facts) -> String {
    let record = &facts.record;
    let mut out = table::csv_quoted(["Node name", &record.node_name]);
    out += &table::csv_quoted(["Node ID", &record.node_id.to_string()]);
    for (key, value, _) in lines(facts, "") {
        out += &table::csv_quoted([key, &value]);
    }
    let stats = &facts.stats;
    let missing: Vec<&str> = facts.missing_slots.iter().map(|m| m.slot.as_str()).collect();
    let inactive: Vec<&str> = facts.inactive_slots.iter().map(String::as_str).collect();
    out += &table::csv_number("max_wal_senders", i64::from(stats.max_wal_senders));
    out += &table::csv_number("occupied_wal_senders", stats.wal_senders);
    out += &table::csv_number("max_replication_slots", i64::from(stats.max_slots));
    out += &table::csv_number("active_replication_slots", stats.active_slots);
    out += &counted("inactive_replication_slots", stats.inactive_slots(), &inactive);
    out += &counted("missing_replication_slots", i64::try_from(missing.len()).unwrap_or(0), &missing);
    out
}

fn counted(name: &str, number: i64, names: &[&str]) -> String {
    let line = table::csv_number(name, number);
    let names: String = names.iter().map(|n| format!(",\"{n}\"")).collect();
    format!("{}{names}\n", line.trim_end())
}

/// Everything, for programs.
#[must_use]
pub fn json(facts: &Facts, issues: &[String]) -> Value {
    let (record, stats, archiving) = (&facts.record, &facts.stats, &facts.archiving);
    let replay = facts.replay.map(|r| {
        json!({
            "lag_seconds": r.lag,
            "last_received_lsn": r.received.to_string(),
            "last_replayed_lsn": r.replayed.to_string(),
            "paused": r.paused,
        })
    });
    let children: Vec<Value> = facts
        .children
        .iter()
        .map(|c| json!({ "node_id": c.id.0, "node_name": c.name, "attached": c.attached() }))
        .collect();
    json!({
        "node_id": record.node_id.0,
        "node_name": record.node_name,
        "active": record.active,
        "type": record.role.word(),
        "in_recovery": stats.recovery == Recovery::Standby,
        "postgresql_version": facts.version,
        "data_size": facts.size,
        "conninfo": shown_conninfo(record),
        "system_identifier": facts.system_identifier.flatten().map(|id| id.to_string()),
        "archive_mode": archiving.mode,
        "archive_command": archiving.command,
        "wals_pending_archiving": archiving.ready,
        "max_wal_senders": stats.max_wal_senders,
        "occupied_wal_senders": stats.wal_senders,
        "max_replication_slots": stats.max_slots,
        "active_replication_slots": stats.active_slots,
        "inactive_replication_slots": facts.inactive_slots,
        "missing_replication_slots": facts.missing_slots.iter().map(|m| &m.slot).collect::<Vec<_>>(),
        "upstream_node_id": record.upstream_node_id.map(|id| id.0),
        "upstream_node_name": facts.upstream_name,
        "downstream_nodes": children,
        "replay": replay,
        "issues": issues.iter().map(|i| i.trim_start().trim_start_matches("- ")).collect::<Vec<_>>(),
    })
}
