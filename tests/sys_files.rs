//! Files as a crash or another reader would find them.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may panic")]

use hg_repmgr::sys::files::{
    DirState, dir_state, ownership, read_small, remove_file, room, size_under, write_atomic,
};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("files-{name}"));
    fs::remove_dir_all(&dir).ok();
    fs::create_dir_all(&dir).expect("dir");
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("dir")
        .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_whole_and_keeps_mode_owner_and_link() {
    let dir = scratch("replace");
    let (file, link) = (dir.join("a.conf"), dir.join("link.conf"));
    write_atomic(&file, b"one", 0o600).expect("new");
    assert_eq!(ownership(&file).expect("file").mode, 0o600, "a new file gets the mode asked for");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("chmod");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(65534), Some(65534)).expect("chown");
    }
    let before = ownership(&file).expect("file");
    symlink("a.conf", &link).expect("link");
    write_atomic(&link, b"two", 0o600).expect("through the link");
    assert_eq!(fs::read(&file).expect("read"), b"two");
    assert_eq!(ownership(&file).expect("file"), before);
    assert!(link.is_symlink());
    assert_eq!(names(&dir), ["a.conf", "link.conf"], "nothing is left beside it");
}

#[test]
fn a_new_file_of_root_belongs_to_the_owner_of_the_directory() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: not root");
        return;
    }
    let dir = scratch("owner");
    std::os::unix::fs::chown(&dir, Some(65534), Some(65534)).expect("chown");
    write_atomic(&dir.join("standby.signal"), b"", 0o600).expect("write");
    let got = ownership(&dir.join("standby.signal")).expect("file");
    assert_eq!((got.uid, got.gid, got.mode), (65534, 65534, 0o600));
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let dir = scratch("fail");
    let missing = write_atomic(&dir.join("no/such/a"), b"x", 0o600);
    assert!(missing.is_err());
    fs::create_dir(dir.join("sub")).expect("dir");
    assert!(write_atomic(&dir.join("sub"), b"x", 0o600).is_err(), "a directory is not replaced");
    assert_eq!(names(&dir), ["sub"]);
}

#[test]
fn a_directory_is_told_by_what_is_in_it() {
    let dir = scratch("state");
    for sub in ["empty", "mount/lost+found", "pg", "other"] {
        fs::create_dir_all(dir.join(sub)).expect("dir");
    }
    fs::write(dir.join("pg/PG_VERSION"), "15\n").expect("file");
    fs::write(dir.join("other/.hidden"), "").expect("file");
    for (why, path, want) in [
        ("nothing there", "missing", DirState::Missing),
        ("nothing in it", "empty", DirState::Empty),
        ("a fresh file system", "mount", DirState::Empty),
        ("PostgreSQL's", "pg", DirState::PostgresDirectory { version: "15".to_owned() }),
        ("a hidden file counts", "other", DirState::NotEmpty),
        ("a file", "other/.hidden", DirState::NotADirectory),
    ] {
        assert_eq!(dir_state(&dir.join(path)), want, "{why}");
    }
}

#[test]
fn room_and_size_are_measured() {
    let dir = scratch("size");
    fs::create_dir_all(dir.join("a/b")).expect("dir");
    fs::write(dir.join("a/x"), vec![0; 1000]).expect("file");
    fs::write(dir.join("a/b/y"), vec![0; 234]).expect("file");
    symlink("/", dir.join("a/everything")).expect("link");
    let link = fs::symlink_metadata(dir.join("a/everything")).expect("link").len();
    assert_eq!(size_under(&dir).expect("size"), 1234 + link);
    let here = room(&dir).expect("room");
    let there = room(&dir.join("not/yet/there")).expect("room");
    assert!(here.free > 0 && here.free <= here.total);
    assert_eq!(
        (here.total, here.device),
        (there.total, there.device),
        "what is missing is measured at its parent"
    );
}

#[test]
fn small_files_are_read_without_waiting_and_without_links() {
    let dir = scratch("small");
    fs::write(dir.join("f"), "12345").expect("file");
    symlink("f", dir.join("l")).expect("link");
    assert_eq!(read_small(&dir.join("f"), 5).expect("read"), b"12345");
    assert!(read_small(&dir.join("f"), 4).is_err(), "too large");
    assert!(read_small(&dir.join("l"), 5).is_err(), "a link");
    remove_file(&dir.join("f")).expect("remove");
    remove_file(&dir.join("f")).expect("again is fine");
}
