//! From what was seen to what is said of it, a function a check. Pure.
//!
//! The words are an interface: scripts and the programs of other nodes read them.

use crate::cli::choices::Check;
use crate::commands::node::shared::Child;
use crate::domain::node::{Recovery, Role};
use crate::exit::Exit;
use serde_json::{Value, json};
use std::time::Duration;

/// How good it is; the numbers of Nagios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Deserves a look.
    Warning,
    /// Broken.
    Critical,
    /// It could not be told.
    Unknown,
}

impl Status {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// What a single check ends with: 0, 1, 2, 3.
    #[must_use]
    pub const fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::Success,
            Self::Warning => Exit::CheckWarning,
            Self::Critical => Exit::CheckCritical,
            Self::Unknown => Exit::CheckUnknown,
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How good it is.
    pub status: Status,
    /// For people: what stands in parentheses.
    pub text: String,
    /// What Nagios gets instead of it. `None`: the same.
    pub nagios: Option<String>,
    /// What Nagios gets behind the bar. `None`: nothing.
    pub perfdata: Option<String>,
    /// The line of `--optformat`. `None`: this check has none.
    pub optformat: Option<String>,
    /// More for programs that read JSON.
    pub data: Value,
}

impl Finding {
    fn new(check: Check, status: Status, text: impl Into<String>) -> Self {
        Self {
            check,
            status,
            text: text.into(),
            nagios: None,
            perfdata: None,
            optformat: None,
            data: json!({}),
        }
    }

    fn nagios(self, text: impl Into<String>) -> Self {
        Self { nagios: Some(text.into()), ..self }
    }

    fn perfdata(self, text: impl Into<String>) -> Self {
        Self { perfdata: Some(text.into()), ..self }
    }

    fn optformat(self, line: impl Into<String>) -> Self {
        Self { optformat: Some(line.into()), ..self }
    }

    fn data(self, data: Value) -> Self {
        Self { data, ..self }
    }
}

/// Does the server run as what it is registered as?
#[must_use]
pub fn role(registered: Role, running: Recovery) -> Finding {
    let (status, text) = match (registered, running) {
        (Role::Primary, Recovery::Primary) => (Status::Ok, "node is primary"),
        (Role::Primary, Recovery::Standby) => {
            (Status::Critical, "node is registered as primary but running as standby")
        }
        (Role::Standby, Recovery::Standby) => (Status::Ok, "node is standby"),
        (Role::Standby, Recovery::Primary) => {
            (Status::Critical, "node is registered as standby but running as primary")
        }
        (Role::Witness, Recovery::Primary) => (Status::Ok, "node is witness"),
        (Role::Witness, Recovery::Standby) => {
            (Status::Critical, "node is registered as witness but running as standby")
        }
        (Role::Unknown, _) => (Status::Unknown, "node is registered with a type that is not known"),
    };
    let in_recovery = running == Recovery::Standby;
    Finding::new(Check::Role, status, text)
        .data(json!({ "type": registered.word(), "in_recovery": in_recovery }))
}

/// How far replay is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// Not in recovery.
    NotApplicable,
    /// Seconds, never negative.
    Seconds(i64),
    /// The server did not say.
    Unknown,
}

/// Is replay near enough? `warning` is exceeded, `critical` is reached.
#[must_use]
pub fn replication_lag(registered: Role, lag: Lag, warning: Duration, critical: Duration) -> Finding {
    let check = Check::ReplicationLag;
    let seconds = match lag {
        Lag::NotApplicable => 0,
        Lag::Seconds(seconds) => seconds,
        Lag::Unknown => {
            return Finding::new(check, Status::Unknown, "unable to query replication lag")
                .optformat("--status=UNKNOWN ")
                .data(json!({ "seconds": null }));
        }
    };
    let (low, high) = (warning.as_secs(), critical.as_secs());
    let behind = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let (status, text, limit) = if lag == Lag::NotApplicable {
        let text =
            if registered == Role::Witness { "N/A - node is witness" } else { "N/A - node is primary" };
        (Status::Ok, text.to_owned(), None)
    } else if behind >= critical {
        // The parenthesis that nothing opens is repmgr's.
        (Status::Critical, format!("{seconds} seconds, critical threshold: {high})"), Some(high))
    } else if behind > warning {
        (Status::Warning, format!("{seconds} seconds, warning threshold: {low})"), Some(low))
    } else {
        (Status::Ok, format!("{seconds} seconds"), None)
    };
    let threshold = limit.map(|limit| format!(" --threshold={limit}")).unwrap_or_default();
    let applies = (lag != Lag::NotApplicable).then_some(seconds);
    Finding::new(check, status, text)
        .nagios(format!("{seconds} seconds"))
        .perfdata(format!("lag={seconds};{low};{high}"))
        .optformat(format!("--status={} --lag={seconds}{threshold}", status.word()))
        .data(json!({ "seconds": applies, "warning": low, "critical": high }))
}

