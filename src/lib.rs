//! hg_repmgr: PostgreSQL replication and failover manager in one static program.
//!
//! Reading order: [`app`] (which program is this?), [`cli`] (what was typed), [`commands`] (one folder
//! a group of commands, path = typed words), [`domain`] (the vocabulary). Imports go down only:
//! `main → app → commands → peer, pg, sys, config, cli → domain`; `error`, `exit` are at the very bottom
//! and `report` beside `sys`.

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod domain;
pub mod error;
pub mod exit;
pub mod peer;
pub mod pg;
pub mod report;
pub mod sys;
