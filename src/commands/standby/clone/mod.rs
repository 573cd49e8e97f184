//! `repmgr standby clone`: makes the data directory of a standby by copying a running server.
//!
//! Reading order: [`wish`] (what was asked for), [`target`] (the place), [`gather`] (the source),
//! [`source_checks`], [`upstream`], [`programs`], [`folders`], [`prove`] (all of them only look), [`plan`]
//! (pure), then [`slots`], [`copy`], [`finish`] (change things). The copy is made in a folder inside the data
//! directory and moved up when it is whole: see [`marker`].

mod copy;
mod external_files;
mod finish;
mod folders;
mod gather;
mod marker;
mod options;
mod plan;
mod programs;
mod prove;
mod replication_conf;
mod slots;
mod source_checks;
mod target;
mod upstream;
mod wish;

pub use copy::progress_of;
pub use plan::{for_replication, primary_conninfo, shown};

use crate::cli::args::StandbyClone;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::{Context, connect_deadline, connect_node};
use crate::commands::notify::{self, Happening};
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::NodeRecord;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::session::Session;
use crate::pg::standby_config::StandbySettings;
use crate::report::{self, Level};
use crate::sys::clock;
use crate::sys::progress::Display;
use crate::sys::signals::Interruption;
use external_files::{External, When};
use folders::{Content, Folder};
use gather::Source;
use marker::Unfinished;
use plan::{Backup, SlotAt};
use slots::{Found, Slot};
use source_checks::{Finding, Needs};
use target::Target;
use upstream::{Cluster, Upstream};
use wish::{Checkpoint, Verify, Wish};

/// Everything that is known before anything is changed.
struct Prepared {
    wish: Wish,
    target: Target,
    source: Source,
    cluster: Cluster,
    upstream: Upstream,
    folders: Vec<Folder>,
    external: Option<External>,
    slot_at: SlotAt,
    slot_conninfo: ConnInfo,
    slot_found: Found,
    backup: Backup,
    settings: StandbySettings,
}

/// Runs `standby clone`.
///
/// # Errors
/// [`Exit::BadConfig`]: a prerequisite is not met; [`Exit::DbConn`], [`Exit::DbQuery`]: the source cannot be
/// asked; [`Exit::Ssh`], [`Exit::Rsync`]: configuration files; [`Exit::BaseBackup`]: the copy failed;
/// [`Exit::Barman`]: asked for Barman.
pub fn run(ctx: &Context, args: &StandbyClone) -> Result<Exit> {
    let wish = wish::read(ctx, args)?;
    report::notice(format!("data directory: \"{}\"", wish.data_dir.display()));
    if args.replication_conf_only {
        return replication_conf::run(ctx, &wish);
    }
    let prepared = prepare(ctx, wish)?;
    if ctx.effort() == Effort::DryRun {
        print(&prepared);
        return Ok(Exit::Success);
    }
    apply(ctx, &prepared)?;
    let external = &prepared.external;
    let copied =
        external_files::copy(external.as_ref(), &prepared.wish, When::AfterTheCopy, &prepared.target.owner);
    conclude(ctx, &prepared, copied.as_ref().err());
    copied.map(|()| Exit::Success)
}

/// Looks at everything; changes nothing.
fn prepare(ctx: &Context, wish: Wish) -> Result<Prepared> {
    let target = target::look(&wish)?;
    if !wish.forced() {
        target::allow(&target, &wish, None)?;
    }
    let mut session = gather::connect(ctx, &wish)?;
    if ctx.effort() == Effort::Apply {
        target::end_orphans(&target, &wish)?;
    }
    let mut source = gather::read(ctx, &wish, &mut session)?;
    if !target.orphans.is_empty() {
        slots::await_release(&wish, &mut source, &mut session);
    }
    if wish.forced() {
        target::allow(&target, &wish, Some(source.system))?;
    }
    let cluster = upstream::survey(&wish, &source, &mut session)?;
    let upstream = upstream::choose(&wish, &cluster)?;
    let (slot_at, slot_conninfo, slot_found) = slot_place(&wish, &source, &upstream)?;
    let needs = Needs {
        walsenders: if wish.streams() { 2 } else { 1 },
        slot: wish.slot.clone().filter(|_| slot_at == SlotAt::Source && target.orphans.is_empty()),
    };
    told(wish.met, source_checks::judge(&source, &needs))?;
    let conninfo = plan::replication_conninfo(&wish, &upstream);
    prove::connections(wish.met, &conninfo, needs.walsenders, source.system)?;
    let program = programs::find(&wish, &source)?;
    let folders = folders::look(&source, &wish, &target)?;
    folders::fits(&source, &wish, &target, &folders)?;
    let external = external_files::prepare(&wish, &source, ctx.general.remote_user.as_deref())?;
    report::notice(format!("the standby will stream from {}", upstream.label()));
    if wish.checkpoint == Checkpoint::Spread {
        report::info("the source makes its checkpoint as slowly as it is set to")
            .hint("-c/--fast-checkpoint makes the clone begin at once");
    }
    let backup = plan::backup(&wish, &program, &conninfo, slot_at);
    let settings = plan::settings(&wish, &upstream, std::env::var("PGPASSWORD").ok().as_deref());
    Ok(Prepared {
        wish,
        target,
        source,
        cluster,
        upstream,
        folders,
        external,
        slot_at,
        slot_conninfo,
        slot_found,
        backup,
        settings,
    })
}