/// Do not too many WAL files wait for archiving? `None`: the directory cannot be read. Both limits are exceeded.
#[must_use]
pub fn archive_ready(files: Option<u32>, warning: u32, critical: u32) -> Finding {
    let check = Check::ArchiveReady;
    let Some(files) = files else {
        return Finding::new(check, Status::Unknown, "unable to check archive_status directory")
            .optformat("--status=UNKNOWN ")
            .data(json!({ "files": null }));
    };
    let pending = format!("{files} pending archive ready files");
    let (status, text, limit) = if files > critical {
        (Status::Critical, format!("{pending}, critical threshold: {critical}"), Some(critical))
    } else if files > warning {
        (Status::Warning, format!("{pending} (threshold: {warning})"), Some(warning))
    } else {
        (Status::Ok, pending.clone(), None)
    };
    let threshold = limit.map(|limit| format!(" --threshold={limit}")).unwrap_or_default();
    Finding::new(check, status, text)
        .nagios(pending)
        .perfdata(format!("files={files};{warning};{critical}"))
        .optformat(format!("--status={} --files={files}{threshold}", status.word()))
        .data(json!({ "files": files, "warning": warning, "critical": critical }))
}

/// What is known of the node's upstream. Labels are `"name" (ID: n)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A witness streams from nobody.
    Witness,
    /// No upstream is registered, or its record is gone.
    NoRecord(Recovery),
    /// It was asked.
    Asked {
        /// The upstream.
        label: String,
        /// Whether this node streams from it.
        attached: bool,
    },
    /// It does not answer. Only JSON shows this; else the command ends there.
    Unreachable {
        /// The upstream.
        label: String,
        /// Why not.
        why: String,
    },
}

/// Does the node stream from whom it should?
#[must_use]
pub fn upstream(own: &str, seen: &Upstream) -> Finding {
    let (status, text) = match seen {
        Upstream::Witness => (Status::Ok, "N/A - node is a witness".to_owned()),
        Upstream::NoRecord(Recovery::Primary) => (Status::Ok, "N/A - node is primary".to_owned()),
        Upstream::NoRecord(Recovery::Standby) => {
            (Status::Critical, format!("node {own} is a standby but no upstream record found"))
        }
        Upstream::Asked { label, attached: true } => {
            (Status::Ok, format!("node {own} is attached to expected upstream node {label}"))
        }
        Upstream::Asked { label, attached: false } => {
            (Status::Critical, format!("node {own} is not attached to expected upstream node {label}"))
        }
        Upstream::Unreachable { label, why } => {
            (Status::Critical, format!("unable to connect to upstream node {label}: {why}"))
        }
    };
    Finding::new(Check::Upstream, status, text)
}

/// Do all children stream from the node?
#[must_use]
pub fn downstream(registered: Role, children: &[Child]) -> Finding {
    let check = Check::Downstream;
    let total = children.len();
    let missing: Vec<String> = children.iter().filter(|c| !c.attached()).map(Child::listed).collect();
    let here = total - missing.len();
    let names = missing.join(", ");
    let finding = match (registered, missing.len(), total) {
        (Role::Witness, _, _) => Finding::new(check, Status::Ok, "N/A - node is a witness"),
        (_, 0, 0) => Finding::new(check, Status::Ok, "this node has no downstream nodes"),
        (_, 0, _) => Finding::new(check, Status::Ok, format!("{here} of {total} downstream nodes attached")),
        (_, gone, _) => {
            let text = format!("{gone} of {total} downstream nodes not attached");
            Finding::new(check, Status::Critical, format!("{text}; missing: {names}"))
                .nagios(format!("{text} (missing: {names})"))
        }
    };
    finding
        .perfdata(format!("attached={here}, missing={}", missing.len()))
        .data(json!({ "attached": here, "missing": missing }))
}

