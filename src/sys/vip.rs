//! The virtual addresses of this node on this host: who has them, taking them up and down, telling the neighbours.
//!
//! Every call says the same when it is repeated: what is there already is not added, what is gone is not removed.

mod down;
mod speak;
mod way;

use super::clock::Deadline;
use super::garp::Owner;
use super::netlink::{self, Card, Changed, Link};
use super::parallel::in_parallel;
use crate::domain::vip::{Assigned, Place, Presence, Vip, Wish, presence};
use crate::error::{Error, Result};
use crate::exit::Exit;
use std::time::Duration;
pub use way::Way;
use way::{Deed, not_allowed};

/// How long [`Addresses::status`] may take: sudo is asked what it allows.
const STATUS_PATIENCE: Duration = Duration::from_secs(10);

/// The virtual addresses of this node.
#[derive(Clone, Debug)]
pub struct Addresses {
    wish: Wish,
}

/// Whether an address had to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It was there.
    Already,
    /// It was there with this prefix length, and stays so.
    OtherPrefix(u8),
    /// It has been added.
    Added,
}

/// What is known of other owners of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Nobody else answered for it.
    Free,
    /// The neighbours could not be asked; why.
    Unasked(String),
    /// Somebody else has it.
    Taken(Owner),
}

/// An address that [`Addresses::bind`] took up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Which one, and where.
    pub place: Place,
    /// Whether it was there.
    pub held: Held,
    /// What the neighbours said.
    pub probed: Probed,
}

/// Whether an address had to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// It was not there.
    Already,
    /// It has been removed.
    Removed,
    /// It was not to be seen, and the site's command failed; how.
    Unsure(String),
}

/// An address that [`Addresses::unbind`] took down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freed {
    /// Which one, and where.
    pub place: Place,
    /// Whether it was there.
    pub released: Released,
}

/// The card of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardState {
    /// There is none of this name.
    Missing,
    /// It is there.
    Is(Link),
}

/// One address as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressState {
    /// Which one, and where it belongs.
    pub place: Place,
    /// Where it is.
    pub presence: Presence,
    /// Its card.
    pub card: CardState,
    /// How it would be taken up.
    pub up: Way,
    /// How it would be taken down.
    pub down: Way,
    /// How the neighbours would be told.
    pub announce: Way,
}

/// What this host has, read once.
struct Seen {
    cards: Vec<Card>,
    assigned: Vec<Assigned>,
}

impl Seen {
    fn read() -> Result<Self> {
        let failed = |why: std::io::Error| {
            Error::new(Exit::System, "unable to list this host's network cards and addresses")
                .detail(why.to_string())
        };
        let cards = netlink::cards().map_err(failed)?;
        let assigned = netlink::addresses(&cards).map_err(failed)?;
        Ok(Self { cards, assigned })
    }

    fn card(&self, place: &Place) -> Option<&Card> {
        self.cards.iter().find(|c| c.name == place.card)
    }

    fn own_macs(&self) -> Vec<[u8; 6]> {
        self.cards.iter().filter_map(|c| c.mac).collect()
    }
}

impl Addresses {
    /// The addresses that are wished for.
    #[must_use]
    pub fn of(wish: &Wish) -> Self {
        Self { wish: wish.clone() }
    }

