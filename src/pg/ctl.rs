//! Starting, stopping and promoting the server: by the configured command, else by pg_ctl.

use crate::domain::shell;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::{bindir, postmaster};
use crate::sys::clock::Deadline;
use crate::sys::exec::{Output, Status};
use crate::sys::hook::Hook;
use crate::sys::identity::Identity;
use std::path::PathBuf;

/// What is to be done with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Start it.
    Start,
    /// Stop it, fast.
    Stop(StopWait),
    /// Stop and start it.
    Restart,
    /// Make it read its configuration.
    Reload,
    /// Make a standby a primary.
    Promote,
}

/// Whether pg_ctl itself waits for the server's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopWait {
    /// It comes back at once, as `node service` lists it.
    No,
    /// It waits.
    Yes,
}

impl Action {
    /// In the order of `node service --list-actions`.
    pub const ALL: [Self; 5] =
        [Self::Start, Self::Stop(StopWait::No), Self::Restart, Self::Reload, Self::Promote];

    /// The word of `node service --action`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop(_) => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Promote => "promote",
        }
    }

    /// The action that a word names. `None`: no action.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }

    /// The exit code of a failure.
    const fn exit(self) -> Exit {
        match self {
            Self::Start | Self::Restart => Exit::NoRestart,
            Self::Stop(_) | Self::Reload => Exit::LocalCommand,
            Self::Promote => Exit::Promotion,
        }
    }
}

/// What the configuration says about the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceSettings {
    /// `data_directory`.
    pub data_directory: PathBuf,
    /// `config_directory`, which pg_ctl gets instead of the data directory. `None`: they are one.
    pub config_directory: Option<PathBuf>,
    /// `pg_bindir`. `None`: looked for.
    pub pg_bindir: Option<PathBuf>,
    /// `pg_ctl_options`; may be empty.
    pub pg_ctl_options: String,
    /// `service_start_command`. `None`, here and below: pg_ctl.
    pub start: Option<String>,
    /// `service_stop_command`.
    pub stop: Option<String>,
    /// `service_restart_command`.
    pub restart: Option<String>,
    /// `service_reload_command`.
    pub reload: Option<String>,
    /// `service_promote_command`.
    pub promote: Option<String>,
}

impl ServiceSettings {
    /// The configured command for an action. `None`: pg_ctl does it.
    #[must_use]
    pub fn configured(&self, action: Action) -> Option<&str> {
        let command = match action {
            Action::Start => &self.start,
            Action::Stop(_) => &self.stop,
            Action::Restart => &self.restart,
            Action::Reload => &self.reload,
            Action::Promote => &self.promote,
        };
        command.as_deref().filter(|c| !c.trim().is_empty())
    }
}

/// The shell command for an action, as `node service --list-actions` shows it and [`run_service`] runs it.
///
/// # Errors
/// [`Exit::BadConfig`] when pg_ctl is needed and is nowhere.
pub fn service_command(action: Action, settings: &ServiceSettings) -> Result<String> {
    if let Some(command) = settings.configured(action) {
        return Ok(command.to_owned());
    }
    let major = std::fs::read_to_string(settings.data_directory.join("PG_VERSION"));
    let major = major.ok().and_then(|v| v.trim().parse().ok());
    let pg_ctl = bindir::find_program_of("pg_ctl", settings.pg_bindir.as_deref(), major)?;
    let mut words = vec![shell::quoted(&pg_ctl.to_string_lossy())];
    // Without options two blanks follow each other, as the original prints them.
    words.push(settings.pg_ctl_options.trim().to_owned());
    let directory = settings.config_directory.as_ref().unwrap_or(&settings.data_directory);
    let directory = format!("-D {}", shell::always_quoted(&directory.to_string_lossy()));
    words.push(match action {
        Action::Start | Action::Restart | Action::Reload | Action::Promote => {
            format!("-w {directory} {}", action.word())
        }
        Action::Stop(StopWait::No) => format!("{directory} -W -m fast stop"),
        Action::Stop(StopWait::Yes) => format!("{directory} -w -m fast stop"),
    });
    Ok(words.join(" "))
}

