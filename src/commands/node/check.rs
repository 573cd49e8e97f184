//! `repmgr node check`

use crate::cli::args::NodeCheck;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `node check`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &NodeCheck) -> Result<Exit> {
    Err(not_implemented("node check"))
}
