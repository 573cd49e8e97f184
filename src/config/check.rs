//! Items → settings: every mistake is found before any is reported.

use super::kind::{Kind, Unit, members};
use super::load::remarks;
use super::settings::{FORMER, Preset, Setting, Settings, TABLE, find};
use super::values::LIST_MARK;
use super::{Item, Mode, Warning, amount};
use crate::domain::nearest::nearest;
use crate::error::{Error, Result};
use crate::exit::Exit;
use serde::Deserialize as _;
use std::collections::BTreeMap;
use std::path::Path;

/// Settings and what there is to say about the file.
#[derive(Debug)]
pub struct Checked {
    /// Whole and valid.
    pub settings: Settings,
    /// Which original decides.
    pub mode: Mode,
    /// What was accepted and should be mended.
    pub warnings: Vec<Warning>,
}

/// Checks what a file says. `file` gives its name to `compatibility=auto`; `faults` are what the lexer could
/// not take.
///
/// # Errors
/// [`Exit::BadConfig`] with one DETAIL line for each mistake.
pub fn check(file: &Path, items: &[Item], faults: Vec<String>) -> Result<Checked> {
    let mut checker =
        Checker { faults, warnings: Vec::new(), mode: Mode::Repmgr, canonical: BTreeMap::new() };
    let last = checker.last_of_each(items);
    checker.mode = mode(file, last.get("compatibility").map(|item| item.value.as_str()));
    for row in TABLE {
        checker.row(row, items, last.get(row.name).copied());
    }
    checker.across(&last);
    let settings = if checker.faults.is_empty() { checker.settings() } else { None };
    let Some(settings) = settings else {
        let what = format!("the configuration file \"{}\" cannot be used", file.display());
        let error = checker.faults.into_iter().fold(Error::new(Exit::BadConfig, what), Error::detail);
        return Err(remarks(error, &checker.warnings));
    };
    Ok(Checked { settings, mode: checker.mode, warnings: checker.warnings })
}

/// Every default; node_id 0, and the other keys that a file must name empty.
pub(super) fn defaults() -> Result<Settings> {
    let mut checker =
        Checker { faults: Vec::new(), warnings: Vec::new(), mode: Mode::Repmgr, canonical: BTreeMap::new() };
    for row in TABLE.iter().filter(|row| row.preset != Preset::Required) {
        checker.row(row, &[], None);
    }
    for row in TABLE.iter().filter(|row| row.preset == Preset::Required) {
        let nothing = if row.name == "node_id" { "0" } else { "" };
        checker.canonical.insert(row.name, nothing.to_owned());
    }
    checker.across(&BTreeMap::new());
    checker.settings().ok_or_else(|| Error::new(Exit::Internal, "the table of settings has a bad default"))
}

/// Which original decides: as written, else by the file's name.
fn mode(file: &Path, written: Option<&str>) -> Mode {
    let written = written.unwrap_or("auto");
    let named_hg = file.file_name().is_some_and(|name| name == "hg_repmgr.conf");
    if written.eq_ignore_ascii_case("hg") || (named_hg && !written.eq_ignore_ascii_case("repmgr")) {
        Mode::Hg
    } else {
        Mode::Repmgr
    }
}

struct Checker {
    faults: Vec<String>,
    warnings: Vec<Warning>,
    mode: Mode,
    /// Canonical text by key; the keys that have a value, given or by default.
    canonical: BTreeMap<&'static str, String>,
}

