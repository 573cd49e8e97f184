//! What `witness register`, `witness unregister` and the daemon have in common.

pub mod copy;
pub mod given;
pub mod plan;
