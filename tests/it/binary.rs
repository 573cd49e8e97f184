//! What ships, the release build itself: one static file that runs anywhere, under any of its names.

use crate::cluster::exec::{self, Out, strace_is_here};
use crate::cluster::{Program, User};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder that anybody may read, gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/tmp/hg_repmgr-binary-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Self(path)
    }

    /// A copy of the release build.
    fn copy(&self, name: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(Program::release().0, &path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn link(&self, name: &str, target: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, &path).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Runs a command line with nothing but PATH in its environment.
#[track_caller]
fn run_as(user: User, argv: &[&str]) -> Out {
    let clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
    match user {
        User::Root => exec::run(&[&clean[..], argv].concat()),
        User::Postgres => exec::run_as_server_user(&[&clean[..], argv].concat()),
    }
}

/// A node whose server does not run.
const CONF: &str = "node_id=1\nnode_name=node1\nconninfo='host=127.0.0.1 port=1 user=repmgr connect_timeout=2'\n\
                    data_directory='/nonexistent/data'\n";

/// The number at `at` of an ELF file for this machine (little-endian).
fn number(elf: &[u8], at: usize, bytes: usize) -> usize {
    elf[at..at + bytes].iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte))
}

#[test]
fn the_file_is_static_stripped_and_small() {
    const LARGEST: usize = 6_000_000;
    const INTERPRETER: usize = 3;
    const SYMBOLS: usize = 2;
    let elf = std::fs::read(Program::release().0).unwrap();
    assert!(elf.len() <= LARGEST, "{} bytes", elf.len());
    assert_eq!(&elf[..5], b"\x7fELF\x02", "a 64-bit program");
    let rows = |table, size, count, kind| -> Vec<usize> {
        let (table, size, count) = (number(&elf, table, 8), number(&elf, size, 2), number(&elf, count, 2));
        (0..count).map(|row| number(&elf, table + row * size + kind, 4)).collect()
    };
    let segments = rows(0x20, 0x36, 0x38, 0);
    assert!(!segments.is_empty() && !segments.contains(&INTERPRETER), "no loader is asked for: {segments:?}");
    let sections = rows(0x28, 0x3a, 0x3c, 4);
    assert!(!sections.contains(&SYMBOLS), "no symbol table: {sections:?}");
}

#[test]
fn it_names_no_folder_of_the_machine_that_built_it() {
    let elf = std::fs::read(Program::release().0).unwrap();
    let at = elf.windows(14).position(|bytes| bytes == b"/registry/src/");
    let around = at.map(|at| String::from_utf8_lossy(&elf[at.saturating_sub(40)..at + 60]).into_owned());
    assert_eq!(
        around, None,
        "\"make build\" leaves such paths out, a plain \"cargo build --release\" does not"
    );
}

#[test]
fn it_runs_alone_in_a_root_of_its_own_whatever_the_name_service_says() {
    assert!(exec::is_root(), "chroot needs root: run 'make test', which asks sudo for it");
    let root = Folder::new("chroot");
    root.copy("hg_repmgr");
    // CentOS's: with the host's own modules a static program ends by a signal.
    root.write("etc/nsswitch.conf", "hosts: files dns myhostname\npasswd: files sss\ngroup: files sss\n");
    let inside = |args: &str| {
        let script = format!("exec chroot --userspec=26:26 {} /hg_repmgr {args}", root.0.display());
        run_as(User::Root, &["sh", "-c", &script]).within(Duration::from_secs(30))
    };
    inside("--version").ok().says("repmgr 5.");
    inside("cluster show -h nosuch.example -U repmgr")
        .code(6)
        .says("could not translate host name \"nosuch.example\" to address");
    inside("cluster show -h localhost -p 1 -U repmgr").code(6).says("localhost");
    inside("cluster show -h 127.0.0.1 -p 1 -U repmgr").code(6).says("Connection refused");
    inside("cluster show -h 127.0.0.1 -p 1").code(6).says("no user name");
    root.write("etc/passwd", "root:x:0:0::/:/bin/sh\npostgres:x:26:26::/:/bin/sh\n");
    inside("cluster show -h 127.0.0.1 -p 1").code(6).says("Connection refused").never_says("no user name");
    root.write("etc/hosts", "127.0.0.1 db.example\n");
    inside("cluster show -h db.example -p 1 -U repmgr").code(6).says("Connection refused");
}

#[test]
fn no_module_of_the_hosts_name_service_is_loaded() {
    if !strace_is_here() {
        return;
    }
    let root = Folder::new("modules");
    root.copy("hg_repmgr");
    // As root, by hg_repmgr's rules: chroot would ask the host's name service about another user.
    root.write("hg_repmgr.conf", CONF);
    root.write("etc/nsswitch.conf", "hosts: myhostname files dns\npasswd: sss files\n");
    let script = format!(
        "exec strace -f -qq -e trace=open,openat \\
              chroot {} /hg_repmgr cluster show -h nosuch.example -U repmgr",
        root.0.display()
    );
    let out = run_as(User::Root, &["sh", "-c", &script]);
    let out = out.never_says("libnss_").never_says("libresolv");
    out.code(6).says("/etc/hosts");
}

