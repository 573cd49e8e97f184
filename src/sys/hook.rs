//! Commands of the user: the only shell.

use super::clock::Deadline;
use super::exec::{Output, Program, Stream};
use super::identity::Identity;
use crate::domain::hook_template::{Placeholder, substitute};
use crate::error::{Error, Result};
use crate::exit::Exit;
use std::fmt;

/// A value for a hook: in the command where its placeholder stands, and in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookValue {
    /// `n` of `%n`. `None`: the environment alone has it.
    pub letter: Option<char>,
    /// The variable, such as `HG_REPMGR_EVENT`.
    pub variable: &'static str,
    /// The value; empty when there is none.
    pub text: String,
}

impl HookValue {
    /// A value with a placeholder.
    pub fn new(letter: char, variable: &'static str, text: impl Into<String>) -> Self {
        Self { letter: Some(letter), variable, text: text.into() }
    }
}

/// A configured command, ready to run.
#[derive(Clone)]
pub struct Hook {
    command: String,
    program: Program,
}

/// Without the command, which may hold a password.
impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(***)")
    }
}

impl Hook {
    /// Puts the values into a configured command (`setting` names it in messages).
    ///
    /// # Errors
    /// [`Exit::BadConfig`] when a value cannot be put where its placeholder stands.
    pub fn new(setting: &str, command: &str, values: &[HookValue]) -> Result<Self> {
        let placeholders: Vec<Placeholder<'_>> = values
            .iter()
            .filter_map(|v| v.letter.map(|letter| Placeholder { letter, value: &v.text }))
            .collect();
        let command = substitute(command, &placeholders).map_err(|why| {
            Error::new(Exit::BadConfig, format!("unable to run \"{setting}\""))
                .detail(why.to_string())
                .hint("take the value from the environment there, or call a script with the placeholder as its argument")
        })?;
        let mut program = Program::new("/bin/sh").args(["-c", command.as_str()]);
        for value in values {
            program = program.env(value.variable, value.text.replace('\0', ""));
        }
        Ok(Self { command, program })
    }

    /// A configured command without placeholders, as it stands in the file.
    #[must_use]
    pub fn verbatim(command: &str) -> Self {
        Self { command: command.to_owned(), program: Program::new("/bin/sh").args(["-c", command]) }
    }

    /// The command as the shell gets it.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Runs it as another user, when we are not that user already.
    #[must_use]
    pub fn run_as(mut self, identity: Identity) -> Self {
        self.program = self.program.run_as(identity);
        self
    }

    /// Runs it and waits for it until the deadline.
    ///
    /// # Errors
    /// [`Exit::LocalCommand`] when there is no shell. A command that fails is not an error here.
    pub fn run(&self, deadline: Deadline) -> Result<Output> {
        self.program.run(deadline)
    }

    /// As [`Hook::run`], line by line.
    ///
    /// # Errors
    /// [`Exit::LocalCommand`] when there is no shell.
    pub fn stream(&self, deadline: Deadline, on_line: &mut dyn FnMut(Stream, &str)) -> Result<Output> {
        self.program.stream(deadline, on_line)
    }
}
