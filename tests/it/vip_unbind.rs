//! `repmgr vip unbind`

use super::vip_common::{IP, IP6, addresses, configure, has, lab, vip};

#[test]
fn addresses_go_whatever_their_prefix_length_and_nothing_else_goes() {
    let lab = lab(1, &format!("virtual_ip='{IP},{IP6}'"));
    let host = lab.host(1);
    let before = addresses(host);
    vip(host, &["unbind"]).ok().says("is down already");
    vip(host, &["bind"]).ok();
    vip(host, &["unbind", "--dry-run"]).ok().says("would take down address 10.79.0.100/32");
    assert!(has(host, "10.79.0.100/32"), "a dry run changes nothing");
    vip(host, &["unbind"]).ok();
    assert_eq!(addresses(host), before);
    host.run_as_root(&["ip", "addr", "add", &format!("{IP}/24"), "dev", "eth0"]).ok();
    vip(host, &["unbind"]).ok().says("is down");
    assert_eq!(addresses(host), before);
}

#[test]
fn what_the_kernel_drags_along_is_put_back() {
    let lab = lab(1, "virtual_ip='10.80.0.100/24'");
    let host = lab.host(1);
    vip(host, &["bind"]).ok();
    // Added later to the same subnet, it hangs on the first address there.
    host.run_as_root(&["sysctl", "-w", "net.ipv4.conf.all.promote_secondaries=0"]);
    host.run_as_root(&["sysctl", "-w", "net.ipv4.conf.eth0.promote_secondaries=0"]);
    host.run_as_root(&["ip", "addr", "add", "10.80.0.5/24", "dev", "eth0"]).ok();
    assert!(addresses(host).contains("secondary"), "{}", addresses(host));
    vip(host, &["unbind"]).ok();
    assert!(has(host, "10.80.0.5/24") && !has(host, "10.80.0.100/24"), "{}", addresses(host));
}

#[test]
fn an_address_on_another_card_and_a_missing_privilege_are_errors() {
    let lab = lab(1, &format!("virtual_ip='{IP}'"));
    let host = lab.host(1);
    host.run_as_root(&["ip", "addr", "add", &format!("{IP}/32"), "dev", "lo"]).ok();
    vip(host, &["unbind"]).code(1).says("is on another network card");
    vip(host, &["unbind", "--dry-run"]).ok().says("would stay there");
    host.run_as_root(&["ip", "addr", "del", &format!("{IP}/32"), "dev", "lo"]).ok();
    vip(host, &["bind"]).ok();
    host.repmgr(&["vip", "unbind"]).code(1).says("CAP_NET_ADMIN").says("HINT: ");
    assert!(has(host, "10.79.0.100/32"));
    // One that cannot go does not keep the others.
    host.run_as_root(&["ip", "addr", "add", "10.79.0.99/32", "dev", "lo"]).ok();
    configure(host, &format!("virtual_ip='10.79.0.99,{IP}'"));
    vip(host, &["unbind"]).code(1).says("10.79.0.99");
    assert!(!has(host, "10.79.0.100/32"), "{}", addresses(host));
}
