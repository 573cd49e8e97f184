//! `repmgr node …`: the server on this host.

pub mod check;
pub mod control;
pub mod rejoin;
pub mod service;
mod shared;
pub mod status;
