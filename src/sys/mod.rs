//! Effects on this host. The only room with `unsafe`, threads' sleep, clocks and programs.

pub mod clock;
pub mod exec;
pub mod files;
pub mod garp;
pub mod hook;
pub mod identity;
pub mod leftover;
pub mod name_service;
pub mod netlink;
pub mod parallel;
pub mod progress;
pub mod signals;
pub mod state;
pub mod users;
pub mod vip;
