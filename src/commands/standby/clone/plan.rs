//! What will be done: pure, from what was asked for and what was seen.

use super::marker;
use super::upstream::Upstream;
use super::wish::{Checkpoint, Wish};
use crate::config::Settings;
use crate::domain::conninfo::ConnInfo;
use crate::pg::standby_config::StandbySettings;
use std::path::{Path, PathBuf};

/// Keepalives of the copy's connections: a source whose host is gone is noticed after about two minutes. A
/// source that is only slow (a spread checkpoint, a busy disk) is never given up.
const KEEPALIVES: &[(&str, &str)] = &[
    ("keepalives", "1"),
    ("keepalives_idle", "60"),
    ("keepalives_interval", "10"),
    ("keepalives_count", "6"),
];

/// Seconds to connect, where the connection string leaves it open; libpq would wait for ever.
const CONNECT_TIMEOUT: &str = "10";

/// The command that copies.
#[derive(Clone, PartialEq, Eq)]
pub struct Backup {
    /// The program.
    pub program: PathBuf,
    /// Its arguments; nothing secret among them.
    pub args: Vec<String>,
    /// Its environment beyond ours: passwords.
    pub env: Vec<(&'static str, String)>,
}

/// Where a slot for the standby is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotAt {
    /// On the source, which is the upstream too: it holds back the WAL of the copy as well.
    Source,
    /// On the upstream alone; the copy uses a slot of its own that goes with its connection.
    Upstream,
    /// Nowhere: the upstream cannot be reached, or is not a server that is there already.
    Nowhere,
}

/// The connection by which the copy is made: the source's, as the user for replication.
#[must_use]
pub fn replication_conninfo(wish: &Wish, upstream: &Upstream) -> ConnInfo {
    let mut conninfo = wish.source.clone();
    if let Some(user) = wish.replication_user.as_ref().or(upstream.replication_user.as_ref()) {
        become_user(&mut conninfo, user);
    }
    if let Some(passfile) = &wish.settings.passfile {
        conninfo.set_default("passfile", passfile.to_string_lossy());
    }
    conninfo
}

/// The connection by which a slot is made on the upstream.
#[must_use]
pub fn upstream_replication_conninfo(wish: &Wish, upstream: &Upstream) -> ConnInfo {
    let user = wish.replication_user.as_ref().or(upstream.replication_user.as_ref());
    for_replication(&wish.settings, &upstream.conninfo, user.map(String::as_str))
}

/// A server's connection string as one for replication, as `user` (`None`: as it names one itself).
#[must_use]
pub fn for_replication(settings: &Settings, conninfo: &ConnInfo, user: Option<&str>) -> ConnInfo {
    let mut conninfo = conninfo.clone();
    if let Some(user) = user {
        become_user(&mut conninfo, user);
    }
    if let Some(passfile) = &settings.passfile {
        conninfo.set_default("passfile", passfile.to_string_lossy());
    }
    conninfo
}

/// A password belongs to one user: it goes when the user changes.
fn become_user(conninfo: &mut ConnInfo, user: &str) {
    if conninfo.get("user") != Some(user) {
        conninfo.remove("password");
        conninfo.set("user", user);
    }
}

/// The command line of pg_basebackup.
#[must_use]
pub fn backup(wish: &Wish, program: &Path, conninfo: &ConnInfo, slot_at: SlotAt) -> Backup {
    let mut args: Vec<String> = ["-l", "repmgr base backup", "-D"].map(str::to_owned).to_vec();
    args.push(marker::folder(&wish.data_dir).to_string_lossy().into_owned());
    let mut rest = conninfo.clone();
    let mut env = Vec::new();
    for (key, variable) in [("password", "PGPASSWORD"), ("sslpassword", "PGSSLPASSWORD")] {
        if let Some(secret) = rest.get(key).map(str::to_owned) {
            env.push((variable, secret));
        }
        rest.remove(key);
    }
    for key in ["dbname", "replication", "application_name", "fallback_application_name", "options"] {
        rest.remove(key);
    }
    for (option, key) in [("-h", "host"), ("-p", "port"), ("-U", "user")] {
        if let Some(value) = rest.get(key) {
            args.extend([option.to_owned(), value.to_owned()]);
        }
        rest.remove(key);
    }
    rest.set_default("connect_timeout", CONNECT_TIMEOUT);
    for (key, value) in KEEPALIVES {
        rest.set_default(key, *value);
    }
    // Nobody would answer a question: it has no terminal of its own.
    args.extend(["-d".to_owned(), rest.to_string(), "-w".to_owned()]);
    if wish.checkpoint == Checkpoint::Fast {
        args.extend(["-c", "fast"].map(str::to_owned));
    }
    for (old, new) in wish.mapping.iter().filter(|pair| !wish.options.mapping.contains(pair)) {
        let escaped = |p: &Path| p.to_string_lossy().replace('=', "\\=");
        args.extend(["-T".to_owned(), format!("{}={}", escaped(old), escaped(new))]);
    }
    if wish.options.wal_method.is_none() {
        args.extend(["-X", "stream"].map(str::to_owned));
    }
    if let (SlotAt::Source, Some(slot)) = (slot_at, &wish.slot)
        && wish.streams()
        && !wish.options.slot_is_theirs
    {
        args.extend(["-S".to_owned(), slot.clone()]);
    }
    args.push("-P".to_owned());
    args.extend(wish.options.words.iter().cloned());
    Backup { program: program.to_owned(), args, env }
}

