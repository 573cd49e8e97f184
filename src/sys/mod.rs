//! Effects on this host. The only room with `unsafe`, threads' sleep, clocks and programs.

pub mod clock;
pub mod name_service;
pub mod parallel;
pub mod users;
