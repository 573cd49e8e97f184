//! The addresses that move with the primary: what is wished for, and what was found. Pure.

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

/// An address with its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vip {
    /// The address.
    pub ip: IpAddr,
    /// The prefix length in bits; without one in the configuration that of a single address (32 or 128).
    pub prefix: u8,
}

impl FromStr for Vip {
    type Err = String;

    /// Reads `192.0.2.9`, `192.0.2.9/24`, `fd00::9/64`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address.trim(), Some(prefix.trim())),
            None => (text.trim(), None),
        };
        let bad = |why: &str| format!("\"{text}\" {why}");
        let ip: IpAddr = address.parse().map_err(|_| bad("is not an IPv4 or IPv6 address"))?;
        let most = most_bits(ip);
        let prefix = match prefix {
            None => most,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|bits| (1..=most).contains(bits) && digits.bytes().all(|b| b.is_ascii_digit()))
                .ok_or_else(|| bad(&format!("has no prefix length from 1 to {most}")))?,
        };
        if ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() || is_broadcast(ip) {
            return Err(bad("is not an address that one host can have"));
        }
        Ok(Self { ip, prefix })
    }
}

impl fmt::Display for Vip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

const fn most_bits(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn is_broadcast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_broadcast(),
        IpAddr::V6(_) => false,
    }
}

/// An address and the network card that it belongs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub vip: Vip,
    /// The card's name.
    pub card: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on \"{}\"", self.vip, self.card)
    }
}

/// Everything that the configuration says about virtual addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The addresses, each with its card. Empty: none is configured.
    pub places: Vec<Place>,
    /// The site's own ways. `None`: ours.
    pub commands: Commands,
}

/// Commands of the site in the place of our own ways; `%i` is the address, `%c` the card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// Takes an address up.
    pub up: Option<String>,
    /// Takes an address down.
    pub down: Option<String>,
    /// Tells the neighbours where an address is.
    pub announce: Option<String>,
}

/// Puts addresses and cards together: one card for all of them, or one for each in the same order. An address
/// that stands there twice counts once.
///
/// # Errors
/// What is wrong, in one line.
pub fn places(addresses: &[String], cards: &[String]) -> Result<Vec<Place>, String> {
    let mut places: Vec<Place> = Vec::new();
    for (at, text) in addresses.iter().enumerate() {
        let vip: Vip = text.parse()?;
        let card = match cards {
            [] => return Err(format!("no network card is named for {text}")),
            [one] => one,
            _ if cards.len() == addresses.len() => &cards[at],
            _ => return Err(format!("{} cards for {} addresses", cards.len(), addresses.len())),
        };
        if !places.iter().any(|p| p.vip.ip == vip.ip) {
            places.push(Place { vip, card: card.clone() });
        }
    }
    Ok(places)
}

/// The places of a node record, whose lists are text with commas. Empty: it names none.
///
/// # Errors
/// What is wrong, in one line.
pub fn recorded(virtual_ip: Option<&str>, network_card: Option<&str>) -> Result<Vec<Place>, String> {
    let list = |text: Option<&str>| -> Vec<String> {
        let words = text.unwrap_or_default().split(',').map(str::trim);
        words.filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    places(&list(virtual_ip), &list(network_card))
}

/// An address as a card has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The card's name.
    pub card: String,
    /// The address and its prefix length there.
    pub vip: Vip,
}

/// Where an address is on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nowhere.
    Absent,
    /// As it should be.
    Held,
    /// On its card, with another prefix length.
    OtherPrefix(u8),
    /// On another card.
    OtherCard(String),
}

