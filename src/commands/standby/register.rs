//! `repmgr standby register`

use crate::cli::args::StandbyRegister;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `standby register`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &StandbyRegister) -> Result<Exit> {
    Err(not_implemented("standby register"))
}
