//! The only writer of messages.
//!
//! ```no_run
//! use hg_repmgr::report;
//! report::notice("standby clone complete").hint("start the server now");
//! ```
//! A message is written when it goes out of scope: its level's line, one `DETAIL` line each detail, one
//! `HINT` line each hint, all in one write, so that threads cannot tear them apart. `log` and `env_logger`
//! lie underneath; DETAIL and HINT ride as key-values.

mod level;
mod sink;

pub use level::{BadLevel, Facility, Level, LocalNumber};
pub use sink::{Colour, Destination};

use crate::error::Error;
use sink::{Lines, Sink};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// Under which name our records go through `log`; records of other crates are not shown.
const TARGET: &str = "hg_repmgr";

/// Whether DETAIL and HINT lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extras {
    /// Written.
    Shown,
    /// Left out (`--terse`).
    Hidden,
}

/// How messages are to be written from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The least grave level that is written. `--quiet` is [`Level::Error`].
    pub level: Level,
    /// Where to.
    pub destination: Destination,
    /// DETAIL and HINT lines.
    pub extras: Extras,
    /// Colour of the LEVEL word on stderr.
    pub colour: Colour,
    /// The program's name in syslog.
    pub ident: String,
}

impl Default for Config {
    /// What holds before a configuration file was read: INFO on stderr.
    fn default() -> Self {
        Self {
            level: Level::Info,
            destination: Destination::Stderr,
            extras: Extras::Shown,
            colour: Colour::Auto,
            ident: "repmgr".to_owned(),
        }
    }
}

struct State {
    level: Level,
    extras: Extras,
    /// `None`: nobody said anything yet, stderr.
    sink: Option<Sink>,
}

static STATE: Mutex<State> = Mutex::new(State { level: Level::Info, extras: Extras::Shown, sink: None });
static INSTALL: Once = Once::new();
static REOPEN: AtomicBool = AtomicBool::new(false);

/// Sets how messages are written; again whenever something about it changes. A file or a syslog that
/// cannot be opened is told on stderr, where the messages then go.
pub fn init(config: &Config) {
    let (sink, problem) = match Sink::open(&config.destination, config.colour, &config.ident) {
        Ok(sink) => (sink, None),
        Err(why) => (Sink::stderr(config.colour), Some(why)),
    };
    {
        let mut state = lock();
        state.level = config.level;
        state.extras = config.extras;
        state.sink = Some(sink);
    }
    let Some(why) = problem else { return };
    match &config.destination {
        Destination::File(path) => {
            warning(format!("unable to open log file \"{}\", messages go to stderr", path.display()))
                .detail(why.to_string())
                .hint("check \"log_file\", the directory and its owner");
        }
        Destination::Syslog(_) => {
            warning("unable to reach syslog, messages go to stderr").detail(why.to_string());
        }
        Destination::Stderr => {}
    }
}

/// Asks for the log file to be opened anew before the next message. Safe in a signal handler.
pub fn reopen() {
    REOPEN.store(true, Ordering::Relaxed);
}

/// True when a message of this level would be written; for messages that are dear to make.
#[must_use]
pub fn shows(level: Level) -> bool {
    level >= lock().level
}

/// A message that is written when it goes out of scope.
pub struct Message {
    level: Level,
    text: String,
    detail: Vec<String>,
    hint: Vec<String>,
}

impl Message {
    fn new(level: Level, text: String) -> Self {
        Self { level, text, detail: Vec::new(), hint: Vec::new() }
    }

    /// Adds a DETAIL line: what was seen.
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail.push(text.into());
        self
    }

    /// Adds a HINT line: what to do next.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint.push(text.into());
        self
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        install();
        if !shows(self.level) {
            return;
        }
        let mut pairs = vec![("level", self.level.word())];
        pairs.extend(self.detail.iter().map(|d| ("detail", d.as_str())));
        pairs.extend(self.hint.iter().map(|h| ("hint", h.as_str())));
        log::logger().log(
            &log::Record::builder()
                .target(TARGET)
                .level(self.level.carrier())
                .args(format_args!("{}", self.text))
                .key_values(&pairs)
                .build(),
        );
    }
}

