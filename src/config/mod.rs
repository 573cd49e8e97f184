//! The configuration file: from the text that people wrote to typed settings.
//!
//! Reading order: [`lexer`] (text → entries), [`include`] (files → items), [`settings`] (THE table, one
//! row a key, and the struct made from it), [`kind`] (what a value may be), [`check`] (items → settings,
//! every mistake at once), [`search`] (where the file lies), [`load`] (all of it together). [`dump`],
//! [`sample`] and [`manual`] show the table to people.

mod amount;
pub mod check;
pub mod dump;
pub mod include;
pub mod kind;
pub mod lexer;
pub mod load;
pub mod manual;
mod prose;
pub mod sample;
pub mod search;
pub mod settings;
pub mod values;
mod vip;

pub use dump::{dump_json, dump_text};
pub use load::{Loaded, defaults, load, load_optional};
pub use search::Search;
pub use settings::Settings;
pub use values::{
    Compatibility, ConnectionCheckType, Failover, FailoverQuorum, LogFacility, LogLevel, PrimaryCrashAction,
    RejoinFallback, ReplicationType,
};

use std::fmt;
use std::path::PathBuf;

/// Which of the two originals decides where they differ, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// As repmgr 5.x does.
    Repmgr,
    /// As hg_repmgr does.
    Hg,
}

impl Mode {
    /// The word in the configuration file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Repmgr => "repmgr",
            Self::Hg => "hg",
        }
    }
}

/// Something about the file that does not keep it from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is; begins with `file:line:` where it has a line.
    pub text: String,
    /// What was seen. `None`: nothing beyond the text.
    pub detail: Option<String>,
    /// What to do about it. `None`: nothing sensible to propose.
    pub hint: Option<String>,
}

impl Warning {
    /// A warning without detail or hint.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), detail: None, hint: None }
    }

    /// With what was seen.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = Some(text.into());
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }
}

/// One `key=value` of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// As it was written.
    pub key: String,
    /// Without its quotes. May hold a password.
    pub value: String,
    /// The file that holds it.
    pub file: PathBuf,
    /// Its line there, from 1.
    pub line: usize,
}

/// Without the value, which may hold a password.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({}: {})", self.place(), self.key)
    }
}

impl Item {
    /// `file:line`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}
