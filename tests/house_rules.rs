//! The rules of the house (ARCHITECTURE.md), as a test: layers, sizes, banned calls, names.
//!
//! A rule is a function of a path and a text, so that a planted violation can be shown to each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

#[path = "house_rules/source.rs"]
mod source;

use source::{code_of, functions, imports, without_tests};
use std::path::Path;

/// Who may import whom: a layer, and what it may name besides itself. `sys::files` is that module alone.
/// `error` and `exit` are at the very bottom: everybody may.
const LAYERS: &[(&str, &[&str])] = &[
    ("main", &["app", "sys::name_service"]),
    ("lib", &[]),
    ("app", &["commands", "daemon", "report", "peer", "pg", "sys", "config", "cli", "domain"]),
    ("commands", &["report", "peer", "pg", "sys", "config", "cli", "domain"]),
    ("daemon", &["report", "failover", "peer", "pg", "sys", "config", "cli", "domain"]),
    ("failover", &["domain"]),
    ("peer", &["sys", "domain"]),
    ("pg", &["sys", "domain"]),
    ("config", &["sys::files", "domain"]),
    ("cli", &["domain"]),
    ("report", &["sys", "domain"]),
    ("sys", &["domain"]),
    ("domain", &[]),
    ("error", &[]),
    ("exit", &[]),
];

/// Layers that decide: no IO, clock, threads, environment.
const PURE: &[&str] = &["domain", "failover"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "std::io",
    "std::time::Instant",
    "rustix::",
];

/// Calls that only `sys` makes, and what to use instead.
const BANNED: &[(&str, &str)] = &[
    ("Command::new", "sys::exec"),
    ("thread::sleep", "sys::clock"),
    ("Instant::now", "sys::clock"),
    ("SystemTime::now", "sys::clock"),
    ("process::exit", "an Error with its exit code; main leaves"),
];

/// Words that promise something for later: an issue holds that, the code does not.
const LATER: &[&str] = &["TODO", "FIXME", "todo!", "unimplemented!", "dbg!"];

/// A file of more lines, its tests left out, is two files. The house says 400; a tenth is grace.
const FILE_LINES: usize = 440;

/// clippy counts too; this holds where somebody silences it.
const FUNCTION_LINES: usize = 70;

/// Long catalogues (one fact a line) that may be longer than [`FILE_LINES`].
const CATALOGUES: &[&str] = &["src/cli/verbs.rs", "src/config/settings.rs"];

/// The typed words: `repmgr standby clone` lives in src/commands/standby/clone.rs or …/clone/.
const WORDS: &[(&str, &[&str])] = &[
    ("primary", &["register", "unregister"]),
    ("standby", &["clone", "register", "unregister", "promote", "follow", "switchover"]),
    ("witness", &["register", "unregister"]),
    ("node", &["status", "check", "rejoin", "service", "control", "startup"]),
    ("cluster", &["show", "matrix", "crosscheck", "event", "cleanup"]),
    ("service", &["status", "pause", "unpause"]),
    ("daemon", &["start", "stop"]),
    ("vip", &["status", "bind", "unbind", "announce"]),
];

/// The layer of a file: the folder or the file right below src.
fn layer_of(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

/// Everything that is wrong with one file.
fn violations(path: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let tests_only = path.ends_with("/tests.rs") || path.contains("/tests/");
    let product = if tests_only { "" } else { without_tests(&code) };
    let mut wrong = Vec::new();
    wrong.extend(wrong_imports(path, product));
    wrong.extend(impure(path, product));
    wrong.extend(banned_calls(path, product));
    wrong.extend(later_words(path, text));
    wrong.extend(sizes(path, product));
    wrong.extend(wrong_place(path));
    wrong
}

fn wrong_imports(path: &str, code: &str) -> Vec<String> {
    let layer = layer_of(path);
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{path}: the layer \"{layer}\" is not in the table of layers")];
    };
    let root = if layer == "main" { "hg_repmgr" } else { "crate" };
    let mut named = imports(code, root);
    named.extend(climbing_imports(path, code));
    named
        .into_iter()
        .filter(|import| {
            let first = import.split("::").next().unwrap_or_default();
            let known = LAYERS.iter().any(|(name, _)| *name == first);
            let inside = |allowed: &str| import == allowed || import.starts_with(&format!("{allowed}::"));
            known
                && first != layer
                && !matches!(first, "error" | "exit")
                && !allowed.iter().any(|a| inside(a))
        })
        .map(|import| format!("{path}: {layer} must not import {import}"))
        .collect()
}

