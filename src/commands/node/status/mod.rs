//! `repmgr node status`: what this node is, and how its replication stands.

mod gather;
mod picture;
mod print;
mod shutdown;
#[cfg(test)]
mod tests;

use crate::cli::args::NodeStatus;
use crate::cli::choices::Output;
use crate::cli::table;
use crate::commands::context::Context;
use crate::commands::node::shared::Attachment;
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use picture::Facts;

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`]; [`Exit::NodeStatus`] is not an error but the
/// answer when something is wrong with the node.
pub fn run(ctx: &Context, args: &NodeStatus) -> Result<Exit> {
    if args.is_shutdown_cleanly {
        return shutdown::run(ctx);
    }
    let facts = gather::look(ctx)?;
    let issues = facts.issues();
    match args.output {
        Output::Csv => table::print(&print::csv(&facts))?,
        Output::Json => table::print(&table::json(&print::json(&facts, &issues)))?,
        Output::Text => {
            table::print(&print::text(&facts))?;
            complain(ctx, &facts, &issues);
        }
    }
    Ok(if issues.is_empty() { Exit::Success } else { Exit::NodeStatus })
}

fn complain(ctx: &Context, facts: &Facts, issues: &[String]) {
    if issues.is_empty() || ctx.general.terse {
        return;
    }
    for child in &facts.children {
        let name = child.listed();
        match &child.attachment {
            Attachment::Attached | Attachment::Detached => {}
            Attachment::InState(state) => {
                report::warning(format!("node {name} is attached in state \"{state}\""));
            }
            Attachment::Ambiguous => {
                report::error(format!("several walsenders have the name of node {name}"))
                    .hint("give each node a \"node_name\" of its own");
            }
        }
    }
    let count = issues.iter().filter(|line| !line.starts_with(' ')).count();
    let list: String = issues.iter().map(|issue| format!("\n  {issue}")).collect();
    report::warning(format!("issues found: {count}{list}"))
        .hint("\"repmgr node check\" looks at each more closely");
}
