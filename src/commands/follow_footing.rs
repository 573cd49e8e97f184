//! Whether a node's WAL is a beginning of another's, so that it can follow: pure.

use crate::domain::lsn::{Lsn, Timeline};
use crate::error::Error;
use crate::exit::Exit;
use crate::pg::wire::HistoryEntry;

/// How far a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The cluster's number.
    pub system: u64,
    /// The timeline it is on.
    pub timeline: Timeline,
    /// The end of its WAL. Of a standby: what it has received or replayed, whichever is more.
    pub position: Lsn,
    /// The forks that led to its timeline. `None`: not known; then forks of one number on both sides are
    /// taken for the same.
    pub history: Option<Vec<HistoryEntry>>,
}

/// Why a node can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footing {
    /// Both are on one timeline, and the node is not ahead.
    SameTimeline,
    /// The other one forked off the node's timeline at this position, which the node has not passed.
    Forked(Lsn),
}

/// Why a node cannot follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its data are another cluster's.
    OtherCluster,
    /// It is on a timeline that the other one has not come to.
    TimelineAhead,
    /// The other one's timeline does not descend from its own.
    NotAnAncestor,
    /// The timelines have one number and forked off at different positions.
    SameNumberOtherFork,
    /// On one timeline, it has WAL that the other one does not have. A server that is only late has it soon.
    Ahead,
    /// It has WAL past this position, at which the other one forked off.
    PastFork(Lsn),
}

/// Compares the course of `own` with that of `target`.
///
/// # Errors
/// The [`Obstacle`].
pub fn judge(own: &Course, target: &Course) -> Result<Footing, Obstacle> {
    if own.system != target.system {
        return Err(Obstacle::OtherCluster);
    }
    if own.timeline > target.timeline {
        return Err(Obstacle::TimelineAhead);
    }
    let theirs = target.history.as_deref().unwrap_or_default();
    if let Some(ours) = &own.history {
        let common = theirs.iter().take_while(|entry| entry.timeline < own.timeline);
        if target.history.is_some() && !common.eq(ours.iter()) {
            return Err(if own.timeline == target.timeline {
                Obstacle::SameNumberOtherFork
            } else {
                Obstacle::NotAnAncestor
            });
        }
    }
    if own.timeline == target.timeline {
        return if own.position > target.position { Err(Obstacle::Ahead) } else { Ok(Footing::SameTimeline) };
    }
    let fork = theirs.iter().find(|entry| entry.timeline == own.timeline).ok_or(Obstacle::NotAnAncestor)?;
    if own.position > fork.lsn {
        return Err(Obstacle::PastFork(fork.lsn));
    }
    Ok(Footing::Forked(fork.lsn))
}

