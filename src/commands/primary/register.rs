//! `repmgr primary register`

use crate::cli::Invocation;
use crate::cli::args::PrimaryRegister;
use crate::commands::not_implemented;
use crate::error::Result;
use crate::exit::Exit;

/// Runs `primary register`.
///
/// # Errors
/// Always, until the command is written.
pub fn run(_inv: &Invocation, _args: &PrimaryRegister) -> Result<Exit> {
    Err(not_implemented("primary register"))
}
