//! What a connection string leaves open: service file, PG* variables, defaults, in libpq's order of precedence.

use super::service_file;
use crate::domain::conninfo::ConnInfo;
use crate::domain::conninfo_keywords::KEYWORDS;
use crate::sys::{files, users};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where servers put their sockets: Debian and the RPMs of PGDG, then PostgreSQL's own default and HighGo's.
pub const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Where the system's service file may lie, when PGSYSCONFDIR does not say it.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc"];

/// The port of a server that was not told another.
pub const DEFAULT_PORT: &str = "5432";

/// What the process's surroundings say: a value, so that a test can have its own.
#[derive(Clone, Default)]
pub struct Environment {
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// The operating system's user. `None`: not known.
    pub user: Option<String>,
    /// Its home directory. `None`: not known.
    pub home: Option<PathBuf>,
}

/// Without the variables, one of which may be PGPASSWORD.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment(user {:?}, home {:?})", self.user, self.home)
    }
}

impl Environment {
    /// This process's. The user is the effective one; USER and LOGNAME count when /etc/passwd does not list it.
    #[must_use]
    pub fn of_process() -> Self {
        let variables: BTreeMap<_, _> = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        let named = |key: &str| variables.get(key).filter(|v| !v.is_empty()).cloned();
        let account = users::own();
        let user =
            account.as_ref().map(|a| a.name.clone()).or_else(|| named("USER")).or_else(|| named("LOGNAME"));
        let home = named("HOME").map(PathBuf::from).or_else(|| account.map(|a| a.home));
        Self { variables, user, home }
    }

    fn variable(&self, key: &str) -> Option<&str> {
        self.variables.get(key).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// A file below the home directory. `None`: there is no home.
    #[must_use]
    pub fn home_file(&self, name: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|h| h.join(name))
    }
}

/// Fills in what `given` leaves open: its service, then PG* variables, then user, dbname and passfile.
/// Host and port stay open when nothing names them.
///
/// # Errors
/// One line: the service is not defined, or its file is wrong.
pub fn complete(given: &ConnInfo, env: &Environment) -> Result<ConnInfo, String> {
    let mut info = given.clone();
    if let Some(service) = given.get("service").or_else(|| env.variable("PGSERVICE")) {
        for (key, value) in service_parameters(service, given, env)?.iter() {
            info.set_default(key, value);
        }
    }
    for keyword in KEYWORDS {
        if let Some(value) = keyword.variable.and_then(|v| env.variable(v)) {
            info.set_default(keyword.name, value);
        }
    }
    if env.variable("PGREQUIRESSL").is_some_and(|v| v.starts_with('1')) {
        info.set_default("sslmode", "require");
    }
    if let Some(user) = &env.user {
        info.set_default("user", user);
    }
    if let Some(user) = info.get("user").map(str::to_owned) {
        info.set_default("dbname", user);
    }
    if let Some(passfile) = env.home_file(".pgpass") {
        info.set_default("passfile", passfile.to_string_lossy());
    }
    Ok(info)
}

fn service_parameters(service: &str, given: &ConnInfo, env: &Environment) -> Result<ConnInfo, String> {
    let named = given.get("servicefile").or_else(|| env.variable("PGSERVICEFILE")).map(PathBuf::from);
    let own = match &named {
        Some(path) if !path.exists() => {
            return Err(format!("service file \"{}\" not found", path.display()));
        }
        Some(path) => Some(path.clone()),
        None => env.home_file(".pg_service.conf"),
    };
    let system: Vec<PathBuf> = match env.variable("PGSYSCONFDIR") {
        Some(dir) => vec![dir.into()],
        None => SYSTEM_DIRECTORIES.iter().map(PathBuf::from).collect(),
    };
    let files = own.into_iter().chain(system.into_iter().map(|dir| dir.join("pg_service.conf")));
    for path in files {
        if let Some(found) = look_into(&path, service)? {
            return Ok(found);
        }
    }
    Err(format!("definition of service \"{service}\" not found"))
}

