//! `repmgr vip announce`

use super::{ANNOUNCEMENTS, PATIENCE, configured};
use crate::cli::args::VipAnnounce;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use crate::sys::clock::Deadline;

/// Tells the neighbours that the addresses are here.
///
/// # Errors
/// [`Exit::BadConfig`]: an address is not here, no permission; [`Exit::System`], [`Exit::LocalCommand`]: it could
/// not be told.
pub fn run(ctx: &Context, _args: &VipAnnounce) -> Result<Exit> {
    let addresses = configured(ctx)?;
    match ctx.effort() {
        Effort::Apply => {
            addresses.announce(ANNOUNCEMENTS, Deadline::after(PATIENCE))?;
            report::notice("neighbours told where the address is");
        }
        Effort::DryRun => {
            for state in addresses.status()? {
                report::notice(format!("would announce address {} (by: {})", state.place, state.announce));
            }
        }
    }
    Ok(Exit::Success)
}
