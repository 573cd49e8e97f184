//! `repmgr node service`

use crate::cli::args::NodeService;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `node service`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &NodeService) -> Result<Exit> {
    Err(not_implemented("node service"))
}
