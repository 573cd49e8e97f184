//! Effects through PostgreSQL.

pub mod bindir;
pub mod control_file;
pub mod ctl;
pub mod postmaster;
pub mod session;
pub mod standby_config;
