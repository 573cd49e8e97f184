//! The other nodes below the upstream that is no more: can they be reached, and have them follow.

use crate::commands::context::Context;
use crate::commands::remote;
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::{NodeRecord, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::parallel::in_parallel;
use std::time::Duration;

/// How long a shell on another host may take to answer. ssh's own ConnectTimeout is 10 s by default.
const REACH: Duration = Duration::from_secs(20);

/// What a follower needs besides its own time-outs: ssh, and a restart before 13.
const FOLLOW: Duration = Duration::from_mins(2);

/// A node below the same upstream.
#[derive(Debug)]
pub struct Sibling {
    /// Its record.
    pub record: NodeRecord,
    /// Why ssh does not reach it. `None`: it does.
    pub unreachable: Option<Error>,
}

/// Active nodes, witnesses included, whose upstream is that of `own`.
#[must_use]
pub fn of(own: &NodeRecord, nodes: &[NodeRecord]) -> Vec<NodeRecord> {
    let Some(upstream) = own.upstream_node_id else { return Vec::new() };
    let sibling = |n: &&NodeRecord| {
        n.active
            && n.node_id != own.node_id
            && n.upstream_node_id == Some(upstream)
            && matches!(n.role, Role::Standby | Role::Witness)
    };
    nodes.iter().filter(sibling).cloned().collect()
}

/// Tries ssh to all of them at once.
#[must_use]
pub fn reach(ctx: &Context, siblings: &[NodeRecord]) -> Vec<Sibling> {
    in_parallel(siblings.to_vec(), |record: NodeRecord| {
        let way = remote::host_of(ctx, &record).and_then(|ssh| ssh.reach(Deadline::after(REACH)));
        Sibling { record, unreachable: way.err() }
    })
}

/// The error that names the siblings which ssh does not reach.
#[must_use]
pub fn unreachable(siblings: &[Sibling]) -> Error {
    let lost: Vec<_> =
        siblings.iter().filter_map(|s| s.unreachable.as_ref().map(|why| (&s.record, why))).collect();
    let what = format!("ssh does not reach {} of {} nodes that are to follow", lost.len(), siblings.len());
    let mut error = Error::new(Exit::Ssh, what).hint("use -F/--force to go on without them");
    error.detail = lost.iter().map(|(record, why)| format!("node {}: {why}", record.label())).collect();
    error
}

/// [`reach`], and an error when any is not reached.
///
/// # Errors
/// [`Exit::Ssh`].
pub fn check_siblings(ctx: &Context, nodes: &[NodeRecord]) -> Result<()> {
    let seen = reach(ctx, nodes);
    if seen.iter().any(|s| s.unreachable.is_some()) { Err(unreachable(&seen)) } else { Ok(()) }
}

/// Has these nodes follow `primary`, all at once; returns those that did not. What went wrong is told as
/// warnings, with what to run there.
#[must_use]
pub fn siblings_follow(ctx: &Context, nodes: &[NodeRecord], primary: &NodeRecord) -> Vec<NodeRecord> {
    if nodes.is_empty() {
        return Vec::new();
    }
    let labels: Vec<String> = nodes.iter().map(NodeRecord::label).collect();
    report::notice(format!("attaching the other nodes to node {}", primary.label()))
        .detail(format!("nodes: {}", labels.join(", ")));
    let outcomes = in_parallel(nodes.to_vec(), |record: NodeRecord| {
        let words = words(&record, primary);
        let outcome = follow(ctx, &record, &words);
        (record, words, outcome)
    });
    let mut failed = Vec::new();
    for (record, words, outcome) in outcomes {
        match outcome {
            Ok(()) => drop(report::info(format!("node {} follows the new primary", record.label()))),
            Err(why) => {
                let why = Error {
                    message: format!("node {} does not follow: {}", record.label(), why.message),
                    ..why
                };
                report::setback(&why.hint(format!("run there: repmgr {}", words.join(" "))));
                failed.push(record);
            }
        }
    }
    failed
}

/// A witness copies the records of the new primary; it has nothing to follow.
fn words(record: &NodeRecord, primary: &NodeRecord) -> Vec<String> {
    if record.role != Role::Witness {
        return vec![
            "standby".to_owned(),
            "follow".to_owned(),
            format!("--upstream-node-id={}", primary.node_id),
        ];
    }
    let conninfo = ConnInfo::parse(&primary.conninfo).unwrap_or_default();
    let mut words = vec!["witness".to_owned(), "register".to_owned(), "--force".to_owned()];
    for (option, key) in [("-h", "host"), ("-p", "port"), ("-U", "user"), ("-d", "dbname")] {
        words.extend(conninfo.get(key).into_iter().flat_map(|value| [option.to_owned(), value.to_owned()]));
    }
    words
}

fn follow(ctx: &Context, record: &NodeRecord, words: &[String]) -> Result<()> {
    let settings = ctx.settings()?;
    let patience = settings.primary_follow_timeout + settings.standby_follow_timeout + FOLLOW;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = remote::run(ctx, record, &words, None, Deadline::after(patience))?;
    if output.success() {
        return Ok(());
    }
    Err(Error::new(Exit::Follow, "the command failed there").detail(output.complaint()))
}
