//! Something happened: the row in `repmgr.events`, and event_notification_command.

use super::context::Context;
use crate::config::Settings;
use crate::domain::node::NodeId;
use crate::pg::metadata::{Event, record_event};
use crate::pg::session::Session;
use crate::report;
use crate::sys::clock::{self, Deadline};
use crate::sys::hook::{Hook, HookValue};
use std::time::Duration;

/// The longest that the user's script may keep a command waiting.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(60);

/// What happened, with what only some events have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The node that tells it.
    pub node_id: NodeId,
    /// repmgr's name for it.
    pub event: &'static str,
    /// Whether it went well.
    pub successful: bool,
    /// Free text. `None`: nothing to add.
    pub details: Option<String>,
    /// `%p`: the other node of the event, as repmgr defines it for each. `None`: does not apply.
    pub other_node: Option<NodeId>,
    /// `%c`: a connection string without a password. `None`: does not apply.
    pub conninfo: Option<String>,
    /// `%a`: the name of the node in `other_node`. `None`: does not apply.
    pub other_name: Option<String>,
}

impl Happening {
    /// An event that went well, without details.
    #[must_use]
    pub const fn new(node_id: NodeId, event: &'static str) -> Self {
        Self {
            node_id,
            event,
            successful: true,
            details: None,
            other_node: None,
            conninfo: None,
            other_name: None,
        }
    }

    /// With free text.
    #[must_use]
    pub fn details(mut self, text: impl Into<String>) -> Self {
        self.details = Some(text.into());
        self
    }

    /// It did not go well.
    #[must_use]
    pub const fn failed(mut self) -> Self {
        self.successful = false;
        self
    }

    /// With `%p`, `%c`, `%a`.
    #[must_use]
    pub fn about(mut self, node: NodeId, name: impl Into<String>, conninfo: impl Into<String>) -> Self {
        self.other_node = Some(node);
        self.other_name = Some(name.into());
        self.conninfo = Some(conninfo.into());
        self
    }
}

/// Writes the row through `session` (on the primary; `None`: there is none to write to) and runs the
/// user's command, also when the row could not be written. What goes wrong here is a warning: the thing
/// itself has happened.
pub fn event(ctx: &Context, session: Option<&mut Session>, happening: &Happening) {
    let timestamp = session.and_then(|s| write(s, happening));
    let Some(settings) = ctx.loaded.as_ref().map(|loaded| &loaded.settings) else { return };
    run_command(settings, happening, &timestamp.unwrap_or_else(clock::local_stamp));
}

/// Runs the user's command alone, for an event whose row was written with what it tells of. `timestamp`: the
/// row's. `None`: it is not known, the clock of this host is asked.
pub fn announce(ctx: &Context, happening: &Happening, timestamp: Option<&str>) {
    let Some(settings) = ctx.loaded.as_ref().map(|loaded| &loaded.settings) else { return };
    run_command(settings, happening, &timestamp.map_or_else(clock::local_stamp, str::to_owned));
}

fn write(s: &mut Session, happening: &Happening) -> Option<String> {
    let row = Event {
        node_id: happening.node_id,
        event: happening.event.to_owned(),
        successful: happening.successful,
        details: happening.details.clone(),
    };
    match record_event(s, &row) {
        Ok(recorded) => Some(recorded.timestamp),
        Err(e) => {
            report::warning(format!("unable to record event \"{}\"", happening.event)).detail(e.to_string());
            None
        }
    }
}

fn run_command(settings: &Settings, happening: &Happening, timestamp: &str) {
    let Some(command) = &settings.event_notification_command else { return };
    let wanted = &settings.event_notifications;
    if !wanted.is_empty() && !wanted.iter().any(|name| name == happening.event) {
        return;
    }
    let number = |id: Option<NodeId>| id.map(|id| id.to_string()).unwrap_or_default();
    let successful = if happening.successful { "1" } else { "0" };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let values = [
        HookValue::new('n', "HG_REPMGR_NODE_ID", happening.node_id.to_string()),
        HookValue::new('e', "HG_REPMGR_EVENT", happening.event),
        HookValue::new('s', "HG_REPMGR_SUCCESSFUL", successful),
        HookValue::new('t', "HG_REPMGR_TIMESTAMP", timestamp),
        HookValue::new('d', "HG_REPMGR_DETAILS", text(&happening.details)),
        HookValue::new('p', "HG_REPMGR_OTHER_NODE_ID", number(happening.other_node)),
        HookValue::new('c', "HG_REPMGR_CONNINFO", text(&happening.conninfo)),
        HookValue::new('a', "HG_REPMGR_OTHER_NAME", text(&happening.other_name)),
    ];
    let run = Hook::new("event_notification_command", command, &values)
        .and_then(|hook| hook.run(Deadline::after(SCRIPT_PATIENCE)));
    match run {
        Ok(output) if output.success() => {
            let said = [output.stdout_text(), output.stderr_text()];
            let said = said.into_iter().filter(|text| !text.is_empty());
            said.fold(
                report::debug(format!(
                    "event_notification_command ended well for event \"{}\"",
                    happening.event
                )),
                |message, text| message.detail(text),
            );
        }
        Ok(output) => {
            report::warning(format!("event_notification_command failed for event \"{}\"", happening.event))
                .detail(output.complaint());
        }
        Err(error) => report::setback(&error),
    }
}