/// Tells every finding; the last of those that are not met is the error.
fn told(met: Level, findings: Vec<Finding>) -> Result<()> {
    let mut unmet: Vec<Error> = Vec::new();
    for finding in findings {
        match finding {
            Finding::Met(text) => drop(report::say(met, text)),
            Finding::Doubt(error) => report::setback(&error),
            Finding::Unmet(error) => unmet.push(error),
        }
    }
    let Some(last) = unmet.pop() else { return Ok(()) };
    for error in &unmet {
        report::failure(error);
    }
    Err(last)
}

/// Where the slot is made: on the source when that is the upstream, else on the upstream.
fn slot_place(wish: &Wish, source: &Source, upstream: &Upstream) -> Result<(SlotAt, ConnInfo, Found)> {
    let on_source = plan::replication_conninfo(wish, upstream);
    let Some(slot) = &wish.slot else { return Ok((SlotAt::Nowhere, on_source, Found::Usable)) };
    let conninfo = &upstream.conninfo;
    let found = Session::connect(conninfo, connect_deadline(conninfo)).and_then(|mut session| {
        let instance = gather::instance(&mut session)?;
        let slots = crate::pg::server::physical_slots(&mut session)?;
        Ok((instance, slots, gather::lost_slots(&mut session)?))
    });
    let lost = |slots: &[String]| if slots.contains(slot) { Found::Lost } else { Found::Usable };
    match found {
        Ok((instance, _, lost_ones)) if instance == source.instance => {
            Ok((SlotAt::Source, on_source, lost(&lost_ones)))
        }
        Ok((_, slots, _)) if slots.iter().any(|s| s.name == *slot && s.active) => Err(Error::new(
            Exit::BadConfig,
            format!("replication slot \"{slot}\" is in use"),
        )
        .detail(format!("a standby is attached by it to {}", upstream.label()))
        .hint(
            "check that no other node has this \"node_id\", and that the standby to be replaced is stopped",
        )),
        Ok((_, _, lost_ones)) => {
            Ok((SlotAt::Upstream, plan::upstream_replication_conninfo(wish, upstream), lost(&lost_ones)))
        }
        Err(why) => {
            report::warning(format!("cannot connect to upstream {}", upstream.label()))
                .detail(why.to_string())
                .hint(format!("make replication slot \"{slot}\" there by hand before the standby starts"));
            Ok((SlotAt::Nowhere, on_source, Found::Usable))
        }
    }
}

/// Says what would be done.
fn print(p: &Prepared) {
    let slot = p.wish.slot.as_deref().unwrap_or_default();
    match p.slot_at {
        SlotAt::Source => {
            drop(report::info(format!("replication slot \"{slot}\": would make it on the source node")))
        }
        SlotAt::Upstream => {
            drop(report::info(format!(
                "replication slot \"{slot}\": would make it on {}",
                p.upstream.label()
            )));
        }
        SlotAt::Nowhere => {}
    }
    let program = copy::program(&p.backup, &p.target.owner);
    report::info(format!("would run:\n  {}", program.shown()))
        .detail(format!("and move the copy from \"{}\" up when it is whole", marker::FOLDER));
    let mut message = report::info("would write these settings:");
    for line in plan::shown(&p.settings) {
        message = message.detail(line);
    }
    drop(message);
    report::info("every check for \"standby clone\" passed");
}

/// Does it. What fails is undone as far as it can be.
fn apply(ctx: &Context, p: &Prepared) -> Result<()> {
    let dir = &p.wish.data_dir;
    external_files::copy(p.external.as_ref(), &p.wish, When::BeforeTheCopy, &p.target.owner)?;
    let made = copy::make_directory(dir, &p.target.owner)?;
    let _hold = marker::hold(dir)?;
    // From here on there is something to undo.
    let interruption = Interruption::watch();
    let slot = make_slot(p).inspect_err(|_| copy::unmake(dir, made.as_deref()))?;
    let copied = clear(p).and_then(|()| copied(ctx, p, &interruption));
    if let Err(why) = copied {
        copy::tidy(&p.wish, &p.target, &p.folders, made.as_deref());
        if let Some(slot) = slot {
            slot.undo();
        }
        return Err(why);
    }
    finish::move_up(dir, &copy::kept(&p.wish)).map_err(|why| {
        why.detail(format!("\"{}\" is left unfinished", dir.display()))
            .hint("run the clone again with -F/--force")
    })
}

