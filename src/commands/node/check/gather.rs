//! Looks at what each check is about, and has it judged.

use super::evaluate::{self, DataDirectory, Finding, Lag, Owner, Repmgrd, Upstream};
use crate::cli::choices::{Check, CheckOutput};
use crate::commands::context::{Context, connect_node};
use crate::commands::node::shared::{self, Attachment, Sight, Stats, asking};
use crate::config::Settings;
use crate::domain::node::{NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::report;
use crate::sys::files::{self, DirState};
use crate::sys::users;
use std::time::Duration;

/// An upstream that connects but does not answer in this time is not well.
const PATIENCE: Duration = Duration::from_secs(10);

/// The checks of the whole list, in its order.
pub const LIST: [Check; 8] = [
    Check::Role,
    Check::ReplicationLag,
    Check::ArchiveReady,
    Check::Upstream,
    Check::Downstream,
    Check::Slots,
    Check::MissingSlots,
    Check::DataDirectoryConfig,
];

/// Checks that JSON has beside the list; they do not decide over the exit code.
pub const BESIDE: [Check; 2] = [Check::Repmgrd, Check::ReplicationConfigOwner];

/// A node that is being looked at.
pub struct Look<'a> {
    settings: &'a Settings,
    output: CheckOutput,
    session: Session,
    /// Its record.
    pub record: NodeRecord,
    stats: Stats,
    /// Why the upstream could not be asked, where that did not end the command. `None`: it could, or was not.
    pub unreachable: Option<Error>,
}

impl<'a> Look<'a> {
    /// Connects, as the superuser of `-S` where that was given.
    ///
    /// # Errors
    /// [`Exit::DbConn`], [`Exit::BadConfig`], [`Exit::DbQuery`].
    pub fn open(ctx: &'a Context, output: CheckOutput) -> Result<Self> {
        let conninfo = ctx.superuser(&ctx.own_conninfo()?);
        let (mut session, record) = shared::open(ctx, &conninfo)?;
        let stats = shared::stats(&mut session).map_err(asking("the node's replication statistics"))?;
        Ok(Self { settings: ctx.settings()?, output, session, record, stats, unreachable: None })
    }

    /// Makes a check that needs the session.
    ///
    /// # Errors
    /// [`Exit::DbQuery`]; [`Exit::DbConn`] when the upstream cannot be reached.
    pub fn check(&mut self, check: Check) -> Result<Finding> {
        match check {
            Check::Role => Ok(evaluate::role(self.record.role, self.stats.recovery)),
            Check::ReplicationLag => Ok(self.lag()),
            Check::ArchiveReady => Ok(self.archive_ready()),
            Check::Upstream => self.upstream(),
            Check::Downstream => self.downstream(),
            Check::Slots => Ok(evaluate::slots(self.stats.slots, self.stats.inactive_slots())),
            Check::MissingSlots => self.missing_slots(),
            Check::DataDirectoryConfig => self.data_directory(),
            Check::Repmgrd => Ok(evaluate::repmgrd(self.repmgrd())),
            Check::ReplicationConfigOwner => Ok(evaluate::replication_config_owner(&self.owner())),
            Check::DbConnection | Check::HasPassfile | Check::ReplicationConnection => {
                Err(Error::new(Exit::Internal, "this check is made without a session"))
            }
        }
    }

    fn lag(&mut self) -> Finding {
        let lag = match self.stats.recovery {
            Recovery::Primary => Lag::NotApplicable,
            Recovery::Standby => match shared::lag_seconds(&mut self.session) {
                Ok(seconds) => Lag::Seconds(seconds),
                Err(e) => {
                    report::warning("unable to read the replication lag").detail(e.to_string());
                    Lag::Unknown
                }
            },
        };
        let settings = self.settings;
        let (warning, critical) = (settings.replication_lag_warning, settings.replication_lag_critical);
        evaluate::replication_lag(self.record.role, lag, warning, critical)
    }

    fn archive_ready(&self) -> Finding {
        let settings = self.settings;
        let files = match shared::ready_files(&settings.data_directory) {
            Ok(files) => Some(files),
            Err(why) => {
                report::error("unable to read the directory of archiving states")
                    .detail(format!("\"{}/pg_wal/archive_status\": {why}", settings.data_directory.display()))
                    .hint("check \"data_directory\", and run this as its owner");
                None
            }
        };
        evaluate::archive_ready(files, settings.archive_ready_warning, settings.archive_ready_critical)
    }

    fn upstream(&mut self) -> Result<Finding> {
        let own = self.record.label();
        let seen = match (self.record.role, self.upstream_record()?) {
            (Role::Witness, _) => Upstream::Witness,
            (Role::Primary | Role::Standby | Role::Unknown, None) => Upstream::NoRecord(self.stats.recovery),
            (Role::Primary | Role::Standby | Role::Unknown, Some(record)) => {
                let label = record.label();
                match self.hangs_on(&record) {
                    Ok(Attachment::Attached) => Upstream::Asked { label, attached: true },
                    Ok(other) => {
                        explain(&self.settings.node_name, &label, &other);
                        Upstream::Asked { label, attached: false }
                    }
                    Err(e) => {
                        let why = e.to_string();
                        let what = format!("cannot connect to upstream node {label}");
                        let error = e
                            .into_error(Exit::DbConn, what)
                            .detail(format!("connection string: {}", record.shown_conninfo()))
                            .hint("see \"repmgr cluster show\"");
                        if self.output != CheckOutput::Json {
                            return Err(error);
                        }
                        self.unreachable = Some(error);
                        Upstream::Unreachable { label, why }
                    }
                }
            }
        };
        Ok(evaluate::upstream(&own, &seen))
    }

