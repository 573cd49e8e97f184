//! `repmgr witness …`: a voter that holds no copy of the data, only of the node records.

mod copy;
mod given;
mod plan;
pub mod register;
pub mod unregister;

pub use copy::{Copied, copy_nodes};
