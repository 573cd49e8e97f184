//! The frames: written and read byte by byte, nothing else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;

/// The least length of an Ethernet frame without its checksum. Some switches drop what is shorter, and not every
/// card fills it up.
const LEAST: usize = 60;

const BROADCAST: [u8; 6] = [0xff; 6];
const NOBODY: [u8; 6] = [0; 6];
const ETHERNET: usize = 14;
const IPV6_HEADER: usize = 40;

const REQUEST: u16 = 1;
const REPLY: u16 = 2;

const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// "Take this in the place of what you know", in an advertisement.
const OVERRIDE: u8 = 0x20;
/// A router drops what is not 255: only a neighbour can have sent it.
const HOP_LIMIT: u8 = 255;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The question who has `ip`, without saying that we do: its sender has no address.
#[must_use]
pub fn probe(mac: [u8; 6], ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => arp(mac, REQUEST, (mac, Ipv4Addr::UNSPECIFIED), (NOBODY, ip)),
        IpAddr::V6(ip) => {
            let [.., a, b, c] = ip.octets();
            let to = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
            let mut body = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
            body.extend(ip.octets());
            icmpv6(mac, Ipv6Addr::UNSPECIFIED, to, body)
        }
    }
}

/// The frames that say that `ip` is at `mac`. Of ARP both forms, as some neighbours heed only one of them.
#[must_use]
pub fn announcements(mac: [u8; 6], ip: IpAddr) -> Vec<Vec<u8>> {
    match ip {
        IpAddr::V4(ip) => {
            vec![arp(mac, REQUEST, (mac, ip), (NOBODY, ip)), arp(mac, REPLY, (mac, ip), (mac, ip))]
        }
        IpAddr::V6(ip) => {
            let mut body = vec![ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0];
            body.extend(ip.octets());
            // The option "target link-layer address", one unit of eight bytes.
            body.extend([2, 1]);
            body.extend(mac);
            vec![icmpv6(mac, ip, ALL_NODES, body)]
        }
    }
}

