//! What can go wrong with a lab's network.

use super::exec::{self, Out};
use super::host::Host;
use super::lab::Lab;

impl Lab {
    /// Nothing that leaves or comes to `host` over the network arrives, and nobody is told.
    #[track_caller]
    pub fn black_hole(&self, host: &Host) {
        host.filter(
            "chain in { type filter hook input priority -300; iifname \"eth0\" drop\n}
             chain out { type filter hook output priority -300; oifname \"eth0\" drop\n}",
        );
    }

    /// What comes to TCP port `port` of `host` is dropped, and nobody is told.
    #[track_caller]
    pub fn drop_port(&self, host: &Host, port: u16) {
        host.filter(&format!("chain in {{ type filter hook input priority -300; tcp dport {port} drop\n}}"));
    }

    /// What comes to TCP port `port` of `host` is refused.
    #[track_caller]
    pub fn refuse_port(&self, host: &Host, port: u16) {
        host.filter(&format!(
            "chain in {{ type filter hook input priority -300; tcp dport {port} reject with tcp reset\n}}"
        ));
    }

    /// Undoes all the above for `host`.
    #[track_caller]
    pub fn heal(&self, host: &Host) {
        host.run_as_root(&["nft", "flush", "ruleset"]).ok();
    }

    /// Cuts the way between two hosts, both ways, in the switch: neither's own card notices.
    #[track_caller]
    pub fn cut(&self, a: &Host, b: &Host) {
        let (a, b) = (a.id, b.id);
        self.on_switch(&[
            "nft",
            &format!(
                "table bridge cut_{a}_{b} {{ chain c {{ type filter hook forward priority -300;
                 iifname \"p{a}\" oifname \"p{b}\" drop; iifname \"p{b}\" oifname \"p{a}\" drop\n}}\n}}"
            ),
        ]);
    }

    /// Undoes [`Self::cut`].
    #[track_caller]
    pub fn mend(&self, a: &Host, b: &Host) {
        self.on_switch(&["nft", "delete", "table", "bridge", &format!("cut_{}_{}", a.id, b.id)]);
    }

    /// Takes the cable out of `host`: its card has no carrier, its address stays.
    #[track_caller]
    pub fn unplug(&self, host: &Host) {
        self.on_switch(&["ip", "link", "set", &format!("p{}", host.id), "down"]);
    }

    /// Undoes [`Self::unplug`].
    #[track_caller]
    pub fn plug_in(&self, host: &Host) {
        self.on_switch(&["ip", "link", "set", &format!("p{}", host.id), "up"]);
    }

    #[track_caller]
    fn on_switch(&self, argv: &[&str]) -> Out {
        let pid = self.switch.pid.to_string();
        exec::run(&[&["nsenter", "-t", &pid, "-n", "--"], argv].concat()).ok()
    }
}

impl Host {
    #[track_caller]
    fn filter(&self, chains: &str) {
        self.run_as_root(&["nft", &format!("table inet lab_fault {{ {chains}\n}}")]).ok();
    }
}
