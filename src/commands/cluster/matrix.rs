//! `repmgr cluster matrix`

use crate::cli::args::ClusterMatrix;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `cluster matrix`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &ClusterMatrix) -> Result<Exit> {
    Err(not_implemented("cluster matrix"))
}
