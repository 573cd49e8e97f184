//! Effects through PostgreSQL.

pub mod metadata;
pub mod server;
mod connect;
pub mod environment;
pub mod error;
mod link;
pub mod passfile;
pub mod ping;
pub mod resolve;
pub mod service_file;
pub mod session;
mod settings;
pub mod tls;
mod tls_verify;
mod transport;
pub mod wire;
