//! Hosts on a network of their own: namespaces for network, mounts, processes, IPC and hostname.

use super::exec;
use super::host::{Host, Place};
use super::programs::{Postgres, Program};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// What each host runs first.
const HOST_SETUP: &str = include_str!("host-setup.sh");

/// The switch is a bridge in a namespace of its own: the machine's own network is never touched.
const SWITCH_SETUP: &str = "set -eu; ip link set lo up; ip link add br0 type bridge; ip link set br0 up;
echo ready; while read -r _; do :; done";

/// The first three numbers of every address; every lab has the same, as none sees another.
const NET: &str = "10.79.0";

/// Room for home, data directory and /etc of a host. It is taken from memory as it is filled.
const HOST_SIZE: &str = "1g";

/// A set of namespaces and the process that holds them.
///
/// Process 1 of the namespace reads a pipe from this process: when the pipe closes, for whatever reason, it
/// ends, and the kernel ends everything else in the namespace with it.
pub struct Holder {
    child: Child,
    tell: Option<ChildStdin>,
    hear: BufReader<ChildStdout>,
    /// Process 1 of the namespaces, as seen from here.
    pub pid: u32,
}

impl Holder {
    fn start(kinds: &[&str], script: &str, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new("unshare");
        command.args(kinds).args(["--pid", "--fork", "--mount-proc", "--propagation", "private"]);
        command.args(["bash", "-c", script]).envs(env.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("cannot run unshare (util-linux)");
        let (tell, out) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { pid: child.id(), child, tell, hear: BufReader::new(out) }
    }

    /// Waits for the next "ready" of the script.
    fn ready(&mut self) {
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "a host of the lab did not come up: see the messages above");
        let outside = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{outside}/task/{outside}/children")).unwrap();
        self.pid = children.trim().parse().expect("one child of unshare");
    }

    fn go(&mut self) {
        self.tell.as_mut().unwrap().write_all(b"go\n").unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.tell.take());
        drop(self.child.wait());
    }
}

/// Some hosts behind one switch. See the module's documentation.
pub struct Lab {
    hosts: Vec<Host>,
    /// Process 1 of the switch's namespace.
    pub(super) switch: Holder,
}

impl Lab {
    /// Builds `count` hosts, named node1, node2, …, with the installed PostgreSQL's programs and the
    /// program under test. No server runs yet.
    pub fn new(count: usize) -> Self {
        Self::with(count, &Postgres::installed(), &Program::under_test())
    }

    /// The same with other programs.
    pub fn with(count: usize, postgres: &Postgres, program: &Program) -> Self {
        assert!(exec::is_root(), "network namespaces need root: run 'make test', which asks sudo for it");
        let mut switch = Holder::start(&["--net", "--mount"], SWITCH_SETUP, &[]);
        let (keys, home) = (keys(), postgres_home());
        let names: Vec<_> = (1..=count).map(|n| format!("node{n}")).collect();
        let table: Vec<_> = (1..=count).map(|n| format!("{} node{n}", address(n))).collect();
        let binary = program.0.to_str().unwrap();
        let daemon = program.0.with_file_name("repmgrd");
        let daemon = if daemon.exists() { daemon.to_str().unwrap() } else { binary };
        let mut holders: Vec<_> = names
            .iter()
            .map(|name| {
                let env = [
                    ("NAME", name.as_str()),
                    ("HOME_DIR", &home),
                    ("SIZE", HOST_SIZE),
                    ("HOSTS", &table.join("\n")),
                    ("BINARY", binary),
                    ("BINARY2", daemon),
                    ("KEYS", keys.to_str().unwrap()),
                ];
                Holder::start(&["--net", "--mount", "--uts", "--ipc"], HOST_SETUP, &env)
            })
            .collect();
        switch.ready();
        holders.iter_mut().for_each(Holder::ready);
        plug(&switch, &holders);
        holders.iter_mut().for_each(Holder::go);
        holders.iter_mut().for_each(Holder::ready);
        let hosts = holders
            .into_iter()
            .enumerate()
            .map(|(at, holder)| {
                let place = Place::Namespaces(holder);
                Host::new(at + 1, &names[at], &names[at], 5432, Path::new(&home), postgres, place)
            })
            .collect();
        Self { hosts, switch }
    }

    /// Host `n`, counted from 1.
    pub fn host(&self, n: usize) -> &Host {
        &self.hosts[n - 1]
    }

    /// All of them.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.hosts.iter().for_each(Host::show_logs);
        }
    }
}

/// The address of host `n`.
pub fn address(n: usize) -> String {
    format!("{NET}.{}", 10 + n)
}

/// Gives each host a card, `eth0`, whose other end, `p1`, `p2`, …, is at the switch.
fn plug(switch: &Holder, hosts: &[Holder]) {
    let mut script = String::from("set -eu\n");
    for (at, host) in hosts.iter().enumerate() {
        let (n, pid, address) = (at + 1, host.pid, address(at + 1));
        script += &format!(
            "ip link add p{n} type veth peer name eth0 netns {pid}
             ip link set p{n} master br0 up
             nsenter -t {pid} -n ip -batch - <<END
             address add {address}/24 dev eth0
             address add fd00:79::{n}/64 dev eth0 nodad
             link set eth0 up
END\n"
        );
    }
    exec::run(&["nsenter", "-t", &switch.pid.to_string(), "-n", "--", "bash", "-c", &script]).ok();
}

/// The home of the user postgres, where each host has a file system of its own.
fn postgres_home() -> String {
    let entry = exec::run(&["getent", "passwd", "postgres"]).ok().stdout;
    entry.split(':').nth(5).expect("a home of postgres").to_owned()
}

/// One pair of keys for all hosts, and one for all their users; made once a build directory.
fn keys() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let shelf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ssh-keys");
        std::fs::create_dir_all(&shelf).unwrap();
        let lock = std::fs::File::create(shelf.join("lock")).unwrap();
        lock.lock().unwrap();
        for name in ["host", "user"] {
            let path = shelf.join(name);
            if !path.with_extension("pub").exists() {
                exec::run(&["rm", "-f", path.to_str().unwrap()]).ok();
                let file = path.to_str().unwrap();
                exec::run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]).ok();
            }
        }
        shelf
    })
    .clone()
}