/// Looks for `place` among what the cards have; its own card comes first, the right prefix before another.
#[must_use]
pub fn presence(place: &Place, assigned: &[Assigned]) -> Presence {
    let same: Vec<&Assigned> = assigned.iter().filter(|a| a.vip.ip == place.vip.ip).collect();
    let here = || same.iter().filter(|a| a.card == place.card);
    if here().any(|a| a.vip.prefix == place.vip.prefix) {
        return Presence::Held;
    }
    match (here().next(), same.first()) {
        (Some(other), _) => Presence::OtherPrefix(other.vip.prefix),
        (None, Some(other)) => Presence::OtherCard(other.card.clone()),
        (None, None) => Presence::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|&w| w.to_owned()).collect()
    }

    #[test]
    fn addresses_are_read_with_and_without_a_prefix() {
        for (why, text, want) in [
            ("hg_repmgr's plain address is that address alone", "192.168.90.96", Some("192.168.90.96/32")),
            ("CIDR", "10.0.0.9/24", Some("10.0.0.9/24")),
            ("IPv6 alone", "fd00::9", Some("fd00::9/128")),
            ("IPv6 with a prefix", " fd00::9/64 ", Some("fd00::9/64")),
            ("too long a prefix", "10.0.0.9/33", None),
            ("a whole Internet", "10.0.0.9/0", None),
            ("a sign is no digit", "10.0.0.9/+8", None),
            ("no prefix behind the slash", "10.0.0.9/", None),
            ("a name", "db.example.com", None),
            ("three numbers", "10.0.0", None),
            ("nobody's address", "0.0.0.0", None),
            ("everybody's address", "224.0.0.1", None),
            ("the wire's address", "255.255.255.255", None),
            ("this host's in any case", "127.0.0.1", None),
        ] {
            let got = text.parse::<Vip>().ok().map(|v| v.to_string());
            assert_eq!(got.as_deref(), want, "{why}");
        }
    }

    #[test]
    fn cards_go_with_addresses_one_for_all_or_one_for_each() {
        for (why, ips, cards, want) in [
            (
                "one card",
                &["10.0.0.1", "10.0.0.2/24"][..],
                &["eth0"][..],
                Some("10.0.0.1/32 eth0,10.0.0.2/24 eth0"),
            ),
            ("one each", &["10.0.0.1", "fd00::1"], &["a", "b"], Some("10.0.0.1/32 a,fd00::1/128 b")),
            ("twice the same", &["10.0.0.1", "10.0.0.1/24"], &["a"], Some("10.0.0.1/32 a")),
            ("nothing", &[], &[], Some("")),
            ("no card", &["10.0.0.1"], &[], None),
            ("a card too many", &["10.0.0.1"], &["a", "b"], None),
        ] {
            let got = places(&words(ips), &words(cards)).ok().map(|list| {
                list.iter().map(|p| format!("{} {}", p.vip, p.card)).collect::<Vec<_>>().join(",")
            });
            assert_eq!(got.as_deref(), want, "{why}");
        }
        let two = recorded(Some("10.0.0.1, 10.0.0.2"), Some("eth0")).expect("two places");
        assert_eq!(two.len(), 2, "a record's list has commas");
        assert_eq!(recorded(None, Some("")), Ok(Vec::new()), "nothing recorded");
    }

    #[test]
    fn an_address_is_told_apart_from_one_elsewhere() {
        let place = Place { vip: "10.0.0.9/24".parse().expect("an address"), card: "eth0".into() };
        let on = |card: &str, text: &str| Assigned { card: card.into(), vip: text.parse().expect("one") };
        for (why, list, want) in [
            ("nothing there", vec![on("eth0", "10.0.0.1/24")], Presence::Absent),
            ("there", vec![on("eth0", "10.0.0.9/24")], Presence::Held),
            ("as a single address", vec![on("eth0", "10.0.0.9")], Presence::OtherPrefix(32)),
            ("elsewhere", vec![on("eth1", "10.0.0.9/24")], Presence::OtherCard("eth1".into())),
            ("both, ours counts", vec![on("eth1", "10.0.0.9/24"), on("eth0", "10.0.0.9/24")], Presence::Held),
            ("two prefixes", vec![on("eth0", "10.0.0.9"), on("eth0", "10.0.0.9/24")], Presence::Held),
        ] {
            assert_eq!(presence(&place, &list), want, "{why}");
        }
    }
}
