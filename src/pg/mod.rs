//! Effects through PostgreSQL.

pub mod metadata;
pub mod server;
pub mod session;
