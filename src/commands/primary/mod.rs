//! `repmgr primary …`: the server that takes writes.

pub mod register;
pub mod unregister;
