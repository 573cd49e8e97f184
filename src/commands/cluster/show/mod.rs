//! `cluster show`.

pub mod status;
