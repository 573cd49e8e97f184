//! Effects through PostgreSQL.

pub mod session;
