//! Netlink's messages as bytes, both ways. No unsafe code: the kernel's structures are read field by field.

use super::{Card, Link};
use crate::domain::vip::Vip;
use libc::{
    IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, IFLA_ADDRESS, IFLA_IFNAME, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP,
    NLM_F_DUMP_INTR, NLM_F_EXCL, NLM_F_REQUEST, RTM_DELADDR, RTM_GETADDR, RTM_GETLINK, RTM_NEWADDR,
};
use rustix::io::Errno;
use std::net::IpAddr;

/// Lengths of the kernel's headers: nlmsghdr, ifinfomsg, ifaddrmsg, rtattr.
const HEADER: usize = 16;
const LINK: usize = 16;
const ADDRESS: usize = 8;
const ATTRIBUTE: usize = 4;

/// A request to the kernel.
pub struct Request(Vec<u8>);

impl Request {
    /// For every card.
    pub fn links() -> Self {
        Self::new(RTM_GETLINK, NLM_F_DUMP, &[0; LINK])
    }

    /// For every address.
    pub fn addresses() -> Self {
        Self::new(RTM_GETADDR, NLM_F_DUMP, &[0; ADDRESS])
    }

    /// To give a card an address.
    pub fn add(index: u32, vip: Vip) -> Self {
        Self::address(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, index, vip)
    }

    /// To take an address from a card.
    pub fn delete(index: u32, vip: Vip) -> Self {
        Self::address(RTM_DELADDR, NLM_F_ACK, index, vip)
    }

    /// As it goes to the kernel.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn address(kind: u16, flags: i32, index: u32, vip: Vip) -> Self {
        let (family, octets) = match vip.ip {
            IpAddr::V4(ip) => (libc::AF_INET, ip.octets().to_vec()),
            IpAddr::V6(ip) => (libc::AF_INET6, ip.octets().to_vec()),
        };
        let mut body = vec![low_byte(family), vip.prefix, 0, 0];
        body.extend(index.to_ne_bytes());
        attribute(&mut body, IFA_LOCAL, &octets);
        attribute(&mut body, IFA_ADDRESS, &octets);
        if vip.ip.is_ipv6() && kind == RTM_NEWADDR {
            attribute(&mut body, IFA_FLAGS, &libc::IFA_F_NODAD.to_ne_bytes());
        }
        Self::new(kind, flags, &body)
    }

    fn new(kind: u16, flags: i32, body: &[u8]) -> Self {
        let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        let flags = u16::try_from(NLM_F_REQUEST | flags).unwrap_or_default();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        // Sequence number and sender: one socket, one request.
        bytes.extend([0; 8]);
        bytes.extend(body);
        Self(bytes)
    }
}

fn low_byte(number: i32) -> u8 {
    u8::try_from(number).unwrap_or_default()
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(ATTRIBUTE + value.len()).unwrap_or(u16::MAX);
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// One message from the kernel.
pub enum Reply<'a> {
    /// One entry of a list. `torn`: the list changed meanwhile.
    Part { body: &'a [u8], torn: bool },
    /// The end of a list.
    End,
    /// What became of a request.
    Outcome(Result<(), Errno>),
}

/// Takes a datagram apart; what does not hold together ends it.
pub fn replies(bytes: &[u8]) -> Vec<Reply<'_>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let (Some(length), Some(kind), Some(flags)) = (u32_at(rest, 0), u16_at(rest, 4), u16_at(rest, 6)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(body) = rest.get(HEADER..length) else { break };
        let torn = i32::from(flags) & NLM_F_DUMP_INTR != 0;
        found.push(match i32::from(kind) {
            libc::NLMSG_DONE => Reply::End,
            libc::NLMSG_ERROR => Reply::Outcome(outcome(body)),
            _ => Reply::Part { body, torn },
        });
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

fn outcome(body: &[u8]) -> Result<(), Errno> {
    match u32_at(body, 0).map_or(libc::EBADMSG, |code| code.cast_signed().wrapping_neg()) {
        0 => Ok(()),
        code => Err(Errno::from_raw_os_error(code)),
    }
}

/// Reads an ifinfomsg.
pub fn card(body: &[u8]) -> Option<Card> {
    let (kind, index, flags) = (u16_at(body, 2)?, u32_at(body, 4)?, u32_at(body, 8)?);
    let name = value(body, LINK, IFLA_IFNAME)?;
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    let has = |flag: i32| flags & flag.cast_unsigned() != 0;
    let link = match (has(libc::IFF_UP), has(libc::IFF_LOWER_UP)) {
        (false, _) => Link::Down,
        (true, false) => Link::NoCarrier,
        (true, true) => Link::Up,
    };
    let asks = kind == libc::ARPHRD_ETHER && !has(libc::IFF_NOARP) && !has(libc::IFF_LOOPBACK);
    let mac = value(body, LINK, IFLA_ADDRESS).filter(|_| asks).and_then(|m| m.try_into().ok());
    Some(Card { index, name: String::from_utf8_lossy(name).into_owned(), mac, link })
}

/// Reads an ifaddrmsg: the card's number and the address.
pub fn address(body: &[u8]) -> Option<(u32, Vip)> {
    let (prefix, index) = (*body.get(1)?, u32_at(body, 4)?);
    // On a point-to-point card IFA_ADDRESS is the other end's.
    let bytes = value(body, ADDRESS, IFA_LOCAL).or_else(|| value(body, ADDRESS, IFA_ADDRESS))?;
    Some((index, Vip { ip: ip(bytes)?, prefix }))
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

/// The value of the first attribute of a kind behind a header of `skip` bytes.
fn value(body: &[u8], skip: usize, kind: u16) -> Option<&[u8]> {
    let mut rest = body.get(skip..)?;
    loop {
        let (length, found) = (usize::from(u16_at(rest, 0)?), u16_at(rest, 2)?);
        let value = rest.get(ATTRIBUTE..length)?;
        if found == kind {
            return Some(value);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_or_lying_messages_end_the_reading_and_nothing_else() {
        let request = Request::add(3, "10.0.0.9/24".parse().expect("an address"));
        let whole = request.bytes();
        for length in 0..whole.len() {
            assert!(replies(&whole[..length]).is_empty(), "{length} bytes of one message");
        }
        let [Reply::Part { body, .. }] = &replies(whole)[..] else { panic!("one message") };
        let (index, vip) = address(body).expect("an address");
        assert_eq!((index, vip.to_string().as_str()), (3, "10.0.0.9/24"), "written as it is read");
        let mut lying = whole.to_vec();
        lying[HEADER + ADDRESS] = 0;
        let [Reply::Part { body, .. }] = &replies(&lying)[..] else { panic!("one message") };
        assert_eq!(address(body), None, "an attribute shorter than its own header");
    }
}
