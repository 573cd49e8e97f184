//! `repmgr standby …`: servers that stream from another one.

pub mod clone;
pub mod register;
pub mod unregister;
