//! `repmgr standby …`: servers that stream from another one.

pub mod clone;
pub mod promote;
pub mod register;
pub mod register_facts;
pub mod register_plan;
pub mod register_sync;
pub mod unregister;
