//! `--replication-conf-only`: the settings of a standby, written into a data directory that is there already.

use super::gather;
use super::plan::{self, SlotAt};
use super::slots::{self, Found};
use super::upstream::{self, Upstream};
use super::wish::Wish;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::control_file::{self, ControlFile};
use crate::pg::postmaster::{self, Postmaster};
use crate::pg::standby_config;
use crate::report;
use crate::sys::files::{self, DirState};

/// Writes the settings, or says what would be written.
///
/// # Errors
/// [`Exit::BadConfig`]: no data directory, a running server (without `-F`), another cluster's data.
pub fn run(ctx: &Context, wish: &Wish) -> Result<Exit> {
    let version = version(wish)?;
    let running = postmaster::find(&wish.data_dir)?;
    let control = control_file::read(&wish.data_dir)?;
    running_is_meant(wish, running.as_ref())?;
    let mut session = gather::connect(ctx, wish)?;
    let source = gather::read(ctx, wish, &mut session)?;
    same_cluster(wish, &control, source.system, source.version, version)?;
    let cluster = upstream::survey(wish, &source, &mut session)?;
    if !cluster.records.iter().any(|r| Some(r.node_id) == wish.node_id) {
        report::notice("this node is not registered yet")
            .hint("register it with \"repmgr standby register\" when it runs");
    }
    let upstream = upstream::choose(wish, &cluster)?;
    let settings = plan::settings(wish, &upstream, std::env::var("PGPASSWORD").ok().as_deref());
    let file = standby_config::settings_file(&wish.data_dir, version);
    report::notice(format!("the standby will stream from {}", upstream.label()));
    if ctx.effort() == Effort::DryRun {
        let mut message = report::info(format!("would write to \"{}\":", file.display()));
        for line in plan::shown(&settings) {
            message = message.detail(line);
        }
        drop(message);
        if !version.uses_recovery_conf() {
            report::info("would write \"standby.signal\"");
        }
        return Ok(Exit::Success);
    }
    make_slot(wish, &upstream)?;
    standby_config::write(&wish.data_dir, version, &settings)?;
    report::notice(format!("replication settings written to \"{}\"", file.display()))
        .hint(match (&running, version.follows_by_reload()) {
            (None, _) => "start the server now",
            (Some(_), true) if standby_config::is_standby(&wish.data_dir, version) => {
                "a standby takes it after \"repmgr node service --action=reload\"; a server that runs as a primary must be restarted"
            }
            (Some(_), _) => "restart the server to make it take effect",
        });
    Ok(Exit::Success)
}

fn version(wish: &Wish) -> Result<ServerVersion> {
    let dir = wish.data_dir.display();
    let DirState::PostgresDirectory { version } = files::dir_state(&wish.data_dir) else {
        return Err(Error::new(Exit::BadConfig, format!("\"{dir}\" is not a PostgreSQL data directory"))
            .detail("--replication-conf-only needs a copy that was made already")
            .hint("leave the option out to make the copy, too"));
    };
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    let version = ServerVersion(major.saturating_mul(10_000));
    if version < ServerVersion::OLDEST {
        return Err(Error::new(
            Exit::BadConfig,
            format!("the PostgreSQL version of \"{dir}\" is not supported"),
        )
        .detail(format!("its PG_VERSION says \"{major}\", 10 is the oldest that this program knows")));
    }
    Ok(version)
}

fn running_is_meant(wish: &Wish, running: Option<&Postmaster>) -> Result<()> {
    let Some(running) = running else { return Ok(()) };
    let what = format!("a PostgreSQL server is running in \"{}\"", wish.data_dir.display());
    let detail = format!("process {} is its server", running.pid);
    if wish.forced() {
        report::warning(what).detail(detail);
        return Ok(());
    }
    Err(Error::new(Exit::BadConfig, what)
        .detail(detail)
        .hint("use -F/--force to write the replication configuration all the same"))
}

fn same_cluster(
    wish: &Wish,
    control: &ControlFile,
    system: u64,
    there: ServerVersion,
    here: ServerVersion,
) -> Result<()> {
    if control.system_identifier != system {
        return Err(Error::new(
            Exit::BadConfig,
            format!("\"{}\" is not a copy of the source node", wish.data_dir.display()),
        )
        .detail(format!("system identifier here: {}, there: {system}", control.system_identifier))
        .hint("check \"data_directory\" here, and -h, -p and -d"));
    }
    if there.major() != here.major() {
        return Err(Error::new(Exit::BadConfig, "the source node has another major version of PostgreSQL")
            .detail(format!("here: {}, there: {}", here.major(), there.major())));
    }
    Ok(())
}

fn make_slot(wish: &Wish, upstream: &Upstream) -> Result<SlotAt> {
    let Some(slot) = &wish.slot else { return Ok(SlotAt::Nowhere) };
    let conninfo = super::plan::upstream_replication_conninfo(wish, upstream);
    match slots::make(slot, &conninfo, &upstream.label(), Found::Usable) {
        Ok(_) => Ok(SlotAt::Upstream),
        Err(why) if upstream.record.is_none() => {
            report::setback(
                &why.hint(format!("make the slot \"{slot}\" there by hand before the standby starts")),
            );
            Ok(SlotAt::Nowhere)
        }
        Err(why) => Err(why),
    }
}
