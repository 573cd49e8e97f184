//! `repmgr cluster crosscheck`

use crate::cli::args::ClusterCrosscheck;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `cluster crosscheck`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &ClusterCrosscheck) -> Result<Exit> {
    Err(not_implemented("cluster crosscheck"))
}
