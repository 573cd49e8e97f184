//! The steps themselves. Each may be done again.

use super::apply::{EVENT, Noted, Step};
use super::facts::{Facts, Local, as_rejoin, version};
use super::keep::{Span, keep, put_back};
use super::plan::Loss;
use super::{config_files, guard, recover, rewind};
use crate::cli::args::NodeRejoin;
use crate::commands::context::Context;
use crate::commands::follow_attach as attach;
use crate::commands::follow_attach::{Made, Run};
use crate::commands::follow_target as target;
use crate::commands::journal::Journal;
use crate::commands::node::service::service_settings;
use crate::domain::lsn::Lsn;
use crate::domain::node::Recovery;
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::ctl::{self, Action, StopWait};
use crate::pg::{postmaster, server, standby_config};
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::progress::Display;
use std::time::Duration;

/// How long a start may take: a service manager gives up later than pg_ctl.
const START: Duration = Duration::from_mins(10);

/// A run at work.
pub struct Work<'a> {
    /// What was typed and configured.
    pub ctx: &'a Context,
    /// The options.
    pub args: &'a NodeRejoin,
    /// What survives us.
    pub journal: Journal,
    /// The primary and the records.
    pub facts: Facts,
    /// What the journal keeps.
    pub noted: Noted,
    /// The step that was begun last. `None`: none was.
    pub reached: Option<Step>,
    /// Whether the slot on the primary is new.
    pub made: Made,
    /// Configuration files that this run has copied.
    pub saved: Vec<String>,
}

