//! Effects through PostgreSQL.

mod connect;
pub mod environment;
pub mod error;
mod link;
pub mod metadata;
pub mod passfile;
pub mod ping;
pub mod resolve;
pub mod server;
pub mod service_file;
pub mod session;
mod settings;
pub mod tls;
mod tls_verify;
mod transport;
pub mod wire;
pub mod bindir;
pub mod control_file;
pub mod ctl;
pub mod postmaster;
pub mod session;
pub mod standby_config;
