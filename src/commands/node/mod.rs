//! `repmgr node …`: the server on this host.

pub mod check;
pub mod service;
mod shared;
pub mod status;
