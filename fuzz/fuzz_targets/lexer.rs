//! A configuration file of any bytes is taken apart and checked; what was taken is written and read back.
#![no_main]

use hg_repmgr::config::lexer::{Says, lex, write};
use hg_repmgr::config::settings::find;
use hg_repmgr::config::{Item, check::check};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let file = Path::new("/etc/repmgr.conf");
    let lexed = lex(bytes, |word| find(word).is_some());
    let lines = bytes.iter().filter(|&&b| b == b'\n').count() + 1;
    let mut items = Vec::new();
    for entry in &lexed.entries {
        assert!((1..=lines).contains(&entry.line), "line {} of {lines}", entry.line);
        if let Says::Set { key, value } = &entry.says {
            let again = lex(write(key, value).as_bytes(), |word| find(word).is_some());
            let [one] = again.entries.as_slice() else { panic!("{key}={value:?}: {again:?}") };
            assert_eq!(one.says, entry.says);
            items.push(Item { key: key.clone(), value: value.clone(), file: file.into(), line: entry.line });
        }
    }
    let _ = check(file, &items, Vec::new());
});
