//! `repmgr cluster show`

use crate::cli::Invocation;
use crate::cli::args::ClusterShow;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `cluster show`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_inv: &Invocation, _args: &ClusterShow) -> Result<Exit> {
    Err(not_implemented("cluster show"))
}