/// The settings of the new standby. `password`: PGPASSWORD, where use_primary_conninfo_password wants it.
#[must_use]
pub fn settings(wish: &Wish, upstream: &Upstream, password: Option<&str>) -> StandbySettings {
    let user = wish.replication_user.as_ref().or(upstream.replication_user.as_ref());
    let user = user.map(String::as_str);
    let conninfo =
        primary_conninfo(&wish.settings, &upstream.conninfo, user, wish.node_name.as_deref(), password);
    let given = |value: &Option<String>| value.clone().filter(|v| !v.is_empty());
    StandbySettings {
        primary_conninfo: conninfo.with_secrets(),
        primary_slot_name: wish.slot.clone(),
        recovery_min_apply_delay: wish.apply_delay.clone(),
        restore_command: given(&wish.settings.restore_command),
        archive_cleanup_command: given(&wish.settings.archive_cleanup_command),
    }
}

/// How a standby called `name` reaches its upstream, as it goes into its settings.
#[must_use]
pub fn primary_conninfo(
    settings: &Settings,
    upstream: &ConnInfo,
    user: Option<&str>,
    name: Option<&str>,
    password: Option<&str>,
) -> ConnInfo {
    let mut conninfo = for_replication(settings, upstream, user);
    conninfo.remove("passfile");
    if let Some(passfile) = upstream.get("passfile") {
        conninfo.set("passfile", passfile);
    }
    for key in ["dbname", "replication", "fallback_application_name"] {
        conninfo.remove(key);
    }
    if settings.use_primary_conninfo_password
        && let Some(password) = password.filter(|p| !p.is_empty())
    {
        conninfo.set_default("password", password);
    }
    if let Some(passfile) = &settings.passfile {
        conninfo.set("passfile", passfile.to_string_lossy());
    }
    if let Some(name) = name {
        conninfo.set("application_name", name);
    }
    conninfo
}

