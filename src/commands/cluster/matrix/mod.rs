//! `cluster matrix`: what this node and, through ssh, every other node reaches.

pub mod grid;

use super::show::records;
use crate::cli::args::ClusterMatrix;
use crate::cli::choices::Output;
use crate::cli::table;
use crate::commands::context::{Context, connect_node};
use crate::commands::remote;
use crate::domain::node::{NodeId, NodeRecord};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::{self, Level};
use crate::sys::clock::Deadline;
use crate::sys::exec::{Output as Ended, Status};
use crate::sys::parallel::in_parallel;
use grid::{Grid, Link, parse_show};
use std::time::Duration;

/// Long enough for ssh's own ConnectTimeout and a `cluster show` there with a node out of its reach.
const PATIENCE: Duration = Duration::from_secs(40);

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`]: the records could not be read.
pub fn run(ctx: &Context, args: &ClusterMatrix) -> Result<Exit> {
    report::info("asking every registered node");
    let nodes = records(ctx)?;
    let View { grid, failures, unreached } = look(ctx, &nodes);
    print(&grid, args.output)?;
    unreached.iter().for_each(report::setback);
    let exit = finish(&grid, &failures);
    // repmgr's own habit, which `cluster crosscheck` does not share: for programs a matrix has holes, no failures.
    Ok(if args.output == Output::Csv && exit == Exit::Ssh { Exit::NodeStatus } else { exit })
}

/// Writes the grid.
///
/// # Errors
/// [`Exit::System`]: stdout is gone.
pub fn print(grid: &Grid, output: Output) -> Result<()> {
    match output {
        Output::Csv => table::print(&grid.csv()),
        Output::Json => table::print(&table::json(&grid.json())),
        Output::Text => table::print(&grid.text()),
    }
}

/// Tells what went wrong on the way; 25 when a node does not reach another, else 12 when ssh failed.
pub fn finish(grid: &Grid, failures: &[Error]) -> Exit {
    failures.iter().for_each(report::setback);
    match (grid.is_whole(), grid.has_failed(), failures.is_empty()) {
        (true, _, true) => Exit::Success,
        (_, false, false) => Exit::Ssh,
        (_, _, _) => Exit::NodeStatus,
    }
}

/// The number of the node on which this runs. `None`: no configuration file and no `--node-id` tells.
pub fn own_id(ctx: &Context) -> Option<NodeId> {
    ctx.node_id().ok().or(ctx.general.node_id)
}

/// The grid with a row's names, nothing known yet.
pub fn empty(nodes: &[NodeRecord]) -> Grid {
    Grid::new(nodes.iter().map(|n| (n.node_id, n.node_name.clone())).collect())
}

/// What can be seen from a node.
pub struct View {
    /// Who reaches whom.
    pub grid: Grid,
    /// What ssh could not do.
    pub failures: Vec<Error>,
    /// Why servers are not reached from here.
    pub unreached: Vec<Error>,
}

/// What can be seen from here.
pub fn look(ctx: &Context, nodes: &[NodeRecord]) -> View {
    let own = own_id(ctx);
    let asked = in_parallel(nodes.iter().collect(), |record: &NodeRecord| {
        let from_here = connect_node(record).map(drop);
        let ask_there = from_here.is_ok() && own != Some(record.node_id);
        let from_there = ask_there.then(|| ask(ctx, record));
        (record, from_here, from_there)
    });
    let mut grid = empty(nodes);
    let (mut failures, mut unreached) = (Vec::new(), Vec::new());
    for (record, from_here, from_there) in asked {
        if let Some(own) = own {
            grid.see(own, record.node_id, if from_here.is_ok() { Link::Ok } else { Link::Failed });
        }
        if let Err(why) = from_here {
            let what = format!("unable to connect to the server of node {}", record.label());
            unreached.push(why.into_error(Exit::DbConn, what));
        }
        match from_there {
            Some(Ok(seen)) => seen.into_iter().for_each(|(to, link)| grid.see(record.node_id, to, link)),
            Some(Err(error)) => failures.push(error),
            None => {}
        }
    }
    View { grid, failures, unreached }
}

fn ask(ctx: &Context, record: &NodeRecord) -> Result<Vec<(NodeId, Link)>> {
    let words = ["cluster", "show", "--csv", "--terse"];
    let output = remote::run(ctx, record, &words, Some(Level::Notice), Deadline::after(PATIENCE))?;
    let seen = parse_show(&output.stdout_text());
    if seen.is_empty() { Err(no_answer(record, "cluster show", &output)) } else { Ok(seen) }
}

/// ssh worked, but the command there told nothing that could be read.
pub fn no_answer(record: &NodeRecord, command: &str, output: &Ended) -> Error {
    let error =
        Error::new(Exit::Ssh, format!("\"{command}\" on the host of node {} gave no answer", record.label()))
            .detail(output.complaint());
    match output.status {
        // A shell's numbers for a program that is not there or may not be run.
        Status::Exited(126 | 127) => {
            error.hint("check \"repmgr_bindir\" here: this program must be in that directory on every host")
        }
        Status::Exited(_) | Status::Signalled(_) | Status::TimedOut => error.hint(format!(
            "run \"repmgr {command}\" on that host with the configuration file of its record (\"{}\")",
            record.config_file
        )),
    }
}
