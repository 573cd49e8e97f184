//! `repmgr vip bind`

use super::vip_common::{
    ARP, IP, IP6, IPV6, Watch, addresses, configure, hardware, has, lab, neighbour, talk, tentative, vip,
    vip_ambient, with_capabilities,
};
use crate::cluster::PgOptions;
use std::time::Duration;

#[test]
fn clients_follow_the_address_to_the_other_host_at_once() {
    let lab = lab(3, &format!("virtual_ip='{IP}/24,{IP6}/64'"));
    let (one, two, client) = (lab.host(1), lab.host(2), lab.host(3));
    vip(one, &["bind"]).ok().says("address 10.79.0.100/24 on \"eth0\" is up");
    for ip in [IP, IP6] {
        talk(client, ip);
        assert_eq!(neighbour(client, ip), hardware(one), "the client knows {ip}");
    }
    vip(one, &["unbind"]).ok();
    assert_eq!(neighbour(client, IP), hardware(one), "it does not know yet");
    vip(two, &["bind"]).ok();
    for ip in [IP, IP6] {
        assert_eq!(neighbour(client, ip), hardware(two), "the client was told of {ip}");
    }
    // The checker fails where nobody tells.
    configure(one, &format!("virtual_ip='{IP}/24,{IP6}/64'\nvip_announce_command='true'"));
    vip(two, &["unbind"]).ok();
    vip(one, &["bind"]).ok();
    assert_eq!(neighbour(client, IP), hardware(two), "nobody told it");
}

#[test]
fn an_address_that_another_host_has_is_not_taken_up_and_its_owner_is_named() {
    let lab = lab(2, &format!("virtual_ip='{IP}/24'"));
    let (one, two) = (lab.host(1), lab.host(2));
    vip(one, &["bind"]).ok();
    for args in [&["bind"][..], &["bind", "--dry-run"]] {
        vip(two, args).code(1).says("is in use by another host").says(&hardware(one)).says("HINT: ");
    }
    assert!(!has(two, "10.79.0.100/24"), "{}", addresses(two));
    vip(one, &["bind"]).ok().says("is up already");

    // Of several addresses none is taken up when one is taken.
    configure(two, &format!("virtual_ip='10.79.0.101/24,{IP}/24,{IP6}'"));
    vip(two, &["bind"]).code(1).says(IP);
    assert!(!has(two, "10.79.0.101/24"), "{}", addresses(two));
    vip(one, &["unbind"]).ok();
    vip(two, &["bind"]).ok();
    assert!(has(two, "10.79.0.101/24") && has(two, "10.79.0.100/24") && has(two, "fd00:79::100/128"));

    configure(one, &format!("virtual_ip='{IP6}'"));
    vip(one, &["bind"]).code(1).says(&hardware(two));

    // Somebody took it by hand: both have it, and we say so.
    one.run_as_root(&["ip", "addr", "add", &format!("{IP}/24"), "dev", "eth0"]).ok();
    configure(one, &format!("virtual_ip='{IP}/24'"));
    vip(one, &["bind"]).code(1).says(&hardware(two)).says("this host has it too");
}

#[test]
fn a_plain_address_is_that_address_alone_and_a_second_bind_changes_nothing() {
    let lab = lab(1, &format!("virtual_ip='{IP},{IP6}'"));
    let host = lab.host(1);
    vip_ambient(host, &["bind", "--dry-run"]).ok().says("would take up address 10.79.0.100/32");
    assert!(!addresses(host).contains(IP));
    vip_ambient(host, &["bind"]).ok().says("NOTICE: address 10.79.0.100/32").within(Duration::from_secs(5));
    assert!(has(host, "10.79.0.100/32") && has(host, "fd00:79::100/128"), "{}", addresses(host));
    assert!(!tentative(host, IP6), "usable at once: {}", addresses(host));
    let before = addresses(host);
    vip_ambient(host, &["bind"]).ok().says("is up already");
    assert_eq!(addresses(host), before);
}

