//! A folder that goes away with its test.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot write its files has failed")]

use hg_repmgr::config::{self, Loaded, Search};
use hg_repmgr::error::Error;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub const HEAD: &str =
    "node_id=1\nnode_name='n1'\nconninfo='host=n1 user=repmgr dbname=repmgr'\ndata_directory='/data'\n";

pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("hg_repmgr-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A search that sees nothing outside this folder.
    pub fn search(&self) -> Search {
        Search {
            explicit: None,
            program: None,
            env: BTreeMap::new(),
            cwd: self.0.join("cwd"),
            etc: self.0.join("etc"),
        }
    }

    pub fn load(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<Loaded, Error> {
        load(&self.write(name, bytes))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn load(file: &Path) -> Result<Loaded, Error> {
    let search = Search {
        explicit: Some(file.to_owned()),
        program: None,
        env: BTreeMap::<String, OsString>::new(),
        cwd: PathBuf::from("/"),
        etc: PathBuf::from("/nowhere"),
    };
    config::load(&search)
}

/// The texts of all warnings, a line each.
pub fn warnings(loaded: &Loaded) -> String {
    loaded.warnings.iter().map(|w| format!("{} | {}\n", w.text, w.hint.as_deref().unwrap_or(""))).collect()
}
