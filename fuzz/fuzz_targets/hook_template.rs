//! A command of any text takes values in; a plain value stands in it as it is.
#![no_main]

use hg_repmgr::domain::hook_template::{Placeholder, substitute};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|template: &str| {
    let wild = "a'b\"c$(d)`e`;f\\g\nh %n %%";
    let _ = substitute(template, &[Placeholder { letter: 'n', value: wild }]);
    let plain = substitute(template, &[Placeholder { letter: 'n', value: "" }, Placeholder { letter: 'e', value: "x" }]);
    drop(plain);
    let taken = substitute(template, &[Placeholder { letter: 'n', value: "node-1" }]);
    assert_eq!(taken.is_ok_and(|t| t.contains("node-1")), template.replace("%%", "").contains("%n"), "{template:?}");
});
