//! `cluster crosscheck`: the matrices of all nodes laid over one another.

use super::matrix::grid::{Grid, Link, parse_matrix};
use super::matrix::{self, empty, finish, look, no_answer, own_id, print};
use super::show::records;
use crate::cli::args::ClusterCrosscheck;
use crate::commands::context::Context;
use crate::commands::remote;
use crate::domain::node::{NodeId, NodeRecord};
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::parallel::in_parallel;
use std::time::Duration;

/// Long enough for ssh there and a whole `cluster matrix` of that node.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`]: the records could not be read.
pub fn run(ctx: &Context, args: &ClusterCrosscheck) -> Result<Exit> {
    report::info("asking every registered node");
    let nodes = records(ctx)?;
    let own = own_id(ctx);
    let views = in_parallel(nodes.iter().collect(), |record: &NodeRecord| {
        if own == Some(record.node_id) {
            View::Here(look(ctx, &nodes))
        } else {
            View::There(ask(ctx, record))
        }
    });
    let mut grid = empty(&nodes);
    let (mut failures, mut unreached) = (Vec::new(), Vec::new());
    for view in views {
        match view {
            View::Here(seen) => {
                overlay(&mut grid, &seen.grid.csv());
                failures.extend(seen.failures);
                unreached.extend(seen.unreached);
            }
            View::There(Ok(seen)) => seen.into_iter().for_each(|(from, to, link)| grid.see(from, to, link)),
            View::There(Err(error)) => failures.push(error),
        }
    }
    // Ours and the others' matrices fail over the same host in the same words.
    failures.sort_by(|a, b| a.message.cmp(&b.message));
    failures.dedup_by(|a, b| a.message == b.message);
    print(&grid, args.output)?;
    unreached.iter().for_each(report::setback);
    Ok(finish(&grid, &failures))
}

/// One node's matrix.
enum View {
    /// This node's.
    Here(matrix::View),
    /// Another's, through ssh.
    There(Result<Vec<(NodeId, NodeId, Link)>>),
}

fn overlay(grid: &mut Grid, csv: &str) {
    for (from, to, link) in parse_matrix(csv) {
        grid.see(from, to, link);
    }
}

fn ask(ctx: &Context, record: &NodeRecord) -> Result<Vec<(NodeId, NodeId, Link)>> {
    let words = ["cluster", "matrix", "--csv", "--terse"];
    let output = remote::run(ctx, record, &words, None, Deadline::after(PATIENCE))?;
    let seen = parse_matrix(&output.stdout_text());
    if seen.is_empty() { Err(no_answer(record, "cluster matrix", &output)) } else { Ok(seen) }
}
