//! `repmgr primary register`

use crate::cli::args::PrimaryRegister;
use crate::commands::context::Context;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `primary register`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_ctx: &Context, _args: &PrimaryRegister) -> Result<Exit> {
    Err(not_implemented("primary register"))
}
