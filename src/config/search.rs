//! Where the configuration file lies.

use super::include;
use super::{Warning, lexer, settings};
use crate::error::{Error, Result};
use crate::exit::Exit;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The environment variables that the search reads.
const VARIABLES: [&str; 4] = ["HG_REPMGR_CONF", "HGDB_HOME", "PGHOME", "PATH"];

/// What the search goes by; a value, so that a test can make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The file of `-f`. `None`: not given.
    pub explicit: Option<PathBuf>,
    /// The binary as it was called (`argv[0]`); a bare word is looked up in `PATH`.
    pub program: Option<PathBuf>,
    /// Environment: `HG_REPMGR_CONF`, `HGDB_HOME`, `PGHOME`, `PATH`; others are not looked at.
    pub env: BTreeMap<String, OsString>,
    /// The current directory, absolute.
    pub cwd: PathBuf,
    /// `/etc`, but for tests.
    pub etc: PathBuf,
}

impl Search {
    /// The search of this process. `program` is its `argv[0]`.
    #[must_use]
    pub fn of_process(explicit: Option<PathBuf>, program: Option<PathBuf>) -> Self {
        let variable = |name: &str| std::env::var_os(name).map(|value| (name.to_owned(), value));
        Self {
            explicit,
            program,
            env: VARIABLES.into_iter().filter_map(variable).filter(|(_, value)| !value.is_empty()).collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            etc: PathBuf::from("/etc"),
        }
    }

    /// Finds the file.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: `-f` or `$HG_REPMGR_CONF` names a file that is not there, or there is one for
    /// several versions of PostgreSQL and nothing tells which.
    pub fn find(&self) -> Result<Found> {
        let mut found = Found::default();
        if let Some(file) = &self.explicit {
            return self.named(file, found, "the configuration file");
        }
        if let Some(file) = self.env.get("HG_REPMGR_CONF") {
            return self.named(Path::new(file), found, "the configuration file that $HG_REPMGR_CONF names");
        }
        for candidate in self.beside_programs() {
            if found.is(candidate) {
                return Ok(found);
            }
        }
        if self.by_version(&mut found)? {
            return Ok(found);
        }
        for candidate in self.plain_places() {
            if found.is(candidate) {
                return Ok(found);
            }
        }
        Ok(found)
    }

    /// A file that somebody named must be there.
    fn named(&self, file: &Path, mut found: Found, what: &str) -> Result<Found> {
        let file = absolute(&self.cwd, file);
        found.searched.push(file.clone());
        match std::fs::metadata(&file) {
            Ok(_) => {
                found.file = Some(file);
                Ok(found)
            }
            Err(e) => Err(missing(what, &file, &e)),
        }
    }

    /// `conf/hg_repmgr.conf` beside the directory of the binary (as it was called, then links followed), and in
    /// HighGo's home directories.
    fn beside_programs(&self) -> Vec<PathBuf> {
        let beside = |bin: Option<PathBuf>| bin.and_then(|bin| bin.parent().map(Path::to_owned));
        let (called, real) = (beside(self.bin_directory()), beside(self.real_bin_directory()));
        let home = |name| self.env.get(name).map(|home| absolute(&self.cwd, Path::new(home)));
        let homes = [called, real, home("HGDB_HOME"), home("PGHOME")];
        homes.into_iter().flatten().map(|home| home.join("conf/hg_repmgr.conf")).collect()
    }

    /// The directory of the binary as it was called, links not followed.
    fn bin_directory(&self) -> Option<PathBuf> {
        let program = self.program.as_deref()?;
        if program.components().count() > 1 || program.is_absolute() {
            return absolute(&self.cwd, program).parent().map(Path::to_owned);
        }
        let path = self.env.get("PATH")?;
        std::env::split_paths(path)
            .map(|dir| absolute(&self.cwd, &dir))
            .find(|dir| dir.join(program).is_file())
    }

    /// The directory of the binary itself, links followed. `None`: it is the one it was called in.
    fn real_bin_directory(&self) -> Option<PathBuf> {
        let bin = self.bin_directory()?;
        let real = bin.join(self.program.as_deref()?.file_name()?).canonicalize().ok()?;
        real.parent().filter(|real| *real != bin).map(Path::to_owned)
    }

