//! `repmgr standby unregister`

use crate::cli::args::StandbyUnregister;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `standby unregister`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &StandbyUnregister) -> Result<Exit> {
    Err(not_implemented("standby unregister"))
}
