//! `repmgr vip bind`

use super::{PATIENCE, configured, take_up, unasked};
use crate::cli::args::VipBind;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::domain::vip::Presence;
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use crate::sys::clock::Deadline;

/// Takes the addresses up, after a look for other owners, and tells the neighbours.
///
/// # Errors
/// [`Exit::BadConfig`]: another host has the address, no such card, no permission; [`Exit::System`],
/// [`Exit::LocalCommand`]: it could not be added. Then no address is here that was not here before.
pub fn run(ctx: &Context, _args: &VipBind) -> Result<Exit> {
    let addresses = configured(ctx)?;
    let deadline = Deadline::after(PATIENCE);
    match ctx.effort() {
        Effort::Apply => drop(take_up(&addresses, deadline)?),
        Effort::DryRun => {
            for (state, probed) in addresses.check(deadline)? {
                let place = state.place.to_string();
                unasked(&place, &probed);
                match state.presence {
                    Presence::Held | Presence::OtherPrefix(_) => {
                        report::info(format!("address {place} is up already"))
                    }
                    Presence::Absent | Presence::OtherCard(_) => {
                        report::notice(format!("would take up address {place} (by: {})", state.up))
                    }
                };
            }
            report::info("every check for \"vip bind\" passed");
        }
    }
    Ok(Exit::Success)
}
