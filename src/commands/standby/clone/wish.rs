//! What was asked for: command line and configuration file together.

use super::options::{self, BackupOptions, WalMethod};
use crate::cli::args::StandbyClone;
use crate::cli::choices::{ExternalFiles, Force, Mode as Effort};
use crate::commands::context::Context;
use crate::config::{self, Settings};
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::NodeId;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::{self, Level};
use std::path::PathBuf;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where the copy goes.
    pub data_dir: PathBuf,
    /// This node's number. `None`: no configuration file and no `--node-id`.
    pub node_id: Option<NodeId>,
    /// This node's name, which its WAL receiver will give. `None`: as above.
    pub node_name: Option<String>,
    /// The server that is copied.
    pub source: ConnInfo,
    /// `-S`: who reads what only superusers may see. `None`: the user of `source`.
    pub superuser: Option<String>,
    /// `--replication-user`. `None`: the upstream's.
    pub replication_user: Option<String>,
    /// What the standby will stream from.
    pub upstream: UpstreamWish,
    /// The slot of this node. `None`: none is used.
    pub slot: Option<String>,
    /// `pg_basebackup_options`.
    pub options: BackupOptions,
    /// `-c`.
    pub checkpoint: Checkpoint,
    /// Tablespaces that go elsewhere: old, new.
    pub mapping: Vec<(PathBuf, PathBuf)>,
    /// `--copy-external-config-files`. `None`: they are left alone.
    pub external: Option<ExternalFiles>,
    /// `--verify-backup`.
    pub verify: Verify,
    /// `-F`.
    pub force: Force,
    /// PostgreSQL's text. `None`: no delay is written.
    pub apply_delay: Option<String>,
    /// The configuration file, kept when it lies in the data directory. `None`: there is none.
    pub config_file: Option<PathBuf>,
    /// At what level a prerequisite that is met is told: a dry run is made for these, a real one is not.
    pub met: Level,
    /// Everything else that the configuration file says.
    pub settings: Settings,
}

/// What the standby will stream from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamWish {
    /// Nothing was said: the primary.
    Primary,
    /// `--upstream-node-id`.
    Node(NodeId),
    /// `--upstream-conninfo`: as it is, whether it exists or not.
    Conninfo(ConnInfo),
}

/// How the source's checkpoint at the start is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// As fast as it can.
    Fast,
    /// Spread over time, as the server's settings say.
    Spread,
}

/// Whether the copy is compared with its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl Wish {
    /// Whether WAL comes on a connection of its own.
    #[must_use]
    pub fn streams(&self) -> bool {
        matches!(self.options.wal_method, None | Some(WalMethod::Stream))
    }

    /// Whether `-F` was given.
    #[must_use]
    pub fn forced(&self) -> bool {
        self.force == Force::Yes
    }

    /// This node as messages name it.
    #[must_use]
    pub fn label(&self) -> String {
        match (&self.node_name, self.node_id) {
            (Some(name), Some(id)) => format!("\"{name}\" (ID: {id})"),
            (Some(name), None) => format!("\"{name}\""),
            (None, Some(id)) => format!("with ID {id}"),
            (None, None) => "without a name".to_owned(),
        }
    }
}