/// `super::super::…` that climbs to the crate's root, as seen from this file.
fn climbing_imports(path: &str, code: &str) -> Vec<String> {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let climb = "super::".repeat(below.split('/').count());
    let found = imports(code, climb.trim_end_matches("::"));
    found.into_iter().filter(|import| !import.starts_with("super")).collect()
}

fn impure(path: &str, code: &str) -> Vec<String> {
    let layer = layer_of(path);
    let found = IMPURE.iter().filter(|word| PURE.contains(&layer) && code.contains(**word));
    found.map(|word| format!("{path}: {layer} is pure, {word} is not")).collect()
}

fn banned_calls(path: &str, code: &str) -> Vec<String> {
    if layer_of(path) == "sys" {
        return Vec::new();
    }
    let calls = BANNED.iter().filter(|(call, _)| code.contains(call));
    let mut wrong: Vec<_> =
        calls.map(|(call, instead)| format!("{path}: {call} outside sys: use {instead}")).collect();
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    if words.into_iter().any(|word| word == "unsafe") {
        wrong.push(format!("{path}: unsafe outside sys"));
    }
    wrong
}

fn later_words(path: &str, text: &str) -> Vec<String> {
    let found = LATER.iter().filter(|word| text.contains(**word));
    found.map(|word| format!("{path}: \"{word}\": finish it, or leave it to an issue")).collect()
}

fn sizes(path: &str, code: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = code.lines().count();
    if lines > FILE_LINES && !CATALOGUES.contains(&path) {
        wrong.push(format!("{path}: {lines} lines without tests, more than {FILE_LINES}"));
    }
    for (name, line, length) in functions(code) {
        if length > FUNCTION_LINES {
            wrong.push(format!("{path}:{line}: fn {name} has {length} lines, more than {FUNCTION_LINES}"));
        }
    }
    wrong
}

/// Below src/commands, a folder is a first word and what is in it is a second word. What the commands of one
/// group share is in its mod.rs or shared.rs.
fn wrong_place(path: &str) -> Vec<String> {
    let Some(below) = path.strip_prefix("src/commands/") else { return Vec::new() };
    let parts: Vec<_> = below.split('/').map(|part| part.trim_end_matches(".rs")).collect();
    let &[group, verb, ..] = parts.as_slice() else { return Vec::new() };
    match WORDS.iter().find(|(name, _)| *name == group) {
        None => vec![format!("{path}: \"{group}\" is not the first word of a command")],
        Some((_, verbs)) if !verbs.contains(&verb) && !matches!(verb, "mod" | "shared") => {
            vec![format!("{path}: \"{group} {verb}\" is not a command")]
        }
        Some(_) => Vec::new(),
    }
}

/// Commands that have a file below src/commands but no test in tests/it.
fn untested(sources: &[String], tests: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (group, verbs) in WORDS {
        for verb in *verbs {
            let file = format!("src/commands/{group}/{verb}.rs");
            let folder = format!("src/commands/{group}/{verb}/");
            let there = sources.iter().any(|path| *path == file || path.starts_with(&folder));
            let test = format!("tests/it/{group}_{verb}");
            if there && !tests.iter().any(|path| path.starts_with(&test)) {
                wrong.push(format!("{group} {verb}: no {test}.rs"));
            }
        }
    }
    wrong
}

