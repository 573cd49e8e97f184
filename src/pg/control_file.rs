//! `global/pg_control`, read without PostgreSQL's programs: 10 to 18, in this machine's byte order.

use crate::domain::lsn::{Lsn, Timeline};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::clock::{self, Deadline};
use crate::sys::files;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The file's size; the fields fill less than its first sector.
const FILE_SIZE: u64 = 8192;

/// A running server rewrites the file in place: a checksum that does not fit is looked at again for as
/// long as this before it counts as damage.
const TORN_PATIENCE: Duration = Duration::from_millis(250);

/// What the server did last, as the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterState {
    /// It began to start.
    StartingUp,
    /// A primary that was stopped cleanly.
    ShutDown,
    /// A standby that was stopped cleanly.
    ShutDownInRecovery,
    /// It began to stop.
    ShuttingDown,
    /// It recovers from a crash.
    InCrashRecovery,
    /// A standby at work, or one that was not stopped cleanly.
    InArchiveRecovery,
    /// A primary at work, or one that was not stopped cleanly.
    InProduction,
}

impl ClusterState {
    const ALL: [Self; 7] = [
        Self::StartingUp,
        Self::ShutDown,
        Self::ShutDownInRecovery,
        Self::ShuttingDown,
        Self::InCrashRecovery,
        Self::InArchiveRecovery,
        Self::InProduction,
    ];

    /// The words of pg_controldata.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::StartingUp => "starting up",
            Self::ShutDown => "shut down",
            Self::ShutDownInRecovery => "shut down in recovery",
            Self::ShuttingDown => "shutting down",
            Self::InCrashRecovery => "in crash recovery",
            Self::InArchiveRecovery => "in archive recovery",
            Self::InProduction => "in production",
        }
    }

    /// True when the last stop was clean, of a primary or of a standby. Of a running server it says nothing.
    #[must_use]
    pub const fn is_clean(self) -> bool {
        matches!(self, Self::ShutDown | Self::ShutDownInRecovery)
    }
}

impl fmt::Display for ClusterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// What `pg_control` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlFile {
    /// The cluster's number: the same on all nodes of one cluster.
    pub system_identifier: u64,
    /// `1300` for PostgreSQL 13 to 16, and so on.
    pub control_version: u32,
    /// The catalog's version.
    pub catalog_version: u32,
    /// What the server did last.
    pub state: ClusterState,
    /// When the file was written, in seconds since 1970.
    pub modified: i64,
    /// Where the last checkpoint's record is.
    pub checkpoint: Lsn,
    /// Where replay from the last checkpoint begins.
    pub redo: Lsn,
    /// The last checkpoint's timeline.
    pub timeline: Timeline,
    /// The timeline before it; the same when the checkpoint began none.
    pub previous_timeline: Timeline,
    /// When the last checkpoint was, in seconds since 1970.
    pub checkpoint_time: i64,
    /// How far a standby must replay before it is consistent. `None`: not in recovery.
    pub min_recovery: Option<(Lsn, Timeline)>,
    /// Where a base backup that is not replayed to its end began. `None`: none is.
    pub backup_start: Option<Lsn>,
    /// `wal_level`: 0 minimal, 1 replica, 2 logical.
    pub wal_level: u32,
    /// `wal_log_hints`.
    pub wal_log_hints: bool,
    /// `max_connections` of the primary, as the WAL told it; a hot standby must not have less.
    pub max_connections: u32,
    /// `max_worker_processes`, likewise.
    pub max_worker_processes: u32,
    /// `max_wal_senders`, likewise. `None`: PostgreSQL 10 and 11 do not keep it.
    pub max_wal_senders: Option<u32>,
    /// `max_prepared_transactions`, likewise.
    pub max_prepared_transactions: u32,
    /// `max_locks_per_transaction`, likewise.
    pub max_locks_per_transaction: u32,
    /// `track_commit_timestamp`.
    pub track_commit_timestamp: bool,
    /// Bytes in a WAL segment.
    pub wal_segment_size: u32,
    /// 0: data pages have no checksums.
    pub data_checksum_version: u32,
}

impl ControlFile {
    /// The position a stopped server ends at: of a primary its shutdown checkpoint, of a standby what it
    /// has replayed at least.
    #[must_use]
    pub fn last_position(&self) -> Lsn {
        match self.min_recovery {
            Some((lsn, _)) => lsn.max(self.checkpoint),
            None => self.checkpoint,
        }
    }

    /// The timeline a stopped server ends on; a standby may have followed its primary onto a later one
    /// than its last checkpoint's.
    #[must_use]
    pub fn last_timeline(&self) -> Timeline {
        match self.min_recovery {
            Some((_, timeline)) => timeline.max(self.timeline),
            None => self.timeline,
        }
    }

    /// True when pg_rewind can work on this cluster.
    #[must_use]
    pub const fn can_rewind(&self) -> bool {
        self.wal_log_hints || self.data_checksum_version > 0
    }

