//! A control file of any bytes is read or refused.
#![no_main]

use hg_repmgr::pg::control_file::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(control) = parse(bytes) {
        let _ = (control.last_position(), control.last_timeline(), control.majors());
    }
});
