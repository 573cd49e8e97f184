//! From the command line to the [`Context`]: configuration found and read, messages directed, root refused.

use super::context::Context;
use crate::cli::choices::{Check, Mode as Effort};
use crate::cli::{Command, Invocation};
use crate::config::{self, Loaded, Mode, Search};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::{self, Colour, Config, Destination, Extras, Facility, Level};

/// Everything that comes before the command itself.
///
/// # Errors
/// [`Exit::BadConfig`]: no usable configuration for a command that needs one, or root where repmgr refuses it.
pub fn context(inv: &Invocation) -> Result<Context> {
    let general = &inv.general;
    report::init(&messages(inv, None));
    for warning in &inv.warnings {
        report::warning(warning);
    }
    let search = Search::of_process(general.config_file.clone(), Some(inv.program.clone()));
    let loaded = if needs_file(inv) { Some(config::load(&search)?) } else { config::load_optional(&search)? };
    let mode = loaded.as_ref().map_or(Mode::Repmgr, |loaded| loaded.compatibility);
    if let Some(loaded) = &loaded {
        told(inv, loaded);
    }
    if mode == Mode::Repmgr && !suits_root(inv) && rustix::process::geteuid().is_root() {
        return Err(Error::new(Exit::BadConfig, "repmgr must not be run as root")
            .detail("the programs of PostgreSQL that it starts refuse root, and files would belong to the wrong user")
            .hint("run it as the user that owns the data directory, or set compatibility=hg in the configuration file"));
    }
    Ok(Context { general: general.clone(), loaded, program: inv.program.clone(), mode })
}

/// What is worth saying of the file, and messages directed as it says.
fn told(inv: &Invocation, loaded: &Loaded) {
    let general = &inv.general;
    if general.verbose {
        for place in loaded.searched.iter().filter(|place| Some(*place) != loaded.file.as_ref()) {
            report::info(format!("looked for a configuration file at \"{}\"", place.display()));
        }
        if let Some(file) = &loaded.file {
            report::notice(format!("using configuration file \"{}\"", file.display()));
        }
    }
    for warning in &loaded.warnings {
        let mut message = report::warning(&warning.text);
        if let Some(detail) = &warning.detail {
            message = message.detail(detail);
        }
        if let Some(hint) = &warning.hint {
            message = message.hint(hint);
        }
        drop(message);
    }
    report::init(&messages(inv, Some(loaded)));
}

/// Whether the command can do nothing without a file.
fn needs_file(inv: &Invocation) -> bool {
    match &inv.command {
        Command::StandbyClone(_) => inv.general.pgdata.is_none(),
        Command::ClusterShow(_) | Command::ClusterMatrix(_) | Command::ClusterCrosscheck(_) => {
            !inv.general.names_a_server()
        }
        Command::NodeCheck(args) => args.check != Some(Check::HasPassfile),
        Command::DumpConfig
        | Command::PrimaryRegister(_)
        | Command::PrimaryUnregister(_)
        | Command::StandbyRegister(_)
        | Command::StandbyUnregister(_)
        | Command::StandbyPromote(_)
        | Command::StandbyFollow(_)
        | Command::WitnessRegister(_)
        | Command::WitnessUnregister(_)
        | Command::NodeStatus(_)
        | Command::NodeRejoin(_)
        | Command::NodeService(_)
        | Command::NodeControl(_)
        | Command::ClusterEvent(_)
        | Command::ClusterCleanup(_)
        | Command::VipStatus(_)
        | Command::VipBind(_)
        | Command::VipUnbind(_)
        | Command::VipAnnounce(_) => true,
    }
}

/// Whether the command starts nothing of PostgreSQL and leaves no file behind, so that root may run it.
const fn suits_root(inv: &Invocation) -> bool {
    matches!(
        inv.command,
        Command::VipStatus(_) | Command::VipBind(_) | Command::VipUnbind(_) | Command::VipAnnounce(_)
    )
}

/// How messages are written: the command line beats the file, `--quiet` beats both.
fn messages(inv: &Invocation, loaded: Option<&Loaded>) -> Config {
    let general = &inv.general;
    let asked = general.log_level.as_deref().and_then(|word| word.parse::<Level>().ok());
    let filed = loaded.and_then(|loaded| loaded.settings.log_level.word().parse::<Level>().ok());
    let mut chosen = asked.or(filed).unwrap_or(Level::Info);
    if general.mode() == Effort::DryRun {
        chosen = chosen.min(Level::Info);
    }
    if general.quiet {
        chosen = Level::Error;
    }
    Config {
        level: chosen,
        destination: destination(inv, loaded),
        extras: if general.terse { Extras::Hidden } else { Extras::Shown },
        colour: Colour::Auto,
        ident: "repmgr".to_owned(),
    }
}

/// stderr, but for `--log-to-file`.
fn destination(inv: &Invocation, loaded: Option<&Loaded>) -> Destination {
    let Some(settings) = loaded.map(|loaded| &loaded.settings).filter(|_| inv.general.log_to_file) else {
        return Destination::Stderr;
    };
    match (Facility::from_word(settings.log_facility.word()), &settings.log_file) {
        (_, Some(file)) => Destination::File(file.clone()),
        (Some(facility), None) => Destination::Syslog(facility),
        (None, None) => Destination::Stderr,
    }
}
