//! What must run on another host.

pub mod ssh;
