//! `repmgr node …`: the server on this host.

pub mod check;
pub mod service;
pub mod status;
