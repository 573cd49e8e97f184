//! The commands: the path of a file is what is typed, `repmgr standby clone` is `standby/clone`.

pub mod cluster;
pub mod context;
pub mod dump_config;
pub mod follow_attach;
pub mod follow_footing;
pub mod follow_target;
pub mod journal;
pub mod node;
pub mod notify;
pub mod primary;
pub mod registration;
mod remote;
pub mod standby;
mod start;
pub mod vip;
pub mod witness;

use crate::cli::{Command, Invocation};
use crate::error::Result;
use crate::exit::Exit;

/// Runs the command of `inv`.
///
/// # Errors
/// Whatever the command ends with when it cannot do what it was asked.
pub fn run(inv: &Invocation) -> Result<Exit> {
    let ctx = &start::context(inv)?;
    match &inv.command {
        Command::DumpConfig => dump_config::run(ctx),
        Command::PrimaryRegister(args) => primary::register::run(ctx, args),
        Command::PrimaryUnregister(args) => primary::unregister::run(ctx, args),
        Command::StandbyClone(args) => standby::clone::run(ctx, args),
        Command::StandbyRegister(args) => standby::register::run(ctx, args),
        Command::StandbyUnregister(args) => standby::unregister::run(ctx, args),
        Command::StandbyPromote(args) => standby::promote::run(ctx, args),
        Command::StandbyFollow(args) => standby::follow::run(ctx, args),
        Command::WitnessRegister(args) => witness::register::run(ctx, args),
        Command::WitnessUnregister(args) => witness::unregister::run(ctx, args),
        Command::NodeStatus(args) => node::status::run(ctx, args),
        Command::NodeCheck(args) => node::check::run(ctx, args),
        Command::NodeRejoin(args) => node::rejoin::run(ctx, args),
        Command::NodeService(args) => node::service::run(ctx, args),
        Command::NodeControl(args) => node::control::run(ctx, args),
        Command::ClusterShow(args) => cluster::show::run(ctx, args),
        Command::ClusterMatrix(args) => cluster::matrix::run(ctx, args),
        Command::ClusterCrosscheck(args) => cluster::crosscheck::run(ctx, args),
        Command::ClusterEvent(args) => cluster::event::run(ctx, args),
        Command::ClusterCleanup(args) => cluster::cleanup::run(ctx, args),
        Command::VipStatus(args) => vip::status::run(ctx, args),
        Command::VipBind(args) => vip::bind::run(ctx, args),
        Command::VipUnbind(args) => vip::unbind::run(ctx, args),
        Command::VipAnnounce(args) => vip::announce::run(ctx, args),
    }
}