impl Checker {
    /// The line that counts for each known key. Unknown keys, former keys and repetitions get their warning.
    fn last_of_each<'a>(&mut self, items: &'a [Item]) -> BTreeMap<&'static str, &'a Item> {
        let mut last: BTreeMap<&'static str, &Item> = BTreeMap::new();
        for item in items {
            let Some(row) = find(&item.key) else {
                self.warnings.push(unknown(item));
                continue;
            };
            if let Some(before) = last.insert(row.name, item)
                && row.kind != Kind::Mapping
            {
                let text = format!("{}: {}: set again; this line holds", item.place(), item.key);
                self.warnings.push(Warning::new(text).detail(format!("it was set at {}", before.place())));
            }
        }
        last
    }

    fn row(&mut self, row: &'static Setting, items: &[Item], last: Option<&Item>) {
        if row.kind == Kind::Mapping {
            let lines: Vec<&Item> = items.iter().filter(|item| item.key == row.name).collect();
            let pairs: Vec<String> = lines.iter().filter_map(|item| self.value(row, item)).collect();
            self.canonical.insert(row.name, pairs.join(&LIST_MARK.to_string()));
            return;
        }
        let canonical = match last {
            Some(item) => self.value(row, item),
            None => None,
        };
        if let Some(canonical) = canonical {
            self.canonical.insert(row.name, canonical);
            return;
        }
        if row.preset == Preset::Required {
            if last.is_none() {
                self.faults.push(format!("{}: is required and is not set", row.name));
            }
            return;
        }
        let text = row.default(self.mode).unwrap_or_default();
        // A default that is no value of its own kind is a mistake in the table; a test looks for it.
        let canonical = if text.is_empty() { Ok(String::new()) } else { row.kind.canonical(text, self.mode) };
        self.canonical.insert(row.name, canonical.unwrap_or_default());
    }

    /// The canonical text of a line. `None`: it was wrong and has been reported, or it asks for the default.
    fn value(&mut self, row: &Setting, item: &Item) -> Option<String> {
        let place = format!("{}: {}", item.place(), row.name);
        if item.value.is_empty() && row.preset == Preset::Required {
            self.faults.push(format!("{place}: is required and is empty"));
            return None;
        }
        if item.value.is_empty() && matches!(row.preset, Preset::Same(_)) {
            return None;
        }
        match row.kind.canonical(&item.value, self.mode) {
            Ok(text) => {
                if row.kind == Kind::Path && !text.is_empty() && Path::new(&text).is_relative() {
                    let text = format!("{place}: the path is relative to wherever the program is started");
                    self.warnings.push(Warning::new(text).hint("write the whole path, from the root"));
                }
                Some(text)
            }
            Err(complaint) if matches!(row.kind, Kind::LenientWord(_)) => {
                let default = row.default(self.mode).unwrap_or_default();
                let text = format!("{place}: {}; {default} is used", complaint.wrong);
                self.warnings.push(Warning::new(text).hint(format!("allowed: {}", complaint.allowed)));
                None
            }
            Err(complaint) => {
                self.faults.push(format!("{place}: {}; allowed: {}", complaint.wrong, complaint.allowed));
                None
            }
        }
    }

    /// What one value means for another.
    fn across(&mut self, last: &BTreeMap<&'static str, &Item>) {
        for row in TABLE {
            if let Preset::Same(other) = row.preset
                && self.text(row.name).is_empty()
            {
                let text = self.text(other).to_owned();
                self.canonical.insert(row.name, text);
            }
        }
        let place = |key: &str| last.get(key).map_or_else(String::new, |item| format!("{}: ", item.place()));
        for (low, high) in [
            ("archive_ready_warning", "archive_ready_critical"),
            ("replication_lag_warning", "replication_lag_critical"),
        ] {
            if self.number(low).zip(self.number(high)).is_some_and(|(low, high)| low >= high) {
                let at = if last.contains_key(high) { place(high) } else { place(low) };
                self.faults.push(format!("{at}{high}: must be greater than {low}"));
            }
        }
        let (outer, inner) = ("standby_reconnect_timeout", "node_rejoin_timeout");
        if self.number(outer).zip(self.number(inner)).is_some_and(|(outer, inner)| outer < inner) {
            let at = if last.contains_key(outer) { place(outer) } else { place(inner) };
            self.faults.push(format!("{at}{outer}: must not be less than {inner}"));
        }
        for (one, other) in [("barman_host", "barman_server"), ("barman_server", "barman_host")] {
            if !self.text(one).is_empty() && self.text(other).is_empty() {
                let text = "is needed as well: barman_host is the host of the Barman server, barman_server the \
                            cluster's name in its configuration";
                self.faults.push(format!("{}{other}: {text}", place(one)));
            }
        }
        let cards = members(&self.text("network_card").replace(LIST_MARK, " ")).count();
        let addresses = members(&self.text("virtual_ip").replace(LIST_MARK, " ")).count();
        if cards > 1 && addresses > 0 && cards != addresses {
            let text = format!(
                "{cards} cards for {addresses} addresses; allowed: one card, or one for each address"
            );
            self.faults.push(format!("{}network_card: {text}", place("network_card")));
        }
        for key in ["promote_command", "follow_command"] {
            if self.text("failover") == "automatic" && self.text(key).is_empty() {
                let text = format!("{}{key}: is not set, though failover is automatic", place("failover"));
                self.warnings.push(Warning::new(text).hint("repmgrd does not start without it"));
            }
        }
    }

    fn text(&self, key: &str) -> &str {
        self.canonical.get(key).map_or("", String::as_str)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.text(key).parse().ok()
    }

    /// serde_ini makes the struct from the canonical items. `None`: it could not, which is reported.
    fn settings(&mut self) -> Option<Settings> {
        match from_canonical(&self.canonical) {
            Ok(settings) => Some(settings),
            Err(why) => {
                self.faults.push(format!("a value could not be taken: {why}"));
                None
            }
        }
    }
}

