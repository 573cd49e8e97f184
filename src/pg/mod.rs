//! Effects through PostgreSQL.

pub mod metadata;
pub mod server;
pub mod environment;
pub mod passfile;
pub mod service_file;
pub mod session;
