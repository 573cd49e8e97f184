//! A connection string is refused, or reads back as itself and never shows its password.
#![no_main]

use hg_repmgr::domain::conninfo::ConnInfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(mut conninfo) = ConnInfo::parse(text) else { return };
    assert_eq!(ConnInfo::parse(&conninfo.with_secrets()).as_ref(), Ok(&conninfo));
    conninfo.set("password", "\u{1}geheim' \\");
    assert!(!conninfo.to_string().contains("\u{1}geheim"));
    assert_eq!(ConnInfo::parse(&conninfo.with_secrets()).as_ref(), Ok(&conninfo));
});
