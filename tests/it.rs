//! The one integration binary: `it/<group>_<verb>.rs` holds the tests of `repmgr <group> <verb>`.
//!
//! `cluster` builds the places to test in, `compat` compares with the original repmgr. What a test needs and
//! how it is written: CONTRIBUTING.md, and `it/harness.rs` as an example.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a harness stops the test where it stands, and starts programs and waits by itself"
)]

#[allow(dead_code, unused_imports, reason = "a harness offers more than today's tests ask for")]
mod cluster;
#[allow(dead_code, unused_imports, reason = "a harness offers more than today's tests ask for")]
mod compat;
mod it {
    mod bench;
    mod binary;
    mod cluster_cleanup;
    mod cluster_common;
    mod cluster_crosscheck;
    mod cluster_event;
    mod cluster_matrix;
    mod cluster_show;
    mod cluster_show_access;
    mod cluster_start;
    mod compat_reading;
    mod harness;
    mod metadata;
    mod node_check;
    mod node_control;
    mod node_rejoin;
    mod node_service;
    mod node_status;
    mod one_primary;
    mod primary_register;
    mod primary_unregister;
    mod seeds;
    mod standby_clone;
    mod standby_clone_cut;
    mod standby_clone_versions;
    mod standby_follow;
    mod standby_promote;
    mod standby_promote_address;
    mod standby_register;
    mod standby_unregister;
    mod versions;
    mod vip_announce;
    mod vip_bind;
    mod vip_common;
    mod vip_status;
    mod vip_unbind;
    mod witness_register;
    mod witness_unregister;
}
