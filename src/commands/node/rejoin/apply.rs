//! The order of the steps, what is noted between them, and what is said when one fails.

use super::facts::{self, Facts, Local, as_rejoin};
use super::plan::{Loss, Way};
use super::steps::Work;
use super::{COMMAND, asked, config_files, needs_recovery, plan, recover, required};
use crate::cli::args::NodeRejoin;
use crate::commands::context::Context;
use crate::commands::follow_attach as attach;
use crate::commands::follow_attach::Made;
use crate::commands::journal::Journal;
use crate::commands::notify::{self, Happening};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::postmaster;
use crate::report;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The event's name.
pub const EVENT: &str = "node_rejoin";

/// Commands whose remains a rejoin makes void: the server is down, and comes back as a standby.
const WEAKER: [&str; 2] = ["standby promote", "standby follow"];

/// The steps of the journal, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Crash recovery.
    Recover,
    /// WAL and configuration files are copied.
    Keep,
    /// The slot on the primary.
    Slot,
    /// The directory becomes a standby's.
    Settings,
    /// pg_rewind.
    Rewind,
    /// Configuration files come back, and it becomes a standby's again.
    Restore,
    /// The server starts.
    Start,
    /// It attaches.
    Attach,
    /// The record and the event.
    Record,
    /// A slot on a former upstream goes.
    OldSlot,
}

impl Step {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Recover, "recover"),
        (Self::Keep, "keep"),
        (Self::Slot, "slot"),
        (Self::Settings, "settings"),
        (Self::Rewind, "rewind"),
        (Self::Restore, "restore"),
        (Self::Start, "start"),
        (Self::Attach, "attach"),
        (Self::Record, "record"),
        (Self::OldSlot, "old slot"),
    ];

    /// As the journal has it.
    #[must_use]
    pub fn words(self) -> &'static str {
        Self::ALL.iter().find(|(step, _)| *step == self).map_or("", |(_, words)| words)
    }

    /// The step of these words. `None`: none has them.
    #[must_use]
    pub fn from_words(words: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == words).map(|(step, _)| *step)
    }
}

/// Where a run begins.
#[derive(Debug)]
pub enum From {
    /// With the first step.
    Beginning {
        /// The server here.
        local: Box<Local>,
        /// How it comes back.
        way: Way,
    },
    /// pg_rewind was cut off.
    Rewind,
    /// pg_rewind had come to its end, or was not needed.
    Restore,
    /// The server had been started and runs.
    Attach,
}

impl From {
    /// The step it begins with.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Beginning { .. } => Step::Recover,
            Self::Rewind => Step::Rewind,
            Self::Restore => Step::Restore,
            Self::Attach => Step::Attach,
        }
        .words()
    }
}

/// What the journal keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The primary.
    pub target: i32,
    /// Nodes that may hold a slot of ours which is of no use any more.
    pub left: Vec<i32>,
    /// What pg_rewind takes away. `None`: it is not run.
    pub loss: Option<Loss>,
    /// Where that WAL is kept.
    pub kept: PathBuf,
    /// Where the configuration files are meanwhile.
    pub archive: PathBuf,
    /// Their names.
    pub files: Vec<String>,
}

impl Noted {
    /// Before anything is changed.
    #[must_use]
    pub fn new(facts: &Facts, archive: PathBuf, files: Vec<String>, kept: PathBuf) -> Self {
        let target = facts.target.record.node_id.0;
        let left = facts.own.upstream_node_id.map(|id| id.0).filter(|id| *id != target);
        Self { target, left: left.into_iter().collect(), loss: None, kept, archive, files }
    }

    /// What the event tells.
    #[must_use]
    pub fn success(&self, own: i32) -> String {
        let attached = format!("node {own} is now attached to node {}", self.target);
        match &self.loss {
            Some(loss) => {
                let (range, kept) = (loss.range(), self.kept.display());
                format!("{attached}; {range} was discarded, it is kept in \"{kept}\"")
            }
            None => attached,
        }
    }
}

