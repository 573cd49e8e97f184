//! argv → [`hg_repmgr::app::run`] → exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    hg_repmgr::sys::name_service::pin();
    ExitCode::from(hg_repmgr::app::run(std::env::args_os().collect()).code())
}