#[test]
fn a_reader_that_leaves_ends_it_without_a_complaint() {
    let program = Program::release().0;
    let line = format!(
        "for i in 1 2 3 4 5 6 7 8; do {0} --help; {0} help standby; done | head -1",
        program.display()
    );
    let out = run_as(User::Root, &["bash", "-c", &line]).ok();
    assert!(out.stderr.is_empty() && out.stdout.lines().count() == 1, "{out}");
    let closed = format!("{0} --help >&- ; {0} frobnicate 2>&-; echo $?", program.display());
    let out = run_as(User::Root, &["bash", "-c", &closed]).ok();
    assert!(out.stderr.is_empty() && out.stdout == "1\n", "{out}");
    run_as(User::Root, &["bash", "-c", &format!("{} --help >/dev/full", program.display())])
        .code(13)
        .says("unable to write to the standard output");
}

#[test]
fn link_copy_and_first_argument_make_the_same_program_of_it() {
    let folder = Folder::new("names");
    let own = folder.copy("opt/hg_repmgr");
    let copy = folder.copy("copy/repmgr");
    let link = folder.link("link/repmgr", &own);
    let chain = folder.link("chain/repmgr", "../link/repmgr");
    let conf = folder.write("etc/repmgr.conf", CONF);
    for (why, words) in [
        ("a link", vec![link.as_str()]),
        ("a link to a link", vec![chain.as_str()]),
        ("a copy", vec![copy.as_str()]),
        ("its own name", vec![own.as_str()]),
        ("its own name and the program's", vec![own.as_str(), "repmgr"]),
    ] {
        let call = |args: &[&str]| run_as(User::Postgres, &[&words[..], args].concat());
        assert_eq!(call(&["--version"]).ok().stdout.split(' ').next(), Some("repmgr"), "{why}");
        call(&["-f", &conf, "cluster", "show"])
            .code(6)
            .says("cannot connect to local node \"node1\" (ID: 1)");
        call(&["-f", &conf, "node", "startup"]).code(1).says("\"node startup\" is not in this version");
    }
}

#[test]
fn debians_wrapper_still_starts_psql_after_the_links_are_installed() {
    let folder = Folder::new("debian");
    let own = folder.copy("opt/hg_repmgr");
    let wrapper = folder.write("share/pg_wrapper", "#!/bin/sh\necho \"wrapped ${0##*/}\"\n");
    std::fs::set_permissions(&wrapper, PermissionsExt::from_mode(0o755)).unwrap();
    let [psql, repmgr, daemon] =
        ["psql", "repmgr", "repmgrd"].map(|name| folder.link(&format!("bin/{name}"), "../share/pg_wrapper"));
    let bin = Path::new(&psql).parent().unwrap().to_str().unwrap().to_owned();
    run_as(User::Root, &[&own, "--install-links", &bin]).ok().says(&own);
    assert_eq!(run_as(User::Postgres, &[&psql]).ok().stdout, "wrapped psql\n");
    assert_eq!(run_as(User::Postgres, &[&daemon]).ok().stdout, "wrapped repmgrd\n", "there is no daemon yet");
    run_as(User::Postgres, &[&repmgr, "--version"]).ok().says("(hg_repmgr ");
    run_as(User::Postgres, &[&own, "--install-links", &bin]).code(13).says("Permission denied");
    run_as(User::Postgres, &[&repmgr, "--version"]).ok();
}

#[test]
fn in_highgos_home_the_configuration_is_found_beside_the_programs_and_root_may_call_it() {
    let folder = Folder::new("highgo");
    let repmgr = folder.copy("opt/HighGo5.6.5-cluster/bin/repmgr");
    let conf = folder.write("opt/HighGo5.6.5-cluster/conf/hg_repmgr.conf", CONF);
    for user in [User::Postgres, User::Root] {
        let dump = run_as(user, &[&repmgr, "--dump-config"]).ok();
        assert!(dump.stdout.starts_with(&format!("# {conf}\n# compatibility: hg\n")), "{dump}");
        run_as(user, &[&repmgr, "cluster", "show"]).code(6).says("cannot connect to local node");
        run_as(user, &[&repmgr, "-v", "cluster", "show"])
            .code(6)
            .says(&format!("using configuration file \"{conf}\""));
    }
    let elsewhere = folder.copy("elsewhere/repmgr");
    let home = conf.trim_end_matches("/conf/hg_repmgr.conf");
    for variable in ["HGDB_HOME", "PGHOME"] {
        let given = format!("{variable}={home}");
        run_as(User::Postgres, &["env", &given, &elsewhere, "cluster", "show"]).code(6);
    }
}

#[test]
fn root_is_refused_as_repmgr_but_for_help_and_version() {
    assert!(exec::is_root(), "only root can be refused as root: run 'make test', which asks sudo for it");
    let folder = Folder::new("root");
    let repmgr = folder.copy("repmgr");
    let plain = folder.write("repmgr.conf", CONF);
    let hg = folder.write("hg.conf", &format!("{CONF}compatibility=hg\n"));
    let strict = folder.write("hg_repmgr.conf", &format!("{CONF}compatibility=repmgr\n"));
    for (why, args, code) in [
        ("help", &["--help"][..], 0),
        ("version", &["--version"], 0),
        ("a command", &["-f", &plain, "cluster", "show"], 1),
        ("one without a file", &["cluster", "show", "-h", "127.0.0.1", "-p", "1"], 1),
        ("hg_repmgr's ways", &["-f", &hg, "cluster", "show"], 6),
        ("the name says hg, the line says repmgr", &["-f", &strict, "cluster", "show"], 1),
    ] {
        let out = run_as(User::Root, &[&[repmgr.as_str()], args].concat()).code(code);
        assert_eq!(out.stderr.contains("must not be run as root"), code == 1, "{why}:\n{out}");
    }
}