    /// True when none is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wish.places.is_empty()
    }

    /// What is here now. Changes nothing and sends nothing.
    ///
    /// # Errors
    /// [`Exit::System`] when the kernel does not tell.
    pub fn status(&self) -> Result<Vec<AddressState>> {
        self.states(&Seen::read()?, Deadline::after(STATUS_PATIENCE))
    }

    fn states(&self, seen: &Seen, deadline: Deadline) -> Result<Vec<AddressState>> {
        let (commands, places) = (&self.wish.commands, &self.wish.places);
        let look = |place: &Place| {
            let ways = |command: &Option<String>, deed, args: &[String]| match command {
                Some(_) => Way::Site,
                None => way::find(deed, args, deadline),
            };
            AddressState {
                place: place.clone(),
                presence: presence(place, &seen.assigned),
                card: seen.card(place).map_or(CardState::Missing, |c| CardState::Is(c.link)),
                up: ways(&commands.up, Deed::Change, &ip_args("add", place, place.vip)),
                down: ways(&commands.down, Deed::Change, &ip_args("del", place, place.vip)),
                announce: match commands.announce {
                    Some(_) => Way::Site,
                    None => speak::way(place, deadline),
                },
            }
        };
        Ok(places.iter().map(look).collect())
    }

    /// Checks what [`Addresses::bind`] would find: card, privilege, other owners. Sends probes, changes nothing.
    ///
    /// # Errors
    /// As [`Addresses::bind`].
    pub fn check(&self, deadline: Deadline) -> Result<Vec<(AddressState, Probed)>> {
        let seen = Seen::read()?;
        let states = self.states(&seen, deadline)?;
        states.iter().try_for_each(refuse)?;
        let own = seen.own_macs();
        let probed = in_parallel(states, |state| {
            let card = seen.card(&state.place);
            let probed = speak::probe(&state, card, &own, deadline);
            (state, probed)
        });
        for (state, probed) in &probed {
            if let Probed::Taken(owner) = probed {
                return Err(taken(state, *owner));
            }
        }
        Ok(probed)
    }

    /// Takes up every address that is not here yet, after the neighbours were asked; all of them, or on an error
    /// none that was not here before. The neighbours are not told: see [`Addresses::announce`].
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: another host has an address (its hardware address is named), no such card, the card is
    /// switched off, no permission, the address is on another card. [`Exit::System`], [`Exit::LocalCommand`]:
    /// it could not be added, with what the system or the program said.
    pub fn bind(&self, deadline: Deadline) -> Result<Vec<Bound>> {
        let mut bound: Vec<Bound> = Vec::new();
        for (state, probed) in self.check(deadline)? {
            let held = match state.presence {
                Presence::Held => Held::Already,
                Presence::OtherPrefix(prefix) => Held::OtherPrefix(prefix),
                Presence::Absent | Presence::OtherCard(_) => match self.add(&state, deadline) {
                    Ok(held) => held,
                    Err(error) => return Err(self.undone(error, &bound, deadline)),
                },
            };
            bound.push(Bound { place: state.place, held, probed });
        }
        Ok(bound)
    }

    /// Takes down again what a bind that failed half-way had added.
    fn undone(&self, mut error: Error, bound: &[Bound], deadline: Deadline) -> Error {
        // Also where the time is over: an address that nobody answers for must not stay.
        let deadline = deadline.max(Deadline::after(Duration::from_secs(2)));
        let places = bound.iter().filter(|b| b.held == Held::Added).map(|b| b.place.clone()).collect();
        let added = Self { wish: Wish { places, commands: self.wish.commands.clone() } };
        if let Err(also) = added.unbind(deadline) {
            error.detail.push(format!("what was added before is still there: {also}"));
        }
        error
    }

    fn add(&self, state: &AddressState, deadline: Deadline) -> Result<Held> {
        let place = &state.place;
        let what = || format!("unable to take up address {place}");
        match state.up {
            Way::Capabilities => {
                let added = find_card(place)?.map(|card| netlink::add(&card, place.vip));
                match added {
                    Some(Ok(Changed::Yes)) => Ok(Held::Added),
                    Some(Ok(Changed::No)) => Ok(Held::Already),
                    Some(Err(why)) => Err(Error::new(Exit::System, what()).detail(why.to_string())),
                    None => Err(no_card(place)),
                }
            }
            Way::Program | Way::Sudo => {
                let args = ip_args("add", place, place.vip);
                let output = way::run(Deed::Change, state.up, &args, deadline)?;
                if output.success() {
                    return Ok(Held::Added);
                }
                if presence(place, &Seen::read()?.assigned) == Presence::Held {
                    return Ok(Held::Already);
                }
                Err(Error::new(Exit::LocalCommand, what()).detail(format!(
                    "ip {}: {}",
                    args.join(" "),
                    output.complaint()
                )))
            }
            Way::Site => {
                let command = self.wish.commands.up.as_deref().unwrap_or_default();
                let output = way::site("vip_up_command", command, place, deadline)?;
                if output.success() {
                    return Ok(Held::Added);
                }
                Err(Error::new(Exit::LocalCommand, what())
                    .detail(format!("vip_up_command: {}", output.complaint())))
            }
            Way::Nothing => Err(not_allowed(what(), Deed::Change)),
        }
    }

    /// Takes down every address, whatever its prefix length on its card is. All of them are tried; then the first
    /// error counts.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: no permission, the address is on another card (it is left there). [`Exit::System`],
    /// [`Exit::LocalCommand`]: it could not be removed.
    pub fn unbind(&self, deadline: Deadline) -> Result<Vec<Freed>> {
        let states = self.states(&Seen::read()?, deadline)?;
        let mut freed = Vec::new();
        let mut failed: Option<Error> = None;
        for state in states {
            let before = Seen::read()?.assigned;
            let removed =
                down::remove(&state, self.wish.commands.down.as_deref(), deadline).and_then(|released| {
                    down::put_back(&state, &before, deadline)?;
                    Ok(released)
                });
            match removed {
                Ok(released) => freed.push(Freed { place: state.place, released }),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(freed), Err)
    }

    /// Tells the neighbours that the addresses are here, `times` times, 200 ms apart; all addresses at once.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: an address is not here, no permission. [`Exit::System`], [`Exit::LocalCommand`]: it
    /// could not be sent in time.
    pub fn announce(&self, times: u32, deadline: Deadline) -> Result<()> {
        let seen = Seen::read()?;
        let states = self.states(&seen, deadline)?;
        let command = self.wish.commands.announce.as_deref();
        let told = in_parallel(states, |state| {
            speak::announce(&state, seen.card(&state.place), command, times, deadline)
        });
        told.into_iter().collect()
    }
}

