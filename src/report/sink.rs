//! Where messages go: stderr, a file, syslog. One message is one write.

use super::level::{Facility, Level};
use crate::sys::clock;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the local syslog listens.
const SYSLOG_SOCKET: &str = "/dev/log";

/// How long a stuck syslog may hold a message up; then the message is dropped.
const SYSLOG_PATIENCE: Duration = Duration::from_millis(200);

/// Where messages are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Standard error, as `LEVEL: text`.
    Stderr,
    /// This file, as `[time] [LEVEL] text`.
    File(PathBuf),
    /// The local syslog.
    Syslog(Facility),
}

/// Whether the LEVEL word is coloured on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// When stderr is a terminal and `NO_COLOR` is not set.
    Auto,
    /// Never.
    Never,
}

/// One message as the formatter sees it: the lines in order, each with its word.
pub struct Lines<'a> {
    /// The level of the message.
    pub level: Level,
    /// The words DETAIL, HINT or the level's own, with the text of each.
    pub lines: Vec<(&'a str, &'a str)>,
}

/// An open destination.
pub enum Sink {
    /// Standard error; the flag of the colour is settled when it is opened.
    Stderr {
        /// Escape sequences around the LEVEL word.
        coloured: bool,
    },
    /// A file opened for appending.
    File {
        /// Its path, for reopening.
        path: PathBuf,
        /// The open file.
        file: File,
    },
    /// The local syslog.
    Syslog {
        /// Its drawer.
        facility: Facility,
        /// The name before the process id.
        ident: String,
        /// The socket.
        socket: UnixDatagram,
    },
}

impl Sink {
    /// Opens a destination.
    ///
    /// # Errors
    /// What the system said about the file or the socket.
    pub fn open(destination: &Destination, colour: Colour, ident: &str) -> io::Result<Self> {
        Ok(match destination {
            Destination::Stderr => Self::stderr(colour),
            Destination::File(path) => Self::File { path: path.clone(), file: append_to(path)? },
            Destination::Syslog(facility) => {
                Self::Syslog { facility: *facility, ident: ident.to_owned(), socket: syslog_socket()? }
            }
        })
    }

    /// Standard error, which is always there.
    #[must_use]
    pub fn stderr(colour: Colour) -> Self {
        let wanted = match colour {
            Colour::Never => false,
            Colour::Auto => {
                std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                    && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
            }
        };
        Self::Stderr { coloured: wanted && io::stderr().is_terminal() }
    }

    /// Opens a file anew, so that logrotate's new file gets what follows. Others stay as they are.
    ///
    /// # Errors
    /// What the system said; the old file is kept then.
    pub fn reopen(&mut self) -> io::Result<()> {
        if let Self::File { path, file } = self {
            *file = append_to(path)?;
        }
        Ok(())
    }

    /// The message as this destination wants it.
    #[must_use]
    pub fn render(&self, message: &Lines<'_>) -> String {
        let mut out = String::new();
        for (index, (word, text)) in message.lines.iter().enumerate() {
            let text = text.trim_end();
            match self {
                Self::Stderr { coloured: true } if index == 0 && !message.level.colour().is_empty() => {
                    out.push_str(&format!("{}{word}:\x1b[0m {text}\n", message.level.colour()));
                }
                Self::Stderr { coloured: _ } => out.push_str(&format!("{word}: {text}\n")),
                Self::File { .. } => {
                    out.push_str(&format!("[{}] [{word}] {text}\n", clock::local_stamp()));
                }
                Self::Syslog { facility, ident, .. } => {
                    let priority = facility.code() | message.level.severity();
                    let (stamp, pid) = (clock::syslog_stamp(), std::process::id());
                    for line in text.lines().filter(|l| !l.trim().is_empty()) {
                        out.push_str(&format!("<{priority}>{stamp} {ident}[{pid}]: [{word}] {line}\n"));
                    }
                }
            }
        }
        out
    }

    /// Writes a rendered message whole.
    ///
    /// # Errors
    /// What the system said.
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stderr { .. } => io::stderr().lock().write_all(bytes),
            Self::File { file, .. } => file.write_all(bytes),
            Self::Syslog { socket, .. } => {
                for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
                    if socket.send(line).is_err() {
                        *socket = syslog_socket()?;
                        socket.send(line)?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn syslog_socket() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(SYSLOG_SOCKET)?;
    socket.set_write_timeout(Some(SYSLOG_PATIENCE))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Lines<'static> {
        Lines { level: Level::Warning, lines: vec![("WARNING", "low"), ("DETAIL", "\nfirst\nsecond\n")] }
    }

    #[test]
    fn syslog_gets_one_datagram_a_line_with_its_priority() {
        let (socket, syslog) = UnixDatagram::pair().unwrap();
        let facility = Facility::from_word("LOCAL3").unwrap();
        let mut sink = Sink::Syslog { facility, ident: "repmgrd".to_owned(), socket };
        let text = sink.render(&message());
        sink.put(text.as_bytes()).unwrap();
        for want in ["[WARNING] low", "[DETAIL] first", "[DETAIL] second"] {
            let mut buffer = [0; 200];
            let n = syslog.recv(&mut buffer).unwrap();
            let got = String::from_utf8_lossy(&buffer[..n]).into_owned();
            assert!(got.starts_with("<156>"), "19 * 8 + 4: {got}");
            assert!(got.ends_with(&format!(" repmgrd[{}]: {want}", std::process::id())), "{got}");
        }
    }

    #[test]
    fn only_the_level_word_is_coloured() {
        let plain = Sink::Stderr { coloured: false }.render(&message());
        assert_eq!(plain, "WARNING: low\nDETAIL: \nfirst\nsecond\n");
        let coloured = Sink::Stderr { coloured: true }.render(&message());
        assert_eq!(coloured, "\x1b[33mWARNING:\x1b[0m low\nDETAIL: \nfirst\nsecond\n");
    }
}