/// A message of a level that is known only at run time.
pub fn say(level: Level, text: impl Into<String>) -> Message {
    Message::new(level, text.into())
}

macro_rules! level_function {
    ($(#[$doc:meta] $name:ident $level:ident),+ $(,)?) => {$(
        #[$doc]
        pub fn $name(text: impl Into<String>) -> Message {
            Message::new(Level::$level, text.into())
        }
    )+};
}

level_function! {
    /// DEBUG: for who looks into the program.
    debug Debug,
    /// INFO: what is being done.
    info Info,
    /// NOTICE: what has changed, or is worth knowing.
    notice Notice,
    /// WARNING: not as it should be; the work goes on.
    warning Warning,
    /// ERROR: what was asked for cannot be done.
    error Error,
    /// CRIT: somebody has to look.
    crit Crit,
    /// ALERT: somebody has to look at once.
    alert Alert,
    /// EMERG: nothing works any more.
    emerg Emerg,
}

/// Writes an error as ERROR with its details and hints.
pub fn failure(failed: &Error) {
    rewritten(Level::Error, failed);
}

/// Writes an error as WARNING, for work that goes on without it.
pub fn setback(failed: &Error) {
    rewritten(Level::Warning, failed);
}

fn rewritten(level: Level, failed: &Error) {
    let mut message = Message::new(level, failed.message.clone());
    message.detail.clone_from(&failed.detail);
    message.hint.clone_from(&failed.hint);
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pipe under env_logger: hands a whole message to whatever sink is in force.
struct Current;

impl Write for Current {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = lock();
        let sink = state.sink.get_or_insert_with(|| Sink::stderr(Colour::Auto));
        if REOPEN.swap(false, Ordering::Relaxed)
            && let Err(why) = sink.reopen()
        {
            let told = sink.render(&Lines {
                level: Level::Warning,
                lines: vec![
                    ("WARNING", "unable to reopen the log file, the old one stays in use"),
                    ("DETAIL", &why.to_string()),
                ],
            });
            sink.put(told.as_bytes()).ok();
        }
        if sink.put(bytes).is_err() {
            // A full disk or a dead syslog must not swallow the message.
            io::stderr().lock().write_all(bytes).ok();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn install() {
    INSTALL.call_once(|| {
        let mut builder = env_logger::Builder::new();
        builder
            .filter_module(TARGET, log::LevelFilter::Trace)
            .target(env_logger::Target::Pipe(Box::new(Current)))
            .format(|out, record| out.write_all(rendered(record).as_bytes()));
        // Fails only when another logger was set before; then that one gets the records.
        builder.try_init().ok();
    });
}

/// The one formatter.
fn rendered(record: &log::Record<'_>) -> String {
    let mut pairs = Pairs::default();
    record.key_values().visit(&mut pairs).ok();
    let text = record.args().to_string();
    let level = pairs.level.unwrap_or(Level::Info);
    let mut state = lock();
    let mut lines = vec![(level.word(), text.as_str())];
    if state.extras == Extras::Shown {
        lines.extend(pairs.extras.iter().map(|(word, text)| (*word, text.as_str())));
    }
    state.sink.get_or_insert_with(|| Sink::stderr(Colour::Auto)).render(&Lines { level, lines })
}

#[derive(Default)]
struct Pairs {
    level: Option<Level>,
    extras: Vec<(&'static str, String)>,
}

impl<'kv> log::kv::VisitSource<'kv> for Pairs {
    fn visit_pair(
        &mut self,
        key: log::kv::Key<'kv>,
        value: log::kv::Value<'kv>,
    ) -> Result<(), log::kv::Error> {
        let text = value.to_borrowed_str().map_or_else(|| value.to_string(), str::to_owned);
        match key.as_str() {
            "level" => self.level = text.parse().ok(),
            "detail" => self.extras.push(("DETAIL", text)),
            "hint" => self.extras.push(("HINT", text)),
            _ => {}
        }
        Ok(())
    }
}
