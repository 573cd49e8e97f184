//! The one error value: what failed, what was seen, what to do next, and the exit code.

use crate::exit::Exit;
use std::fmt;

/// What a command ends with when it cannot do what it was asked.
///
/// Written to stderr as `ERROR: message`, one `DETAIL:` line each detail, one `HINT:` line each hint.
/// No part of it may hold a password: conninfo strings are redacted before they get here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The code the process ends with.
    pub exit: Exit,
    /// What failed, in one line, without a full stop.
    pub message: String,
    /// What was seen. Empty: nothing beyond the message is known.
    pub detail: Vec<String>,
    /// What to do next. Empty: nothing sensible to propose.
    pub hint: Vec<String>,
}

/// `Result` with the project's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A new error without detail or hint.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), detail: Vec::new(), hint: Vec::new() }
    }

    /// Adds a DETAIL line: what was seen.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail.push(text.into());
        self
    }

    /// Adds a HINT line: what to do next.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint.push(text.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for d in &self.detail {
            write!(f, "; {d}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
