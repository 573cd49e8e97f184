//! Effects through PostgreSQL.

pub mod environment;
pub mod passfile;
pub mod service_file;
pub mod session;
