//! The unfinished clone: the folder in which the copy is made, and the note beside it that says so.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::files;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The folder in the data directory in which the copy is made. PostgreSQL ignores it.
pub const FOLDER: &str = ".repmgr_clone_unfinished";

/// The note, in letters that stand out in a listing.
pub const NOTE: &str = "REPMGR_CLONE_UNFINISHED";

/// A note is a page at the most.
const NOTE_LIMIT: u64 = 64 * 1024;

/// What the note tells the next clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Where the copy came from, without a password.
    pub source: String,
    /// When it began, local time.
    pub begun: String,
    /// Folders outside the data directory that belong to the copy: tablespaces, WAL.
    pub folders: Vec<PathBuf>,
}

/// The folder of the copy.
#[must_use]
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join(FOLDER)
}

/// The note's text.
#[must_use]
pub fn text(unfinished: &Unfinished, node: &str) -> String {
    let mut out = format!(
        "This is an unfinished copy of another PostgreSQL server. PostgreSQL cannot start on it.\n\
         \n\
         made by: repmgr standby clone, process {}\n\
         begun: {}\n\
         source: {}\n\
         node: {node}\n\
         copy: {FOLDER}/\n",
        std::process::id(),
        unfinished.begun,
        unfinished.source
    );
    for folder in &unfinished.folders {
        out.push_str(&format!("folder: {}\n", folder.display()));
    }
    out.push_str(
        "\nTo make the copy anew, run the same \"repmgr standby clone\" with -F/--force.\n\
         To give it up, remove this directory and the folders named above.\n",
    );
    out
}

/// What a note says.
#[must_use]
pub fn parse(text: &str) -> Unfinished {
    let mut out = Unfinished::default();
    for (key, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        match key {
            "source" => value.clone_into(&mut out.source),
            "begun" => value.clone_into(&mut out.begun),
            "folder" => out.folders.push(value.into()),
            _ => {}
        }
    }
    out
}

/// The note in a data directory. `None`: there is none.
#[must_use]
pub fn find(data_dir: &Path) -> Option<Unfinished> {
    let bytes = files::read_small(&data_dir.join(NOTE), NOTE_LIMIT).ok()?;
    Some(parse(&String::from_utf8_lossy(&bytes)))
}

/// Whether the directory holds nothing but a note that was being written when its clone was killed.
#[must_use]
pub fn is_half_written(data_dir: &Path) -> bool {
    let begins = format!(".{NOTE}.");
    let names: Vec<String> = std::fs::read_dir(data_dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lost+found")
        .collect();
    !names.is_empty() && names.iter().all(|name| name.starts_with(&begins) && name.ends_with(".tmp"))
}

/// Keeps other clones away from a directory as long as the value lives.
///
/// # Errors
/// [`Exit::BadConfig`]: another clone is at work there, or the directory cannot be opened.
pub fn hold(data_dir: &Path) -> Result<File> {
    let dir = File::open(data_dir).map_err(|why| {
        Error::new(Exit::BadConfig, format!("unable to open \"{}\"", data_dir.display()))
            .detail(why.to_string())
    })?;
    match dir.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(Exit::BadConfig, "another \"standby clone\" is at work on this data directory")
                .detail(format!("data directory \"{}\"", data_dir.display()))
                .hint("wait for its end, or end it"))
        }
        // A file system that knows no locks has none to respect.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(dir),
    }
}

/// Writes the note.
///
/// # Errors
/// [`Exit::BadConfig`] when it cannot be written.
pub fn write(data_dir: &Path, text: &str) -> Result<()> {
    let path = data_dir.join(NOTE);
    files::write_atomic(&path, text.as_bytes(), 0o600).map_err(|why| {
        Error::new(Exit::BadConfig, format!("unable to write \"{}\"", path.display())).detail(why.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_was_being_written_is_known_by_its_name() {
        let dir = std::env::temp_dir().join(format!("clone-note-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("lost+found")).unwrap();
        assert!(!is_half_written(&dir), "nothing at all");
        std::fs::write(dir.join(format!(".{NOTE}.4711.tmp")), "x").unwrap();
        assert!(is_half_written(&dir));
        std::fs::write(dir.join("mine"), "x").unwrap();
        assert!(!is_half_written(&dir), "something else beside it");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_note_says_what_the_next_clone_needs() {
        let unfinished = Unfinished {
            source: "host=n1 user=repmgr".to_owned(),
            begun: "2026-11-21 02:50:01".to_owned(),
            folders: vec!["/ts/a b".into(), "/wal".into()],
        };
        let text = text(&unfinished, "\"n2\" (ID: 2)");
        assert_eq!(parse(&text), unfinished);
        assert!(text.contains("cannot start") && text.contains("-F"));
        assert_eq!(parse("nonsense"), Unfinished::default());
    }
}
