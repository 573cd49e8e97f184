//! The manual pages of the programs are in step with the command line. `BLESS=1` writes them anew.

use hg_repmgr::cli::help;
use hg_repmgr::cli::manual::{self, EXITS};
use hg_repmgr::cli::options::{OPTIONS, Scope};
use hg_repmgr::cli::verbs::{LATER, VERBS};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A page's file, and what makes it.
type Page = (&'static str, fn() -> String);

const PAGES: [Page; 2] =
    [("man/repmgr.1", manual::repmgr), ("man/hg_repmgr.1", || manual::hg_repmgr().to_owned())];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn the_pages_are_in_step_with_the_tables() {
    for (name, render) in PAGES {
        let want = render();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path(name), &want).unwrap();
        }
        assert!(
            std::fs::read_to_string(path(name)).unwrap_or_default() == want,
            "{name} is not what the tables say; BLESS=1 cargo test --test cli_manual writes it anew"
        );
    }
}

#[test]
fn mandoc_finds_nothing_to_say_about_the_pages() {
    for (name, render) in PAGES {
        #[expect(clippy::disallowed_methods, reason = "a test runs a tool of the build host")]
        let mut command = std::process::Command::new("mandoc");
        // Not the file: BLESS may be writing it.
        let Ok(mut lint) = command.arg("-Tlint").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
            eprintln!("left out: mandoc is not installed");
            return;
        };
        lint.stdin.take().unwrap().write_all(render().as_bytes()).unwrap();
        let out = lint.wait_with_output().unwrap();
        // Pages of other packages are not installed beside ours.
        let said = String::from_utf8_lossy(&out.stdout);
        let said: Vec<&str> = said.lines().filter(|l| !l.contains("referenced manual not found")).collect();
        assert!(said.is_empty(), "{name}: {}", said.join("\n"));
    }
}

#[test]
fn every_command_and_option_of_the_help_has_its_place_in_the_page() {
    let page = manual::repmgr();
    for info in VERBS {
        assert!(page.contains(&format!("\n.It Ic {}", info.phrase())), "{}", info.phrase());
    }
    for opt in OPTIONS {
        let listed = page.contains(&format!("Fl \\-{}", opt.long));
        let used = match opt.scope {
            Scope::All => true,
            Scope::Only(verbs) => !verbs.is_empty(),
        };
        assert!(listed || opt.help.is_empty() || !used, "--{} has no entry", opt.long);
    }
    for (group, words) in LATER {
        for word in *words {
            assert!(!page.contains(&format!("Ic {group} {word}")), "{group} {word} is not in this version");
        }
    }
}

#[test]
fn the_page_explains_every_exit_code_and_those_of_the_commands_are_among_them() {
    let source = std::fs::read_to_string(path("src/exit.rs")).unwrap();
    let defined: BTreeSet<u8> = source
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse().ok())
        .collect();
    let explained: BTreeSet<u8> = EXITS.iter().map(|(exit, _)| exit.code()).collect();
    assert_eq!(explained, defined);
    for (code, _) in VERBS.iter().flat_map(|v| v.exits) {
        for number in code.split(", ") {
            assert!(explained.contains(&number.parse().unwrap()), "{code}");
        }
    }
}

#[test]
fn examples_of_the_help_and_of_the_page_are_command_lines_that_are_understood() {
    let place = hg_repmgr::cli::Place { cwd: Some("/".into()), program: "/usr/bin/repmgr".into() };
    let page = manual::repmgr().replace("\\-", "-");
    let shown = page.lines().filter_map(|line| {
        let line = line.trim_start_matches(".Dl ");
        line.strip_prefix("$ repmgr ").or_else(|| line.strip_prefix("if ! repmgr ")?.split(';').next())
    });
    let mut count = 0;
    let helped = VERBS.iter().flat_map(|v| v.examples.iter().filter_map(|e| e.strip_prefix("repmgr ")));
    for example in shown.chain(helped) {
        let args: Vec<std::ffi::OsString> = example.split(' ').map(Into::into).collect();
        match hg_repmgr::cli::parse(&args, &place) {
            Ok(hg_repmgr::cli::Request::Run(run)) => assert_eq!(run.warnings, [""; 0], "{example}"),
            Ok(hg_repmgr::cli::Request::Print(_)) => {}
            Err(e) => panic!("{example}: {e:?}"),
        }
        count += 1;
    }
    assert!(count > 2 * VERBS.len(), "{count} examples were found");
    assert!(help::program().contains("Example"), "help has one too");
}
