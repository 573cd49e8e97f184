//! Commands about the whole cluster.

pub mod show;
