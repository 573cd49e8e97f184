//! Creates, adopts and upgrades the metadata.

use super::field;
use super::schema::{NEWEST, NEWEST_EXTENSION_MAJOR, NODE_COLUMNS, OURS, PLAIN, REQUIRED};
use crate::error::Error;
use crate::exit::Exit;
use crate::pg::session::{Failure, PgError, Session};

/// Key of the advisory lock that keeps two installations apart; the bytes read `hgrepmgr`.
const LOCK: i64 = 0x6867_7265_706d_6772;

/// Who made schema `repmgr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// repmgr's extension, in this version (`5.3`).
    Extension(String),
    /// Plain SQL: this program, or hg_repmgr.
    Plain,
}

/// What stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No schema `repmgr`, or an empty one.
    Absent,
    /// The schema stands, but these objects or columns do not.
    HalfMade(Vec<String>),
    /// Made by a newer program; the text says which part and version.
    Newer(String),
    /// Usable. `ours` is the version of schema hg_repmgr; 0: not there yet.
    Ready {
        /// Who made it.
        origin: Origin,
        /// Version of our own schema.
        ours: i32,
    },
}

/// What [`install`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// Nothing stood there before.
    Created(Origin),
    /// A half-made schema was completed.
    Completed,
    /// It stood there; our own schema went from one version to another.
    Upgraded {
        /// Version before; 0: none.
        from: i32,
        /// Version now.
        to: i32,
    },
    /// Nothing to do.
    Present(Origin),
}

/// Looks at the metadata without changing anything.
///
/// # Errors
/// [`PgError`] of the queries.
pub fn state(session: &mut Session) -> Result<State, PgError> {
    let sql = "SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'repmgr'),
        ARRAY(SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'repmgr'),
        ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = pg_catalog.to_regclass('repmgr.nodes') AND a.attnum > 0
                 AND NOT a.attisdropped),
        pg_catalog.to_regclass('hg_repmgr.version') IS NOT NULL";
    let Some(row) = session.query_opt(sql, &[])? else { return Ok(State::Absent) };
    let extension: Option<String> = row.get(0);
    let relations: Vec<String> = row.get(1);
    let columns: Vec<String> = row.get(2);
    let has_ours: bool = row.get(3);
    if let Some(version) = &extension
        && major(version) > NEWEST_EXTENSION_MAJOR
    {
        return Ok(State::Newer(format!("extension \"repmgr\" {version}")));
    }
    let mut ours = 0;
    if has_ours {
        let sql = "SELECT coalesce(max(version), 0) FROM hg_repmgr.version";
        ours = session.query_opt(sql, &[])?.map_or(Ok(0), |row| field(&row, 0))?;
    }
    if ours > NEWEST {
        return Ok(State::Newer(format!("schema \"hg_repmgr\" version {ours}")));
    }
    let missing = missing(&relations, &columns);
    if missing.is_empty() {
        Ok(State::Ready { origin: extension.map_or(Origin::Plain, Origin::Extension), ours })
    } else if relations.is_empty() && extension.is_none() {
        Ok(State::Absent)
    } else {
        Ok(State::HalfMade(missing))
    }
}