    fn upstream_record(&mut self) -> Result<Option<NodeRecord>> {
        match self.record.upstream_node_id {
            None => Ok(None),
            Some(id) => {
                metadata::node(&mut self.session, id).map_err(asking("the record of the upstream node"))
            }
        }
    }

    fn hangs_on(&self, upstream: &NodeRecord) -> Result<Attachment, PgError> {
        let mut s = connect_node(upstream)?;
        s.set_limit(PATIENCE);
        let sight = shared::sight(&mut s, "pg_read_all_stats")?;
        let senders = server::walsenders(&mut s)?;
        Ok(shared::attachment(&senders, &self.settings.node_name, sight))
    }

    fn downstream(&mut self) -> Result<Finding> {
        let children = shared::children(&mut self.session, self.record.node_id);
        let children = children.map_err(asking("the state of the downstream nodes"))?;
        Ok(evaluate::downstream(self.record.role, &children))
    }

    fn missing_slots(&mut self) -> Result<Finding> {
        let missing = shared::missing_slots(&mut self.session, self.record.node_id);
        let missing = missing.map_err(asking("the replication slots"))?;
        let names: Vec<String> = missing.into_iter().map(|m| m.slot).collect();
        Ok(evaluate::missing_slots(&names))
    }

    fn data_directory(&mut self) -> Result<Finding> {
        let configured = self.settings.data_directory.display().to_string();
        let sight = shared::sight(&mut self.session, "pg_read_all_settings");
        let seen = match sight.map_err(asking("the privileges of this role"))? {
            Sight::Full => {
                let sql = "SELECT pg_catalog.current_setting('data_directory')";
                let row = self.session.query_opt(sql, &[]).map_err(asking("\"data_directory\""))?;
                DataDirectory::Actual(row.map_or_else(String::new, |row| row.get(0)))
            }
            Sight::Own => {
                report::info(
                    "this role may not read \"data_directory\"; the configured one is only looked at",
                )
                .hint(
                    "use -S/--superuser, or grant the role membership in pg_read_all_settings or pg_monitor",
                );
                let found = files::dir_state(&self.settings.data_directory);
                DataDirectory::Looked { is_one: matches!(found, DirState::PostgresDirectory { .. }) }
            }
        };
        Ok(evaluate::data_directory(&configured, &seen))
    }

    /// repmgr's extension tells it from shared memory; where there is none, nobody does.
    fn repmgrd(&mut self) -> Repmgrd {
        let sql = "SELECT repmgr.repmgrd_is_running(), repmgr.repmgrd_is_paused()";
        let row = match self.session.query_opt(sql, &[]) {
            Ok(row) => row,
            Err(e) => {
                report::info("the database does not tell whether repmgrd runs").detail(e.to_string());
                return Repmgrd::Unknown;
            }
        };
        let told =
            row.map_or((None, None), |row| (row.get::<_, Option<bool>>(0), row.get::<_, Option<bool>>(1)));
        match told {
            (Some(true), Some(true)) => Repmgrd::Paused,
            (Some(true), Some(false) | None) => Repmgrd::Running,
            (Some(false) | None, _) => Repmgrd::NotRunning,
        }
    }

    fn owner(&self) -> Owner {
        let data = &self.settings.data_directory;
        let name = if self.session.version().uses_recovery_conf() {
            "recovery.conf"
        } else {
            "postgresql.auto.conf"
        };
        let file = data.join(name);
        let of_data = match files::ownership(data) {
            Ok(ownership) => ownership.uid,
            Err(why) => return Owner::Unreadable(format!("\"{}\": {why}", data.display())),
        };
        match files::ownership(&file) {
            Ok(of_file) if of_file.uid != of_data => Owner::Other(format!(
                "\"{}\" belongs to {}, the data directory to {}",
                file.display(),
                user(of_file.uid),
                user(of_data)
            )),
            Ok(_) => Owner::Same,
            // A recovery.conf comes and goes; a postgresql.auto.conf is in every data directory.
            Err(_) if self.session.version().uses_recovery_conf() => Owner::Same,
            Err(why) => Owner::Unreadable(format!("\"{}\": {why}", file.display())),
        }
    }
}

fn user(uid: u32) -> String {
    users::by_uid(uid).map_or_else(|| format!("user {uid}"), |account| format!("\"{}\"", account.name))
}

/// Why a node that is there does not count as attached.
fn explain(node: &str, upstream: &str, found: &Attachment) {
    match found {
        Attachment::Attached => {}
        Attachment::Detached => {
            report::warning(format!("no walsender of upstream node {upstream} has the name \"{node}\""))
                .hint("the standby's \"primary_conninfo\" must carry its node name as application_name");
        }
        Attachment::InState(state) => {
            report::warning(format!("node \"{node}\" is attached in state \"{state}\""));
        }
        Attachment::Ambiguous => {
            report::error(format!("several walsenders of upstream node {upstream} have the name \"{node}\""))
                .hint("give each node a \"node_name\" of its own");
        }
    }
}
