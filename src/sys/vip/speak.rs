//! Asking and telling the neighbours in whatever way is open.

use super::way::{self, Deed, Way, not_allowed};
use super::{AddressState, CardState, Probed, no_card};
use crate::domain::vip::{Place, Presence};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::clock::Deadline;
use crate::sys::garp::{self, Owner};
use crate::sys::netlink::{Card, Link};

/// arping sends one a second, and nobody waits that long five times.
const MOST_BY_ARPING: u32 = 2;

/// How the neighbours can be told of an address. arping knows IPv4 only.
pub fn way(place: &Place, deadline: Deadline) -> Way {
    match way::find(Deed::Speak, &arping(place, "-U", 1), deadline) {
        Way::Program | Way::Sudo if place.vip.ip.is_ipv6() => Way::Nothing,
        found @ (Way::Site | Way::Capabilities | Way::Program | Way::Sudo | Way::Nothing) => found,
    }
}

fn arping(place: &Place, form: &str, times: u32) -> Vec<String> {
    let (count, limit) = (times.to_string(), (times + 1).to_string());
    let ip = place.vip.ip.to_string();
    [form, "-c", &count, "-w", &limit, "-I", &place.card, &ip].map(str::to_owned).into()
}

/// Asks who else has an address.
pub fn probe(state: &AddressState, card: Option<&Card>, own: &[[u8; 6]], deadline: Deadline) -> Probed {
    let place = &state.place;
    let Some(card) = card else { return Probed::Unasked("there is no such card".to_owned()) };
    match card.link {
        Link::Down => return Probed::Unasked("the card is switched off".to_owned()),
        Link::NoCarrier => return Probed::Unasked("the card has no carrier".to_owned()),
        Link::Up => {}
    }
    if card.mac.is_none() {
        return Probed::Unasked("nobody can be asked on such a card".to_owned());
    }
    let open = match state.announce {
        Way::Site => self::way(place, deadline),
        found @ (Way::Capabilities | Way::Program | Way::Sudo | Way::Nothing) => found,
    };
    match open {
        Way::Capabilities => match garp::probe(card, place.vip.ip, own, deadline) {
            Ok(None) => Probed::Free,
            Ok(Some(owner)) => Probed::Taken(owner),
            Err(why) => Probed::Unasked(why.to_string()),
        },
        Way::Program | Way::Sudo => by_arping(place, open, own, deadline),
        Way::Site | Way::Nothing => {
            Probed::Unasked("this process lacks CAP_NET_RAW, and arping cannot be used".to_owned())
        }
    }
}

fn by_arping(place: &Place, way: Way, own: &[[u8; 6]], deadline: Deadline) -> Probed {
    let output = match way::run(Deed::Speak, way, &arping(place, "-D", 1), deadline) {
        Ok(output) => output,
        Err(why) => return Probed::Unasked(why.to_string()),
    };
    let owner = output.stdout_text().lines().find_map(bracketed_mac).filter(|mac| !own.contains(mac));
    match owner {
        Some(mac) => Probed::Taken(Owner(mac)),
        None if output.success() => Probed::Free,
        None => Probed::Unasked(format!("arping: {}", output.complaint())),
    }
}

/// The hardware address in a line such as `Unicast reply from 192.0.2.9 [02:00:00:00:00:09]  0.7ms`.
fn bracketed_mac(line: &str) -> Option<[u8; 6]> {
    let (_, rest) = line.split_once('[')?;
    let (text, _) = rest.split_once(']')?;
    let bytes: Option<Vec<u8>> = text.split(':').map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
    bytes?.try_into().ok()
}

/// Tells of one address.
pub fn announce(
    state: &AddressState,
    card: Option<&Card>,
    command: Option<&str>,
    times: u32,
    deadline: Deadline,
) -> Result<()> {
    let place = &state.place;
    let what = || format!("unable to announce address {place}");
    if let (Some(command), Way::Site) = (command, state.announce) {
        let output = way::site("vip_announce_command", command, place, deadline)?;
        return if output.success() {
            Ok(())
        } else {
            Err(Error::new(Exit::LocalCommand, what())
                .detail(format!("vip_announce_command: {}", output.complaint())))
        };
    }
    let Some(card) = card else { return Err(no_card(place)) };
    match (&state.presence, state.card) {
        (Presence::Absent | Presence::OtherCard(_), _) => {
            return Err(Error::new(Exit::BadConfig, what())
                .detail("the address is not there")
                .hint("take it up with \"repmgr vip bind\""));
        }
        (_, CardState::Is(Link::NoCarrier)) => {
            return Err(Error::new(Exit::BadConfig, what())
                .detail(format!("network card \"{}\" has no carrier", place.card))
                .hint("check its cable, or the port of the switch"));
        }
        (Presence::Held | Presence::OtherPrefix(_), CardState::Is(_) | CardState::Missing) => {}
    }
    match state.announce {
        Way::Capabilities => garp::announce(card, place.vip.ip, times, deadline)
            .map_err(|why| Error::new(Exit::System, what()).detail(why.to_string())),
        Way::Program | Way::Sudo => {
            for form in ["-U", "-A"] {
                let args = arping(place, form, times.min(MOST_BY_ARPING));
                let output = way::run(Deed::Speak, state.announce, &args, deadline)?;
                if !output.success() {
                    return Err(Error::new(Exit::LocalCommand, what()).detail(format!(
                        "arping {}: {}",
                        args.join(" "),
                        output.complaint()
                    )));
                }
            }
            Ok(())
        }
        Way::Site | Way::Nothing => Err(not_allowed(what(), Deed::Speak)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_read_from_what_arping_prints() {
        for (why, line, want) in [
            (
                "as it answers",
                "Unicast reply from 10.0.0.9 [AE:01:02:03:04:05]  0.7ms",
                Some([0xae, 1, 2, 3, 4, 5]),
            ),
            ("nothing in brackets", "Received 0 response(s)", None),
            ("a count is no address", "Sent 1 probes (1 broadcast(s)) [1]", None),
        ] {
            assert_eq!(bracketed_mac(line), want, "{why}");
        }
    }
}