fn major(version: &str) -> u32 {
    version.split('.').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The required objects and columns that are not there.
fn missing(relations: &[String], columns: &[String]) -> Vec<String> {
    let absent = |have: &[String], name: &str| !have.iter().any(|h| h == name);
    let mut out: Vec<String> =
        REQUIRED.iter().filter(|name| absent(relations, name)).map(|name| format!("repmgr.{name}")).collect();
    if !absent(relations, "nodes") {
        let lacking = NODE_COLUMNS.iter().filter(|name| absent(columns, name));
        out.extend(lacking.map(|name| format!("repmgr.nodes.{name}")));
    }
    out
}

/// Refuses, in words a DBA can act on, unless the metadata can be used.
///
/// # Errors
/// [`Exit::BadConfig`] when it is absent, half-made or newer; [`Exit::DbQuery`] when that cannot be told.
pub fn require(session: &mut Session) -> Result<Origin, Error> {
    let found = state(session).map_err(|e| {
        let lacking = e.has_sqlstate(PERMISSION);
        let error = e.into_error(Exit::DbQuery, "unable to look at the metadata in schema \"repmgr\"");
        if !lacking {
            return error;
        }
        error.hint(
            "GRANT the user of \"conninfo\" USAGE on schema \"repmgr\" and all privileges on its tables",
        )
    })?;
    match found {
        State::Ready { origin, .. } => Ok(origin),
        State::Absent | State::HalfMade(_) | State::Newer(_) => Err(refuse(&found)),
    }
}

/// Why this state is of no use, in words a DBA can act on.
#[must_use]
pub fn refuse(found: &State) -> Error {
    match found {
        State::Newer(what) => newer(what),
        State::HalfMade(missing) => half_made(missing),
        State::Ready { .. } | State::Absent => {
            Error::new(Exit::BadConfig, "this database holds no repmgr metadata")
                .detail("schema \"repmgr\" does not exist, so no node has been registered in this database")
                .hint("register the primary with \"repmgr primary register\"; if that was done, check \"dbname\" in \"conninfo\"")
        }
    }
}

fn half_made(missing: &[String]) -> Error {
    Error::new(Exit::BadConfig, "the repmgr metadata in this database is incomplete")
        .detail(format!("not found: {}", missing.join(", ")))
        .hint("run \"repmgr primary register --force\" on the primary to complete it, or restore schema \"repmgr\" from a dump")
}

fn newer(what: &str) -> Error {
    Error::new(Exit::BadConfig, "the metadata in this database was made by a newer version")
        .detail(format!("found: {what}; this program knows extension \"repmgr\" up to {NEWEST_EXTENSION_MAJOR}.x and schema \"hg_repmgr\" up to {NEWEST}"))
        .hint("install the same version of this program on every node")
}

/// Whether our own schema could be brought to its newest version.
#[derive(Clone, Debug)]
pub enum OurSchema {
    /// It is.
    Current,
    /// This role may not create or change it; everything that repmgr itself has works without it.
    NotAllowed(PgError),
}

/// Creates the metadata, or adopts and upgrades what stands there. `session` is on the primary and may
/// belong to a superuser who does it for `owner` (the role of our conninfo). Two at a time wait for each other.
///
/// The extension is used where the server has it and the role may create it, else plain SQL.
///
/// # Errors
/// [`Exit::BadConfig`] for metadata of a newer version or with foreign columns, [`Exit::DbQuery`] otherwise.
pub fn install(session: &mut Session, owner: &str) -> Result<(Installed, OurSchema), Error> {
    let extension = extension_usable(session).map_err(|e| not_created(e, owner))?;
    let outcome = session.transaction(|s| create(s, owner, extension)).map_err(|e| not_created(e, owner))?;
    let outcome = match outcome {
        Created::Done(installed) => installed,
        Created::Refused(error) => return Err(*error),
    };
    let from = match upgrade(session, owner) {
        Ok(from) => from,
        Err(e) if e.has_sqlstate(PERMISSION) => return Ok((outcome, OurSchema::NotAllowed(e))),
        Err(e) => return Err(not_created(e, owner)),
    };
    let outcome = match outcome {
        Installed::Present(_) if from < NEWEST && from > 0 => Installed::Upgraded { from, to: NEWEST },
        Installed::Present(_) | Installed::Created(_) | Installed::Completed | Installed::Upgraded { .. } => {
            outcome
        }
    };
    Ok((outcome, OurSchema::Current))
}

/// SQLSTATE of a lacking privilege.
const PERMISSION: &str = "42501";

fn not_created(e: PgError, owner: &str) -> Error {
    let lacking = e.has_sqlstate(PERMISSION);
    let error = e.into_error(Exit::DbQuery, "unable to create the repmgr metadata");
    if !lacking {
        return error;
    }
    let role = quote_ident(owner);
    error.hint(format!(
        "name a superuser with -S/--superuser, or let one execute: GRANT CREATE ON DATABASE <dbname> TO {role}"
    ))
}

/// What [`install`] would create metadata with now; for metadata that is [`State::Absent`].
///
/// # Errors
/// [`PgError`].
pub fn how_created(session: &mut Session) -> Result<Origin, PgError> {
    if extension_usable(session)? == Extension::OutOfReach {
        return Ok(Origin::Plain);
    }
    let sql = "SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'repmgr'";
    let version = session.query_opt(sql, &[])?.and_then(|row| row.get::<_, Option<String>>(0));
    Ok(Origin::Extension(version.unwrap_or_default()))
}

/// The result of the first transaction: an error that is not the server's rolls nothing back, since
/// nothing was changed before it.
enum Created {
    Done(Installed),
    Refused(Box<Error>),
}

fn create(s: &mut Session, owner: &str, extension: Extension) -> Result<Created, PgError> {
    lock(s)?;
    Ok(Created::Done(match state(s)? {
        State::Ready { origin, .. } => Installed::Present(origin),
        State::Newer(what) => return Ok(Created::Refused(Box::new(newer(&what)))),
        State::Absent if extension == Extension::Usable => {
            s.batch("CREATE EXTENSION repmgr")?;
            s.batch(&grants(owner))?;
            let version = s
                .query_opt("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'repmgr'", &[])?
                .map(|row| row.get(0));
            Installed::Created(Origin::Extension(version.unwrap_or_default()))
        }
        State::Absent => {
            plain(s, owner)?;
            Installed::Created(Origin::Plain)
        }
        State::HalfMade(missing) if missing.iter().any(|m| m.matches('.').count() > 1) => {
            return Ok(Created::Refused(Box::new(half_made(&missing))));
        }
        State::HalfMade(_) => {
            plain(s, owner)?;
            Installed::Completed
        }
    }))
}

/// Held until the transaction ends.
fn lock(s: &mut Session) -> Result<(), PgError> {
    s.query("SELECT pg_catalog.pg_advisory_xact_lock($1)", &[&LOCK]).map(drop)
}

/// Whether the server has the extension's files and this role may run them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extension {
    Usable,
    OutOfReach,
}