/// Carries it out.
///
/// # Errors
/// See [`super::run`].
pub fn apply(ctx: &Context, args: &NodeRejoin, facts: Facts, from: From, mut noted: Noted) -> Result<Exit> {
    let mut journal = Journal::begin_over(ctx, COMMAND, &noted, &WEAKER)
        .map_err(|why| Error { exit: Exit::Rejoin, ..why })?;
    if let Some(earlier) = journal.earlier() {
        let before: Noted = earlier.facts()?;
        noted.left.extend(before.left);
        noted.kept = before.kept;
        if before.target != facts.target.record.node_id.0 {
            noted.left.push(before.target);
        }
        noted.target = facts.target.record.node_id.0;
        noted.left.retain(|id| *id != noted.target);
        noted.left.sort_unstable();
        noted.left.dedup();
        journal.note(&noted)?;
    }
    // Somebody may have started it while we looked elsewhere; from here on no other command of ours does.
    match (&from, postmaster::find(&ctx.settings()?.data_directory)?) {
        (From::Beginning { .. } | From::Rewind | From::Restore, Some(server)) => {
            if journal.earlier().is_none() {
                journal.done()?;
            }
            return Err(facts::running(server.pid));
        }
        (From::Attach, _) | (_, None) => {}
    }
    let mut work =
        Work { ctx, args, journal, facts, noted, reached: None, made: Made::Before, saved: Vec::new() };
    let done = carry_out(&mut work, from);
    finish(work, done)
}

fn carry_out(work: &mut Work<'_>, from: From) -> Result<Option<String>> {
    let attach_only = matches!(from, From::Attach);
    let rewind = match from {
        From::Beginning { local, way } => begin(work, *local, way)?,
        From::Rewind => true,
        From::Restore | From::Attach => false,
    };
    if rewind {
        work.rewind()?;
    }
    if !attach_only {
        if work.noted.loss.is_some() {
            work.restore()?;
        }
        work.start()?;
    }
    work.attach()?;
    let stamp = work.record()?;
    work.old_slots()?;
    Ok(stamp)
}

/// Up to the point where the directory is a standby's. Returns whether it is to be rewound.
fn begin(work: &mut Work<'_>, mut local: Local, mut way: Way) -> Result<bool> {
    let settings = work.ctx.settings()?;
    let data_dir = &settings.data_directory;
    recover::settle(data_dir, local.version)?;
    if needs_recovery(&local, &way) {
        work.step(Step::Recover)?;
        recover::recover(settings, local.version)?;
        local = facts::local(data_dir)?;
        let label = work.facts.target.record.label();
        work.facts.target.look_again()?;
        way = plan::way(&local.course, &work.facts.target.course, local.end, &label)?;
        if let Way::Rewind(loss) = &way {
            let id = work.facts.target.record.node_id.to_string();
            plan::allow(loss, &local.control, asked(work.args), &id)?;
            required(loss, &id);
        }
    }
    if let Way::Rewind(loss) = way {
        work.keep(&local, loss)?;
    }
    work.slot()?;
    work.settings(local.version)?;
    Ok(work.noted.loss.is_some())
}

/// Tells how it ended. What is half-done stays in the journal.
fn finish(mut work: Work<'_>, done: Result<Option<String>>) -> Result<Exit> {
    let target = work.facts.target.record.clone();
    let own = work.facts.own.node_id;
    let about = |happening: Happening| {
        let mut happening = happening.about(target.node_id, &target.node_name, target.shown_conninfo());
        happening.node_id = own;
        happening
    };
    match done {
        Ok(stamp) => {
            let details = work.noted.success(own.0);
            let happening = about(Happening::new(own, EVENT).details(details.as_str()));
            notify::announce(work.ctx, &happening, stamp.as_deref());
            work.journal.done()?;
            report::notice("this node is back as a standby").detail(details);
            Ok(Exit::Success)
        }
        Err(why) => {
            let why = as_rejoin(why);
            let details = format!("unable to rejoin node {}: {}", target.label(), why.message);
            let session = Some(&mut work.facts.target.session).filter(|s| s.is_usable());
            notify::event(work.ctx, session, &about(Happening::new(own, EVENT).details(details).failed()));
            if work.reached >= Some(Step::Settings) {
                return Err(why.hint("run the command again: it goes on where this one stopped"));
            }
            if let (Ok(Some(slot)), Made::Now) = (attach::slot(work.ctx), work.made) {
                attach::drop_slot(work.ctx, &target, &slot);
            }
            config_files::discard(&work.noted.archive, &work.saved);
            work.journal.done()?;
            Err(why)
        }
    }
}
