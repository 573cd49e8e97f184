//! Whether a stopped server can follow as it is, has to be rewound, or can do neither: pure.

use crate::commands::follow_footing::{Course, Footing, Obstacle, judge};
use crate::domain::lsn::{Lsn, Timeline};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::control_file::{ClusterState, ControlFile};
use crate::pg::wire::HistoryEntry;
use crate::sys::progress;
use serde::{Deserialize, Serialize};

/// The WAL that a rewind takes away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The timeline it is on.
    pub timeline: u32,
    /// Where the primary's history left ours.
    pub fork: u64,
    /// The last record of ours that is known.
    pub end: u64,
    /// The timeline of the primary.
    pub target_timeline: u32,
}

impl Loss {
    /// From the fork to the last record.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.fork)
    }

    /// The range, for messages and events.
    #[must_use]
    pub fn range(&self) -> String {
        let Self { timeline, fork, end, .. } = self;
        let size = progress::size(self.bytes());
        format!("WAL from {} to {} of timeline {timeline} ({size})", Lsn(*fork), Lsn(*end))
    }

    /// How both came apart.
    #[must_use]
    pub fn fork_text(&self) -> String {
        let Self { timeline, fork, end, target_timeline } = self;
        let (end, fork) = (Lsn(*end), Lsn(*fork));
        if target_timeline < timeline {
            return format!(
                "this server's timeline {timeline} is newer than timeline {target_timeline} of the target; they forked at \
                 {fork}, and this server ends at {end}"
            );
        }
        format!(
            "the target's timeline {target_timeline} left this server's timeline {timeline} at {fork}, and this server \
             ends at {end}"
        )
    }
}

/// How the server comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Its WAL is a beginning of the primary's.
    AsItIs(Footing),
    /// It has WAL of its own.
    Rewind(Loss),
}

/// How far a stopped server is. A primary that was stopped ends with a record at the position that its
/// control file names: that record is part of its WAL, too.
#[must_use]
pub fn course(control: &ControlFile, history: Option<Vec<HistoryEntry>>) -> Course {
    let end = control.last_position();
    let past = match control.state {
        ClusterState::ShutDownInRecovery | ClusterState::InArchiveRecovery => 0,
        ClusterState::StartingUp
        | ClusterState::ShutDown
        | ClusterState::ShuttingDown
        | ClusterState::InCrashRecovery
        | ClusterState::InProduction => 1,
    };
    Course {
        system: control.system_identifier,
        timeline: control.last_timeline(),
        position: Lsn(end.0.saturating_add(past)),
        history,
    }
}

/// Where two courses part.
#[must_use]
pub fn divergence(own: &Course, target: &Course) -> Lsn {
    let ends = |course: &Course| -> Vec<(Timeline, Lsn)> {
        let history = course.history.clone().unwrap_or_default();
        let before = history.iter().map(|entry| (entry.timeline, entry.lsn));
        before.chain([(course.timeline, course.position)]).collect()
    };
    let mut common = Lsn(0);
    for (ours, theirs) in ends(own).into_iter().zip(ends(target)) {
        if ours.0 != theirs.0 {
            break;
        }
        common = ours.1.min(theirs.1);
        if ours.1 != theirs.1 {
            break;
        }
    }
    common
}

/// Decides.
///
/// # Errors
/// [`Exit::Rejoin`]: neither way is possible.
pub fn way(own: &Course, target: &Course, end: Lsn, label: &str) -> Result<Way> {
    let obstacle = match judge(own, target) {
        Ok(footing) => return Ok(Way::AsItIs(footing)),
        Err(obstacle) => obstacle,
    };
    let loss = |fork: Lsn| Loss {
        timeline: own.timeline.0,
        fork: fork.0,
        end: end.0,
        target_timeline: target.timeline.0,
    };
    let clone = "clone this node anew with \"repmgr standby clone --force\"";
    match obstacle {
        Obstacle::PastFork(fork) => Ok(Way::Rewind(loss(fork))),
        Obstacle::TimelineAhead | Obstacle::NotAnAncestor => Ok(Way::Rewind(loss(divergence(own, target)))),
        Obstacle::OtherCluster => Err(Error::new(Exit::Rejoin, "the target belongs to another cluster")
            .detail(format!(
                "system identifier of this node: {}, of node {label}: {}",
                own.system, target.system
            ))
            .hint("check \"data_directory\" here and the connection string of -d")),
        Obstacle::SameNumberOtherFork => {
            Err(Error::new(Exit::Rejoin, "this node and the target are on different timelines of one number")
                .detail(format!(
                    "both are on timeline {}, and came to it by promotions of their own; they parted at {}",
                    own.timeline,
                    divergence(own, target)
                ))
                .detail(format!("{} would be lost", loss(divergence(own, target)).range()))
                .detail("pg_rewind takes timelines of one number for the same and would do nothing")
                .hint(clone))
        }
        Obstacle::Ahead => Err(Error::new(Exit::Rejoin, "this node has more WAL than the target")
            .detail(format!(
                "both are on timeline {}; this node ends at {end}, node {label} at {}",
                own.timeline, target.position
            ))
            .detail("pg_rewind does nothing where no timeline forked")
            .hint(clone)),
    }
}

