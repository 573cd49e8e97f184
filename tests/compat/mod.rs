//! The original repmgr beside ours, on the same cluster.
//!
//! ```text
//! let pair = Pair::run(lab.host(1), &["cluster", "show"]);
//! pair.same_code().same_stdout();
//! ```

mod normal;

pub use normal::normalise;

use crate::cluster::{Host, Out};

/// What the original and ours said to the same arguments, with the same configuration file.
#[derive(Clone, Debug)]
pub struct Pair {
    pub original: Out,
    pub ours: Out,
}

impl Pair {
    /// Runs both, the original first. For commands that change nothing, or may be repeated.
    #[track_caller]
    pub fn run(host: &Host, args: &[&str]) -> Self {
        Self { original: host.original(args), ours: host.repmgr(args) }
    }

    /// Stops the test unless the exit codes are alike.
    #[track_caller]
    pub fn same_code(&self) -> &Self {
        let (theirs, ours) = (self.original.code, self.ours.code);
        assert_eq!(
            theirs, ours,
            "exit codes: original {theirs}, ours {ours}\n{}\n{}",
            self.original, self.ours
        );
        self
    }

    /// Stops the test unless stdout is alike, but for times, WAL positions and process numbers.
    #[track_caller]
    pub fn same_stdout(&self) -> &Self {
        let (theirs, ours) = (normalise(&self.original.stdout), normalise(&self.ours.stdout));
        assert!(
            theirs == ours,
            "stdout differs:\n{}\n{}\n{}",
            diff(&theirs, &ours),
            self.original,
            self.ours
        );
        self
    }

    /// Where stdout differs: `-` is the original's line, `+` ours; empty when it does not.
    pub fn difference(&self) -> String {
        diff(&normalise(&self.original.stdout), &normalise(&self.ours.stdout))
    }
}

/// Lines that one has and the other does not have in the same place.
pub fn diff(theirs: &str, ours: &str) -> String {
    let (theirs, ours): (Vec<_>, Vec<_>) = (theirs.lines().collect(), ours.lines().collect());
    let mut text = String::new();
    for at in 0..theirs.len().max(ours.len()) {
        let (their, our) = (theirs.get(at), ours.get(at));
        if their != our {
            for (sign, line) in [('-', their), ('+', our)] {
                if let Some(line) = line {
                    text += &format!("{sign}{line}\n");
                }
            }
        }
    }
    text
}

#[test]
fn a_difference_names_both_lines() {
    assert_eq!(diff("a\nb\n", "a\nc\n"), "-b\n+c\n");
    assert_eq!(diff("a\n", "a\nb\n"), "+b\n");
    assert_eq!(diff("a\n", "a\n"), "");
}
