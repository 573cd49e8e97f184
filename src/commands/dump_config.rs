//! `repmgr --dump-config`

use crate::cli::table;
use crate::commands::context::Context;
use crate::config::{dump_json, dump_text};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// Shows the configuration that is in force.
///
/// # Errors
/// [`Exit::BadConfig`]: there is none.
pub fn run(ctx: &Context) -> Result<Exit> {
    let loaded = ctx
        .loaded
        .as_ref()
        .ok_or_else(|| Error::new(Exit::BadConfig, "there is no configuration file to show"))?;
    if ctx.general.json {
        table::print(&table::json(&dump_json(loaded)))?;
    } else {
        table::print(&dump_text(loaded))?;
    }
    Ok(Exit::Success)
}