fn make_slot(p: &Prepared) -> Result<Option<Slot>> {
    let place = match p.slot_at {
        SlotAt::Source => "the source node".to_owned(),
        SlotAt::Upstream => p.upstream.label(),
        SlotAt::Nowhere => return Ok(None),
    };
    let Some(name) = &p.wish.slot else { return Ok(None) };
    slots::make(name, &p.slot_conninfo, &place, p.slot_found).map(Some)
}

/// Writes the note, then empties what is to be replaced.
fn clear(p: &Prepared) -> Result<()> {
    let dir = &p.wish.data_dir;
    let note = Unfinished {
        source: p.wish.source.to_string(),
        begun: clock::local_stamp(),
        folders: p.folders.iter().map(|f| f.path.clone()).collect(),
    };
    marker::write(dir, &marker::text(&note, &p.wish.label()))?;
    if p.target.state != target::State::Free {
        report::notice(format!("-F/--force: removing the contents of \"{}\"", dir.display()));
        copy::empty(dir, &copy::kept(&p.wish))?;
    }
    for left in p.target.linked.iter().filter(|l| l.is_dir() && !p.folders.iter().any(|f| f.path == **l)) {
        report::notice(format!("\"{}\" belonged to what is replaced, and is left as it is", left.display()));
    }
    for folder in p.folders.iter().filter(|f| f.content == Content::Replaced) {
        report::notice(format!("-F/--force: removing the contents of \"{}\"", folder.path.display()));
        copy::empty(&folder.path, &["lost+found".into()])?;
    }
    Ok(())
}

/// The copy in its folder, whole and told whom to follow.
fn copied(ctx: &Context, p: &Prepared, interruption: &Interruption) -> Result<()> {
    copy::heed(interruption)?;
    report::notice("copying the data of the source with pg_basebackup");
    let program = copy::program(&p.backup, &p.target.owner);
    report::info(format!("running:\n  {}", program.shown()));
    let display = if ctx.general.quiet { Display::Hidden } else { Display::Auto };
    copy::run(&program, display, p.wish.checkpoint, interruption)?;
    if p.wish.verify == Verify::Yes {
        finish::verify(&p.wish, p.source.version, &p.target.owner, interruption)?;
    }
    finish::settings(&p.wish, p.source.version, &p.settings)
}

/// Says what was done and what comes next, and records it. `lacking`: the copy is whole, but its configuration
/// files did not come.
fn conclude(ctx: &Context, p: &Prepared, lacking: Option<&Error>) {
    let dir = p.wish.data_dir.display();
    match lacking {
        None => drop(report::notice("standby clone (using pg_basebackup) complete")),
        Some(_) => drop(
            report::warning(format!("the copy in \"{dir}\" is whole, but configuration files are lacking"))
                .hint("copy them by hand before the server starts; the clone need not be made again"),
        ),
    }
    let start = if p.wish.settings.service_start_command.is_some() {
        "repmgr node service --action=start".to_owned()
    } else {
        format!("pg_ctl -D {dir} start")
    };
    report::notice(format!("the clone in \"{dir}\" is whole"))
        .hint(format!("start the server: {start}"))
        .hint(match own_record(p) {
            None => "then register it: repmgr standby register",
            Some(_) => "then bring its record up to date: repmgr standby register --force",
        });
    let Some(node_id) = p.wish.node_id else { return };
    let place = |key: &str| p.wish.source.get(key).unwrap_or_default().to_owned();
    let port = p.source.setting("port").map_or_else(|| place("port"), str::to_owned);
    let port = Some(place("port")).filter(|port| !port.is_empty()).unwrap_or(port);
    let force = if p.wish.forced() { "Y" } else { "N" };
    let details = format!(
        "cloned from host \"{}\", port {port}; backup method: pg_basebackup; --force: {force}",
        place("host")
    );
    let happening = Happening::new(node_id, "standby_clone");
    record(
        ctx,
        p,
        &match lacking {
            None => happening.details(details),
            Some(why) => happening.failed().details(format!("{details}; {why}")),
        },
    );
}

fn own_record(p: &Prepared) -> Option<&NodeRecord> {
    p.cluster.records.iter().find(|r| Some(r.node_id) == p.wish.node_id)
}

/// The event goes to the primary; the copy may have taken long, so the connection is a new one.
fn record(ctx: &Context, p: &Prepared, happening: &Happening) {
    let mut session = p.cluster.primary.as_ref().and_then(|primary| match connect_node(primary) {
        Ok(session) => Some(session),
        Err(why) => {
            report::warning("unable to record event \"standby_clone\"").detail(why.to_string());
            None
        }
    });
    notify::event(ctx, session.as_mut(), happening);
}
