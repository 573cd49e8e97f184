//! Exit codes: the numbers are an interface that scripts and other nodes' programs rely on.

/// Every way a command can end. The number is the process's exit code, but for checks: see [`Exit::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// Bad configuration, bad command line, or a prerequisite that is not met.
    BadConfig = 1,
    /// rsync of external configuration files failed.
    Rsync = 2,
    /// The pid file is taken or cannot be written.
    PidFile = 3,
    /// PostgreSQL could not be restarted.
    NoRestart = 4,
    /// A local command failed.
    LocalCommand = 5,
    /// A database connection could not be made or was lost.
    DbConn = 6,
    /// A query failed.
    DbQuery = 7,
    /// Promotion failed or was refused.
    Promotion = 8,
    /// Monitoring timed out.
    MonitoringTimeout = 9,
    /// A string was too long.
    StringOverflow = 10,
    /// Failover failed.
    Failover = 11,
    /// ssh failed.
    Ssh = 12,
    /// An operating system call failed.
    System = 13,
    /// The base backup failed.
    BaseBackup = 14,
    /// Something that cannot happen happened.
    Internal = 15,
    /// Monitoring failed.
    Monitoring = 16,
    /// A backup label was in the way.
    BackupLabel = 17,
    /// Switchover failed; nothing has changed.
    Switchover = 18,
    /// Barman failed.
    Barman = 19,
    /// The node record did not reach the standby in time.
    RegistrationSync = 20,
    /// Out of memory.
    OutOfMemory = 21,
    /// Promoted, but the switchover is not complete.
    SwitchoverIncomplete = 22,
    /// Following failed or is impossible.
    Follow = 23,
    /// Rejoining failed or is impossible.
    Rejoin = 24,
    /// A node or the cluster is not in the state it should be in.
    NodeStatus = 25,
    /// repmgrd could not be paused or unpaused.
    RepmgrdPause = 26,
    /// repmgrd could not be started or stopped.
    RepmgrdService = 27,
    /// Two primaries and nothing that tells which is right.
    BrainSplit = 28,
    /// What a single check found, in Nagios's numbers: 1, a warning. Not how a command failed.
    CheckWarning = CHECKS + 1,
    /// 2, critical.
    CheckCritical = CHECKS + 2,
    /// 3, not known.
    CheckUnknown = CHECKS + 3,
}

/// Numbers of checks begin anew, and have this added here.
const CHECKS: u8 = 100;

impl Exit {
    /// The number a process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        let number = self as u8;
        if number > CHECKS { number - CHECKS } else { number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_have_numbers_of_their_own() {
        for (exit, code) in [
            (Exit::Success, 0),
            (Exit::BrainSplit, 28),
            (Exit::CheckWarning, 1),
            (Exit::CheckCritical, 2),
            (Exit::CheckUnknown, 3),
        ] {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }
}
