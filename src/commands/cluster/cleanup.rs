//! `repmgr cluster cleanup`

use crate::cli::Invocation;
use crate::cli::args::ClusterCleanup;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `cluster cleanup`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_inv: &Invocation, _args: &ClusterCleanup) -> Result<Exit> {
    Err(not_implemented("cluster cleanup"))
}