    /// The major versions whose servers write this file: `13..=16` for 1300.
    #[must_use]
    pub fn majors(&self) -> std::ops::RangeInclusive<u32> {
        majors_of(self.control_version)
    }
}

/// Reads the control file of a data directory.
///
/// # Errors
/// [`Exit::BadConfig`]: not there, not readable, damaged, or of a version or a machine that this program
/// does not know.
pub fn read(data_dir: &Path) -> Result<ControlFile> {
    let path = data_dir.join("global/pg_control");
    let deadline = Deadline::after(TORN_PATIENCE);
    loop {
        let failed = |detail: String| {
            Error::new(Exit::BadConfig, format!("unable to read control file \"{}\"", path.display()))
                .detail(detail)
        };
        let bytes = files::read_small(&path, FILE_SIZE * 2).map_err(|why| {
            let error = failed(why.to_string());
            if why.kind() == io::ErrorKind::NotFound { error.hint("check \"data_directory\"") } else { error }
        })?;
        match parse(&bytes) {
            Ok(found) => return Ok(found),
            Err(Unreadable::Checksum) if !deadline.passed() => clock::pause(Duration::from_millis(10)),
            Err(why) => return Err(failed(why.to_string())),
        }
    }
}

/// Why bytes are no control file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Fewer bytes than the fields need.
    Short,
    /// Written by a machine of the other byte order.
    ByteOrder,
    /// A format before PostgreSQL 10, or one that is not known yet.
    Version(u32),
    /// The checksum does not fit: damaged, or caught while it was written.
    Checksum,
    /// A state that no version writes.
    State(u32),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the file is too short"),
            Self::ByteOrder => f.write_str("it was written on a machine of the other byte order"),
            Self::Version(v) => write!(f, "its format {v} is not one of PostgreSQL 10 to 18"),
            Self::Checksum => f.write_str("its checksum does not fit: the file is damaged"),
            Self::State(s) => write!(f, "it holds the state {s}, which is none"),
        }
    }
}

impl std::error::Error for Unreadable {}

fn majors_of(control_version: u32) -> std::ops::RangeInclusive<u32> {
    match control_version {
        1002 => 10..=10,
        1100 => 11..=11,
        1201 => 12..=12,
        1300 => 13..=16,
        1700 => 17..=17,
        1800 => 18..=18,
        other => other / 100..=other / 100,
    }
}

/// Reads the fields out of the file's bytes.
///
/// # Errors
/// [`Unreadable`].
pub fn parse(bytes: &[u8]) -> std::result::Result<ControlFile, Unreadable> {
    let mut at = Cursor { bytes, at: 0 };
    let system_identifier = at.u64()?;
    let control_version = at.u32()?;
    if control_version % 65_536 == 0 && control_version != 0 {
        return Err(Unreadable::ByteOrder);
    }
    if !matches!(control_version, 1002 | 1100 | 1201 | 1300 | 1700 | 1800) {
        return Err(Unreadable::Version(control_version));
    }
    let from = |version| control_version >= version;
    let catalog_version = at.u32()?;
    let state = at.u32()?;
    let modified = at.i64()?;
    let checkpoint = at.lsn()?;
    if !from(1100) {
        at.lsn()?; // the checkpoint before the last
    }
    let copy = at.checkpoint(control_version)?;
    at.lsn()?; // for unlogged relations
    let min_recovery = (at.lsn()?, Timeline(at.u32()?));
    let backup_start = at.lsn()?;
    at.lsn()?; // backup end
    at.bool()?; // backup end required
    let wal_level = at.u32()?;
    let wal_log_hints = at.bool()?;
    let max_connections = at.u32()?;
    let max_worker_processes = at.u32()?;
    let max_wal_senders = if from(1201) { Some(at.u32()?) } else { None };
    let max_prepared_transactions = at.u32()?;
    let max_locks_per_transaction = at.u32()?;
    let track_commit_timestamp = at.bool()?;
    let (wal_segment_size, data_checksum_version) = at.formats(control_version)?;
    at.verify_checksum()?;
    let index = usize::try_from(state).unwrap_or(usize::MAX);
    let state = *ClusterState::ALL.get(index).ok_or(Unreadable::State(state))?;
    Ok(ControlFile {
        system_identifier,
        control_version,
        catalog_version,
        state,
        modified,
        checkpoint,
        redo: copy.redo,
        timeline: copy.timeline,
        previous_timeline: copy.previous_timeline,
        checkpoint_time: copy.time,
        min_recovery: (min_recovery.0.0 != 0).then_some(min_recovery),
        backup_start: (backup_start.0 != 0).then_some(backup_start),
        wal_level,
        wal_log_hints,
        max_connections,
        max_worker_processes,
        max_wal_senders,
        max_prepared_transactions,
        max_locks_per_transaction,
        track_commit_timestamp,
        wal_segment_size,
        data_checksum_version,
    })
}