/// Why an address cannot be taken up, before anybody was asked.
fn refuse(state: &AddressState) -> Result<()> {
    let place = &state.place;
    let what = || format!("unable to take up address {place}");
    if let Presence::OtherCard(card) = &state.presence {
        return Err(elsewhere(place, card));
    }
    match (state.card, state.up) {
        // What a site's command does with a card is its own affair.
        (_, Way::Site) => Ok(()),
        (CardState::Missing, _) => Err(no_card(place)),
        (CardState::Is(Link::Down), _) => Err(Error::new(Exit::BadConfig, what())
            .detail(format!("network card \"{}\" is switched off", place.card))
            .hint(format!("ip link set {} up", place.card))),
        (CardState::Is(_), Way::Nothing) if state.presence == Presence::Absent => {
            Err(not_allowed(what(), Deed::Change))
        }
        (CardState::Is(Link::NoCarrier | Link::Up), _) => Ok(()),
    }
}

fn no_card(place: &Place) -> Error {
    let names = netlink::cards().unwrap_or_default().into_iter().map(|c| c.name).collect::<Vec<_>>();
    Error::new(
        Exit::BadConfig,
        format!("there is no network card \"{}\" for address {}", place.card, place.vip),
    )
    .detail(format!("this host has: {}", names.join(", ")))
    .hint("correct \"network_card\" in this node's configuration file")
}

fn elsewhere(place: &Place, card: &str) -> Error {
    Error::new(Exit::BadConfig, format!("address {} is on another network card", place.vip.ip))
        .detail(format!("it is on \"{card}\", and configured for \"{}\"", place.card))
        .hint("take it down there, or correct \"network_card\"")
}

fn taken(state: &AddressState, owner: Owner) -> Error {
    let place = &state.place;
    let error = Error::new(Exit::BadConfig, format!("address {} is in use by another host", place.vip.ip))
        .detail(format!("{owner} answered for it on \"{}\"", place.card));
    let error = match state.presence {
        Presence::Held | Presence::OtherPrefix(_) => error.detail("this host has it too"),
        Presence::Absent | Presence::OtherCard(_) => error,
    };
    error.hint("take the address down there first (\"repmgr vip unbind\" on a node of this cluster)")
}

fn find_card(place: &Place) -> Result<Option<Card>> {
    Ok(Seen::read()?.cards.into_iter().find(|c| c.name == place.card))
}

/// `ip addr add|del ADDR dev CARD`; without IPv6's search for duplicates, which would keep the address unusable.
fn ip_args(verb: &str, place: &Place, vip: Vip) -> Vec<String> {
    let mut args: Vec<String> =
        ["addr", verb, &vip.to_string(), "dev", &place.card].map(str::to_owned).into();
    if verb == "add" && vip.ip.is_ipv6() {
        args.push("nodad".to_owned());
    }
    args
}
