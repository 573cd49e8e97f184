//! The vocabulary: types without effects, which every other room may use.

pub mod conninfo;
pub mod conninfo_keywords;
pub mod conninfo_uri;
pub mod hook_template;
pub mod lsn;
pub mod nearest;
pub mod node;
pub mod shell;
pub mod size;
pub mod time;
pub mod version;
pub mod vip;