/// The canonical items go in as items, not as one text: INI would trim a value and end it at its line.
fn from_canonical(canonical: &BTreeMap<&'static str, String>) -> Result<Settings, serde_ini::de::Error> {
    let items = canonical.iter().map(|(key, value)| {
        Ok::<_, serde_ini::de::Error>(serde_ini::Item::Value { key: (*key).to_owned(), value: value.clone() })
    });
    Settings::deserialize(&mut serde_ini::Deserializer::new(items))
}

fn unknown(item: &Item) -> Warning {
    let place = format!("{}: {}", item.place(), item.key);
    if let Some(former) = FORMER.iter().find(|former| former.name == item.key) {
        return match former.now {
            Some(now) => Warning::new(format!("{place}: repmgr 3's key is not read any more"))
                .hint(format!("it is called \"{now}\" now")),
            None => Warning::new(format!("{place}: repmgr 3's key is not read any more"))
                .hint("nothing took its place; take the line out"),
        };
    }
    let warning = Warning::new(format!("{place}: unknown key; ignored"));
    match nearest(&item.key, TABLE.iter().map(|row| row.name)) {
        Some(known) => warning.hint(format!("did you mean \"{known}\"?")),
        None => warning,
    }
}

/// What the daemon needs beyond a valid file.
///
/// # Errors
/// [`Exit::BadConfig`] that names each key that is missing for `failover=automatic`.
pub fn check_for_daemon(settings: &Settings) -> Result<()> {
    let missing: Vec<&str> =
        [("promote_command", &settings.promote_command), ("follow_command", &settings.follow_command)]
            .into_iter()
            .filter(|(_, value)| settings.failover == super::Failover::Automatic && value.is_none())
            .map(|(key, _)| key)
            .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let error = Error::new(Exit::BadConfig, "failover is automatic, but the commands for it are not set");
    let error = missing.iter().fold(error, |e, key| e.detail(format!("{key}: is not set")));
    Err(error.hint("set them to \"repmgr standby promote -f FILE\" and \"repmgr standby follow -f FILE --upstream-node-id=%n\", or set failover=manual"))
}

/// A span of time as the file writes it, for options of the command line that take the same notation.
/// `None`: not a span of time.
#[must_use]
pub fn span(text: &str) -> Option<std::time::Duration> {
    amount::micros(text.trim(), Unit::Seconds).map(std::time::Duration::from_micros)
}
