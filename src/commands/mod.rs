//! One folder a group of commands: the path is what was typed.

pub mod cluster;
//! The commands: the path of a file is what is typed, `repmgr standby clone` is `standby/clone.rs`.

pub mod cluster;
pub mod dump_config;
pub mod node;
pub mod primary;
pub mod standby;

use crate::cli::{Command, Invocation};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// Runs the command of `inv`.
///
/// # Errors
/// Whatever the command ends with when it cannot do what it was asked.
pub fn run(inv: &Invocation) -> Result<Exit> {
    match &inv.command {
        Command::DumpConfig => dump_config::run(inv),
        Command::PrimaryRegister(args) => primary::register::run(inv, args),
        Command::PrimaryUnregister(args) => primary::unregister::run(inv, args),
        Command::StandbyClone(args) => standby::clone::run(inv, args),
        Command::StandbyRegister(args) => standby::register::run(inv, args),
        Command::StandbyUnregister(args) => standby::unregister::run(inv, args),
        Command::NodeStatus(args) => node::status::run(inv, args),
        Command::NodeCheck(args) => node::check::run(inv, args),
        Command::NodeService(args) => node::service::run(inv, args),
        Command::ClusterShow(args) => cluster::show::run(inv, args),
        Command::ClusterMatrix(args) => cluster::matrix::run(inv, args),
        Command::ClusterCrosscheck(args) => cluster::crosscheck::run(inv, args),
        Command::ClusterEvent(args) => cluster::event::run(inv, args),
        Command::ClusterCleanup(args) => cluster::cleanup::run(inv, args),
    }
}

/// What a command that is not written yet ends with.
fn not_implemented(phrase: &str) -> Error {
    Error::new(Exit::Internal, format!("\"{phrase}\" is not implemented"))
}
