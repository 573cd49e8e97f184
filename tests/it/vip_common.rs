//! What the tests of `repmgr vip …` share: a client that watches its wire, and hosts with an address to move.

use crate::cluster::{Host, Lab, Out, User};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};

pub const IP: &str = "10.79.0.100";
pub const IP6: &str = "fd00:79::100";
pub const ARP: u16 = 0x0806;
pub const IPV6: u16 = 0x86dd;

/// A configuration file for the address commands; there is no server.
pub fn configure(host: &Host, lines: &str) {
    host.write_conf(&format!("network_card=eth0\n{lines}"));
}

/// Two or more hosts, each configured alike.
pub fn lab(count: usize, lines: &str) -> Lab {
    let lab = Lab::new(count);
    lab.hosts().iter().for_each(|host| configure(host, lines));
    lab
}

/// `repmgr vip VERB …` as root.
#[track_caller]
pub fn vip(host: &Host, args: &[&str]) -> Out {
    host.repmgr_command(&[&["vip"], args].concat()).user(User::Root).run()
}

/// A program that the user postgres may run and that may change and announce addresses.
pub fn with_capabilities(host: &Host) -> String {
    let program = host.path("bin/with-capabilities");
    host.run_as_root(&["cp", &host.path("bin/repmgr.bin"), &program]).ok();
    host.run_as_root(&["setcap", "cap_net_admin,cap_net_raw+ep", &program]).ok();
    program
}

/// `repmgr vip VERB …` as the user postgres with both capabilities, as a systemd unit gives them.
#[track_caller]
pub fn vip_ambient(host: &Host, args: &[&str]) -> Out {
    let (program, conf) = (host.path("bin/repmgr"), host.conf_path());
    let words = [
        "setpriv",
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        "--inh-caps=+net_admin,+net_raw",
        "--ambient-caps=+net_admin,+net_raw",
        &program,
        "-f",
        &conf,
        "vip",
    ];
    host.run_as_root(&[&words[..], args].concat())
}

/// The addresses of a host's card, as `ip` lists them.
pub fn addresses(host: &Host) -> String {
    host.run_as_root(&["ip", "-o", "addr", "show", "dev", "eth0", "scope", "global"]).ok().stdout
}

/// Does the host's own kernel still look whether somebody else has an address?
pub fn tentative(host: &Host, ip: &str) -> bool {
    addresses(host).lines().any(|line| line.contains(ip) && line.contains("tentative"))
}

pub fn has(host: &Host, cidr: &str) -> bool {
    addresses(host).split_whitespace().any(|word| word == cidr)
}

/// The card's hardware address, from the network namespace itself.
pub fn hardware(host: &Host) -> String {
    let shown = host.run_as_root(&["ip", "-o", "link", "show", "dev", "eth0"]).ok().stdout;
    shown.split("link/ether ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a card").to_owned()
}

/// Which hardware address the client would send to; the address is used once before, so that it knows one.
pub fn neighbour(client: &Host, ip: &str) -> String {
    let shown = client.run_as_root(&["ip", "neigh", "show", ip, "dev", "eth0"]).ok().stdout;
    shown.split("lladdr ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("none").to_owned()
}

/// Makes the client talk to an address: something is sent there, and an answer comes if anybody has it.
pub fn talk(client: &Host, ip: &str) {
    drop(client.run_as_root(&["bash", "-c", &format!("echo >/dev/tcp/{ip}/22")]));
}

/// Everything of one protocol that reaches a host's card from now on.
pub struct Watch(OwnedFd);

impl Watch {
    pub fn start(host: &Host, protocol: u16) -> Self {
        let root = host.seen_from_here("/");
        let pid = root.to_str().unwrap().split('/').nth(2).unwrap().to_owned();
        let namespace = std::fs::File::open(format!("/proc/{pid}/ns/net")).unwrap();
        // In a thread of its own: it does not come back from there.
        let opened = std::thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let protocol = Protocol::from_raw(NonZeroU32::new(u32::from(protocol.to_be())).unwrap());
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            socket_with(AddressFamily::PACKET, SocketType::RAW, flags, Some(protocol)).unwrap()
        });
        Self(opened.join().unwrap())
    }

    /// The frames since the start that `wanted` takes.
    pub fn frames(&self, wanted: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok((length, _)) = recv(&self.0, &mut buffer[..], RecvFlags::empty()) {
            frames.extend(Some(buffer[..length].to_vec()).filter(|f| wanted(f)));
        }
        frames
    }
}