/// Carries an action out. A stop is done only when the server's process is gone, whatever the command said.
///
/// As root, pg_ctl runs as the owner of the data directory; a configured command runs as root.
///
/// # Errors
/// [`Exit::NoRestart`] for start and restart, [`Exit::Promotion`] for promote, [`Exit::LocalCommand`] for
/// stop and reload: the command failed, or its time was over.
pub fn run_service(action: Action, settings: &ServiceSettings, deadline: Deadline) -> Result<Output> {
    let failed = |error: Error| Error { exit: action.exit(), ..error };
    let command = service_command(action, settings)?;
    let server = postmaster::find(&settings.data_directory)?;
    let mut hook = Hook::verbatim(&command);
    if settings.configured(action).is_none()
        && let Ok(owner) = Identity::owner_of(&settings.data_directory)
        && rustix::process::geteuid().is_root()
    {
        hook = hook.run_as(owner);
    }
    let output = hook.run(deadline).map_err(failed)?;
    if !output.success() {
        let what = format!("unable to {} PostgreSQL", action.word());
        let error = Error::new(action.exit(), what)
            .detail(format!("command was: {command}"))
            .detail(output.complaint());
        return Err(match output.status {
            Status::TimedOut => error.hint("the server may still be at it; look at its log"),
            Status::Exited(_) | Status::Signalled(_) => error.hint("look at PostgreSQL's log"),
        });
    }
    if let (Action::Stop(_), Some(server)) = (action, server) {
        postmaster::wait_gone(&settings.data_directory, &server, deadline)
            .map_err(|error| failed(error.detail(format!("command was: {command}"))))?;
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_as_the_original_lists_them() {
        let bin = std::env::temp_dir().join(format!("ctl-{}", std::process::id()));
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::copy("/bin/true", bin.join("pg_ctl")).unwrap();
        let settings = ServiceSettings {
            data_directory: "/srv/pg/h1/data".into(),
            pg_bindir: Some(bin.clone()),
            pg_ctl_options: "-l /srv/pg/h1/pg.log".to_owned(),
            reload: Some("sudo systemctl reload postgresql-12".to_owned()),
            restart: Some(" ".to_owned()),
            ..ServiceSettings::default()
        };
        let pg_ctl = bin.join("pg_ctl").display().to_string();
        for (action, want) in [
            (Action::Start, "-l /srv/pg/h1/pg.log -w -D '/srv/pg/h1/data' start"),
            (Action::Stop(StopWait::No), "-l /srv/pg/h1/pg.log -D '/srv/pg/h1/data' -W -m fast stop"),
            (Action::Stop(StopWait::Yes), "-l /srv/pg/h1/pg.log -D '/srv/pg/h1/data' -w -m fast stop"),
            (Action::Restart, "-l /srv/pg/h1/pg.log -w -D '/srv/pg/h1/data' restart"),
            (Action::Promote, "-l /srv/pg/h1/pg.log -w -D '/srv/pg/h1/data' promote"),
        ] {
            assert_eq!(service_command(action, &settings), Ok(format!("{pg_ctl} {want}")));
        }
        let configured = service_command(Action::Reload, &settings);
        assert_eq!(configured.as_deref(), Ok("sudo systemctl reload postgresql-12"));
        let odd =
            ServiceSettings { data_directory: "/srv/it's".into(), pg_ctl_options: String::new(), ..settings };
        assert_eq!(
            service_command(Action::Start, &odd),
            Ok(format!(r"{pg_ctl}  -w -D '/srv/it'\''s' start"))
        );
        std::fs::remove_dir_all(&bin).unwrap();
    }

    #[test]
    fn words_name_actions() {
        assert_eq!(Action::from_word("stop"), Some(Action::Stop(StopWait::No)));
        assert_eq!(Action::from_word("status"), None);
    }
}
