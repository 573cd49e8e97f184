//! Taking one address down.

use super::way::{self, Deed, Way, not_allowed};
use super::{AddressState, Released, Seen, elsewhere, find_card, ip_args};
use crate::domain::vip::{Assigned, Presence, Vip, presence};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::clock::Deadline;
use crate::sys::netlink::{self, Changed};

/// Takes one address down, in whatever way is open; `command` is the site's.
pub fn remove(state: &AddressState, command: Option<&str>, deadline: Deadline) -> Result<Released> {
    let place = &state.place;
    let what = || format!("unable to take down address {place}");
    let found = match &state.presence {
        Presence::Absent => None,
        Presence::Held => Some(place.vip),
        Presence::OtherPrefix(prefix) => Some(Vip { ip: place.vip.ip, prefix: *prefix }),
        Presence::OtherCard(card) => return Err(elsewhere(place, card)),
    };
    match (state.down, found) {
        (Way::Site, found) => {
            let output = way::site("vip_down_command", command.unwrap_or_default(), place, deadline)?;
            match (output.success(), found) {
                (true, _) => Ok(Released::Removed),
                (false, None) => Ok(Released::Unsure(output.complaint())),
                (false, Some(_)) => Err(Error::new(Exit::LocalCommand, what())
                    .detail(format!("vip_down_command: {}", output.complaint()))),
            }
        }
        (_, None) => Ok(Released::Already),
        (Way::Capabilities, Some(vip)) => match find_card(place)?.map(|c| netlink::delete(&c, vip)) {
            Some(Ok(Changed::Yes)) => Ok(Released::Removed),
            Some(Ok(Changed::No)) | None => Ok(Released::Already),
            Some(Err(why)) => Err(Error::new(Exit::System, what()).detail(why.to_string())),
        },
        (Way::Program | Way::Sudo, Some(vip)) => {
            let args = ip_args("del", place, vip);
            let output = way::run(Deed::Change, state.down, &args, deadline)?;
            if output.success() {
                return Ok(Released::Removed);
            }
            if presence(place, &Seen::read()?.assigned) == Presence::Absent {
                return Ok(Released::Already);
            }
            Err(Error::new(Exit::LocalCommand, what()).detail(format!(
                "ip {}: {}",
                args.join(" "),
                output.complaint()
            )))
        }
        (Way::Nothing, Some(_)) => Err(not_allowed(what(), Deed::Change)),
    }
}

/// Puts back what the kernel took with an address: of several in one subnet the first one drags the others along,
/// unless net.ipv4.conf.*.promote_secondaries is set.
pub fn put_back(state: &AddressState, before: &[Assigned], deadline: Deadline) -> Result<()> {
    let (place, after) = (&state.place, Seen::read()?);
    let lost = before
        .iter()
        .filter(|a| a.card == place.card && a.vip.ip != place.vip.ip && !after.assigned.contains(a));
    for vip in lost.map(|a| a.vip) {
        let failed = |why: String| {
            Error::new(Exit::System, format!("address {vip} went with {}, and cannot be put back", place.vip))
                .detail(why)
                .hint(format!("ip addr add {vip} dev {}", place.card))
        };
        match (state.down, after.card(place)) {
            (Way::Capabilities, Some(card)) => {
                netlink::add(card, vip).map_err(|why| failed(why.to_string()))?;
            }
            (Way::Program | Way::Sudo, _) => {
                let output = way::run(Deed::Change, state.down, &ip_args("add", place, vip), deadline)?;
                if !output.success() {
                    return Err(failed(output.complaint()));
                }
            }
            // What a site's command takes down besides is its own affair.
            (Way::Site | Way::Nothing, _) | (Way::Capabilities, None) => {}
        }
    }
    Ok(())
}
