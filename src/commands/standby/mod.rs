//! `repmgr standby …`: servers that stream from another one.

pub mod clone;
pub mod follow;
pub mod promote;
pub mod register;
pub mod unregister;
