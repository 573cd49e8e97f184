//! Network cards and their addresses, as the kernel tells them over netlink.

mod message;

use super::clock::Deadline;
use crate::domain::vip::{Assigned, Vip};
use message::{Reply, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use std::io;
use std::time::Duration;

/// The kernel answers at once; this is for a host that hardly runs any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// A list that changed while it was told is asked for again, this many times.
const TRIES: u32 = 5;

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The kernel's number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its hardware address. `None`: it is no Ethernet, and nobody there asks for addresses.
    pub mac: Option<[u8; 6]>,
    /// Whether it can carry anything.
    pub link: Link,
}

/// Whether a card can carry anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is switched off.
    Down,
    /// It is switched on, and its cable is out.
    NoCarrier,
    /// It works.
    Up,
}

/// Every network card.
///
/// # Errors
/// The system's.
pub fn cards() -> io::Result<Vec<Card>> {
    dump(&Request::links(), message::card)
}

/// Every address of every card.
///
/// # Errors
/// The system's.
pub fn addresses(cards: &[Card]) -> io::Result<Vec<Assigned>> {
    let found = dump(&Request::addresses(), message::address)?;
    let named = found.into_iter().filter_map(|(index, vip)| {
        let card = cards.iter().find(|c| c.index == index)?;
        Some(Assigned { card: card.name.clone(), vip })
    });
    Ok(named.collect())
}

/// Whether there was anything to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Yes.
    Yes,
    /// It was so already.
    No,
}

/// Gives a card an address, without a label; IPv6 without the kernel's own search for duplicates, which would
/// leave it unusable for a second.
///
/// # Errors
/// The system's; [`io::ErrorKind::PermissionDenied`] without CAP_NET_ADMIN.
pub fn add(card: &Card, vip: Vip) -> io::Result<Changed> {
    change(&Request::add(card.index, vip), &[Errno::EXIST])
}

/// Takes an address from a card.
///
/// # Errors
/// As [`add`].
pub fn delete(card: &Card, vip: Vip) -> io::Result<Changed> {
    change(&Request::delete(card.index, vip), &[Errno::ADDRNOTAVAIL])
}

fn change(request: &Request, same: &[Errno]) -> io::Result<Changed> {
    let socket = send(request)?;
    let deadline = Deadline::after(PATIENCE);
    loop {
        for reply in message::replies(&receive(&socket, deadline)?) {
            match reply {
                Reply::Outcome(Ok(())) => return Ok(Changed::Yes),
                Reply::Outcome(Err(why)) if same.contains(&why) => return Ok(Changed::No),
                Reply::Outcome(Err(why)) => return Err(why.into()),
                Reply::Part { .. } | Reply::End => {}
            }
        }
    }
}

fn dump<T>(request: &Request, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
    let deadline = Deadline::after(PATIENCE);
    for _ in 1..TRIES {
        match dump_once(request, &read, deadline) {
            Err(why) if why.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => {}
            other => return other,
        }
    }
    dump_once(request, &read, deadline)
}

fn dump_once<T>(
    request: &Request,
    read: &impl Fn(&[u8]) -> Option<T>,
    deadline: Deadline,
) -> io::Result<Vec<T>> {
    let socket = send(request)?;
    let mut found = Vec::new();
    let mut whole = true;
    loop {
        for reply in message::replies(&receive(&socket, deadline)?) {
            match reply {
                Reply::Part { body, torn } => {
                    whole &= !torn;
                    found.extend(read(body));
                }
                Reply::End if whole => return Ok(found),
                Reply::End => return Err(Errno::AGAIN.into()),
                Reply::Outcome(Err(why)) => return Err(why.into()),
                Reply::Outcome(Ok(())) => {}
            }
        }
    }
}

fn send(request: &Request) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sendto(&socket, request.bytes(), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    Ok(socket)
}

fn receive(socket: &OwnedFd, deadline: Deadline) -> io::Result<Vec<u8>> {
    if !readable(socket, deadline)? {
        return Err(Errno::TIMEDOUT.into());
    }
    let mut buffer = vec![0; 1 << 16];
    let (length, _) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
    buffer.truncate(length);
    Ok(buffer)
}

/// Waits until there is something to read. False: the deadline came first.
pub(super) fn readable(socket: &OwnedFd, deadline: Deadline) -> io::Result<bool> {
    loop {
        let left = deadline.left();
        let limit = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&limit)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_card_is_listed_with_its_addresses() {
        let cards = cards().expect("cards");
        let lo = cards.iter().find(|c| c.name == "lo").expect("lo");
        assert_eq!(lo.mac, None, "nobody asks for addresses there");
        let list = addresses(&cards).expect("addresses");
        assert!(
            lo.link != Link::Up || list.iter().any(|a| a.card == "lo" && a.vip.to_string() == "127.0.0.1/8"),
            "{list:?}"
        );
    }
}