/// The hardware address of who says by this frame that it has `ip`, or wants it at this moment.
#[must_use]
pub fn claims(frame: &[u8], ip: IpAddr) -> Option<[u8; 6]> {
    let kind = u16::from_be_bytes(at(frame, 12)?);
    match ip {
        IpAddr::V4(ip) if kind == ARP => arp_claim(frame.get(ETHERNET..)?, ip),
        IpAddr::V6(ip) if kind == IPV6 => icmpv6_claim(frame, ip),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

fn arp_claim(body: &[u8], ip: Ipv4Addr) -> Option<[u8; 6]> {
    // Ethernet and IPv4, with the lengths that go with them.
    if at::<6>(body, 0)? != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    let (sender, from) = (at(body, 8)?, Ipv4Addr::from(at::<4>(body, 14)?));
    let wants = from.is_unspecified() && Ipv4Addr::from(at::<4>(body, 24)?) == ip;
    (from == ip || wants).then_some(sender)
}

fn icmpv6_claim(frame: &[u8], ip: Ipv6Addr) -> Option<[u8; 6]> {
    let (packet, source) = (frame.get(ETHERNET..)?, at::<6>(frame, 6)?);
    let body = packet.get(IPV6_HEADER..)?;
    let neighbourly = packet.get(6) == Some(&ICMPV6) && packet.get(7) == Some(&HOP_LIMIT);
    let from = Ipv6Addr::from(at::<16>(packet, 8)?);
    let target = Ipv6Addr::from(at::<16>(body, 8)?);
    let claim = match *body.first()? {
        ADVERTISEMENT => true,
        SOLICITATION => from.is_unspecified(),
        _ => false,
    };
    (neighbourly && claim && target == ip).then_some(source)
}

fn arp(mac: [u8; 6], operation: u16, sender: ([u8; 6], Ipv4Addr), target: ([u8; 6], Ipv4Addr)) -> Vec<u8> {
    let mut frame = ethernet(BROADCAST, mac, ARP);
    frame.extend([0, 1, 8, 0, 6, 4]);
    frame.extend(operation.to_be_bytes());
    for (hardware, ip) in [sender, target] {
        frame.extend(hardware);
        frame.extend(ip.octets());
    }
    filled(frame)
}

fn icmpv6(mac: [u8; 6], from: Ipv6Addr, to: Ipv6Addr, mut body: Vec<u8>) -> Vec<u8> {
    let [.., a, b, c, d] = to.octets();
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    let mut summed = [from.octets(), to.octets()].concat();
    summed.extend(u32::from(length).to_be_bytes());
    summed.extend([0, 0, 0, ICMPV6]);
    summed.extend(&body);
    if let Some(place) = body.get_mut(2..4) {
        place.copy_from_slice(&checksum(&summed).to_be_bytes());
    }
    let mut frame = ethernet([0x33, 0x33, a, b, c, d], mac, IPV6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([ICMPV6, HOP_LIMIT]);
    frame.extend(from.octets());
    frame.extend(to.octets());
    frame.extend(body);
    filled(frame)
}

fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16) -> Vec<u8> {
    let mut frame = [to, from].concat();
    frame.extend(kind.to_be_bytes());
    frame
}

fn filled(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(LEAST), 0);
    frame
}

/// The Internet's checksum: the complement of the sum of 16-bit words, carries added in.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or_default();
        u32::from(u16::from_be_bytes([pair.first().copied().unwrap_or_default(), low]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

fn at<const N: usize>(bytes: &[u8], from: usize) -> Option<[u8; N]> {
    bytes.get(from..from + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_arp_frame_is_what_rfc_826_says_and_sixty_bytes_long() {
        let [request, reply] = &announcements(MAC, ip("10.0.0.9"))[..] else { panic!("two forms") };
        let want = [
            &[0xff; 6][..],
            &MAC,
            &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
            &MAC,
            &[10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 9],
            &[0; 18],
        ];
        assert_eq!(request, &want.concat());
        assert_eq!((request.len(), reply.len(), reply[21]), (60, 60, 2));
        assert_eq!(reply[32..38], MAC, "a reply names the target's hardware address");
    }

    #[test]
    fn a_neighbour_advertisement_has_hop_limit_override_and_a_right_checksum() {
        let [frame] = &announcements(MAC, ip("fd00::9"))[..] else { panic!("one form") };
        assert_eq!((frame[21], frame[54], frame[58]), (255, 136, 0x20));
        assert_eq!(frame[..6], [0x33, 0x33, 0, 0, 0, 1]);
        let mut summed = frame[22..54].to_vec();
        summed.extend([0, 0, 0, 32, 0, 0, 0, 58]);
        summed.extend(&frame[54..86]);
        assert_eq!(checksum(&summed), 0, "summed with itself nothing is left");
    }

    #[test]
    fn who_has_or_wants_an_address_is_told_by_its_frame() {
        let (v4, v6) = (ip("10.0.0.9"), ip("fd00::9"));
        let [request, reply] = &announcements(MAC, v4)[..] else { panic!("two forms") };
        let advertised = announcements(MAC, v6).remove(0);
        for (why, frame, address, want) in [
            ("it says so", request.clone(), v4, Some(MAC)),
            ("it answers so", reply.clone(), v4, Some(MAC)),
            ("it wants it at the same time", probe(MAC, v4), v4, Some(MAC)),
            ("about another address", request.clone(), ip("10.0.0.8"), None),
            ("IPv6 says so", advertised.clone(), v6, Some(MAC)),
            ("IPv6 wants it too", probe(MAC, v6), v6, Some(MAC)),
            ("IPv6 about another", advertised.clone(), ip("fd00::8"), None),
            ("the other family", advertised, v4, None),
        ] {
            assert_eq!(claims(&frame, address), want, "{why}");
            for length in 0..42 {
                assert!(claims(&frame[..length], address).is_none_or(|mac| mac == MAC), "{why}, cut");
            }
        }
        let mut routed = announcements(MAC, v6).remove(0);
        routed[21] = 64;
        assert_eq!(claims(&routed, v6), None, "a router has passed it on: no neighbour");
        let mut asked = request.clone();
        asked[28..32].copy_from_slice(&[10, 0, 0, 1]);
        assert_eq!(claims(&asked, v4), None, "somebody only asks for it, to talk to it");
    }
}