/// Not to be asked in a transaction: one control file with a mistake, of whatever extension, makes the view
/// fail. Then plain SQL has to do.
fn extension_usable(s: &mut Session) -> Result<Extension, PgError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'repmgr')
        AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'repmgr')";
    match s.query_opt(sql, &[]) {
        Ok(row) if row.as_ref().is_some_and(|row| row.get(0)) => Ok(Extension::Usable),
        Ok(_) => Ok(Extension::OutOfReach),
        Err(e) if e.is(Failure::Sql) => Ok(Extension::OutOfReach),
        Err(e) => Err(e),
    }
}

/// Schema and tables belong to `owner`, whoever's session it is.
fn plain(s: &mut Session, owner: &str) -> Result<(), PgError> {
    become_owner_of("repmgr", s, owner)?;
    for statement in PLAIN {
        s.batch(statement)?;
    }
    s.batch("RESET ROLE")
}

/// Makes `schema` if need be and acts as `owner` from here on; an error undoes both with the transaction.
fn become_owner_of(schema: &str, s: &mut Session, owner: &str) -> Result<(), PgError> {
    let role = quote_ident(owner);
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    // Not IF NOT EXISTS: that asks for the privilege on the database even where the schema stands.
    if !s.query_opt(sql, &[&schema])?.is_some_and(|row| row.get(0)) {
        s.batch(&format!("CREATE SCHEMA {schema} AUTHORIZATION {role}"))?;
    }
    if current_user(s)? == owner { Ok(()) } else { s.batch(&format!("SET LOCAL ROLE {role}")) }
}

/// Brings our own schema to [`NEWEST`], a step a transaction. Returns the version found; 0: none.
fn upgrade(session: &mut Session, owner: &str) -> Result<i32, PgError> {
    let mut first = None;
    loop {
        let done = session.transaction(|s| {
            lock(s)?;
            let State::Ready { ours, .. } = state(s)? else { return Ok(None) };
            let Some(step) = usize::try_from(ours).ok().and_then(|n| OURS.get(n)) else { return Ok(None) };
            become_owner_of("hg_repmgr", s, owner)?;
            s.batch(step)?;
            let next = ours + 1;
            s.execute("INSERT INTO hg_repmgr.version (version) VALUES ($1)", &[&next])?;
            s.batch("RESET ROLE")?;
            Ok::<_, PgError>(Some(ours))
        })?;
        match done {
            Some(from) => first = first.or(Some(from)),
            None => return Ok(first.unwrap_or(NEWEST)),
        }
    }
}

/// What `owner` needs on the extension's schema, which somebody else's session may have made.
fn grants(owner: &str) -> String {
    let role = quote_ident(owner);
    format!("GRANT USAGE ON SCHEMA repmgr TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA repmgr TO {role}")
}

fn current_user(s: &mut Session) -> Result<String, PgError> {
    Ok(s.query_opt("SELECT current_user::pg_catalog.text", &[])?.map(|row| row.get(0)).unwrap_or_default())
}

/// An SQL identifier in double quotes.
fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let all: Vec<String> = REQUIRED.iter().map(ToString::to_string).collect();
        let columns: Vec<String> = NODE_COLUMNS.iter().map(ToString::to_string).collect();
        for (why, relations, columns, want) in [
            ("complete", all.clone(), columns.clone(), vec![]),
            ("a table short", all[..5].to_vec(), columns.clone(), vec!["repmgr.replication_status"]),
            ("a column short", all.clone(), columns[1..].to_vec(), vec!["repmgr.nodes.node_id"]),
        ] {
            assert_eq!(missing(&relations, &columns), want, "{why}");
        }
        assert_eq!(
            missing(&[], &[]).len(),
            REQUIRED.len(),
            "no columns are asked of a table that is not there"
        );
    }

    #[test]
    fn the_last_step_is_the_newest_version() {
        assert_eq!(i32::try_from(OURS.len()), Ok(NEWEST));
    }

    #[test]
    fn a_role_name_cannot_end_its_quotes() {
        assert_eq!(quote_ident("a\"; DROP"), "\"a\"\"; DROP\"");
    }
}