/// Has each physical slot a receiver?
#[must_use]
pub fn slots(total: i64, inactive: i64) -> Finding {
    let (status, text) = match (total, inactive) {
        (0, _) => (Status::Ok, "node has no physical replication slots".to_owned()),
        (_, 0) => (Status::Ok, format!("{total} of {total} physical replication slots are active")),
        _ => (Status::Critical, format!("{inactive} of {total} physical replication slots are inactive")),
    };
    Finding::new(Check::Slots, status, text)
        .perfdata(format!("slots={total};{inactive}"))
        .data(json!({ "total": total, "inactive": inactive }))
}

/// Are the slots there that the records of the children name?
#[must_use]
pub fn missing_slots(missing: &[String]) -> Finding {
    let count = missing.len();
    let (status, text, perfdata) = if missing.is_empty() {
        let text = "node has no missing physical replication slots".to_owned();
        (Status::Ok, text, "missing_slots=0".to_owned())
    } else {
        let text = format!("{count} physical replication slots are missing: {}", missing.join(", "));
        (Status::Critical, text, format!("missing_slots={count};{}", missing.join(",")))
    };
    Finding::new(Check::MissingSlots, status, text).perfdata(perfdata).data(json!({ "missing": missing }))
}

/// What is known of the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataDirectory {
    /// Where the server says it is.
    Actual(String),
    /// The role may not ask; the configured one holds, or does not hold, a data directory.
    Looked {
        /// It does.
        is_one: bool,
    },
}

/// Is the configured data directory the server's?
#[must_use]
pub fn data_directory(configured: &str, seen: &DataDirectory) -> Finding {
    let words = format!("configured \"data_directory\" is \"{configured}\"");
    let (status, text, perfdata) = match seen {
        DataDirectory::Actual(actual) if actual != configured => {
            let actual = format!("actual data directory is \"{actual}\"");
            (Status::Critical, format!("{words}; {actual}"), Some(actual))
        }
        DataDirectory::Actual(_) | DataDirectory::Looked { is_one: true } => (Status::Ok, words, None),
        DataDirectory::Looked { is_one: false } => (
            Status::Critical,
            format!("configured \"data_directory\" \"{configured}\" is not a PostgreSQL data directory"),
            Some("configured \"data_directory\" is not a PostgreSQL data directory".to_owned()),
        ),
    };
    let actual = match seen {
        DataDirectory::Actual(actual) => Some(actual),
        DataDirectory::Looked { .. } => None,
    };
    let finding = Finding::new(Check::DataDirectoryConfig, status, text)
        .nagios(configured)
        .optformat(format!("--configured-data-directory={}", status.word()))
        .data(json!({ "configured": configured, "actual": actual }));
    Finding { perfdata, ..finding }
}

/// What the daemon of this node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repmgrd {
    /// It works.
    Running,
    /// It was told to do nothing.
    Paused,
    /// It is not there.
    NotRunning,
    /// Nothing in the database tells.
    Unknown,
}

/// Does the daemon work?
#[must_use]
pub fn repmgrd(seen: Repmgrd) -> Finding {
    let (status, text) = match seen {
        Repmgrd::Running => (Status::Ok, "repmgrd running"),
        Repmgrd::Paused => (Status::Warning, "repmgrd running but paused"),
        Repmgrd::NotRunning => (Status::Critical, "repmgrd not running"),
        Repmgrd::Unknown => (Status::Unknown, "repmgrd status unknown"),
    };
    Finding::new(Check::Repmgrd, status, text).optformat(format!("--repmgrd={}", status.word()))
}

/// Whose the file with the replication settings is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The data directory's owner's.
    Same,
    /// Somebody else's; the words say whose.
    Other(String),
    /// The data directory or the file cannot be looked at.
    Unreadable(String),
}

/// Could the settings be written?
#[must_use]
pub fn replication_config_owner(seen: &Owner) -> Finding {
    let (status, text) = match seen {
        Owner::Same => (Status::Ok, String::new()),
        Owner::Other(why) | Owner::Unreadable(why) => (Status::Critical, why.clone()),
    };
    Finding::new(Check::ReplicationConfigOwner, status, text)
        .optformat(format!("--replication-config-owner={}", status.word()))
}

/// Can this node's server be reached by its own connection string? `parameters` were used in vain.
#[must_use]
pub fn db_connection(parameters: Option<&str>) -> Finding {
    let (status, text) = match parameters {
        None => (Status::Ok, String::new()),
        Some(used) => (Status::Critical, format!("connection parameters used: {used}")),
    };
    Finding::new(Check::DbConnection, status, text).optformat(format!("--db-connection={}", status.word()))
}
