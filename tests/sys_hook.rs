//! The user's commands run by a real shell: what arrives there is what was meant.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may panic")]

use hg_repmgr::domain::hook_template::{Placeholder, substitute};
use hg_repmgr::sys::clock::Deadline;
use hg_repmgr::sys::exec::{Program, Status};
use hg_repmgr::sys::hook::{Hook, HookValue};
use proptest::prelude::*;
use std::time::Duration;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

fn with(value: &str) -> Vec<Placeholder<'_>> {
    vec![Placeholder { letter: 'n', value: "3" }, Placeholder { letter: 'd', value }]
}

fn shell(command: &str) -> String {
    let out = Program::new("/bin/sh").args(["-c", command]).run(soon());
    let out = out.expect("sh");
    assert!(out.success(), "{command}: {}", out.complaint());
    String::from_utf8(out.stdout).expect("text")
}

#[test]
fn the_documented_form_runs_as_documented() {
    let template = "printf '[%%s]' %n %e %s \"%t\" \"%d\"";
    let values: Vec<_> = [
        ('n', "2"),
        ('e', "standby_clone"),
        ('s', "1"),
        ('t', "2026-11-21 00:34:54+08"),
        ('d', "cloned from \"a\"; it's $(id)"),
    ]
    .map(|(letter, value)| Placeholder { letter, value })
    .to_vec();
    let got = shell(&substitute(template, &values).expect("safe"));
    assert_eq!(got, "[2][standby_clone][1][2026-11-21 00:34:54+08][cloned from \"a\"; it's $(id)]");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_value_arrives_byte_for_byte_in_every_place(
        value in r#"([ -~]|[\n\t'"\\$`!%*é中]|\$\(id\)|'; *id; *'|"\$\(id\)"){0,24}"#
    ) {
        let values = with(&value);
        let template = "printf '%%s\\0' %d x%dy '%d' '<%d>' \"%d\" \"<%d>\" $(echo a) %d \"`echo b`%d\" ${HOME+c}%d";
        let got = shell(&substitute(template, &values).expect("safe"));
        let v = value.as_str();
        let want = [v, &format!("x{v}y"), v, &format!("<{v}>"), v, &format!("<{v}>"), "a", v, &format!("b{v}"), &format!("c{v}"), ""];
        prop_assert_eq!(got.split('\0').collect::<Vec<_>>(), want.to_vec());
    }

    #[test]
    fn no_template_runs_a_command_out_of_a_value(
        template in r#"([ a-z'"\\$`(){}<#%]|%d|\$\(|\$\{|\$'|\\'|%%|%n){0,16}"#
    ) {
        // The value would make a file if any shell ever read it as a command.
        let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("hook-template");
        std::fs::create_dir_all(&dir).expect("dir");
        let made = dir.join("made");
        for shape in ["';:>F;'", "\";:>F;\"", "$(:>F)", "`:>F`", "\n:>F\n", ");:>F;(", "};:>F;{", "' \" ;:>F;\\"] {
            let value = shape.replace('F', &made.to_string_lossy());
            if let Ok(command) = substitute(&template, &[Placeholder { letter: 'd', value: &value }, Placeholder { letter: 'n', value: "3" }]) {
                for shell in ["/bin/sh", "/bin/bash"].into_iter().filter(|s| std::path::Path::new(s).exists()) {
                let run = Program::new(shell).args(["-c", &command]).dir(&dir).env("PATH", "/nonexistent");
                run.run(soon()).expect("sh");
                }
                prop_assert!(!made.exists(), "{template:?} -> {command:?}");
            }
        }
    }
}

#[test]
fn a_hook_finds_its_values_in_the_environment_too() {
    let values = [
        HookValue::new('e', "HG_REPMGR_EVENT", "standby_clone"),
        HookValue::new('d', "HG_REPMGR_DETAILS", "it's $(id)"),
    ];
    let hook = Hook::new(
        "event_notification_command",
        "printf '%%s|' %e \"$HG_REPMGR_EVENT\" \"$HG_REPMGR_DETAILS\"; exit 3",
        &values,
    )
    .expect("safe");
    let out = hook.run(soon()).expect("sh");
    assert_eq!(out.status, Status::Exited(3));
    assert_eq!(out.stdout_text(), "standby_clone|standby_clone|it's $(id)|");
}

#[test]
fn a_hook_whose_value_cannot_be_quoted_is_refused_by_name() {
    let values = [HookValue::new('d', "HG_REPMGR_DETAILS", "a b")];
    let refused =
        Hook::new("event_notification_command", "log \"$(tidy \"%d\")\"", &values).expect_err("unsafe");
    assert!(refused.message.contains("event_notification_command"), "{refused}");
    assert!(refused.detail.concat().contains("%d"), "{refused}");
}
