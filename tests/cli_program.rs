//! The program itself: under which name it is called, what goes where, and with which exit code it ends.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use hg_repmgr::sys::clock::{Deadline, poll_until};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

const BIN: &str = env!("CARGO_BIN_EXE_hg_repmgr");

#[expect(clippy::disallowed_methods, reason = "a test runs the program as a user does")]
fn command(program: impl AsRef<Path>) -> std::process::Command {
    std::process::Command::new(program.as_ref())
}

fn call(program: impl AsRef<Path>, args: &[&str]) -> Output {
    // A copy just written is busy for as long as a test beside this one is between its fork and its exec.
    let free = poll_until(Deadline::after(Duration::from_secs(10)), Duration::from_millis(10), || {
        match command(&program).args(args).stdin(Stdio::null()).output() {
            Err(e) if e.kind() == ErrorKind::ExecutableFileBusy => None,
            answer => Some(answer),
        }
    });
    free.unwrap().unwrap()
}

fn out(o: &Output) -> String {
    String::from_utf8(o.stdout.clone()).unwrap()
}

fn err(o: &Output) -> String {
    String::from_utf8(o.stderr.clone()).unwrap()
}

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hg_repmgr-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&dir));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn help_and_version_go_to_stdout_and_errors_to_stderr() {
    for args in [&["repmgr", "--help"][..], &["cluster", "--help"], &["-V"], &["repmgr", "--version-number"]]
    {
        let o = call(BIN, args);
        assert_eq!((o.status.code(), err(&o)), (Some(0), String::new()), "{args:?}");
        assert!(!out(&o).is_empty(), "{args:?}");
    }
    for (args, wanted) in [
        (
            &["cluster", "shwo"][..],
            "ERROR: unknown command \"cluster shwo\"; did you mean \"cluster show\"?\n",
        ),
        (&["repmgr", "cluster", "show", "-f"], "ERROR: option \"-f\" needs a value\n"),
        (&["repmgr", "daemon", "start"], "ERROR: command \"daemon start\" is not in this version\n"),
        (&["node", "startup"], "ERROR: command \"node startup\" is not in this version\n"),
        (&["repmgrd", "-f", "/etc/repmgr.conf"], "ERROR: repmgrd is not in this version\n"),
        (&[], "ERROR: no command given; see \"repmgr --help\"\n"),
        (&["--completions", "fish"], "ERROR: no completions for \"fish\" (one of bash, zsh)\n"),
    ] {
        let o = call(BIN, args);
        assert_eq!((o.status.code(), out(&o), err(&o)), (Some(1), String::new(), wanted.into()), "{args:?}");
    }
}

#[test]
fn the_name_decides_what_the_program_is() {
    let dir = Dir::new("names");
    let link = |name: &str| {
        let place = dir.0.join(name);
        symlink(BIN, &place).unwrap();
        place
    };
    let (repmgr, repmgrd, other) = (link("repmgr"), link("repmgrd"), link("repmgr-5"));
    assert!(out(&call(&repmgr, &["--version"])).starts_with("repmgr 5.5.0"));
    assert!(err(&call(&repmgr, &["repmgr", "--version"])).is_empty(), "version wins over words");
    assert_eq!(err(&call(&repmgr, &["repmgr", "show"])).lines().count(), 1, "repmgr has no command repmgr");
    assert!(err(&call(&repmgrd, &["--version"])).contains("repmgrd is not in this version"));
    assert!(
        out(&call(&other, &["cluster", "show", "--help"])).starts_with("repmgr cluster show"),
        "any name"
    );
    assert!(out(&call(&other, &["--help"])).contains("--install-links"), "own help");
    assert!(!out(&call(&repmgr, &["--help"])).contains("--install-links"));

    let copy = dir.0.join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(BIN, copy.join("repmgr")).unwrap();
    assert!(
        out(&call(copy.join("repmgr"), &["-V"])).starts_with("repmgr 5.5.0"),
        "a copy is as good as a link"
    );
}

