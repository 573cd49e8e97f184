//! This program on another node's host, through ssh.

use super::context::Context;
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::NodeRecord;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::peer::ssh::{RemoteRepmgr, Ssh};
use crate::report::Level;
use crate::sys::clock::Deadline;
use crate::sys::exec::Output;

/// How ssh is called when no configuration file says otherwise; repmgr's default.
const SSH_OPTIONS: &str = "-q -o ConnectTimeout=10";

/// The way to a node's host: the host of its conninfo.
///
/// # Errors
/// [`Exit::Ssh`]: the record names no host; [`Exit::BadConfig`]: ssh_options cannot be read.
pub fn host_of(ctx: &Context, record: &NodeRecord) -> Result<Ssh> {
    let conninfo = ConnInfo::parse(&record.conninfo).unwrap_or_default();
    let host = conninfo.get("host").or_else(|| conninfo.get("hostaddr"));
    let host = host.and_then(|hosts| hosts.split(',').next()).filter(|host| !host.starts_with(['/', '@']));
    let Some(host) = host else {
        return Err(Error::new(Exit::Ssh, format!("no host is known for node {}", record.label()))
            .detail("its conninfo names none, or a socket's directory")
            .hint("set \"host\" in the conninfo of that node and register it again with --force"));
    };
    let options = ctx.loaded.as_ref().map_or(SSH_OPTIONS, |loaded| &loaded.settings.ssh_options);
    Ssh::new(host, ctx.general.remote_user.as_deref(), options)
}

/// Runs `repmgr WORDS` there with that node's own configuration file.
///
/// # Errors
/// [`Exit::Ssh`]: ssh itself failed or the deadline passed. The command's own exit code is in the output.
pub fn run(
    ctx: &Context,
    record: &NodeRecord,
    words: &[&str],
    level: Option<Level>,
    deadline: Deadline,
) -> Result<Output> {
    let settings = ctx.loaded.as_ref().map(|loaded| &loaded.settings);
    let bindir = settings.and_then(|s| s.repmgr_bindir.as_deref().or(s.pg_bindir.as_deref()));
    let name = ctx.program.file_name().and_then(|name| name.to_str()).unwrap_or("repmgr");
    let remote = RemoteRepmgr {
        bindir,
        program: name,
        config_file: &record.config_file,
        log_level: level.map(Level::word),
    };
    host_of(ctx, record)?.run(&remote.command(words), deadline)
}
