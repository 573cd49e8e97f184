//! `repmgr cluster …`: all nodes together.

pub mod cleanup;
pub mod crosscheck;
pub mod event;
pub mod matrix;
pub mod show;
