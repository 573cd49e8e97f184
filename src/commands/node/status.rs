//! `repmgr node status`

use crate::cli::args::NodeStatus;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `node status`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &NodeStatus) -> Result<Exit> {
    Err(not_implemented("node status"))
}