#[test]
fn what_cannot_work_is_said_before_anything_changes() {
    let lab = lab(1, "");
    let host = lab.host(1);
    let bind = |lines: &str| {
        configure(host, lines);
        vip(host, &["bind"])
    };
    bind("").code(1).says("no virtual address is configured");
    bind("virtual_ip='10.79.0.100'\nnetwork_card=ens33")
        .code(1)
        .says("there is no network card \"ens33\"")
        .says("eth0");
    bind("virtual_ip='10.79.0.100'\nnetwork_card=''").code(1).says("no network card is named");
    bind("virtual_ip='10.79.0.300'").code(1).says("10.79.0.300");
    bind("virtual_ip='224.0.0.5'").code(1).says("not an address that one host can have");
    configure(host, &format!("virtual_ip='{IP}'"));
    host.repmgr(&["vip", "bind"]).code(1).says("CAP_NET_ADMIN").says("HINT: ");
    assert!(!addresses(host).contains(IP));

    // There already, in another way: told apart.
    host.run_as_root(&["ip", "addr", "add", &format!("{IP}/24"), "dev", "eth0"]).ok();
    vip(host, &["bind"]).ok().says("is up already, with prefix length 24");
    assert!(!has(host, "10.79.0.100/32"), "{}", addresses(host));
    host.run_as_root(&["ip", "addr", "del", &format!("{IP}/24"), "dev", "eth0"]).ok();
    host.run_as_root(&["ip", "addr", "add", &format!("{IP}/32"), "dev", "lo"]).ok();
    vip(host, &["bind"]).code(1).says("is on another network card").says("\"lo\"");
    host.run_as_root(&["ip", "addr", "del", &format!("{IP}/32"), "dev", "lo"]).ok();

    lab.unplug(host);
    vip(host, &["bind"]).ok().says("WARNING: ").says("no carrier");
    vip(host, &["unbind"]).ok();
    host.run_as_root(&["ip", "link", "set", "eth0", "down"]).ok();
    vip(host, &["bind"]).code(1).says("is switched off").says("HINT: ip link set eth0 up");
}

#[test]
fn two_hosts_that_bind_at_the_same_moment_do_not_both_succeed() {
    let lab = lab(2, &format!("virtual_ip='{IP}/24'"));
    let both: Vec<_> = lab
        .hosts()
        .iter()
        .map(|h| h.repmgr_command(&["vip", "bind"]).user(crate::cluster::User::Root).start())
        .collect();
    let outs: Vec<_> = both.into_iter().map(|r| r.wait(Duration::from_secs(30))).collect();
    let holders = lab.hosts().iter().filter(|h| has(h, "10.79.0.100/24")).count();
    assert!(holders < 2, "{outs:#?}");
}

#[test]
fn an_unprivileged_user_goes_by_sudo_as_hg_sites_have_it() {
    let lab = lab(1, &format!("virtual_ip='{IP}'"));
    let host = lab.host(1);
    host.repmgr(&["vip", "bind"]).code(1);
    let allow = "mkdir -p /etc/sudoers.d; echo 'postgres ALL=(root) NOPASSWD: /sbin/ip addr *' >/etc/sudoers.d/hg
        chmod 440 /etc/sudoers.d/hg; grep -q '^@includedir' /etc/sudoers || echo '@includedir /etc/sudoers.d' >>/etc/sudoers";
    host.run_as_root(&["bash", "-c", allow]).ok();
    host.repmgr(&["vip", "status"]).says("sudo");
    host.repmgr(&["vip", "bind"]).ok().says("unable to ask whether another host").says("unable to announce");
    assert!(has(host, "10.79.0.100/32"), "{}", addresses(host));
    host.repmgr(&["vip", "bind"]).ok().says("is up already");
    host.repmgr(&["vip", "unbind"]).ok().says("is down");
    assert!(!addresses(host).contains(IP));
    host.repmgr(&["vip", "unbind"]).ok().says("is down already");
    configure(host, &format!("virtual_ip='{IP6}'"));
    host.repmgr(&["vip", "bind"]).ok();
    assert!(has(host, "fd00:79::100/128") && !tentative(host, IP6));
}

#[test]
fn file_capabilities_are_enough() {
    let lab = lab(1, &format!("virtual_ip='{IP}/24'"));
    let host = lab.host(1);
    let program = with_capabilities(host);
    let run = |verb: &str| host.run_as_postgres(&[&program, "-f", &host.conf_path(), "vip", verb]);
    run("status").ok().says("capabilities");
    run("bind").ok().never_says("WARNING");
    assert!(has(host, "10.79.0.100/24"));
    run("unbind").ok();
    assert!(!addresses(host).contains(IP));
}

