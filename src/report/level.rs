//! The eight levels of messages, and what they are called.

use std::fmt;
use std::str::FromStr;

/// How grave a message is. Ordered: a later one is graver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For who looks into the program.
    Debug,
    /// What is being done.
    Info,
    /// What has changed, or is worth knowing.
    Notice,
    /// Something is not as it should be; the work goes on.
    Warning,
    /// What was asked for cannot be done.
    Error,
    /// Graver than an error: somebody has to look.
    Crit,
    /// Somebody has to look at once.
    Alert,
    /// Nothing works any more.
    Emerg,
}

impl Level {
    /// Every level, the least grave first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Crit,
        Self::Alert,
        Self::Emerg,
    ];

    /// The word in messages and in `log_level`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Crit => "CRIT",
            Self::Alert => "ALERT",
            Self::Emerg => "EMERG",
        }
    }

    /// The more talkative of the two: `--dry-run` shows at least INFO, whatever the file says.
    #[must_use]
    pub fn at_least(self, other: Self) -> Self {
        self.min(other)
    }

    /// syslog's number of the severity.
    #[must_use]
    pub const fn severity(self) -> u8 {
        match self {
            Self::Emerg => 0,
            Self::Alert => 1,
            Self::Crit => 2,
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }

    /// The `log` crate's level that carries it; NOTICE shares Info, everything from ERROR on shares Error.
    #[must_use]
    pub const fn carrier(self) -> log::Level {
        match self {
            Self::Debug => log::Level::Debug,
            Self::Info | Self::Notice => log::Level::Info,
            Self::Warning => log::Level::Warn,
            Self::Error | Self::Crit | Self::Alert | Self::Emerg => log::Level::Error,
        }
    }

    /// The escape sequence that colours the word on a terminal; empty: none.
    #[must_use]
    pub const fn colour(self) -> &'static str {
        match self {
            Self::Debug => "\x1b[2m",
            Self::Info => "",
            Self::Notice => "\x1b[36m",
            Self::Warning => "\x1b[33m",
            Self::Error | Self::Crit | Self::Alert | Self::Emerg => "\x1b[1;31m",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that is no level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLevel(pub String);

impl fmt::Display for BadLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = Level::ALL.iter().map(|l| l.word()).collect();
        write!(f, "\"{}\" is not a log level; the levels are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for BadLevel {}

impl FromStr for Level {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let found = Self::ALL.into_iter().find(|l| l.word().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| BadLevel(text.to_owned()))
    }
}

/// Which of syslog's drawers the messages go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Facility {
    /// `USER`.
    User,
    /// `LOCAL0` to `LOCAL7`.
    Local(LocalNumber),
}

/// 0 to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalNumber(u8);

impl Facility {
    /// The facility that a word in `log_facility` names. `None`: not a facility (`STDERR` is none either).
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_uppercase();
        if word == "USER" {
            return Some(Self::User);
        }
        match word.strip_prefix("LOCAL")?.as_bytes() {
            [digit @ b'0'..=b'7'] => Some(Self::Local(LocalNumber(digit - b'0'))),
            _ => None,
        }
    }

    /// syslog's number of the facility, already in its place (shifted by three bits).
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::User => 1 << 3,
            Self::Local(LocalNumber(n)) => (16 + n) << 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_any_case_and_ordered_by_gravity() {
        for (why, text, want) in [
            ("as documented", "NOTICE", Some(Level::Notice)),
            ("small letters", "debug", Some(Level::Debug)),
            ("blanks around", " Emerg ", Some(Level::Emerg)),
            ("syslog's own word is not ours", "ERR", None),
            ("nothing", "", None),
        ] {
            assert_eq!(text.parse::<Level>().ok(), want, "{why}");
        }
        assert!(Level::ALL.windows(2).all(|w| w[0] < w[1] && w[0].severity() > w[1].severity()));
    }

    #[test]
    fn facilities_have_syslogs_numbers() {
        for (why, text, want) in [
            ("user", "user", Some(8)),
            ("first local", "LOCAL0", Some(128)),
            ("last local", "local7", Some(184)),
            ("no such local", "LOCAL8", None),
            ("stderr is not a facility", "STDERR", None),
        ] {
            assert_eq!(Facility::from_word(text).map(Facility::code), want, "{why}");
        }
    }
}
