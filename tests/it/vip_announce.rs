//! `repmgr vip announce`

use super::vip_common::{ARP, IP, IP6, IPV6, Watch, configure, lab, vip};

#[test]
fn arp_goes_out_in_both_forms_and_ipv6_as_an_overriding_advertisement() {
    let lab = lab(2, &format!("virtual_ip='{IP}/24,{IP6}/64'"));
    let (host, client) = (lab.host(1), lab.host(2));
    vip(host, &["announce"]).code(1).says("the address is not there").says("HINT: ");
    vip(host, &["bind"]).ok();
    let (arp, ipv6) = (Watch::start(client, ARP), Watch::start(client, IPV6));
    vip(host, &["announce", "--dry-run"]).ok().says("would announce");
    assert!(arp.frames(|f| f[28..32] == [10, 79, 0, 100]).is_empty(), "a dry run sends nothing");
    let out = vip(host, &["announce"]).ok();
    assert!(out.took.as_millis() >= 800, "five, 200 ms apart: {out}");
    let told = arp.frames(|f| f[28..32] == [10, 79, 0, 100] && f[38..42] == [10, 79, 0, 100]);
    let forms: Vec<u8> = told.iter().map(|f| f[21]).collect();
    assert_eq!(forms, [1, 2].repeat(5), "request and reply, five times");
    assert!(told.iter().all(|f| f.len() == 60 && f[..6] == [0xff; 6] && f[6..12] == f[22..28]));
    let told = ipv6.frames(|f| f.len() == 86 && f[54] == 136);
    assert_eq!(told.len(), 5, "{told:x?}");
    for frame in told {
        assert_eq!((frame[21], frame[58] & 0x60), (255, 0x20), "hop limit; override, not solicited");
        assert_eq!(frame[22..38], frame[62..78], "sent from the address itself");
    }
    host.repmgr(&["vip", "announce"]).code(1).says("CAP_NET_RAW").says("HINT: ");
    configure(host, &format!("virtual_ip='{IP}/24'\nvip_announce_command='exit 4'"));
    vip(host, &["announce"]).code(5).says("exit code 4");
}

#[test]
fn without_raw_sockets_arping_is_asked_by_sudo() {
    let lab = lab(1, &format!("virtual_ip='{IP}/24'"));
    let host = lab.host(1);
    let (log, arping) = (host.path("arping.log"), host.path("bin/arping"));
    // Stands in for the one of iputils, whose words it takes.
    host.write(&arping, &format!("#!/bin/sh\nid -u >>{log}\necho \"$*\" >>{log}\n"));
    let allow = format!(
        "chmod 755 {arping}; mkdir -p /etc/sudoers.d
         {{ echo 'Defaults secure_path=\"{}:/usr/sbin:/usr/bin:/sbin:/bin\"'
         echo 'postgres ALL=(root) NOPASSWD: /sbin/ip addr *, {arping} *'; }} >/etc/sudoers.d/hg; chmod 440 /etc/sudoers.d/hg
         grep -q '^@includedir' /etc/sudoers || echo '@includedir /etc/sudoers.d' >>/etc/sudoers",
        host.path("bin")
    );
    host.run_as_root(&["bash", "-c", &allow]).ok();
    let path = format!("{}:/usr/bin:/bin", host.path("bin"));
    let run = |verb: &str| host.repmgr_command(&["vip", verb]).env("PATH", &path).run();
    run("bind").ok().never_says("WARNING");
    let want = "0\n-D -c 1 -w 2 -I eth0 10.79.0.100\n0\n-U -c 2 -w 3 -I eth0 10.79.0.100\n0\n-A -c 2 -w 3 -I eth0 10.79.0.100\n";
    assert_eq!(host.read(&log), want);
    host.write(
        &arping,
        "#!/bin/sh\necho 'Unicast reply from 10.79.0.100 [02:00:00:00:00:09]  0.7ms'\nexit 1\n",
    );
    run("unbind").ok();
    run("bind").code(1).says("02:00:00:00:00:09");
}