#[test]
fn commands_of_the_site_take_the_place_of_ours() {
    let lab = lab(1, "");
    let host = lab.host(1);
    let log = host.path("commands");
    configure(
        host,
        &format!(
            "virtual_ip='{IP}/24'\nvip_up_command='echo up %i %c $HG_REPMGR_VIP_PREFIX >>{log}; ip addr add %i/24 dev %c'
vip_down_command='echo down %i %c >>{log}; ip addr del %i/24 dev %c'
vip_announce_command='echo announce %i %c >>{log}'"
        ),
    );
    host.repmgr(&["vip", "status"]).says("site command");
    vip(host, &["bind"]).ok();
    assert!(has(host, "10.79.0.100/24"));
    vip(host, &["bind"]).ok().says("is up already");
    vip(host, &["unbind"]).ok();
    assert!(!addresses(host).contains(IP));
    vip(host, &["unbind"]).ok().says("WARNING: ").says("is not to be seen here");
    let want = [
        "up 10.79.0.100 eth0 24",
        "announce 10.79.0.100 eth0",
        "announce 10.79.0.100 eth0",
        "down 10.79.0.100 eth0",
        "down 10.79.0.100 eth0",
    ];
    assert_eq!(host.read(&log).lines().collect::<Vec<_>>(), want);
    host.repmgr(&["vip", "bind"]).code(5).says("vip_up_command").says("exit code 2");
    configure(host, &format!("virtual_ip='{IP}/24'\nvip_up_command='exit 3'"));
    vip(host, &["bind"]).code(5).says("exit code 3");
}

#[test]
fn a_probe_is_a_question_that_claims_nothing() {
    let lab = lab(2, &format!("virtual_ip='{IP}/24,{IP6}'"));
    let (host, client) = (lab.host(1), lab.host(2));
    let (arp, ipv6) = (Watch::start(client, ARP), Watch::start(client, IPV6));
    vip(host, &["bind", "--dry-run"]).ok();
    let probes = arp.frames(|f| f[38..42] == [10, 79, 0, 100]);
    assert_eq!(probes.len(), 3, "RFC 5227's three");
    assert!(
        probes.iter().all(|f| f[28..32] == [0; 4] && f.len() == 60),
        "nobody's address asks: {probes:x?}"
    );
    let target: std::net::Ipv6Addr = IP6.parse().unwrap();
    let asked = ipv6.frames(|f| f.len() == 78 && f[54] == 135 && f[62..78] == target.octets());
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|f| f[22..38] == [0; 16] && f[21] == 255), "{asked:x?}");
}

#[test]
fn the_registered_primary_has_the_address_and_the_unregistered_one_has_not() {
    let lab = lab(2, "");
    let (host, other) = (lab.host(1).init_primary(&PgOptions::default()), lab.host(2));
    let allow = "mkdir -p /etc/sudoers.d; echo 'postgres ALL=(root) NOPASSWD: /sbin/ip addr *' >/etc/sudoers.d/hg
        chmod 440 /etc/sudoers.d/hg; grep -q '^@includedir' /etc/sudoers || echo '@includedir /etc/sudoers.d' >>/etc/sudoers";
    configure(host, "virtual_ip='10.79.0.101'");
    host.repmgr(&["primary", "register"]).code(1).says("CAP_NET_ADMIN").says("--force");
    assert_eq!(host.psql("SELECT to_regclass('repmgr.nodes') IS NULL"), "t", "nothing was registered");
    host.run_as_root(&["bash", "-c", allow]).ok();
    host.repmgr(&["primary", "register", "--dry-run"]).ok().says("would take up address 10.79.0.101/32");
    assert!(!addresses(host).contains("10.79.0.101"));
    host.repmgr(&["primary", "register"]).ok().says("address 10.79.0.101/32 on \"eth0\" is up");
    assert!(has(host, "10.79.0.101/32"));
    configure(host, &format!("virtual_ip='{IP}/24'"));
    host.repmgr(&["primary", "register", "-F"]).ok().says("address 10.79.0.101/32 on \"eth0\" is down");
    assert!(has(host, "10.79.0.100/24") && !addresses(host).contains("10.79.0.101"), "{}", addresses(host));
    host.repmgr(&["primary", "unregister", "-F"]).ok().says("address 10.79.0.100/24 on \"eth0\" is down");
    assert!(!addresses(host).contains(IP));

    // Somebody else has it: --force registers, and leaves it there.
    configure(other, &format!("virtual_ip='{IP}/24'"));
    vip(other, &["bind"]).ok();
    let program = with_capabilities(host);
    let register = |more: &[&str]| {
        host.run_as_postgres(&[&[&program, "-f", &host.conf_path(), "primary", "register"], more].concat())
    };
    register(&[]).code(1).says("is in use by another host").says(&hardware(other));
    register(&["-F"]).ok().says("WARNING: address 10.79.0.100 is in use by another host");
    assert!(!addresses(host).contains(IP));
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.nodes"), "1");
}
