//! Whether the source can be copied and followed: a pure judgement of its settings.

use super::gather::Source;
use crate::error::Error;
use crate::exit::Exit;

/// What the copy and the standby need of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Walsenders free at the same time: two when WAL is streamed beside the copy, else one.
    pub walsenders: u32,
    /// The slot that will be made there. `None`: none.
    pub slot: Option<String>,
}

/// One judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// As it must be; the text says what.
    Met(String),
    /// Worth knowing; the clone goes on.
    Doubt(Error),
    /// Not as it must be.
    Unmet(Error),
}

fn unmet(text: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding::Unmet(Error::new(Exit::BadConfig, text).detail(detail).hint(hint))
}

/// Judges the source in the original's order.
#[must_use]
pub fn judge(source: &Source, needs: &Needs) -> Vec<Finding> {
    [
        wal_level(source),
        slots(source, needs),
        archiving(source),
        hot_standby(source),
        walsenders(source, needs),
        rewind(source),
        recovery_target(source),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn wal_level(source: &Source) -> Option<Finding> {
    let level = source.setting("wal_level")?;
    Some(match level {
        // The two others are what "replica" was called before 9.6.
        "replica" | "logical" | "hot_standby" | "archive" => {
            Finding::Met(format!("\"wal_level\" is \"{level}\""))
        }
        other => unmet(
            "\"wal_level\" of the source node does not allow replication",
            format!("it is \"{other}\", \"replica\" or \"logical\" is needed"),
            "set wal_level = replica on the source and restart it",
        ),
    })
}

fn number(source: &Source, name: &str) -> Option<u32> {
    source.setting(name)?.parse().ok()
}

/// Whether a slot can be made, or is there and can be used.
#[must_use]
pub fn slots(source: &Source, needs: &Needs) -> Option<Finding> {
    let slot = needs.slot.as_ref()?;
    let most = number(source, "max_replication_slots")?;
    if most == 0 {
        return Some(unmet(
            "replication slots are wanted, and the source node allows none",
            "\"use_replication_slots\" is set here, \"max_replication_slots\" is 0 there",
            "raise max_replication_slots on the source, a slot for each standby, and restart it",
        ));
    }
    if let Some(found) = source.slots.iter().find(|s| s.name == *slot) {
        if found.active {
            return Some(unmet(
                format!("replication slot \"{slot}\" is in use"),
                "a standby is attached by it",
                "check that no other node has this \"node_id\", and that the standby to be replaced is stopped",
            ));
        }
        return Some(Finding::Met(format!("replication slot \"{slot}\" is there and free")));
    }
    if source.slots_used >= most {
        return Some(unmet(
            "no replication slot is free on the source node",
            format!("\"max_replication_slots\" is {most}, {} are in use", source.slots_used),
            "drop slots that nobody uses, or raise max_replication_slots and restart the source",
        ));
    }
    Some(Finding::Met(format!("\"max_replication_slots\" is {most}, {} in use", source.slots_used)))
}

fn archiving(source: &Source) -> Option<Finding> {
    let mode = source.setting("archive_mode")?;
    if mode == "off" {
        return None;
    }
    let command = source.setting("archive_command").unwrap_or_default();
    let library = source.setting("archive_library").unwrap_or_default();
    if (command.is_empty() || command == "(disabled)") && library.is_empty() {
        return Some(unmet(
            "the source node archives WAL, and has no command for it",
            format!("\"archive_mode\" is \"{mode}\", \"archive_command\" is empty"),
            "set archive_command ('/bin/true' to archive nothing) and reload the source",
        ));
    }
    Some(Finding::Met(format!("\"archive_mode\" is \"{mode}\" and \"archive_command\" is set")))
}

fn hot_standby(source: &Source) -> Option<Finding> {
    let value = source.setting("hot_standby")?;
    Some(if value == "on" {
        Finding::Met("\"hot_standby\" is \"on\"".to_owned())
    } else {
        unmet(
            "\"hot_standby\" is not on on the source node",
            format!("it is \"{value}\", and the copy would have it too: a standby that takes no connections"),
            "set hot_standby = on on the source and restart it",
        )
    })
}

/// Whether enough walsenders are free, by the numbers.
#[must_use]
pub fn walsenders(source: &Source, needs: &Needs) -> Option<Finding> {
    let most = number(source, "max_wal_senders")?;
    let free = most.saturating_sub(source.walsenders);
    let text = format!("{} required, {free} of {most} free", needs.walsenders);
    if free >= needs.walsenders {
        return Some(Finding::Met(format!("enough walsenders are free on the source node ({text})")));
    }
    Some(unmet(
        "not enough walsenders are free on the source node",
        format!("\"max_wal_senders\" is {most}, {} are in use: {text}", source.walsenders),
        format!("raise max_wal_senders by at least {} and restart the source", needs.walsenders - free),
    ))
}

fn rewind(source: &Source) -> Option<Finding> {
    let on = |name| source.setting(name).map(|v| v == "on");
    if on("wal_log_hints")? || on("data_checksums")? {
        return None;
    }
    Some(Finding::Doubt(
        Error::new(Exit::BadConfig, "\"wal_log_hints\" and data checksums are both off on the source node")
            .detail("pg_rewind needs one of them to bring a failed primary back")
            .hint("set wal_log_hints = on and restart the source, or enable checksums with pg_checksums"),
    ))
}

/// What a recovery to a point in time left behind: the copy has it too, and a standby heeds it.
fn recovery_target(source: &Source) -> Option<Finding> {
    let named = ["", "_lsn", "_name", "_time", "_xid"].map(|end| format!("recovery_target{end}"));
    let mut found: Vec<&str> = Vec::new();
    found.extend(
        named.iter().map(String::as_str).filter(|name| source.setting(name).is_some_and(|v| !v.is_empty())),
    );
    let timeline = source.setting("recovery_target_timeline").unwrap_or_default();
    found.extend((!matches!(timeline, "" | "latest")).then_some("recovery_target_timeline"));
    if found.is_empty() {
        return None;
    }
    Some(Finding::Doubt(
        Error::new(
            Exit::BadConfig,
            "the source node's settings name a target of recovery, and the copy would have it too",
        )
        .detail(format!("set there: {}", found.join(", ")))
        .detail("a standby would stop replaying there, or not follow a promoted server")
        .hint("take it out: ALTER SYSTEM RESET on the source, or by hand in the copy before it starts"),
    ))
}

/// Libraries that the standby will load at its start because the source does.
#[must_use]
pub fn preloads_repmgr(source: &Source) -> bool {
    let list = source.setting("shared_preload_libraries").unwrap_or_default();
    list.split(',').any(|name| {
        let name = name.trim().trim_matches('"');
        name.rsplit('/').next().is_some_and(|file| file == "repmgr" || file == "repmgr.so")
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::version::ServerVersion;
    use crate::pg::server::Slot;

    /// A source that meets everything.
    pub fn good() -> Source {
        let settings = [
            ("wal_level", "replica"),
            ("hot_standby", "on"),
            ("archive_mode", "off"),
            ("archive_command", "(disabled)"),
            ("max_wal_senders", "10"),
            ("max_replication_slots", "10"),
            ("wal_log_hints", "on"),
            ("data_checksums", "off"),
        ];
        Source {
            version: ServerVersion(150_018),
            system: 7,
            settings: settings.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            base_bytes: Some(30 << 20),
            tablespaces: Vec::new(),
            walsenders: 0,
            slots: Vec::new(),
            slots_used: 0,
            external: Vec::new(),
            instance: "1 5432".to_owned(),
        }
    }

    fn with(changes: &[(&str, &str)]) -> Source {
        let mut source = good();
        for (key, value) in changes {
            source.settings.insert((*key).to_owned(), (*value).to_owned());
        }
        source
    }

    /// All slots used, one of them ours.
    fn full(ours: Slot) -> Source {
        Source { slots: vec![ours], slots_used: 10, ..good() }
    }

    #[test]
    fn each_thing_that_is_missing_is_found() {
        let needs = Needs { walsenders: 2, slot: Some("repmgr_slot_2".to_owned()) };
        let slot = Slot { name: "repmgr_slot_2".to_owned(), active: false, restart: None };
        for (why, source, want) in [
            ("good", good(), 0),
            ("no WAL for a standby", with(&[("wal_level", "minimal")]), 1),
            ("no slots at all", with(&[("max_replication_slots", "0")]), 1),
            ("slots used up", Source { slots_used: 10, ..good() }, 1),
            ("its own slot among them", full(slot.clone()), 0),
            ("its own slot in use", full(Slot { active: true, ..slot.clone() }), 1),
            ("archiving to nowhere", with(&[("archive_mode", "on")]), 1),
            ("archiving", with(&[("archive_mode", "on"), ("archive_command", "true")]), 0),
            (
                "archiving by a library",
                with(&[
                    ("archive_mode", "on"),
                    ("archive_command", ""),
                    ("archive_library", "basic_archive"),
                ]),
                0,
            ),
            ("no reads", with(&[("hot_standby", "off")]), 1),
            ("walsenders used up", Source { walsenders: 9, ..good() }, 1),
            ("just enough walsenders", Source { walsenders: 8, ..good() }, 0),
            ("two things", with(&[("wal_level", "minimal"), ("hot_standby", "off")]), 2),
            ("nothing visible", Source { settings: [].into(), ..good() }, 0),
        ] {
            let found = judge(&source, &needs).into_iter().filter(|f| matches!(f, Finding::Unmet(_))).count();
            assert_eq!(found, want, "{why}");
        }
        let doubts =
            |source| judge(&source, &needs).iter().filter(|f| matches!(f, Finding::Doubt(_))).count();
        assert_eq!(doubts(with(&[("wal_log_hints", "off")])), 1);
        assert_eq!(doubts(with(&[("recovery_target_timeline", "latest"), ("recovery_target_time", "")])), 0);
        assert_eq!(doubts(with(&[("recovery_target_time", "2026-11-21 04:00:00")])), 1);
        assert_eq!(doubts(with(&[("recovery_target_timeline", "current")])), 1);
        assert_eq!(doubts(with(&[("wal_log_hints", "off"), ("data_checksums", "on")])), 0);
    }

    #[test]
    fn the_extensions_library_is_found_in_any_spelling() {
        for (list, want) in [
            ("repmgr", true),
            ("pg_stat_statements, repmgr", true),
            ("\"$libdir/repmgr\"", true),
            ("repmgr_other", false),
            ("", false),
        ] {
            assert_eq!(preloads_repmgr(&with(&[("shared_preload_libraries", list)])), want, "{list}");
        }
    }
}
