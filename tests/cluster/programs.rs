//! Which programs the tests run: the one under test, the original, PostgreSQL of each version.

use super::exec;
use std::path::{Path, PathBuf};

/// A `repmgr`: ours or the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(pub PathBuf);

impl Program {
    /// The program under test: what cargo built, or `$HG_REPMGR_UNDER_TEST` (a release build, the original).
    pub fn under_test() -> Self {
        let named = std::env::var_os("HG_REPMGR_UNDER_TEST");
        Self(named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_hg_repmgr")), PathBuf::from))
    }

    /// The program as it ships, for tests of the file itself: `$HG_REPMGR_RELEASE`, else the release build;
    /// stops the test when there is none.
    pub fn release() -> Self {
        let built = Path::new(env!("CARGO_BIN_EXE_hg_repmgr")).parent().and_then(Path::parent);
        let named = std::env::var_os("HG_REPMGR_RELEASE").map(PathBuf::from);
        let path = named.or_else(|| Some(built?.join("release/hg_repmgr"))).unwrap();
        assert!(path.exists(), "no release build ({}): 'make test' makes one", path.display());
        Self(path)
    }

    /// The original repmgr, from the distribution's package; stops the test when it is missing.
    pub fn original() -> Self {
        let path = Postgres::installed().bindir.join("repmgr");
        assert!(path.exists(), "the original repmgr is missing ({}): run 'make setup'", path.display());
        Self(path)
    }
}

/// One version of PostgreSQL's programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// The major version: 15.
    pub major: u32,
    /// Where initdb, pg_ctl, postgres, psql and `pg_basebackup` are.
    pub bindir: PathBuf,
}

impl Postgres {
    /// The newest one that the distribution's packages installed; stops the test when there is none.
    pub fn installed() -> Self {
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let pgdg = std::fs::read_dir("/usr").into_iter().flatten().flatten();
        let newest = debian
            .chain(pgdg)
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let major = name.trim_start_matches("pgsql-").parse().ok()?;
                let bindir = entry.path().join("bin");
                bindir.join("initdb").exists().then_some(Self { major, bindir })
            })
            .max_by_key(|postgres| postgres.major);
        newest.or_else(Self::on_path).expect("no PostgreSQL is installed: run 'make setup'")
    }

    /// In /usr/bin, as RHEL's own packages have it.
    fn on_path() -> Option<Self> {
        let bindir = Path::new("/usr/bin");
        bindir.join("initdb").exists().then(|| {
            let says = exec::run(&["/usr/bin/postgres", "--version"]).ok().stdout;
            let number = says.split_whitespace().nth(2).and_then(|v| v.split('.').next()).map(str::to_owned);
            let major = number.and_then(|n| n.parse().ok()).expect("postgres --version");
            Self { major, bindir: bindir.to_owned() }
        })
    }

    /// One of the version matrix, fetched if need be; stops the test when it cannot be had.
    pub fn version(major: u32) -> Self {
        let installed = Path::new("/usr/lib/postgresql").join(major.to_string()).join("bin");
        if installed.join("initdb").exists() {
            return Self { major, bindir: installed };
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/fetch-postgres.sh");
        let bindir = exec::run(&[script, &major.to_string()]).ok().stdout.trim().to_owned();
        Self { major, bindir: bindir.into() }
    }

    /// The full path of one of its programs.
    pub fn program(&self, name: &str) -> String {
        self.bindir.join(name).to_str().unwrap().to_owned()
    }
}
