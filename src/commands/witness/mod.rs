//! `repmgr witness …`: a voter that holds no copy of the data, only of the node records.

pub mod register;
mod shared;
pub mod unregister;

pub use shared::copy::{Copied, copy_nodes};