/// The settings as they may be shown: without a password.
#[must_use]
pub fn shown(settings: &StandbySettings) -> Vec<String> {
    let conninfo = ConnInfo::parse(&settings.primary_conninfo).unwrap_or_default().to_string();
    let mut out = vec![format!("primary_conninfo = '{conninfo}'")];
    for (key, value) in [
        ("primary_slot_name", &settings.primary_slot_name),
        ("recovery_min_apply_delay", &settings.recovery_min_apply_delay),
        ("restore_command", &settings.restore_command),
        ("archive_cleanup_command", &settings.archive_cleanup_command),
    ] {
        out.extend(value.as_ref().map(|v| format!("{key} = '{v}'")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::options;
    use super::super::wish::{UpstreamWish, Verify};
    use super::*;
    use crate::cli::choices::Force;
    use crate::domain::node::NodeId;

    fn wish(source: &str) -> Wish {
        Wish {
            data_dir: "/d".into(),
            node_id: Some(NodeId(2)),
            node_name: Some("n2".to_owned()),
            source: ConnInfo::parse(source).unwrap(),
            superuser: None,
            replication_user: None,
            upstream: UpstreamWish::Primary,
            slot: Some("repmgr_slot_2".to_owned()),
            options: options::read("").unwrap(),
            checkpoint: Checkpoint::Spread,
            mapping: Vec::new(),
            external: None,
            verify: Verify::No,
            force: Force::No,
            apply_delay: None,
            config_file: None,
            met: crate::report::Level::Debug,
            settings: crate::config::defaults().unwrap().settings,
        }
    }

    fn upstream(conninfo: &str, user: Option<&str>) -> Upstream {
        Upstream {
            conninfo: ConnInfo::parse(conninfo).unwrap(),
            replication_user: user.map(str::to_owned),
            record: None,
        }
    }

    fn line(wish: &Wish, slot_at: SlotAt) -> String {
        let up = upstream("host=n1 user=repmgr", Some("repmgr"));
        let backup = backup(wish, Path::new("/b/pg_basebackup"), &replication_conninfo(wish, &up), slot_at);
        backup.args.join(" ")
    }

    #[test]
    fn the_command_line_is_the_originals_with_the_copys_folder() {
        const TAIL: &str = "-d connect_timeout=10 keepalives=1 keepalives_idle=60 keepalives_interval=10 keepalives_count=6 -w";
        let plain = wish("host=n1 port=5433 user=repmgr dbname=repmgr");
        let head =
            format!("-l repmgr base backup -D /d/.repmgr_clone_unfinished -h n1 -p 5433 -U repmgr {TAIL}");
        let options = |line: &str| Wish { options: options::read(line).unwrap(), ..plain.clone() };
        for (why, wish, slot_at, want) in [
            ("as it comes", plain.clone(), SlotAt::Source, "-X stream -S repmgr_slot_2 -P"),
            ("the slot is elsewhere", plain.clone(), SlotAt::Upstream, "-X stream -P"),
            ("no slot", Wish { slot: None, ..plain.clone() }, SlotAt::Nowhere, "-X stream -P"),
            (
                "fast",
                Wish { checkpoint: Checkpoint::Fast, slot: None, ..plain.clone() },
                SlotAt::Nowhere,
                "-c fast -X stream -P",
            ),
            ("the user's own way of WAL, so no slot", options("-X fetch"), SlotAt::Source, "-P -X fetch"),
            ("the user's own slot", options("-S mine"), SlotAt::Source, "-X stream -P -S mine"),
            (
                "a mapping",
                Wish { mapping: vec![("/a=b".into(), "/c".into())], slot: None, ..plain.clone() },
                SlotAt::Nowhere,
                r"-T /a\=b=/c -X stream -P",
            ),
        ] {
            assert_eq!(line(&wish, slot_at), format!("{head} {want}"), "{why}");
        }
    }

    #[test]
    fn a_password_is_never_an_argument_and_stays_with_its_user() {
        for (why, source, user, want) in [
            ("the same user", "host=n1 user=repmgr password=geheim", "repmgr", Some("geheim")),
            ("another user", "host=n1 user=admin password=geheim", "repmgr", None),
        ] {
            let wish = wish(source);
            let conninfo = replication_conninfo(&wish, &upstream("host=n1", Some(user)));
            let backup = backup(&wish, Path::new("x"), &conninfo, SlotAt::Source);
            assert!(!backup.args.join(" ").contains("geheim"), "{why}");
            let env = backup.env.iter().find(|(k, _)| *k == "PGPASSWORD").map(|(_, v)| v.as_str());
            assert_eq!(env, want, "{why}");
        }
    }

    #[test]
    fn the_standby_follows_its_upstream_under_its_own_name() {
        let base = wish("host=n1 user=repmgr");
        let mut with_password = wish("host=n1 user=repmgr");
        with_password.settings.use_primary_conninfo_password = true;
        let mut with_passfile = wish("host=n1 user=repmgr");
        with_passfile.settings.passfile = Some("/p".into());
        for (why, wish, conninfo, user, want) in [
            (
                "no database, its name",
                &base,
                "host=n1 dbname=repmgr user=repmgr connect_timeout=2",
                Some("repmgr"),
                "host=n1 user=repmgr connect_timeout=2 application_name=n2",
            ),
            (
                "the name always",
                &base,
                "host=n1 user=u application_name=other",
                None,
                "host=n1 user=u application_name=n2",
            ),
            (
                "the conninfo's password",
                &base,
                "host=n1 user=u password=pw",
                Some("u"),
                "host=n1 user=u password=pw application_name=n2",
            ),
            (
                "not another user's",
                &base,
                "host=n1 user=u password=pw",
                Some("rep"),
                "host=n1 user=rep application_name=n2",
            ),
            (
                "PGPASSWORD where it is wanted",
                &with_password,
                "host=n1 user=u",
                None,
                "host=n1 user=u password=env application_name=n2",
            ),
            (
                "a password file",
                &with_passfile,
                "host=n1 user=u",
                None,
                "host=n1 user=u passfile=/p application_name=n2",
            ),
        ] {
            assert_eq!(
                settings(wish, &upstream(conninfo, user), Some("env")).primary_conninfo,
                want,
                "{why}"
            );
        }
        let shown = shown(&settings(&base, &upstream("host=n1 password=pw user=u", None), None));
        assert!(shown[0].contains("host=n1") && !shown[0].contains("pw"), "{shown:?}");
    }
}
