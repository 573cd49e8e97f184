//! PostgreSQL's version, told apart at run time.

use std::fmt;

/// A server's version as `server_version_num` gives it (`150018` is 15.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion(pub u32);

impl ServerVersion {
    /// The oldest version that this program manages.
    pub const OLDEST: Self = Self(100_000);

    /// `15` of 15.18.
    #[must_use]
    pub const fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// recovery.conf (10, 11) instead of standby.signal and postgresql.auto.conf (12 on).
    #[must_use]
    pub const fn uses_recovery_conf(self) -> bool {
        self.major() < 12
    }

    /// primary_conninfo and primary_slot_name change by reload (13 on), not by restart.
    #[must_use]
    pub const fn follows_by_reload(self) -> bool {
        self.major() >= 13
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.0 % 10_000)
    }
}
