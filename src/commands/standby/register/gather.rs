//! What `standby register` looks at before it decides.

use super::plan::{Asked, Upstream};
use crate::cli::args::StandbyRegister;
use crate::commands::context::{Context, connect_node};
use crate::commands::registration::failed;
use crate::domain::node::{NodeId, NodeRecord};
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::control_file;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::sys::clock::{self, Deadline};
use std::time::Duration;

/// A standby that has just started takes a moment until its WAL receiver is attached.
const ATTACH_PATIENCE: Duration = Duration::from_secs(3);

/// Between two looks for it.
const ATTACH_STEP: Duration = Duration::from_millis(200);

/// Whether the standby's own server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// There is a session on it.
    Running,
    /// It is down, and the user knows.
    Down,
}

/// What stands around the record that is to be written.
#[derive(Debug)]
pub struct Around {
    /// Every record.
    pub nodes: Vec<NodeRecord>,
    /// The current primary.
    pub primary: NodeId,
    /// The upstream that is wanted.
    pub asked: Asked,
    /// What it said.
    pub upstream: Upstream,
}

/// Looks at the records and at the upstream.
///
/// # Errors
/// [`Exit::DbQuery`]: the records cannot be read.
pub fn gather(
    args: &StandbyRegister,
    server: Server,
    primary: &mut Session,
    primary_record: &NodeRecord,
    record: &NodeRecord,
) -> Result<Around> {
    let nodes = metadata::all_nodes(primary).map_err(|e| failed(e, "unable to read the node records"))?;
    let asked = args.upstream_node_id.map_or(Asked::Primary(primary_record.node_id), Asked::ById);
    let known = nodes.iter().find(|n| n.node_id == asked.id() && n.node_id != record.node_id);
    let upstream = match known {
        Some(_) if server == Server::Down => Upstream::NotAsked,
        None => Upstream::NotAsked,
        Some(node) if node.node_id == primary_record.node_id => attached(primary, &record.node_name),
        Some(node) => match connect_node(node) {
            Ok(mut s) => attached(&mut s, &record.node_name),
            Err(e) => Upstream::Unreachable(e.message),
        },
    };
    Ok(Around { nodes, primary: primary_record.node_id, asked, upstream })
}

fn attached(s: &mut Session, name: &str) -> Upstream {
    let deadline = Deadline::after(ATTACH_PATIENCE);
    let found = clock::poll_until(deadline, ATTACH_STEP, || match is_attached(s, name) {
        Ok(true) => Some(Upstream::Attached),
        Ok(false) => None,
        Err(e) => Some(Upstream::Unreachable(e.message)),
    });
    found.unwrap_or(Upstream::NotAttached)
}

/// A state that this role may not see counts as attached: the name alone tells as much.
fn is_attached(s: &mut Session, name: &str) -> Result<bool, PgError> {
    let serves = |w: &server::Walsender| {
        w.application_name == name && matches!(w.state.as_str(), "" | "streaming" | "catchup")
    };
    Ok(server::walsenders(s)?.iter().any(serves))
}

/// Refuses a standby that is no copy of the primary. One that is down is known by its control file, where
/// that can be read.
///
/// # Errors
/// [`Exit::BadConfig`]: another major version, or another cluster; [`Exit::DbQuery`] when it cannot be told.
pub fn check_same_cluster(ctx: &Context, local: Option<&mut Session>, primary: &mut Session) -> Result<()> {
    let unable = |e: PgError| failed(e, "unable to compare this node with the primary");
    let (ours, version) = match local {
        Some(s) => (Some(server::system_identifier(s).map_err(unable)?), Some(s.version())),
        None => (control_file::read(&ctx.settings()?.data_directory).ok().map(|c| c.system_identifier), None),
    };
    check_versions(version, primary.version())?;
    let theirs = server::system_identifier(primary).map_err(unable)?;
    match ours {
        Some(ours) if ours != theirs => Err(Error::new(
            Exit::BadConfig,
            "this node is not a copy of the primary: it belongs to another cluster",
        )
        .detail(format!("system identifier of this node: {ours}, of the primary: {theirs}"))
        .hint("check \"conninfo\" and \"data_directory\", or clone the node with \"repmgr standby clone\"")),
        Some(_) | None => Ok(()),
    }
}

fn check_versions(own: Option<ServerVersion>, primary: ServerVersion) -> Result<()> {
    for version in own.into_iter().chain([primary]) {
        if version < ServerVersion::OLDEST {
            return Err(Error::new(Exit::BadConfig, "this server is too old")
                .detail(format!("it is PostgreSQL {version}, needed is 10 or later")));
        }
    }
    match own {
        Some(own) if own.major() != primary.major() => {
            Err(Error::new(Exit::BadConfig, "this node and the primary have different major versions")
                .detail(format!("this node: PostgreSQL {own}, primary: PostgreSQL {primary}"))
                .hint("physical replication needs the same major version on all nodes"))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_must_be_known_ones_of_one_major() {
        let v = ServerVersion;
        for (why, own, primary, want) in [
            ("alike", Some(v(150_018)), v(150_018), None),
            ("minor versions may differ", Some(v(150_002)), v(150_018), None),
            ("major versions may not", Some(v(160_002)), v(150_018), Some("different major")),
            ("down: nothing to compare", None, v(150_018), None),
            ("too old", Some(v(90_624)), v(90_624), Some("too old")),
        ] {
            let got = check_versions(own, primary).err().map(|e| e.message);
            assert_eq!(got.is_some(), want.is_some(), "{why}: {got:?}");
            assert!(got.unwrap_or_default().contains(want.unwrap_or_default()), "{why}");
        }
    }
}
