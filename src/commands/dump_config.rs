//! `repmgr --dump-config`

use crate::cli::Invocation;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Shows the configuration that is in force.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_inv: &Invocation) -> Result<Exit> {
    Err(not_implemented("--dump-config"))
}
