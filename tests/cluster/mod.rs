//! Places to test in, with real PostgreSQL servers.
//!
//! - [`Lab`]: hosts on a network of their own. Each has its own address, hostname, `/etc`, home, process
//!   numbers, sshd on port 22 and user `postgres`. Needs root.
//! - [`Solo`]: servers side by side on loopback, as an unprivileged user. Needs nothing.
//!
//! Both hand out [`Host`]s, which do the work. Nothing outlives a test: a lab's hosts end with the process
//! that made them, even when it is killed; what a killed `Solo` left is swept by the next one.

pub mod exec;
mod faults;
mod files;
mod host;
mod lab;
mod postgres;
mod programs;
mod solo;
mod template;

pub use exec::{Out, Running, wait_for};
pub use host::{Host, User};
pub use lab::Lab;
pub use postgres::{Identity, PgOptions, Stop};
pub use programs::{Postgres, Program};
pub use solo::Solo;
