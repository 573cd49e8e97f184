//! Commands on "another host": a real sshd of our own on the loopback address.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may panic")]

use hg_repmgr::exit::Exit;
use hg_repmgr::peer::ssh::{RemoteRepmgr, Ssh};
use hg_repmgr::sys::clock::{Deadline, now, poll_until};
use hg_repmgr::sys::exec::{Program, Status};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

struct Sshd {
    dir: PathBuf,
    port: u16,
}

impl Sshd {
    /// `None`: there is no sshd on this machine.
    fn start(name: &str) -> Option<Self> {
        let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd"].map(Path::new).into_iter().find(|p| p.exists());
        let Some(sshd) = sshd else {
            eprintln!("left out: no sshd on this machine");
            return None;
        };
        let dir = std::env::temp_dir().join(format!("ssh-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).expect("dir");
        for key in ["host", "user"] {
            let file = dir.join(key);
            let out = Program::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(file)
                .run(soon());
            assert!(out.expect("ssh-keygen").success());
        }
        fs::copy(dir.join("user.pub"), dir.join("authorized")).expect("copy");
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").expect("sshd's own directory");
        }
        let port = TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("port").port();
        let at = |file: &str| dir.join(file).display().to_string();
        let conf = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin prohibit-password\n",
            at("host"),
            at("pid"),
            at("authorized")
        );
        fs::write(dir.join("conf"), conf).expect("conf");
        let out = Program::new(sshd).args(["-f", &at("conf"), "-E", &at("log")]).run(soon()).expect("sshd");
        assert!(out.success(), "{}", out.complaint());
        let up = poll_until(soon(), Duration::from_millis(20), || dir.join("pid").exists().then_some(()));
        assert!(up.is_some(), "sshd did not start");
        Some(Self { dir, port })
    }

    fn options(&self, port: u16) -> String {
        format!(
            "-F /dev/null -p {port} -i {0}/user -o UserKnownHostsFile={0}/known -o StrictHostKeyChecking=no -o 'LogLevel ERROR'",
            self.dir.display()
        )
    }

    fn ssh(&self) -> Ssh {
        Ssh::new("127.0.0.1", None, &self.options(self.port)).expect("ssh")
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.dir.join("pid")).ok().and_then(|p| p.trim().parse().ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        fs::remove_dir_all(&self.dir).ok();
    }
}

#[test]
fn a_command_runs_there_and_its_exit_code_comes_back() {
    let Some(sshd) = Sshd::start("run") else { return };
    let ssh = sshd.ssh();
    ssh.reach(soon()).expect("reachable");
    let out = ssh.run("echo out; echo err >&2; exit 25", soon()).expect("ssh");
    assert_eq!((out.status, out.stdout_text()), (Status::Exited(25), "out".to_owned()));
    assert!(out.stderr_text().ends_with("err"), "{}", out.stderr_text());
    let echo = RemoteRepmgr { bindir: None, program: "echo", config_file: "/tmp/it's; id", log_level: None };
    let out = ssh.run(&echo.command(&["-d", "a \"b\" $(id) *"]), soon()).expect("ssh");
    assert_eq!(out.stdout_text(), "-f /tmp/it's; id -d a \"b\" $(id) *", "quoting holds on the way");
}

#[test]
fn what_ssh_cannot_do_is_its_own_failure() {
    let Some(sshd) = Sshd::start("fail") else { return };
    let began = now();
    let hung =
        sshd.ssh().run("sleep 300", Deadline::after(Duration::from_millis(800))).expect_err("time is over");
    assert!(now().since(began) < Duration::from_secs(4));
    assert!(hung.detail.concat().contains("in time"), "{hung}");
    let closed = TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("port").port();
    let refused = Ssh::new("127.0.0.1", None, &sshd.options(closed)).expect("ssh");
    let nobody = Ssh::new("127.0.0.1", Some("nobody-of-this-name"), &sshd.options(sshd.port)).expect("ssh");
    let missing = sshd.ssh().with_program(Path::new("/nonexistent/ssh"));
    for (why, ssh, word) in [
        ("nothing listens", refused, "refused"),
        ("no such user", nobody, "denied"),
        ("no ssh here", missing, "no such program"),
    ] {
        let error = ssh.reach(soon()).expect_err(why);
        assert_eq!(error.exit, Exit::Ssh, "{why}");
        assert!(error.detail.concat().contains(word), "{why}: {error}");
    }
}

#[test]
fn files_come_by_rsync() {
    let Some(sshd) = Sshd::start("rsync") else { return };
    if Program::new("rsync").arg("--version").run(soon()).is_err() {
        eprintln!("left out: no rsync on this machine");
        return;
    }
    let from = sshd.dir.join("a b;c.conf");
    let to = sshd.dir.join("copy.conf");
    fs::write(&from, "x = 1\n").expect("write");
    sshd.ssh().rsync_from("", &from.to_string_lossy(), &to, soon()).expect("rsync");
    assert_eq!(fs::read_to_string(&to).expect("copy"), "x = 1\n");
    let error = sshd.ssh().rsync_from("--archive", "/nonexistent", &to, soon()).expect_err("no such file");
    assert_eq!(error.exit, Exit::Rsync);
}
