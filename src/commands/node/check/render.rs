//! Findings as text, CSV, Nagios lines, options and JSON. Pure.

use super::evaluate::{Finding, Status};
use crate::cli::choices::Check;
use crate::cli::table;
use crate::domain::node::NodeRecord;
use serde_json::{Value, json};
use std::fmt::Write;

/// A check's line in the whole list.
const fn item(check: Check) -> &'static str {
    match check {
        Check::Role => "Server role",
        Check::ReplicationLag => "Replication lag",
        Check::ArchiveReady => "WAL archiving",
        Check::Upstream => "Upstream connection",
        Check::Downstream => "Downstream servers",
        Check::Slots => "Replication slots",
        Check::MissingSlots => "Missing physical replication slots",
        Check::DataDirectoryConfig => "Configured data directory",
        Check::Repmgrd => "repmgrd",
        Check::ReplicationConfigOwner => "Owner of the replication configuration",
        Check::DbConnection => "Database connection",
        Check::HasPassfile => "Password file",
        Check::ReplicationConnection => "Replication connection",
    }
}

/// How Nagios knows a check. `None`: it is not for Nagios.
#[must_use]
pub const fn service(check: Check) -> Option<&'static str> {
    match check {
        Check::Role => Some("REPMGR_SERVER_ROLE"),
        Check::ReplicationLag => Some("REPMGR_REPLICATION_LAG"),
        Check::ArchiveReady => Some("REPMGR_ARCHIVE_READY"),
        Check::Upstream => Some("REPMGR_UPSTREAM_SERVER"),
        Check::Downstream => Some("REPMGR_DOWNSTREAM_SERVERS"),
        Check::Slots => Some("REPMGR_INACTIVE_SLOTS"),
        Check::MissingSlots => Some("REPMGR_MISSING_SLOTS"),
        Check::DataDirectoryConfig => Some("REPMGR_DATA_DIRECTORY"),
        Check::Repmgrd => Some("REPMGRD"),
        Check::ReplicationConfigOwner
        | Check::DbConnection
        | Check::HasPassfile
        | Check::ReplicationConnection => None,
    }
}

/// The name of a check in JSON: its option.
fn option(check: Check) -> &'static str {
    Check::ALL.iter().find(|(_, c)| *c == check).map_or("", |(name, _)| name)
}

/// The line of a single check.
#[must_use]
pub fn single_text(finding: &Finding) -> String {
    format!("{} ({})\n", finding.status.word(), finding.text)
}

/// The line that Nagios reads.
#[must_use]
pub fn nagios(finding: &Finding) -> String {
    let text = finding.nagios.as_deref().unwrap_or(&finding.text);
    let perfdata = finding.perfdata.as_ref().map(|p| format!(" | {p}")).unwrap_or_default();
    let service = service(finding.check).unwrap_or_default();
    format!("{service} {}: {text}{perfdata}\n", finding.status.word())
}

/// The line that programs of other nodes read; nothing for a check that none of them asks for.
#[must_use]
pub fn optformat(finding: &Finding) -> String {
    finding.optformat.as_ref().map(|line| format!("{line}\n")).unwrap_or_default()
}

/// The whole list for people.
#[must_use]
pub fn list(record: &NodeRecord, findings: &[Finding]) -> String {
    let mut out = format!("Node \"{}\":\n", record.node_name);
    for f in findings {
        let text = if f.text.is_empty() { String::new() } else { format!(" ({})", f.text) };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\t{}: {}{text}", item(f.check), f.status.word());
    }
    out
}

/// The whole list as repmgr's CSV has it: without upstream, and without words for lag and archiving.
#[must_use]
pub fn csv(record: &NodeRecord, findings: &[Finding]) -> String {
    let mut out = table::csv_quoted(["Node name", &record.node_name]);
    out += &table::csv_quoted(["Node ID", &record.node_id.to_string()]);
    for f in findings {
        let (name, status) = (item(f.check), f.status.word());
        match f.check {
            Check::Upstream => {}
            Check::ReplicationLag | Check::ArchiveReady => out += &table::csv_quoted([name, status]),
            Check::Role
            | Check::Downstream
            | Check::Slots
            | Check::MissingSlots
            | Check::Repmgrd
            | Check::DataDirectoryConfig
            | Check::ReplicationConfigOwner
            | Check::DbConnection
            | Check::HasPassfile
            | Check::ReplicationConnection => out += &table::csv_quoted([name, status, &f.text]),
        }
    }
    out
}

/// What `--optformat` writes without a single check.
#[must_use]
pub fn optformat_list(record: &NodeRecord, findings: &[Finding]) -> String {
    findings.iter().map(optformat).chain([format!("Node \"{}\":\n", record.node_name)]).collect()
}

/// One finding for programs.
#[must_use]
pub fn json(finding: &Finding) -> Value {
    let mut value = json!({
        "check": option(finding.check),
        "status": finding.status.word(),
        "details": finding.text,
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut value, &finding.data) {
        all.extend(more.clone());
    }
    value
}

/// Everything for programs; what is in `beside` does not decide whether all is well.
#[must_use]
pub fn json_list(record: &NodeRecord, findings: &[Finding], beside: &[Finding]) -> Value {
    json!({
        "node_id": record.node_id.0,
        "node_name": record.node_name,
        "type": record.role.word(),
        "active": record.active,
        "ok": all_ok(findings),
        "checks": findings.iter().map(json).collect::<Vec<_>>(),
        "beside": beside.iter().map(json).collect::<Vec<_>>(),
    })
}

/// True when nothing is wrong.
#[must_use]
pub fn all_ok(findings: &[Finding]) -> bool {
    findings.iter().all(|f| f.status == Status::Ok)
}
