//! `repmgr standby clone`

use crate::cli::args::StandbyClone;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `standby clone`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &StandbyClone) -> Result<Exit> {
    Err(not_implemented("standby clone"))
}
