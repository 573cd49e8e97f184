//! A command of any text takes values in; a plain value stands in it as it is.
#![no_main]

use hg_repmgr::domain::hook_template::{Placeholder, substitute};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|template: &str| {
    let wild = "a'b\"c$(d)`e`;f\\g\nh %n %%";
    let _ = substitute(template, &[Placeholder { letter: 'n', value: wild }]);
    let plain = "node-7f3a";
    // Behind a dollar or a backslash and in a comment a value has no place.
    if !template.contains(plain) && !template.contains(['$', '#', '\\']) {
        let taken = substitute(template, &[Placeholder { letter: 'n', value: plain }]);
        let named = template.replace("%%", "").contains("%n");
        assert_eq!(taken.is_ok_and(|text| text.contains(plain)), named, "{template:?}");
    }
});