/// Refuses where pg_rewind was not asked for, or cannot work.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn allow(loss: &Loss, control: &ControlFile, asked: Asked, target: &str) -> Result<()> {
    let lost = || format!("{} would be lost, the fork is at {}", loss.range(), Lsn(loss.fork));
    if asked == Asked::No {
        return Err(Error::new(Exit::Rejoin, format!("this node cannot follow node {target} as it is"))
            .detail(loss.fork_text())
            .detail(lost())
            .hint("with --force-rewind pg_rewind discards it"));
    }
    if !control.can_rewind() {
        return Err(Error::new(Exit::Rejoin, "pg_rewind cannot be used on this server")
            .detail(loss.fork_text())
            .detail("it has neither \"wal_log_hints\" on nor data checksums")
            .hint("clone this node anew with \"repmgr standby clone --force\"")
            .hint("for the next time set wal_log_hints, or enable checksums with pg_checksums"));
    }
    Ok(())
}

/// Whether `--force-rewind` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It was.
    Yes,
    /// It was not.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(timeline: u32, position: u64, history: &[(u32, u64)]) -> Course {
        let entry =
            |&(timeline, lsn): &(u32, u64)| HistoryEntry { timeline: Timeline(timeline), lsn: Lsn(lsn) };
        Course {
            system: 7,
            timeline: Timeline(timeline),
            position: Lsn(position),
            history: Some(history.iter().map(entry).collect()),
        }
    }

    #[test]
    fn what_would_be_lost_begins_where_the_histories_part() {
        for (why, own, target, want) in [
            ("clean hand-over", course(1, 21, &[]), course(2, 30, &[(1, 140)]), None),
            ("past the fork", course(1, 50, &[]), course(2, 60, &[(1, 20)]), Some(20)),
            (
                "the fork is where our last record begins",
                course(1, 21, &[]),
                course(2, 60, &[(1, 20)]),
                Some(20),
            ),
            ("ours is newer", course(3, 50, &[(1, 20), (2, 40)]), course(2, 60, &[(1, 20)]), Some(40)),
            ("a branch of its own", course(2, 50, &[(1, 22)]), course(3, 60, &[(1, 20), (2, 30)]), Some(20)),
            ("a number was left out", course(2, 50, &[(1, 22)]), course(3, 60, &[(1, 30)]), Some(22)),
        ] {
            match (way(&own, &target, own.position, "x"), want) {
                (Ok(Way::AsItIs(_)), None) => {}
                (Ok(Way::Rewind(loss)), Some(fork)) => {
                    assert_eq!((loss.fork, loss.end), (fork, own.position.0), "{why}");
                }
                (other, _) => panic!("{why}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_pg_rewind_cannot_mend_is_refused_with_another_way_out() {
        for (why, own, target) in [
            ("another cluster", Course { system: 8, ..course(1, 10, &[]) }, course(1, 20, &[])),
            ("one number, two births", course(2, 50, &[(1, 22)]), course(2, 60, &[(1, 20)])),
            ("ahead on one timeline", course(1, 50, &[]), course(1, 20, &[])),
        ] {
            let error = way(&own, &target, own.position, "x").unwrap_err();
            assert!(
                error.exit == Exit::Rejoin && !error.detail.is_empty() && !error.hint.is_empty(),
                "{why}"
            );
        }
    }
}
