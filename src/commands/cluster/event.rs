//! `repmgr cluster event`

use crate::cli::Invocation;
use crate::cli::args::ClusterEvent;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `cluster event`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_inv: &Invocation, _args: &ClusterEvent) -> Result<Exit> {
    Err(not_implemented("cluster event"))
}
