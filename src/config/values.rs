//! What a setting's value is once it has been read: the enumerated words and how each type is taken from
//! canonical text.

use serde::{Deserialize, Deserializer, de::Error as _};
use std::path::PathBuf;
use std::time::Duration;

/// A type that a setting can have; read from the canonical text that [`super::kind::Kind::canonical`] makes.
pub trait Value: Sized {
    /// The value. `None`: the text is not canonical for this type.
    fn from_canonical(text: &str) -> Option<Self>;
}

/// The bridge to serde: every field of `Settings` is read by it.
pub(super) fn field<'de, D: Deserializer<'de>, T: Value>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    T::from_canonical(&text).ok_or_else(|| D::Error::custom("not a canonical value"))
}

/// Sets apart the members of a list in canonical text: no line of a file can hold it.
pub(super) const LIST_MARK: char = '\n';

/// Sets apart the two halves of a pair in canonical text.
pub(super) const PAIR_MARK: char = '\t';

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The words that the configuration file takes, in the order in which they are offered.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word in the configuration file.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Value for $name {
            fn from_canonical(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// Which of the two originals decides where they differ, as written.
    Compatibility {
        /// By the name of the configuration file.
        Auto = "auto",
        /// As repmgr does.
        Repmgr = "repmgr",
        /// As hg_repmgr does.
        Hg = "hg",
    }
}
words! {
    /// What the daemon does when the primary is lost.
    Failover {
        /// It elects, promotes and follows by itself.
        Automatic = "automatic",
        /// It watches and tells.
        Manual = "manual",
    }
}
words! {
    /// How the daemon sees whether a server is there.
    ConnectionCheckType {
        /// Ask whether it accepts connections.
        Ping = "ping",
        /// Make a new connection.
        Connection = "connection",
        /// Run a query on the open connection.
        Query = "query",
    }
}
words! {
    /// Kind of replication.
    ReplicationType {
        /// Streaming replication.
        Physical = "physical",
        /// BDR: read, and refused where it would be used.
        Bdr = "bdr",
    }
}
words! {
    /// Who may decide a failover.
    FailoverQuorum {
        /// A majority of three or more voters; of two, as `trusted_servers` tells.
        Auto = "auto",
        /// Never without a majority.
        Majority = "majority",
        /// Without asking anybody, as repmgr does.
        None = "none",
    }
}
words! {
    /// What becomes of a primary whose server process died.
    PrimaryCrashAction {
        /// As the designers hold best: failover.
        Auto = "auto",
        /// Hand over to a standby.
        Failover = "failover",
        /// Start it again in its place.
        Restart = "restart",
    }
}
words! {
    /// What to do when a former primary can neither follow nor be rewound.
    RejoinFallback {
        /// Leave it to a person.
        None = "none",
        /// Clone it again beside the old data directory.
        Clone = "clone",
    }
}
words! {
    /// The least important message that is written.
    LogLevel {
        /// For developers.
        Debug = "DEBUG",
        /// What goes on.
        Info = "INFO",
        /// What an operator wants to see.
        Notice = "NOTICE",
        /// Something may be wrong.
        Warning = "WARNING",
        /// Something failed.
        Error = "ERROR",
        /// Somebody should act.
        Alert = "ALERT",
        /// Somebody must act now.
        Crit = "CRIT",
        /// Nothing works.
        Emerg = "EMERG",
    }
}
words! {
    /// Where messages go when no file is named.
    LogFacility {
        /// Standard error.
        Stderr = "STDERR",
        /// syslog, local use 0.
        Local0 = "LOCAL0",
        /// syslog, local use 1.
        Local1 = "LOCAL1",
        /// syslog, local use 2.
        Local2 = "LOCAL2",
        /// syslog, local use 3.
        Local3 = "LOCAL3",
        /// syslog, local use 4.
        Local4 = "LOCAL4",
        /// syslog, local use 5.
        Local5 = "LOCAL5",
        /// syslog, local use 6.
        Local6 = "LOCAL6",
        /// syslog, local use 7.
        Local7 = "LOCAL7",
        /// syslog, user messages.
        User = "USER",
    }
}

impl Value for bool {
    fn from_canonical(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for i32 {
    fn from_canonical(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for u32 {
    fn from_canonical(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for u64 {
    fn from_canonical(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for u16 {
    fn from_canonical(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for Duration {
    /// Canonical: whole microseconds.
    fn from_canonical(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::from_micros)
    }
}

impl Value for String {
    fn from_canonical(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for PathBuf {
    fn from_canonical(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

/// Canonical: nothing at all for absence.
impl<T: Value> Value for Option<T> {
    fn from_canonical(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { T::from_canonical(text).map(Some) }
    }
}

impl<T: Value> Value for Vec<T> {
    fn from_canonical(text: &str) -> Option<Self> {
        text.split(LIST_MARK).filter(|member| !member.is_empty()).map(T::from_canonical).collect()
    }
}

impl Value for (String, String) {
    fn from_canonical(text: &str) -> Option<Self> {
        text.split_once(PAIR_MARK).map(|(from, to)| (from.to_owned(), to.to_owned()))
    }
}