impl Work<'_> {
    fn run(&self) -> Run {
        if self.journal.earlier().is_some() { Run::Again } else { Run::First }
    }

    /// Notes that a step comes next.
    ///
    /// # Errors
    /// [`Exit::System`].
    pub fn step(&mut self, step: Step) -> Result<()> {
        self.journal.step(step.words())?;
        self.reached = Some(step);
        Ok(())
    }

    /// Sees that pg_rewind can do it, and keeps what it will take away.
    ///
    /// # Errors
    /// [`Exit::Rejoin`].
    pub fn keep(&mut self, local: &Local, mut loss: Loss) -> Result<()> {
        let settings = self.ctx.settings()?;
        let data_dir = &settings.data_directory;
        rewind::checkpoint(&mut self.facts.target)?;
        let program = rewind::program(self.ctx, self.args, &self.facts.target, local.version)?;
        let from = rewind::rehearse(&program)?;
        loss.end = local.end.0;
        self.noted.loss = Some(loss.clone());
        self.journal.note(&self.noted)?;
        self.step(Step::Keep)?;
        let span =
            Span { from: from.min(Lsn(loss.fork)), to: local.end, segment: local.control.wal_segment_size };
        let count = keep(data_dir, &self.noted.kept, span)?;
        report::notice(format!("{} will be discarded", loss.range()))
            .detail(format!("{count} files of WAL are kept in \"{}\"", self.noted.kept.display()));
        config_files::save(data_dir, &self.noted.archive, &self.noted.files, self.run())?;
        self.saved.clone_from(&self.noted.files);
        Ok(())
    }

    /// The slot on the primary: from here on WAL waits for us.
    ///
    /// # Errors
    /// [`Exit::Follow`].
    pub fn slot(&mut self) -> Result<()> {
        if let Some(slot) = attach::slot(self.ctx)? {
            self.step(Step::Slot)?;
            self.made = attach::make_slot(&mut self.facts.target, &slot)?;
        }
        Ok(())
    }

    /// From here on the server, if it starts at all, starts as a standby.
    ///
    /// # Errors
    /// [`Exit::BadConfig`].
    pub fn settings(&mut self, version: ServerVersion) -> Result<()> {
        self.step(Step::Settings)?;
        let own = self.facts.own.node_id;
        report::notice(format!("node {own} becomes a standby of node {}", self.facts.target.record.node_id));
        self.assert_standby(version)
    }

    fn assert_standby(&self, version: ServerVersion) -> Result<()> {
        let data_dir = &self.ctx.settings()?.data_directory;
        let wanted = attach::settings(self.ctx, &self.facts.target.record)?;
        standby_config::write(data_dir, version, &wanted)
    }

    /// pg_rewind, with the directory barred: it takes away what makes a standby.
    ///
    /// # Errors
    /// [`Exit::Rejoin`].
    pub fn rewind(&mut self) -> Result<()> {
        let data_dir = self.ctx.settings()?.data_directory.clone();
        let version = version(&data_dir)?;
        let again = self.journal.earlier().is_some_and(|e| Step::from_words(&e.step) >= Some(Step::Rewind));
        self.step(Step::Rewind)?;
        rewind::end_leftovers(&data_dir)?;
        guard::close(&data_dir)?;
        if again {
            put_back(&data_dir, &self.noted.kept)?;
            rewind::checkpoint(&mut self.facts.target)?;
        }
        let program = rewind::program(self.ctx, self.args, &self.facts.target, version)?;
        let display = if self.ctx.general.quiet { Display::Hidden } else { Display::Auto };
        rewind::run(&program, display)
    }

    /// Puts back what pg_rewind took from the primary, and opens the directory only when it is a standby's.
    ///
    /// # Errors
    /// [`Exit::Rejoin`], [`Exit::BadConfig`].
    pub fn restore(&mut self) -> Result<()> {
        let data_dir = self.ctx.settings()?.data_directory.clone();
        let version = version(&data_dir)?;
        self.step(Step::Restore)?;
        config_files::put_back(&data_dir, &self.noted.archive, &self.noted.files)?;
        empty_slots(&data_dir)?;
        self.assert_standby(version)?;
        recover::settle(&data_dir, version)?;
        guard::open(&data_dir)
    }

    /// Starts the server.
    ///
    /// # Errors
    /// [`Exit::NoRestart`].
    pub fn start(&mut self) -> Result<()> {
        let settings = self.ctx.settings()?;
        let data_dir = &settings.data_directory;
        self.step(Step::Start)?;
        config_files::discard(&self.noted.archive, &self.noted.files);
        // A run that is taken up may lead to another primary than the one before.
        self.assert_standby(version(data_dir)?)?;
        let service = service_settings(settings);
        let command = ctl::service_command(Action::Start, &service)?;
        report::notice(format!("starting the server: {command}"));
        match ctl::run_service(Action::Start, &service, Deadline::after(START)) {
            Ok(_) => {}
            // pg_ctl does not wait for long replay; the server goes on.
            Err(why) if postmaster::find(data_dir)?.is_some() => report::setback(&why),
            Err(why) => return Err(why),
        }
        self.never_a_primary()
    }

    /// What no step leaves behind is looked for all the same: the one thing that must not be.
    fn never_a_primary(&self) -> Result<()> {
        let Ok(mut local) = self.ctx.local() else { return Ok(()) };
        if !matches!(server::recovery(&mut local), Ok(Recovery::Primary)) {
            return Ok(());
        }
        let service = service_settings(self.ctx.settings()?);
        let stopped = ctl::run_service(Action::Stop(StopWait::Yes), &service, Deadline::after(START));
        let error = Error::new(Exit::Rejoin, "the server started as a primary, not as a standby")
            .hint("check that the service starts it in \"data_directory\"");
        Err(match stopped {
            Ok(_) => error.detail("it was stopped again"),
            Err(why) => error.detail(format!("stopping it failed: {why}")),
        })
    }

    /// Waits until it is attached; with `-W` looks once.
    ///
    /// # Errors
    /// [`Exit::Follow`]: not in time; [`Exit::DbConn`].
    pub fn attach(&mut self) -> Result<()> {
        self.step(Step::Attach)?;
        let settings = self.ctx.settings()?;
        let record = self.facts.target.record.clone();
        // A rewind may have outlasted the connection.
        if !self.facts.target.session.is_usable() || !self.facts.target.wire.is_usable() {
            self.facts.target = target::open(settings, &record, target::connect(&record)?)?;
        }
        let name = &settings.node_name;
        if !self.args.no_wait {
            let patience = settings.node_rejoin_timeout;
            return attach::wait_attached(&mut self.facts.target, name, patience).map_err(as_rejoin);
        }
        if !attach::is_attached(&mut self.facts.target.session, name).unwrap_or(false) {
            report::info(format!("node {} has no walsender for this node yet", record.label()))
                .hint("-W/--no-wait was given; see \"repmgr node check --upstream\"");
        }
        Ok(())
    }

    /// Enters this node as a standby. Returns the time of the event.
    ///
    /// # Errors
    /// [`Exit::DbQuery`], [`Exit::BadConfig`].
    pub fn record(&mut self) -> Result<Option<String>> {
        self.step(Step::Record)?;
        let run = self.run();
        let own = self.facts.own.node_id;
        let details = self.noted.success(own.0);
        let target = &mut self.facts.target;
        attach::enter(&mut target.session, own, target.record.node_id, EVENT, &details, run)
    }

    /// Drops our slots on servers that we have left.
    ///
    /// # Errors
    /// [`Exit::System`].
    pub fn old_slots(&mut self) -> Result<()> {
        self.step(Step::OldSlot)?;
        if let Some(slot) = attach::slot(self.ctx)? {
            for node in self.facts.nodes.iter().filter(|n| self.noted.left.contains(&n.node_id.0)) {
                attach::drop_slot(self.ctx, node, &slot);
            }
        }
        Ok(())
    }
}

/// The slots of the time before the rewind hold WAL back for nobody.
fn empty_slots(data_dir: &std::path::Path) -> Result<()> {
    let folder = data_dir.join("pg_replslot");
    let empty = || -> std::io::Result<()> {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        crate::sys::files::sync_dir(&folder)
    };
    empty().map_err(|why| guard::cannot("empty", &folder, &why))
}
