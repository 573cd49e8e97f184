//! A password file of any text gives a password or none; an exact line put first always wins.
#![no_main]

use hg_repmgr::pg::passfile::{Wanted, find};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let wanted = Wanted { host: "n1", port: "5432", database: "repmgr", user: "rep" };
    let _ = find(text, wanted);
    assert_eq!(find(&format!("n1:5432:repmgr:rep:geheim\n{text}"), wanted).as_deref(), Some("geheim"));
});
