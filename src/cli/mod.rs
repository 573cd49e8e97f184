//! What was typed: [`normalise`] takes the command line apart, [`verbs`] and [`options`] are the tables of what
//! there is, [`invocation`] puts both together into what a command gets. [`table`] is how results are laid out.

pub mod args;
pub mod choices;
pub mod completions;
pub mod help;
pub mod invocation;
pub mod manual;
pub mod normalise;
pub mod options;
pub mod table;
pub mod verbs;
mod width;

pub use args::General;
pub use invocation::{Command, Invocation, Place, Request, parse};
