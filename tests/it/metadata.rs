//! Schemas `repmgr` and `hg_repmgr` on real servers.
