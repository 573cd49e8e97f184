//! The WAL that a rewind discards, kept aside: for pg_waldump, and for a rewind that is cut off, which may
//! have removed what it needs to be done again.

use super::guard::cannot;
use crate::config::Settings;
use crate::domain::lsn::Lsn;
use crate::error::Result;
use crate::sys::{clock, files, state};
use std::path::{Path, PathBuf};

/// The largest segment that PostgreSQL can be built with.
const SEGMENT_LIMIT: u64 = 1 << 30;

/// The segments from one position to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first position.
    pub from: Lsn,
    /// The last one.
    pub to: Lsn,
    /// Bytes in a segment.
    pub segment: u32,
}

impl Span {
    /// Whether a file of `pg_wal` belongs to it: a segment of any timeline, whole or partial, or a history.
    fn covers(&self, name: &str) -> bool {
        if name.len() == 16 && name.ends_with(".history") {
            return true;
        }
        let Some((digits, rest)) = name.split_at_checked(24) else { return false };
        if !matches!(rest, "" | ".partial") || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        let part = |range| digits.get(range).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        let (Some(log), Some(low)) = (part(8..16), part(16..24)) else { return false };
        let size = u64::from(self.segment.max(1));
        let number = log.saturating_mul((1 << 32) / size).saturating_add(low);
        (self.from.0 / size..=self.to.0 / size).contains(&number)
    }
}

/// A new folder's path below `rejoin_keep_wal_dir`, or beside the data directory.
#[must_use]
pub fn place(settings: &Settings) -> PathBuf {
    let data_dir = &settings.data_directory;
    let base = settings.rejoin_keep_wal_dir.clone().unwrap_or_else(|| {
        let mut name = data_dir.file_name().unwrap_or_default().to_owned();
        name.push(".lost-wal");
        data_dir.with_file_name(name)
    });
    let stamp: String = clock::local_stamp().chars().filter(char::is_ascii_digit).collect();
    base.join(format!("{}-{stamp}", settings.node_name.replace('/', "_")))
}

/// Copies the segments of `span` into `to`; what is there whole already stays. Returns how many there are.
///
/// # Errors
/// [`crate::exit::Exit::Rejoin`].
pub fn keep(data_dir: &Path, to: &Path, span: Span) -> Result<usize> {
    state::make_folder(to, data_dir).map_err(|why| cannot("make", to, &why))?;
    let from = data_dir.join("pg_wal");
    let mut count = 0;
    for name in names(&from)? {
        if span.covers(&name) {
            copy(&from.join(&name), &to.join(&name))?;
            count += 1;
        }
    }
    Ok(count)
}

/// Puts everything that was kept back.
///
/// # Errors
/// [`crate::exit::Exit::Rejoin`].
pub fn put_back(data_dir: &Path, kept: &Path) -> Result<()> {
    for name in names(kept)? {
        copy(&kept.join(&name), &data_dir.join("pg_wal").join(&name))?;
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let list = || -> std::io::Result<Vec<String>> {
        let entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
        Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    };
    let mut names = list().map_err(|why| cannot("read", folder, &why))?;
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = files::read_small(from, SEGMENT_LIMIT).map_err(|why| cannot("read", from, &why))?;
    if files::read_small(to, SEGMENT_LIMIT).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    files::write_atomic(to, &bytes, 0o600).map_err(|why| cannot("write", to, &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_the_range_and_histories_are_kept() {
        let span = Span { from: Lsn(0x1_FF00_0010), to: Lsn(0x2_0100_0000), segment: 16 << 20 };
        for (name, want) in [
            ("0000000100000001000000FE", false),
            ("0000000100000001000000FF", true),
            ("000000030000000200000000", true),
            ("000000010000000200000001.partial", true),
            ("000000010000000200000002", false),
            ("00000002.history", true),
            ("archive_status", false),
            ("000000010000000200000001.00000028.backup", false),
        ] {
            assert_eq!(span.covers(name), want, "{name}");
        }
    }
}
