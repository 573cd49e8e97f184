//! Asking the neighbours who has an address, and telling them that we do: ARP, and IPv6's neighbour discovery.
//!
//! Everything goes through a packet socket on one card, as whole Ethernet frames: then it does not matter
//! whether this host has the address already.

pub mod frame;

use super::clock::{Deadline, now, pause};
use super::netlink::{Card, readable};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// How often a probe is sent. RFC 5227 says three, one to two seconds apart; a failover cannot wait that long,
/// and one lost frame in three changes nothing.
const PROBES: u32 = 3;

/// Between two probes, and behind the last one. A neighbour answers within a millisecond on a wire that works.
const BETWEEN_PROBES: Duration = Duration::from_millis(100);

/// Between two announcements.
const BETWEEN_ANNOUNCEMENTS: Duration = Duration::from_millis(200);

/// The hardware address of somebody else who uses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(pub [u8; 6]);

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Asks the neighbours of a card who has `ip`, and listens. `None`: nobody but the owners of `own`.
///
/// Takes 300 ms, less where the deadline says so. A card without hardware address has nobody to ask.
///
/// # Errors
/// The system's; [`io::ErrorKind::PermissionDenied`] without CAP_NET_RAW.
pub fn probe(card: &Card, ip: IpAddr, own: &[[u8; 6]], deadline: Deadline) -> io::Result<Option<Owner>> {
    let Some(mac) = card.mac else { return Ok(None) };
    let socket = open(card, ip)?;
    let question = frame::probe(mac, ip);
    for _ in 0..PROBES {
        if deadline.passed() {
            return Err(Errno::TIMEDOUT.into());
        }
        transmit(&socket, &question)?;
        let until = deadline.at_most(BETWEEN_PROBES);
        while readable(&socket, until)? {
            let mut buffer = [0; 2048];
            let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::DONTWAIT)?;
            let bytes = buffer.get(..length).unwrap_or_default();
            if let Some(sender) = frame::claims(bytes, ip)
                && !own.contains(&sender)
            {
                return Ok(Some(Owner(sender)));
            }
        }
    }
    Ok(None)
}

/// Tells the neighbours of a card that `ip` is here, `times` times, 200 ms apart.
///
/// # Errors
/// As [`probe`]; and when the deadline comes first.
pub fn announce(card: &Card, ip: IpAddr, times: u32, deadline: Deadline) -> io::Result<()> {
    let Some(mac) = card.mac else { return Ok(()) };
    let socket = open(card, ip)?;
    let mut next = now();
    for _ in 0..times {
        let wait = next.since(now());
        if wait > deadline.left() {
            return Err(Errno::TIMEDOUT.into());
        }
        pause(wait);
        for told in frame::announcements(mac, ip) {
            transmit(&socket, &told)?;
        }
        next = next + BETWEEN_ANNOUNCEMENTS;
    }
    Ok(())
}

/// A full queue of the card counts as sent: frames may be lost on a wire too, and there are more to come.
fn transmit(socket: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    match send(socket, bytes, SendFlags::DONTWAIT) {
        Ok(_) | Err(Errno::NOBUFS | Errno::AGAIN) => Ok(()),
        Err(why) => Err(why.into()),
    }
}

/// A packet socket that is bound to one card and one protocol.
fn open(card: &Card, ip: IpAddr) -> io::Result<OwnedFd> {
    let number = match ip {
        IpAddr::V4(_) => frame::ARP,
        IpAddr::V6(_) => frame::IPV6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // Protocol 0 receives nothing until it is bound: no frame of another card slips in before.
    let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None::<Protocol>)?;
    bind(&socket, card.index, number)?;
    Ok(socket)
}

fn bind(socket: &OwnedFd, index: u32, protocol: u16) -> io::Result<()> {
    let wrong = |_| io::Error::from(Errno::INVAL);
    let family = u16::try_from(libc::AF_PACKET).map_err(wrong)?;
    let address = libc::sockaddr_ll {
        sll_family: family,
        sll_protocol: protocol.to_be(),
        sll_ifindex: i32::try_from(index).map_err(wrong)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = u32::try_from(size_of_val(&address)).map_err(wrong)?;
    // SAFETY: `address` is a whole sockaddr_ll that lives until the call is over, and `length` is its size; the
    // descriptor is open as long as `socket` is borrowed.
    let done = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
