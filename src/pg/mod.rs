//! Effects through PostgreSQL.

pub mod bindir;
mod connect;
pub mod control_file;
pub mod ctl;
pub mod environment;
pub mod error;
mod link;
pub mod metadata;
pub mod passfile;
pub mod ping;
pub mod postmaster;
pub mod resolve;
pub mod server;
pub mod service_file;
pub mod session;
mod settings;
pub mod standby_config;
pub mod tls;
mod tls_verify;
mod transport;
pub mod walreceiver;
pub mod wire;