impl Obstacle {
    /// The error of a standby that is to follow; `label` names the target.
    #[must_use]
    pub fn into_error(self, own: &Course, target: &Course, label: &str) -> Error {
        let error = |what: &str| Error::new(Exit::Follow, what);
        let rejoin =
            "if this node's surplus may be discarded, stop it and use \"repmgr node rejoin --force-rewind\"";
        let positions = || {
            format!("this node's WAL ends at {}, that of node {label} at {}", own.position, target.position)
        };
        let timelines = || {
            format!("this node is on timeline {}, node {label} on timeline {}", own.timeline, target.timeline)
        };
        match self {
            Self::OtherCluster => error("this node and the node to follow belong to different clusters")
                .detail(format!(
                    "system identifier of this node: {}, of node {label}: {}",
                    own.system, target.system
                ))
                .hint("check the conninfo of both nodes, or clone this one with \"repmgr standby clone\""),
            Self::TimelineAhead => error("the node to follow is on an earlier timeline")
                .detail(timelines())
                .detail(positions())
                .hint(rejoin),
            Self::NotAnAncestor => {
                error("the timeline of the node to follow does not descend from this node's")
                    .detail(timelines())
                    .detail(positions())
                    .hint(rejoin)
            }
            Self::SameNumberOtherFork => {
                error("this node and the node to follow are on different timelines of one number")
                    .detail(timelines())
                    .detail("they forked off at different positions, each after a promotion of its own")
                    .hint(rejoin)
            }
            Self::Ahead => error("this node has WAL that the node to follow does not have")
                .detail(positions())
                .hint(rejoin),
            Self::PastFork(fork) => {
                error("this node has WAL past the point at which the node to follow forked off")
                    .detail(timelines())
                    .detail(format!("it forked off at {fork}, this node's WAL ends at {}", own.position))
                    .hint(rejoin)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(timeline: u32, position: u64, history: Option<&[(u32, u64)]>) -> Course {
        let entry =
            |&(timeline, lsn): &(u32, u64)| HistoryEntry { timeline: Timeline(timeline), lsn: Lsn(lsn) };
        Course {
            system: 7,
            timeline: Timeline(timeline),
            position: Lsn(position),
            history: history.map(|entries| entries.iter().map(entry).collect()),
        }
    }

    #[test]
    fn a_node_follows_where_its_wal_is_a_beginning_of_the_targets() {
        let same = Ok(Footing::SameTimeline);
        let forked = |at| Ok(Footing::Forked(Lsn(at)));
        for (why, own, target, want) in [
            ("one timeline, behind", course(1, 10, Some(&[])), course(1, 20, Some(&[])), same),
            ("one timeline, equal", course(1, 20, Some(&[])), course(1, 20, Some(&[])), same),
            ("one timeline, ahead", course(1, 21, Some(&[])), course(1, 20, Some(&[])), Err(Obstacle::Ahead)),
            ("forked ahead of us", course(1, 10, Some(&[])), course(2, 30, Some(&[(1, 20)])), forked(20)),
            ("exactly at the fork", course(1, 20, Some(&[])), course(2, 20, Some(&[(1, 20)])), forked(20)),
            (
                "past the fork, though the target is further",
                course(1, 21, Some(&[])),
                course(2, 30, Some(&[(1, 20)])),
                Err(Obstacle::PastFork(Lsn(20))),
            ),
            (
                "two promotions later",
                course(1, 10, Some(&[])),
                course(3, 50, Some(&[(1, 20), (2, 30)])),
                forked(20),
            ),
            (
                "the fork of our timeline counts, not a later one",
                course(1, 25, Some(&[])),
                course(3, 50, Some(&[(1, 20), (2, 30)])),
                Err(Obstacle::PastFork(Lsn(20))),
            ),
            (
                "ours is newer",
                course(3, 10, None),
                course(2, 30, Some(&[(1, 20)])),
                Err(Obstacle::TimelineAhead),
            ),
            (
                "a branch of its own",
                course(2, 25, Some(&[(1, 22)])),
                course(3, 50, Some(&[(1, 20), (2, 30)])),
                Err(Obstacle::NotAnAncestor),
            ),
            (
                "a number left out",
                course(2, 25, None),
                course(3, 50, Some(&[(1, 20)])),
                Err(Obstacle::NotAnAncestor),
            ),
            (
                "both promoted by themselves",
                course(2, 25, Some(&[(1, 22)])),
                course(2, 50, Some(&[(1, 20)])),
                Err(Obstacle::SameNumberOtherFork),
            ),
            ("our history is not known", course(2, 25, None), course(2, 50, Some(&[(1, 20)])), same),
            ("nor is theirs", course(1, 25, Some(&[])), course(2, 50, None), Err(Obstacle::NotAnAncestor)),
            (
                "another cluster",
                Course { system: 8, ..course(1, 10, None) },
                course(1, 20, None),
                Err(Obstacle::OtherCluster),
            ),
        ] {
            assert_eq!(judge(&own, &target), want, "{why}");
            if let Err(obstacle) = judge(&own, &target) {
                let error = obstacle.into_error(&own, &target, "x");
                assert!(
                    error.exit == Exit::Follow && !error.detail.is_empty() && !error.hint.is_empty(),
                    "{why}"
                );
            }
        }
    }
}
