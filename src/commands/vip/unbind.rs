//! `repmgr vip unbind`

use super::{PATIENCE, configured, take_down};
use crate::cli::args::VipUnbind;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::domain::vip::Presence;
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use crate::sys::clock::Deadline;

/// Takes the addresses down.
///
/// # Errors
/// [`Exit::BadConfig`]: no permission, or an address is on another card; [`Exit::System`],
/// [`Exit::LocalCommand`]: it could not be removed.
pub fn run(ctx: &Context, _args: &VipUnbind) -> Result<Exit> {
    let addresses = configured(ctx)?;
    match ctx.effort() {
        Effort::Apply => drop(take_down(&addresses, Deadline::after(PATIENCE))?),
        Effort::DryRun => {
            for state in addresses.status()? {
                let place = &state.place;
                match &state.presence {
                    Presence::Held | Presence::OtherPrefix(_) => {
                        report::notice(format!("would take down address {place} (by: {})", state.down))
                    }
                    Presence::Absent => report::info(format!("address {place} is down already")),
                    Presence::OtherCard(card) => report::warning(format!(
                        "address {} is on another network card, \"{card}\", and would stay there",
                        place.vip.ip
                    )),
                };
            }
        }
    }
    Ok(Exit::Success)
}
