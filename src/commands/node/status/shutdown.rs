//! `--is-shutdown-cleanly`: has the server of this node ended, and how? For the programs of other nodes.

use crate::commands::context::{Context, connect_deadline};
use crate::domain::conninfo::ConnInfo;
use crate::domain::lsn::Lsn;
use crate::error::Result;
use crate::exit::Exit;
use crate::pg::control_file::{self, ClusterState};
use crate::pg::ping::{Ping, ping};
use crate::pg::postmaster::{self, Phase};
use crate::report;
use crate::sys::files::{self, DirState};

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How far the server's first process is. `None`: there is none.
    pub process: Option<Phase>,
    /// Whether a server answers at this node's connection string. `None`: not asked, as the process is there.
    pub answer: Option<Ping>,
    /// State and last checkpoint of the control file. `None`: it cannot be read, or there is no data directory.
    pub control: Option<(ClusterState, Lsn)>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Up,
    /// It runs and is about to end.
    ShuttingDown,
    /// It ended as it should, with its last checkpoint here.
    Shutdown(Lsn),
    /// It ended some other way.
    Unclean,
    /// Nothing tells.
    Unknown,
}

impl State {
    /// The line that other programs read.
    #[must_use]
    pub fn line(self) -> String {
        let (word, more) = match self {
            Self::Up => ("UP", String::new()),
            Self::ShuttingDown => ("SHUTTING_DOWN", String::new()),
            Self::Shutdown(lsn) => ("SHUTDOWN", format!(" --last-checkpoint-lsn={lsn}")),
            Self::Unclean => ("UNCLEAN_SHUTDOWN", String::new()),
            Self::Unknown => ("UNKNOWN", String::new()),
        };
        format!("--state={word}{more}\n")
    }
}

/// Judges. A process that is there has not ended, whether it answers or not.
#[must_use]
pub fn judge(seen: &Seen) -> State {
    let Some((control, checkpoint)) = seen.control else { return State::Unknown };
    let answers = matches!(seen.answer, Some(Ping::Accepting | Ping::Rejecting));
    let clean = matches!(control, ClusterState::ShutDown | ClusterState::ShutDownInRecovery);
    let stopping = control == ClusterState::ShuttingDown || seen.process == Some(Phase::Stopping);
    match (seen.process.is_some() || answers, clean) {
        (true, _) if stopping => State::ShuttingDown,
        (true, _) => State::Up,
        (false, true) if checkpoint == Lsn(0) => State::Unknown,
        (false, true) => State::Shutdown(checkpoint),
        (false, false) => State::Unclean,
    }
}

/// Looks, and prints the answer.
///
/// # Errors
/// [`Exit::BadConfig`] without a usable configuration; [`Exit::System`] when stdout takes nothing.
pub fn run(ctx: &Context) -> Result<Exit> {
    crate::cli::table::print(&judge(&look(ctx)?).line())?;
    Ok(Exit::Success)
}

fn look(ctx: &Context) -> Result<Seen> {
    let data = &ctx.settings()?.data_directory;
    if !matches!(files::dir_state(data), DirState::PostgresDirectory { .. }) {
        report::warning(format!("\"{}\" is not a PostgreSQL data directory", data.display()))
            .hint("check \"data_directory\", and run this as its owner");
        return Ok(Seen { process: None, answer: None, control: None });
    }
    let conninfo = ctx.own_conninfo()?;
    let mut process = find(data);
    let answer = if process.is_none() { Some(ask(&conninfo)) } else { None };
    let control = match control_file::read(data) {
        Ok(control) => Some((control.state, control.checkpoint)),
        Err(e) => {
            report::setback(&e);
            None
        }
    };
    // One that started meanwhile makes the control file's word worthless.
    if process.is_none() {
        process = find(data);
    }
    Ok(Seen { process, answer, control })
}

fn find(data: &std::path::Path) -> Option<Phase> {
    match postmaster::find(data) {
        Ok(found) => found.map(|server| server.phase),
        Err(e) => {
            report::setback(&e);
            None
        }
    }
}

fn ask(conninfo: &ConnInfo) -> Ping {
    ping(conninfo, connect_deadline(conninfo))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_is_gone_has_shut_down() {
        use ClusterState as C;
        let (end, none) = (Lsn(0x300_0028), None::<Phase>);
        let silent = Some(Ping::NoResponse);
        for (why, process, answer, state, want) in [
            ("at work", Some(Phase::Ready), None, C::InProduction, State::Up),
            ("frozen: the process is there", Some(Phase::Standby), silent, C::InArchiveRecovery, State::Up),
            ("told to stop", Some(Phase::Stopping), None, C::InProduction, State::ShuttingDown),
            ("writes its last checkpoint", Some(Phase::Stopping), None, C::ShuttingDown, State::ShuttingDown),
            (
                "last checkpoint written, not gone yet",
                Some(Phase::Stopping),
                None,
                C::ShutDown,
                State::ShuttingDown,
            ),
            (
                "starts: the file still tells of the last stop",
                Some(Phase::Starting),
                None,
                C::ShutDown,
                State::Up,
            ),
            (
                "answers; its process is hidden from us",
                none,
                Some(Ping::Accepting),
                C::InProduction,
                State::Up,
            ),
            (
                "refuses; its process is hidden",
                none,
                Some(Ping::Rejecting),
                C::ShuttingDown,
                State::ShuttingDown,
            ),
            ("a primary that was stopped", none, silent, C::ShutDown, State::Shutdown(end)),
            ("a standby that was stopped", none, silent, C::ShutDownInRecovery, State::Shutdown(end)),
            ("killed", none, silent, C::InProduction, State::Unclean),
            ("a standby, killed", none, silent, C::InArchiveRecovery, State::Unclean),
            ("killed while it stopped", none, silent, C::ShuttingDown, State::Unclean),
            ("nobody could be asked", none, Some(Ping::NoAttempt), C::ShutDown, State::Shutdown(end)),
        ] {
            let seen = Seen { process, answer, control: Some((state, end)) };
            assert_eq!(judge(&seen), want, "{why}");
        }
        let unread = Seen { process: Some(Phase::Ready), answer: None, control: None };
        assert_eq!(judge(&unread), State::Unknown, "without its control file nothing is certain");
        let empty = Seen { process: None, answer: silent, control: Some((C::ShutDown, Lsn(0))) };
        assert_eq!(judge(&empty), State::Unknown, "a checkpoint is never at 0/0");
    }

    #[test]
    fn lines_are_those_that_a_switchover_reads() {
        for (state, want) in [
            (State::Up, "--state=UP\n"),
            (State::ShuttingDown, "--state=SHUTTING_DOWN\n"),
            (State::Shutdown(Lsn(0x300_0028)), "--state=SHUTDOWN --last-checkpoint-lsn=0/3000028\n"),
            (State::Unclean, "--state=UNCLEAN_SHUTDOWN\n"),
            (State::Unknown, "--state=UNKNOWN\n"),
        ] {
            assert_eq!(state.line(), want);
        }
    }
}