#[test]
fn links_replace_what_is_there_and_never_write_through_it() {
    let dir = Dir::new("links");
    let wrapper = dir.0.join("pg_wrapper");
    fs::write(&wrapper, "psql needs me").unwrap();
    let bin = dir.0.join("bin");
    fs::create_dir(&bin).unwrap();
    symlink("../pg_wrapper", bin.join("repmgr")).unwrap();
    symlink("../pg_wrapper", bin.join("repmgrd")).unwrap();
    for round in ["first", "again"] {
        let o = call(BIN, &["--install-links", bin.to_str().unwrap()]);
        assert_eq!((o.status.code(), err(&o)), (Some(0), String::new()), "{round}");
        assert_eq!(fs::read_link(bin.join("repmgr")).unwrap(), Path::new(BIN), "{round}");
    }
    assert_eq!(fs::read_to_string(&wrapper).unwrap(), "psql needs me", "the old target is untouched");
    assert_eq!(
        fs::read_link(bin.join("repmgrd")).unwrap(),
        Path::new("../pg_wrapper"),
        "no daemon yet, no link"
    );
    assert_eq!(fs::read_dir(&bin).unwrap().count(), 2, "nothing is left behind");

    let beside = dir.0.join("opt");
    fs::create_dir(&beside).unwrap();
    fs::copy(BIN, beside.join("hg_repmgr")).unwrap();
    let o = call(beside.join("hg_repmgr"), &["--install-links", beside.to_str().unwrap()]);
    assert_eq!(o.status.code(), Some(0), "{}", err(&o));
    assert_eq!(
        fs::read_link(beside.join("repmgr")).unwrap(),
        Path::new("hg_repmgr"),
        "beside it: a bare name"
    );
    assert!(out(&call(beside.join("repmgr"), &["-V"])).starts_with("repmgr "));
}

#[test]
fn links_are_refused_where_they_would_do_harm() {
    let dir = Dir::new("refused");
    fs::create_dir(dir.0.join("repmgr")).unwrap();
    let o = call(BIN, &["--install-links", dir.0.to_str().unwrap()]);
    assert_eq!(o.status.code(), Some(1));
    assert!(err(&o).contains("a directory has this name"), "{}", err(&o));
    assert!(dir.0.join("repmgr").is_dir());

    let itself = dir.0.join("itself");
    fs::create_dir(&itself).unwrap();
    fs::copy(BIN, itself.join("hg_repmgr")).unwrap();
    fs::hard_link(itself.join("hg_repmgr"), itself.join("repmgr")).unwrap();
    let o = call(itself.join("hg_repmgr"), &["--install-links", itself.to_str().unwrap()]);
    assert!(err(&o).contains("this name is the program itself"), "{}", err(&o));
    assert!(itself.join("repmgr").metadata().unwrap().len() > 0);

    for args in [&["--install-links"][..], &["--install-links", "/nonexistent"], &["--install-links", BIN]] {
        assert_eq!(call(BIN, args).status.code(), Some(1), "{args:?}");
    }
}

#[test]
fn warnings_are_written_and_the_command_runs_all_the_same() {
    let o = call(BIN, &["repmgr", "-f", "/nonexistent.conf", "cluster", "show", "--dry-run"]);
    let text = err(&o);
    assert!(
        text.starts_with("WARNING: option \"--dry-run\" has no effect with \"cluster show\"\nERROR: "),
        "{text}"
    );
    let quiet = err(&call(BIN, &["repmgr", "-q", "-f", "/nonexistent.conf", "cluster", "show", "--dry-run"]));
    assert!(!quiet.contains("WARNING"), "{quiet}");
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let script = format!("for i in 1 2 3 4 5; do '{BIN}' --help; done | head -n1; echo ${{PIPESTATUS[0]}}");
    let o = call("/bin/bash", &["-c", &script]);
    assert!(!err(&o).contains("panicked"), "{}", err(&o));
    let mut child = command(BIN).arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let o = child.wait_with_output().unwrap();
    assert!(err(&o).is_empty(), "{}", err(&o));
}

#[test]
fn bash_completes_words_options_and_values() {
    let Ok(bash) = fs::canonicalize("/bin/bash") else { return };
    let script = out(&call(BIN, &["--completions", "bash"]));
    for (typed, has, has_not) in [
        (&["repmgr", ""][..], "standby", "clone"),
        (&["repmgr", "-f", "cluster", "standby", ""], "clone", "show"),
        (&["hg_repmgr", "repmgr", "cluster", "sh"], "show", "matrix"),
        (&["repmgr", "master", "re"], "register", "unregister"),
        (&["repmgr", "standby", "clone", "--fast"], "--fast-checkpoint", "--csv"),
        (&["repmgr", "cluster", "show", "--c"], "--csv", "--copy-external-config-files"),
        (&["repmgr", "node", "service", "--action", "st"], "stop", "reload"),
        (&["repmgr", "standby", ""], "register", "switchover"),
        (&["repmgr", "-L", "N"], "NOTICE", "DEBUG"),
    ] {
        let line: Vec<String> = typed.iter().map(|w| format!("'{w}'")).collect();
        let run = format!(
            "{script}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n_hg_repmgr\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            line.join(" "),
            typed.len() - 1
        );
        let o = call(&bash, &["--norc", "-c", &run]);
        let answers = out(&o);
        let answers: Vec<&str> = answers.lines().collect();
        assert_eq!(err(&o), "", "{typed:?}");
        assert!(answers.contains(&has) && !answers.contains(&has_not), "{typed:?}: {answers:?}");
    }
    let zsh = out(&call(BIN, &["--completions", "zsh"]));
    assert!(zsh.starts_with("#compdef repmgr hg_repmgr\n") && zsh.contains("bashcompinit"));
}
