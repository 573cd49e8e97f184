//! `cluster show`: every registered node, asked at once.

mod gather;
mod print;
pub mod status;

pub use gather::{look, records};

use crate::cli::args::ClusterShow;
use crate::cli::choices::Output;
use crate::cli::table;
use crate::commands::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use status::Picture;

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`]; [`Exit::NodeStatus`] is not an error but the
/// answer when something is wrong with a node.
pub fn run(ctx: &Context, args: &ClusterShow) -> Result<Exit> {
    if ctx.general.verbose {
        report::info("asking every registered node");
    }
    let nodes = look(ctx)?;
    let picture = status::draw(&nodes);
    match args.output {
        Output::Csv => table::print(&print::csv(&picture))?,
        Output::Json => table::print(&table::json(&print::json(&picture)))?,
        Output::Text => {
            table::print(&print::text(&picture, print::Shape::of(args, ctx.mode)))?;
            complain(ctx, &picture)?;
        }
    }
    Ok(if picture.issues.is_empty() { Exit::Success } else { Exit::NodeStatus })
}

/// The list of what is wrong; why nodes could not be reached with `--verbose`.
fn complain(ctx: &Context, picture: &Picture) -> Result<()> {
    if picture.issues.is_empty() || ctx.general.terse {
        return Ok(());
    }
    // The table and the list are two things, also where both go to a terminal.
    table::print("\n")?;
    let list: String = picture.issues.iter().map(|issue| format!("\n  - {issue}")).collect();
    let warning = report::warning(format!("issues found: {}{list}\n", picture.issues.len()));
    if picture.causes.is_empty() {
        return Ok(());
    }
    if ctx.general.verbose {
        picture.causes.iter().fold(warning, |w, (node, why)| w.detail(format!("node {node}: {why}")));
    } else {
        warning.hint("add -v/--verbose to see why a connection failed");
    }
    Ok(())
}
