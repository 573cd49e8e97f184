//! One folder a group of commands: the path is what was typed.

pub mod cluster;