    /// `/etc/repmgr/NN/repmgr.conf`: NN of the binary's path, else the only one that is there.
    fn by_version(&self, found: &mut Found) -> Result<bool> {
        let folder = self.etc.join("repmgr");
        let bins = [self.bin_directory(), self.real_bin_directory()];
        for version in bins.iter().flatten().filter_map(|bin| version_of(bin)) {
            if found.is(folder.join(version).join("repmgr.conf")) {
                return Ok(true);
            }
        }
        let mut there: Vec<PathBuf> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| {
                entry.file_name().to_string_lossy().chars().all(|c| c.is_ascii_digit() || c == '.')
            })
            .map(|entry| entry.path().join("repmgr.conf"))
            .filter(|file| file.is_file() && !found.searched.contains(file))
            .collect();
        there.sort();
        match there.as_slice() {
            [] => {
                found.searched.push(folder.join("NN/repmgr.conf"));
                Ok(false)
            }
            [only] => Ok(found.is(only.clone())),
            several => {
                let error = Error::new(
                    Exit::BadConfig,
                    "there are configuration files for several versions of PostgreSQL",
                );
                let error = several.iter().fold(error, |e, file| e.detail(file.display().to_string()));
                Err(error.hint("say which with -f FILE, or call the program in its version's own directory"))
            }
        }
    }

    fn plain_places(&self) -> Vec<PathBuf> {
        let mut places = vec![
            self.cwd.join("hg_repmgr.conf"),
            self.cwd.join("repmgr.conf"),
            self.etc.join("hg_repmgr.conf"),
            self.etc.join("repmgr.conf"),
        ];
        for bin in [self.bin_directory(), self.real_bin_directory()].into_iter().flatten() {
            places.extend(self.sysconfdirs(&bin).into_iter().map(|dir| dir.join("repmgr.conf")));
        }
        places
    }

    /// Where an installation keeps its configuration: as the packages of PGDG and Debian have it, and as
    /// PostgreSQL's own build has it.
    fn sysconfdirs(&self, bin: &Path) -> Vec<PathBuf> {
        let text = bin.to_string_lossy();
        if text.starts_with("/usr/pgsql-") {
            vec![self.etc.join("sysconfig/pgsql")]
        } else if text.starts_with("/usr/lib/postgresql/") {
            vec![self.etc.join("postgresql-common")]
        } else if text.starts_with("/usr/bin") || text.starts_with("/bin") {
            Vec::new()
        } else {
            let prefix = bin.parent().unwrap_or(bin);
            vec![prefix.join("etc"), prefix.join("etc/postgresql")]
        }
    }
}

/// What the search came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The file, absolute. `None`: there is none.
    pub file: Option<PathBuf>,
    /// Every place that was looked at, in order, the found one last.
    pub searched: Vec<PathBuf>,
    /// Files that were passed over.
    pub warnings: Vec<Warning>,
}

impl Found {
    /// Looks at one place; true when the file is there and is ours.
    fn is(&mut self, candidate: PathBuf) -> bool {
        if self.searched.contains(&candidate) {
            return false;
        }
        self.searched.push(candidate.clone());
        if !candidate.exists() {
            return false;
        }
        if is_postgresqls(&candidate) {
            let text = format!("\"{}\" holds PostgreSQL's own settings; passed over", candidate.display());
            self.warnings.push(Warning::new(text));
            return false;
        }
        self.file = Some(candidate);
        true
    }

    /// The error for "no file anywhere".
    #[must_use]
    pub fn none(&self) -> Error {
        let error = Error::new(Exit::BadConfig, "no configuration file was found");
        let error = self.warnings.iter().fold(error, |e, warning| e.detail(warning.text.clone()));
        let error =
            self.searched.iter().fold(error, |e, file| e.detail(format!("looked for {}", file.display())));
        error.hint("name it with -f FILE, or set HG_REPMGR_CONF")
    }
}

/// People keep a file of this name in the data directory and include it in postgresql.conf. Ours sets at
/// least one key of ours; a file that sets none and others instead is not ours. One that cannot be read is
/// left to the reader's error.
fn is_postgresqls(file: &Path) -> bool {
    let Ok(bytes) = include::bytes(file) else { return false };
    let lexed = lexer::lex(&bytes, |word| settings::find(word).is_some());
    let mut keys = 0;
    for entry in lexed.entries {
        match entry.says {
            lexer::Says::Set { key, .. } if FOREIGN.contains(&key.as_str()) => keys += 1,
            lexer::Says::Set { key, .. } if settings::find(&key).is_some() => return false,
            lexer::Says::Set { .. } => keys += 1,
            lexer::Says::Include(..) => return false,
        }
    }
    keys > 0
}

/// Keys that both have, with the meaning of PostgreSQL's in its files.
const FOREIGN: [&str; 5] =
    ["restore_command", "archive_cleanup_command", "recovery_min_apply_delay", "data_directory", "log_file"];

/// `NN` of `/usr/pgsql-NN/bin` or `/usr/lib/postgresql/NN/bin`.
fn version_of(bin: &Path) -> Option<String> {
    let home = bin.parent()?;
    let name = home.file_name()?.to_str()?;
    let in_postgresql = home.parent().and_then(Path::file_name).is_some_and(|dir| dir == "postgresql");
    let version = name.strip_prefix("pgsql-").or_else(|| in_postgresql.then_some(name))?;
    let numeric = !version.is_empty() && version.chars().all(|c| c.is_ascii_digit() || c == '.');
    numeric.then(|| version.to_owned())
}

/// Absolute, without `.` components; `..` and links are left as they are.
pub(super) fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    let joined = cwd.join(path);
    joined.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

fn missing(what: &str, file: &Path, error: &std::io::Error) -> Error {
    let why = error.to_string();
    let why = why.split(" (os error").next().unwrap_or_default();
    let shown = file.display();
    let message = if error.kind() == std::io::ErrorKind::NotFound {
        format!("{what} \"{shown}\" does not exist")
    } else {
        format!("{what} \"{shown}\" cannot be read")
    };
    Error::new(Exit::BadConfig, message).detail(why)
}
