//! `repmgr node …`: the server on this host.

pub mod check;
mod facts;
pub mod service;
pub mod status;
