//! `repmgr primary unregister`

use crate::cli::args::PrimaryUnregister;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `primary unregister`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &PrimaryUnregister) -> Result<Exit> {
    Err(not_implemented("primary unregister"))
}
