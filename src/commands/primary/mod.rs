//! `repmgr primary …`: the server that takes writes.

pub mod register;
pub mod register_plan;
pub mod unregister;
pub mod unregister_plan;
