//! `repmgr vip …`: the addresses that move with the primary, on this host.

pub mod announce;
pub mod bind;
mod shared;
pub mod status;
pub mod unbind;

use super::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::vip::{Addresses, Bound, Freed, Held, Probed, Released};
pub use shared::{arrive, follow_record, foresee, leave, prospect, recorded};
use std::time::Duration;

/// How often an address is announced: one lost frame must not leave a client with the old host.
pub const ANNOUNCEMENTS: u32 = 5;

/// How long one of these commands may take in all; a site's command is what may take long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The addresses of the configuration.
///
/// # Errors
/// [`Exit::BadConfig`]: there are none, or they cannot be used.
pub fn configured(ctx: &Context) -> Result<Addresses> {
    let addresses = Addresses::of(&ctx.settings()?.virtual_addresses()?);
    if addresses.is_empty() {
        return Err(Error::new(Exit::BadConfig, "no virtual address is configured")
            .hint("set \"virtual_ip\" and \"network_card\" in this node's configuration file"));
    }
    Ok(addresses)
}

/// Takes the addresses up and says so; then the neighbours are told. That they could not be told is a warning.
///
/// # Errors
/// As [`Addresses::bind`].
pub fn take_up(addresses: &Addresses, deadline: Deadline) -> Result<Vec<Bound>> {
    let bound = addresses.bind(deadline)?;
    if bound.is_empty() {
        return Ok(bound);
    }
    for one in &bound {
        let place = &one.place;
        match one.held {
            Held::Added => report::notice(format!("address {place} is up")),
            Held::Already => report::info(format!("address {place} is up already")),
            Held::OtherPrefix(prefix) => {
                report::warning(format!("address {place} is up already, with prefix length {prefix}"))
                    .hint("correct \"virtual_ip\", or take the address down and up again")
            }
        };
        unasked(&place.to_string(), &one.probed);
    }
    match addresses.announce(ANNOUNCEMENTS, deadline) {
        Ok(()) => drop(report::info("neighbours told where the address is")),
        Err(error) => report::setback(&error),
    }
    Ok(bound)
}

/// Takes the addresses down and says so.
///
/// # Errors
/// As [`Addresses::unbind`].
pub fn take_down(addresses: &Addresses, deadline: Deadline) -> Result<Vec<Freed>> {
    let freed = addresses.unbind(deadline)?;
    for Freed { place, released } in &freed {
        match released {
            Released::Removed => report::notice(format!("address {place} is down")),
            Released::Already => report::info(format!("address {place} is down already")),
            Released::Unsure(why) => {
                report::warning(format!("address {place} is not to be seen here, and its command failed"))
                    .detail(format!("vip_down_command: {why}"))
                    .hint("have it succeed when the address is down already")
            }
        };
    }
    Ok(freed)
}

/// Says that nobody could be asked for other owners.
fn unasked(place: &str, probed: &Probed) {
    if let Probed::Unasked(why) = probed {
        report::warning(format!("unable to ask whether another host has address {place}"))
            .detail(why.clone());
    }
}
