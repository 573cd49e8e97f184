//! `repmgr vip status`

use super::vip_common::{IP, IP6, configure, lab, vip, vip_ambient};
use serde_json::Value;

#[test]
fn each_address_is_shown_with_its_card_and_the_privilege_in_force() {
    let lab = lab(1, &format!("virtual_ip='{IP}/24,{IP6}'"));
    let host = lab.host(1);
    let json = |out: crate::cluster::Out| serde_json::from_str::<Value>(&out.stdout).expect("JSON");
    vip_ambient(host, &["status"]).ok().says("10.79.0.100/24").says("capabilities");
    let shown = json(host.repmgr(&["vip", "status", "--json"]).code(25));
    assert_eq!(
        (&shown[0]["state"], &shown[0]["up_by"], &shown[0]["announced_by"]),
        (&"down".into(), &"none".into(), &"none".into())
    );
    vip(host, &["bind"]).ok();
    let shown = json(vip(host, &["status", "--json"]).ok());
    assert_eq!(shown[1]["address"], IP6);
    assert_eq!(
        (&shown[1]["state"], &shown[1]["prefix"], &shown[1]["card_state"]),
        (&"up".into(), &128.into(), &"up".into())
    );

    configure(host, &format!("virtual_ip='{IP}'"));
    vip(host, &["status"]).code(25).says("it is up with prefix length 24");
    configure(host, &format!("virtual_ip='{IP}/24'\nnetwork_card=lo"));
    vip(host, &["status"]).code(25).says("it is up on network card \"eth0\"");
    configure(host, &format!("virtual_ip='{IP}/24'\nnetwork_card=ens33"));
    vip(host, &["status"]).code(25).says("there is no such network card");
    configure(host, &format!("virtual_ip='{IP}/24'"));
    lab.unplug(host);
    vip(host, &["status"]).code(25).says("no carrier");
    host.run_as_root(&["ip", "link", "set", "eth0", "down"]).ok();
    vip(host, &["status"]).code(25).says("switched off");
    configure(host, "");
    vip(host, &["status"]).code(1).says("no virtual address is configured");
}