/// The Rust files below `folder`, relative to the project, in order.
fn rust_files(folder: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_source_keeps_the_rules_of_the_house() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files("src");
    assert!(files.len() > 10, "where is the source? {files:?}");
    let wrong: Vec<_> = files
        .iter()
        .flat_map(|path| violations(path, &std::fs::read_to_string(root.join(path)).unwrap()))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_command_has_a_test_of_its_name() {
    let wrong = untested(&rust_files("src"), &rust_files("tests/it"));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_planted_violation_is_found_by_its_rule() {
    let long_file = "const A: u8 = 1;\n".repeat(FILE_LINES + 1);
    let long_fn = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(FUNCTION_LINES + 1));
    for (path, text, rule) in [
        ("src/domain/lsn.rs", "use crate::sys::clock;\n", "domain must not import sys::clock"),
        (
            "src/domain/lsn.rs",
            "use crate::{error::Error, pg::Session};\n",
            "domain must not import pg::Session",
        ),
        ("src/domain/lsn.rs", "fn f() { crate::report::say(); }\n", "domain must not import report::say"),
        ("src/domain/lsn.rs", "use super::super::sys::files;\n", "domain must not import sys::files"),
        ("src/pg/mod.rs", "use super::peer::ssh;\n", "pg must not import peer::ssh"),
        ("src/config/load.rs", "use crate::sys::exec;\n", "config must not import sys::exec"),
        ("src/cli/help.rs", "use crate::commands;\n", "cli must not import commands"),
        ("src/main.rs", "fn main() { hg_repmgr::commands::run(); }\n", "main must not import commands::run"),
        ("src/utils/mod.rs", "", "\"utils\" is not in the table"),
        ("src/domain/time.rs", "use std::time::Instant;\n", "domain is pure"),
        ("src/domain/conninfo.rs", "fn f() { std::env::var(a) }\n", "domain is pure"),
        ("src/pg/ctl.rs", "fn f() { Command::new(a) }\n", "Command::new outside sys"),
        ("src/pg/ctl.rs", "fn f() { std::thread::sleep(a) }\n", "thread::sleep outside sys"),
        ("src/peer/ssh.rs", "fn f() { Instant::now() }\n", "Instant::now outside sys"),
        ("src/app.rs", "fn f() { SystemTime::now() }\n", "SystemTime::now outside sys"),
        ("src/main.rs", "fn f() { std::process::exit(1) }\n", "process::exit outside sys"),
        ("src/pg/ctl.rs", "fn f() { unsafe { a() } }\n", "unsafe outside sys"),
        ("src/pg/ctl.rs", "// TODO: later\n", "\"TODO\""),
        ("src/pg/ctl.rs", "fn f() { todo!() }\n", "\"todo!\""),
        ("src/pg/ctl.rs", &long_file, "lines without tests"),
        ("src/pg/ctl.rs", &long_fn, "fn long has 71 lines"),
        ("src/commands/clone/standby.rs", "", "\"clone\" is not the first word"),
        ("src/commands/standby/copy.rs", "", "\"standby copy\" is not a command"),
    ] {
        let found = violations(path, text);
        assert!(found.iter().any(|v| v.contains(rule)), "{rule}: {path} gave {found:?}");
    }
    let lonely = untested(&["src/commands/node/check/mod.rs".into()], &["tests/it/node_status.rs".into()]);
    assert_eq!(lonely, ["node check: no tests/it/node_check.rs"]);
}

#[test]
fn what_is_allowed_is_not_a_violation() {
    let tests =
        "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { std::thread::sleep(a); crate::app::run(); }\n}\n";
    let fine_fn = format!("fn fine() {{\n{}}}\n", "    work();\n\n    // why\n".repeat(FUNCTION_LINES));
    for (why, path, text) in [
        ("everybody may fail", "src/domain/lsn.rs", "use crate::error::Error;\nuse crate::exit::Exit;\n"),
        ("pg may use sys", "src/pg/ctl.rs", "use crate::sys::exec;\nuse crate::{domain::Lsn, sys::clock};\n"),
        (
            "config may use files",
            "src/config/load.rs",
            "use crate::sys::files;\nuse crate::sys::files::read;\n",
        ),
        ("its own layer", "src/domain/lsn.rs", "use super::time;\nuse crate::domain::node;\n"),
        ("one up is the layer", "src/commands/standby/clone/plan.rs", "use super::super::shared;\n"),
        ("sys makes the calls", "src/sys/exec.rs", "fn f() { Command::new(a); unsafe { b() } }\n"),
        ("a comment is no code", "src/pg/ctl.rs", "// Command::new, crate::app\n/* unsafe */\n"),
        (
            "a string is no code",
            "src/pg/ctl.rs",
            "const A: &str = \"unsafe Command::new \\\" crate::app\";\n",
        ),
        ("a raw string neither", "src/pg/ctl.rs", "const A: &str = r#\"unsafe \" crate::app\"#;\n"),
        ("a quote character", "src/pg/ctl.rs", "fn f<'a>(c: &'a char) { g('\"', '\\'', \"unsafe\") }\n"),
        ("tests may", "src/pg/ctl.rs", tests),
        ("a file of tests may", "src/cli/table/tests.rs", "use crate::app;\n"),
        ("blanks and comments do not count", "src/pg/ctl.rs", &fine_fn),
        ("a command in a folder", "src/commands/standby/clone/plan.rs", "use crate::pg::wire;\n"),
        ("shared by a group", "src/commands/node/shared.rs", ""),
        ("shared by all", "src/commands/context.rs", ""),
    ] {
        assert_eq!(violations(path, text), Vec::<String>::new(), "{why}");
    }
    assert_eq!(
        untested(&["src/commands/node/check.rs".into()], &["tests/it/node_check_all.rs".into()]),
        [""; 0]
    );
}