/// The last checkpoint's record as the file keeps it.
struct Checkpoint {
    redo: Lsn,
    timeline: Timeline,
    previous_timeline: Timeline,
    time: i64,
}

/// Walks over the fields as a C compiler laid them out: each at a multiple of its size.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Field<T> = std::result::Result<T, Unreadable>;

impl Cursor<'_> {
    fn align(&mut self, size: usize) {
        self.at = self.at.next_multiple_of(size);
    }

    fn take<const N: usize>(&mut self) -> Field<[u8; N]> {
        self.align(N);
        let field = self.bytes.get(self.at..).and_then(|b| b.first_chunk::<N>()).ok_or(Unreadable::Short)?;
        self.at += N;
        Ok(*field)
    }

    fn u32(&mut self) -> Field<u32> {
        self.take().map(u32::from_ne_bytes)
    }

    fn u64(&mut self) -> Field<u64> {
        self.take().map(u64::from_ne_bytes)
    }

    fn i64(&mut self) -> Field<i64> {
        self.take().map(i64::from_ne_bytes)
    }

    fn lsn(&mut self) -> Field<Lsn> {
        self.u64().map(Lsn)
    }

    fn bool(&mut self) -> Field<bool> {
        self.take::<1>().map(|[b]| b != 0)
    }

    fn skip_u32s(&mut self, count: usize) -> Field<()> {
        (0..count).try_for_each(|_| self.u32().map(drop))
    }

    fn skip_bytes(&mut self, count: usize) -> Field<()> {
        (0..count).try_for_each(|_| self.take::<1>().map(drop))
    }

    fn checkpoint(&mut self, control_version: u32) -> Field<Checkpoint> {
        self.align(8);
        let redo = self.lsn()?;
        let timeline = Timeline(self.u32()?);
        let previous_timeline = Timeline(self.u32()?);
        self.bool()?; // full page writes
        if control_version >= 1800 {
            self.u32()?; // wal_level
        }
        if control_version >= 1201 {
            self.u64()?; // next transaction, 64 bits
        } else {
            self.skip_u32s(2)?; // its epoch and its number
        }
        self.skip_u32s(7)?; // next and oldest oid, multixact, xid
        let time = self.i64()?;
        self.skip_u32s(3)?; // commit timestamps, oldest active xid
        self.align(8);
        Ok(Checkpoint { redo, timeline, previous_timeline, time })
    }

    /// What the data files are like: bytes in a WAL segment, version of the pages' checksums.
    fn formats(&mut self, control_version: u32) -> Field<(u32, u32)> {
        self.u32()?; // alignment
        self.u64()?; // floating point format
        self.skip_u32s(3)?; // block size, segment size, WAL block size
        let wal_segment_size = self.u32()?;
        self.skip_u32s(4)?; // name length, index keys, TOAST chunk, large object chunk
        if control_version < 1300 {
            self.bool()?; // float4 by value
        }
        self.bool()?; // float8 by value
        let data_checksum_version = self.u32()?;
        if control_version >= 1800 {
            self.bool()?; // signedness of char
        }
        self.skip_bytes(32)?; // nonce
        Ok((wal_segment_size, data_checksum_version))
    }

    /// Compares what was read so far with the checksum that follows.
    fn verify_checksum(&mut self) -> Field<()> {
        self.align(4);
        let checked = self.bytes.get(..self.at).ok_or(Unreadable::Short)?;
        if self.u32()? == crc32c(checked) { Ok(()) } else { Err(Unreadable::Checksum) }
    }
}

/// Castagnoli's CRC, bit by bit: 300 bytes now and then need no table.
fn crc32c(bytes: &[u8]) -> u32 {
    /// The polynomial, reversed.
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn bytes_that_are_no_control_file_are_told_apart() {
        let mut old = [0_u8; 512];
        old[8..12].copy_from_slice(&960_u32.to_ne_bytes());
        let mut swapped = [0_u8; 512];
        swapped[8..12].copy_from_slice(&1300_u32.swap_bytes().to_ne_bytes());
        let mut short = [0_u8; 100];
        short[8..12].copy_from_slice(&1300_u32.to_ne_bytes());
        let mut garbage = [0_u8; 512];
        garbage[8..12].copy_from_slice(&1300_u32.to_ne_bytes());
        for (why, bytes, want) in [
            ("nothing", &[][..], Unreadable::Short),
            ("zeros", &[0; 512], Unreadable::Version(0)),
            ("9.6", &old, Unreadable::Version(960)),
            ("another machine's", &swapped, Unreadable::ByteOrder),
            ("cut off", &short, Unreadable::Short),
            ("damaged", &garbage, Unreadable::Checksum),
        ] {
            assert_eq!(parse(bytes), Err(want), "{why}");
        }
    }
}
