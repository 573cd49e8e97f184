//! `repmgr node check`

use crate::cli::Invocation;
use crate::cli::args::NodeCheck;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `node check`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_inv: &Invocation, _args: &NodeCheck) -> Result<Exit> {
    Err(not_implemented("node check"))
}