/// Puts command line and configuration together.
///
/// # Errors
/// [`Exit::BadConfig`]: something is missing or contradicts itself; [`Exit::Barman`] where Barman is wanted.
pub fn read(ctx: &Context, args: &StandbyClone) -> Result<Wish> {
    let (settings, has_file) = match &ctx.loaded {
        Some(loaded) => (loaded.settings.clone(), true),
        None => (config::defaults()?.settings, false),
    };
    no_barman(&settings, args)?;
    let data_dir = match (&ctx.general.pgdata, has_file) {
        (_, true) => settings.data_directory.clone(),
        (Some(dir), false) => dir.clone(),
        (None, false) => {
            return Err(Error::new(Exit::BadConfig, "no data directory given")
                .detail("there is no configuration file that names one")
                .hint("name it with -D/--pgdata, or the configuration file with -f"));
        }
    };
    if has_file && ctx.general.pgdata.as_ref().is_some_and(|given| *given != data_dir) {
        report::warning("-D/--pgdata has no effect beside a configuration file")
            .detail(format!("\"data_directory\" is \"{}\"", data_dir.display()));
    }
    let mut node_id = ctx.general.node_id;
    let mut node_name = ctx.general.node_name.clone();
    if has_file {
        (node_id, node_name) = (Some(NodeId(settings.node_id)), Some(settings.node_name.clone()));
    }
    let options = options::read(settings.pg_basebackup_options.as_deref().unwrap_or_default())?;
    let mut mapping: Vec<(PathBuf, PathBuf)> =
        settings.tablespace_mapping.iter().map(|(old, new)| (old.into(), new.into())).collect();
    mapping.extend(options.mapping.iter().cloned());
    if args.no_upstream_connection {
        report::warning("--no-upstream-connection has no effect").detail("it belongs to copies from Barman");
    }
    let slot = match (settings.use_replication_slots, node_id) {
        (true, Some(id)) => Some(format!("repmgr_slot_{id}")),
        (true, None) | (false, _) => None,
    };
    Ok(Wish {
        source: source(ctx)?,
        upstream: upstream(args, node_id)?,
        superuser: ctx.general.superuser.clone(),
        replication_user: args.replication_user.clone(),
        checkpoint: if args.fast_checkpoint { Checkpoint::Fast } else { Checkpoint::Spread },
        external: args.copy_external_config_files,
        verify: if args.verify_backup { Verify::Yes } else { Verify::No },
        force: ctx.general.force(),
        apply_delay: args
            .recovery_min_apply_delay
            .clone()
            .or_else(|| settings.recovery_min_apply_delay.clone())
            .filter(|delay| !delay.is_empty()),
        config_file: ctx.loaded.as_ref().and_then(|loaded| loaded.file.clone()),
        met: match ctx.effort() {
            Effort::DryRun => Level::Info,
            Effort::Apply => Level::Debug,
        },
        data_dir,
        node_id,
        node_name,
        slot,
        options,
        mapping,
        settings,
    })
}

fn no_barman(settings: &Settings, args: &StandbyClone) -> Result<()> {
    if settings.barman_host.is_none() || args.without_barman {
        return Ok(());
    }
    Err(Error::new(Exit::Barman, "cloning from Barman is not in this version")
        .detail("\"barman_host\" is set in the configuration file")
        .hint("use --without-barman to copy the server itself with pg_basebackup"))
}

fn source(ctx: &Context) -> Result<ConnInfo> {
    let missing = |what: &str| {
        Error::new(Exit::BadConfig, "no source server given")
            .detail(what)
            .hint("name the server to copy: repmgr -h HOST -U USER -d DBNAME standby clone")
    };
    let Some(given) = ctx.given()? else { return Err(missing("nothing says which server is to be copied")) };
    if ["host", "hostaddr", "service"].iter().all(|key| given.get(key).is_none()) {
        return Err(missing("the connection parameters name no host"));
    }
    Ok(given)
}

fn upstream(args: &StandbyClone, own: Option<NodeId>) -> Result<UpstreamWish> {
    match (args.upstream_node_id, &args.upstream_conninfo) {
        (Some(_), Some(_)) => {
            Err(Error::new(Exit::BadConfig, "--upstream-node-id and --upstream-conninfo exclude each other")
                .detail("both say what the standby is to stream from"))
        }
        (Some(id), None) if Some(id) == own => {
            Err(Error::new(Exit::BadConfig, format!("node {id} cannot be its own upstream"))
                .detail("--upstream-node-id is this node's own \"node_id\""))
        }
        (Some(id), None) => Ok(UpstreamWish::Node(id)),
        (None, Some(text)) => ConnInfo::parse(text).map(UpstreamWish::Conninfo).map_err(|why| {
            Error::new(Exit::BadConfig, "invalid --upstream-conninfo").detail(why.to_string())
        }),
        (None, None) => Ok(UpstreamWish::Primary),
    }
}
