//! Data directories to copy from: initdb takes a second, a copy a tenth of that.

use super::exec::{self, run, run_as_server_user};
use super::programs::Postgres;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Changing this makes new templates: raise it when [`CONF`], [`HBA`] or [`ROLES`] changes.
const EDITION: u32 = 2;

/// Settings of every server. Small, because many run beside each other.
const CONF: &str = "
listen_addresses = '*'
max_connections = 40
shared_buffers = 16MB
wal_level = replica
max_wal_senders = 10
max_replication_slots = 10
hot_standby = on
wal_log_hints = on
min_wal_size = 32MB
max_wal_size = 128MB
log_line_prefix = '%m [%p] %u@%d %a '
log_timezone = 'UTC'
timezone = 'UTC'
";

/// WAL that a server keeps for a standby that was copied and has not come yet: min_wal_size alone lets it go.
fn kept_wal(postgres: &Postgres) -> &'static str {
    if postgres.major >= 13 { "wal_keep_size = 128MB\n" } else { "wal_keep_segments = 8\n" }
}

/// Everybody may come in: a test that wants less writes its own.
const HBA: &str = "
local all,replication all trust
host all,replication all 0.0.0.0/0 trust
host all,replication all ::/0 trust
";

/// The role and the database of repmgr.
const ROLES: &str = "CREATE ROLE repmgr SUPERUSER LOGIN PASSWORD 'repmgr secret'; ";

/// Returns a data directory of `postgres`, shut down, owned by the server's user, with the role and the
/// database `repmgr`. It is made once a version and kept in the build directory.
pub fn template(postgres: &Postgres) -> PathBuf {
    let user =
        exec::server_user_prefix().get(1).map_or_else(|| "self".to_owned(), |w| w.replace("--reuid=", ""));
    let shelf = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(shelf).unwrap();
    let ready = shelf.join(format!("template-{EDITION}-{}-{user}", postgres.major));
    // Tests of other processes want the same one at the same time.
    let lock = File::create(ready.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !ready.exists() {
        let scratch = format!("/tmp/hg_repmgr-template-{}-{}", std::process::id(), postgres.major);
        make(postgres, &scratch);
        let copy = ready.with_extension("part");
        run(&["rm", "-rf", copy.to_str().unwrap()]).ok();
        run(&["cp", "-a", &scratch, copy.to_str().unwrap()]).ok();
        run(&["rm", "-rf", &scratch]).ok();
        std::fs::rename(&copy, &ready).unwrap();
    }
    ready
}

/// A data directory as `initdb` leaves it, with the settings above.
pub fn init(postgres: &Postgres, directory: &str, run: impl Fn(&[&str])) {
    let initdb = postgres.program("initdb");
    run(&[&initdb, "-D", directory, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]);
    let conf = format!("{CONF}{}", kept_wal(postgres));
    for (file, how, text) in [("postgresql.conf", ">>", conf.as_str()), ("pg_hba.conf", ">", HBA)] {
        run(&["sh", "-c", &format!("cat {how} {directory}/{file} <<'END'{text}END")]);
    }
}

fn make(postgres: &Postgres, scratch: &str) {
    let as_user = |argv: &[&str]| drop(run_as_server_user(argv).ok());
    run(&["rm", "-rf", scratch]).ok();
    init(postgres, scratch, as_user);
    create_roles(postgres, scratch, as_user);
}

/// Creates the role and the database `repmgr` in single-user mode: no port, no socket, no waiting.
pub fn create_roles(postgres: &Postgres, directory: &str, run: impl Fn(&[&str])) {
    let server = postgres.program("postgres");
    for sql in [ROLES, "CREATE DATABASE repmgr OWNER repmgr; "] {
        let script = format!("{server} --single -D {directory} postgres >/dev/null <<'END'\n{sql}\nEND");
        run(&["sh", "-c", &script]);
    }
}