fn look_into(path: &Path, service: &str) -> Result<Option<ConnInfo>, String> {
    match files::read_plain(path) {
        Ok(bytes) => service_file::find(&String::from_utf8_lossy(&bytes), service, path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(format!("service file \"{}\" cannot be read: {e}", path.display())),
    }
}

/// The directory to look for a socket in when no host is given: the first that has this port's socket,
/// else the first.
#[must_use]
pub fn socket_directory(port: &str) -> &'static str {
    let has = |dir: &&str| Path::new(dir).join(format!(".s.PGSQL.{port}")).exists();
    SOCKET_DIRECTORIES.into_iter().find(|d| has(d)).unwrap_or(SOCKET_DIRECTORIES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Environment { variables, user: Some("osuser".to_owned()), home: Some("/nonexistent".into()) }
    }

    #[test]
    fn a_parameter_comes_from_the_string_then_the_service_then_the_variable_then_the_default() {
        let dir = std::env::temp_dir().join(format!("service-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("pg_service.conf");
        std::fs::write(&file, "[s]\nhost=from-service\nuser=su\n").unwrap();
        let file = file.to_string_lossy().into_owned();
        let dir = dir.to_string_lossy().into_owned();
        let tail = "passfile=/nonexistent/.pgpass";
        for (why, given, variables, want) in [
            ("defaults", "host=h", vec![], "host=h user=osuser dbname=osuser".to_owned()),
            ("dbname follows user", "host=h user=u", vec![], "host=h user=u dbname=u".to_owned()),
            (
                "variables",
                "",
                vec![
                    ("PGHOST", "vh"),
                    ("PGPORT", "1"),
                    ("PGUSER", "vu"),
                    ("PGDATABASE", "vd"),
                    ("PGPASSWORD", "p"),
                ],
                "user=vu password=p dbname=vd host=vh port=1".to_owned(),
            ),
            (
                "an empty variable is none",
                "host=h",
                vec![("PGUSER", "")],
                "host=h user=osuser dbname=osuser".to_owned(),
            ),
            (
                "an empty value is none",
                "user='' host=h",
                vec![],
                "user=osuser host=h dbname=osuser".to_owned(),
            ),
            (
                "service by PGSERVICEFILE beats the variable and not the string",
                "service=s user=me",
                vec![("PGSERVICEFILE", file.as_str()), ("PGHOST", "vh")],
                format!("service=s user=me host=from-service servicefile={file} dbname=me"),
            ),
            (
                "service by PGSERVICE and PGSYSCONFDIR",
                "",
                vec![("PGSERVICE", "s"), ("PGSYSCONFDIR", dir.as_str())],
                "host=from-service user=su service=s dbname=su".to_owned(),
            ),
            (
                "old variable",
                "host=h user=u",
                vec![("PGREQUIRESSL", "1")],
                "host=h user=u sslmode=require dbname=u".to_owned(),
            ),
        ] {
            let given = ConnInfo::parse(given).unwrap();
            let got = complete(&given, &env(&variables)).map(|i| i.with_secrets());
            assert_eq!(got, Ok(format!("{want} {tail}")), "{why}");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_service_that_nobody_defines_is_an_error() {
        let given = ConnInfo::parse("service=nope").unwrap();
        let quiet = [("PGSYSCONFDIR", "/nonexistent")];
        assert_eq!(complete(&given, &env(&quiet)).unwrap_err(), "definition of service \"nope\" not found");
        assert_eq!(
            complete(&given, &env(&[("PGSERVICEFILE", "/nonexistent/f")])).unwrap_err(),
            "service file \"/nonexistent/f\" not found"
        );
    }

    #[test]
    fn a_service_file_that_is_a_pipe_keeps_nobody_waiting() {
        let path = std::env::temp_dir().join(format!("service-pipe-{}", std::process::id()));
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let why = look_into(&path, "s").unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(why.ends_with("cannot be read: not a plain file"), "{why}");
    }
}
