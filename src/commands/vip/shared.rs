//! The addresses with the record of the primary: up when it is registered, down when it goes.

use super::{PATIENCE, take_down, take_up, unasked};
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::domain::node::NodeId;
use crate::domain::vip::{self, Place, Presence, Wish};
use crate::error::Result;
use crate::pg::metadata;
use crate::pg::session::{PgError, Session};
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::vip::Addresses;

/// Before anything is written: whether this node's addresses could be taken up here, and what a dry run says of it.
/// With `--force` the answer does not matter.
///
/// # Errors
/// As [`Addresses::bind`].
pub fn prospect(ctx: &Context) -> Result<()> {
    let addresses = wished(ctx)?;
    if addresses.is_empty() {
        return Ok(());
    }
    let checked = addresses.check(Deadline::after(PATIENCE));
    let states = match (checked, ctx.forced()) {
        (Ok(states), _) => states,
        (Err(error), true) => {
            report::setback(&error);
            return Ok(());
        }
        (Err(error), false) => {
            return Err(error.hint("--force registers the node without its address"));
        }
    };
    for (state, probed) in states {
        match (ctx.effort(), &state.presence) {
            (Effort::Apply, _) | (Effort::DryRun, Presence::Held | Presence::OtherPrefix(_)) => {}
            (Effort::DryRun, Presence::Absent | Presence::OtherCard(_)) => {
                unasked(&state.place.to_string(), &probed);
                report::notice(format!("would take up address {}", state.place));
            }
        }
    }
    Ok(())
}

/// What a dry run says of [`arrive`]. Sends probes, changes nothing.
pub fn foresee(ctx: &Context) {
    let checked = wished(ctx).and_then(|addresses| addresses.check(Deadline::after(PATIENCE)));
    match checked {
        Ok(states) => states.iter().for_each(|(state, probed)| {
            unasked(&state.place.to_string(), probed);
            report::info(format!("would take up address {} (by: {})", state.place, state.up));
        }),
        Err(error) => report::setback(&error.detail("the promotion would go on without the address")),
    }
}

/// After this node has become the primary, which stands whatever comes of this: its addresses go up, and the
/// neighbours are told. A failure is a warning. To be repeated at will.
pub fn arrive(ctx: &Context) {
    let taken = wished(ctx).and_then(|addresses| take_up(&addresses, Deadline::after(PATIENCE)));
    if let Err(error) = taken {
        let error = error.detail("this server is the primary, and clients do not find it by its address");
        report::setback(&error.hint("then take the address up with \"repmgr vip bind\""));
    }
}

fn wished(ctx: &Context) -> Result<Addresses> {
    Ok(Addresses::of(&ctx.settings()?.virtual_addresses()?))
}

/// The addresses that the record of a node names. Empty: it has none, or they cannot be read.
///
/// # Errors
/// [`PgError`].
pub fn recorded(s: &mut Session, id: NodeId) -> Result<Vec<Place>, PgError> {
    let (virtual_ip, network_card) = match (metadata::address(s, id)?, metadata::node(s, id)?) {
        (Some(address), _) => (address.virtual_ip, address.network_card),
        (None, Some(record)) => (record.virtual_ip, record.network_card),
        (None, None) => (None, None),
    };
    Ok(vip::recorded(virtual_ip.as_deref(), network_card.as_deref()).unwrap_or_else(|why| {
        report::warning("the address in the record of this node cannot be used").detail(why);
        Vec::new()
    }))
}

/// After the record was written: what the old one named, and the new one does not, goes down; then this node's
/// addresses go up. With `--force` a failure is a warning.
///
/// # Errors
/// As [`Addresses::bind`].
pub fn follow_record(ctx: &Context, old: &[Place]) -> Result<()> {
    let wish = ctx.settings()?.virtual_addresses()?;
    let deadline = Deadline::after(PATIENCE);
    let stays =
        |place: &Place| wish.places.iter().any(|new| new.card == place.card && new.vip.ip == place.vip.ip);
    let places: Vec<Place> = old.iter().filter(|place| !stays(place)).cloned().collect();
    if !places.is_empty() {
        let commands = wish.commands.clone();
        if let Err(error) = take_down(&Addresses::of(&Wish { places, commands }), deadline) {
            report::setback(&error);
        }
    }
    if wish.places.is_empty() {
        return Ok(());
    }
    match take_up(&Addresses::of(&wish), deadline) {
        Ok(_) => Ok(()),
        Err(error) if ctx.forced() => {
            report::setback(&error);
            Ok(())
        }
        Err(error) => Err(error
            .detail("the node is registered")
            .hint("then take the address up with \"repmgr vip bind\"")),
    }
}

/// After the record of this node is gone: its addresses go down, those of the configuration and those of the
/// record.
///
/// # Errors
/// As [`Addresses::unbind`].
pub fn leave(ctx: &Context, old: &[Place]) -> Result<()> {
    let mut wish = ctx.settings()?.virtual_addresses()?;
    for place in old {
        if !wish.places.iter().any(|known| known.vip.ip == place.vip.ip) {
            wish.places.push(place.clone());
        }
    }
    if wish.places.is_empty() {
        return Ok(());
    }
    take_down(&Addresses::of(&wish), Deadline::after(PATIENCE)).map(drop).map_err(|error| {
        error.detail("the node is unregistered").hint("then take the address down with \"repmgr vip unbind\"")
    })
}
