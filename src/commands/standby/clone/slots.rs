//! The standby's slot: made before the copy, dropped when the copy fails and we had made it.

use super::gather::Source;
use super::wish::Wish;
use crate::commands::context::connect_deadline;
use crate::domain::conninfo::ConnInfo;
use crate::error::Result;
use crate::exit::Exit;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::pg::wire::Wire;
use crate::report;
use crate::sys::clock::{self, Deadline};
use std::time::Duration;

/// For a server to notice that a connection is gone.
const RELEASE: Duration = Duration::from_secs(5);

/// Between two looks.
const STEP: Duration = Duration::from_millis(100);

/// A slot in our hands.
#[derive(Clone, Debug)]
pub struct Slot {
    name: String,
    conninfo: ConnInfo,
    place: String,
    made: Made,
}

/// What is known of a slot of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none, or it can be used.
    Usable,
    /// It has lost WAL that it was to hold back.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    ByUs,
    Before,
}

/// The server notices a moment late that a process which we ended is gone: waits for the slot.
pub fn await_release(wish: &Wish, source: &mut Source, session: &mut Session) {
    let held = |slots: &[server::Slot]| slots.iter().any(|s| s.active && Some(&s.name) == wish.slot.as_ref());
    let released = clock::poll_until(Deadline::after(RELEASE), STEP, || {
        let slots = server::physical_slots(session).ok()?;
        (!held(&slots)).then_some(slots)
    });
    source.slots = released.unwrap_or_else(|| std::mem::take(&mut source.slots));
}

/// Makes the slot, or takes the one that is there. `place` names the server in messages.
///
/// # Errors
/// [`Exit::DbConn`], [`Exit::DbQuery`].
pub fn make(name: &str, conninfo: &ConnInfo, place: &str, found: Found) -> Result<Slot> {
    let text = || format!("unable to make replication slot \"{name}\" on {place}");
    let mut wire = Wire::connect(conninfo, connect_deadline(conninfo))
        .map_err(|e| e.into_error(Exit::DbConn, text()))?;
    if found == Found::Lost {
        wire.drop_slot(name).map_err(|e| e.into_error(Exit::DbQuery, text()))?;
        report::notice(format!("replication slot \"{name}\" on {place} had lost WAL and was dropped"));
    }
    let made = match wire.create_physical_slot(name) {
        Ok(()) => Made::ByUs,
        Err(e) if exists(&e) => {
            report::notice(format!("replication slot \"{name}\" is on {place} already, and is used"));
            Made::Before
        }
        Err(e) => return Err(e.into_error(Exit::DbQuery, text())),
    };
    if made == Made::ByUs {
        report::info(format!("replication slot \"{name}\" made on {place}"));
    }
    Ok(Slot { name: name.to_owned(), conninfo: conninfo.clone(), place: place.to_owned(), made })
}

fn exists(error: &PgError) -> bool {
    error.sqlstate.as_deref() == Some("42710")
}

impl Slot {
    /// Drops the slot, if we made it. A failure is a warning: the clone has failed already.
    pub fn undo(self) {
        let Self { name, conninfo, place, made } = self;
        if made == Made::Before {
            return;
        }
        let dropped =
            Wire::connect(&conninfo, connect_deadline(&conninfo)).and_then(|mut w| w.drop_slot(&name));
        match dropped {
            Ok(()) => drop(report::notice(format!("replication slot \"{name}\" dropped on {place}"))),
            Err(why) => drop(
                report::warning(format!("replication slot \"{name}\" is left behind on {place}"))
                    .detail(why.to_string())
                    .hint(format!(
                        "it holds back WAL there; drop it: SELECT pg_drop_replication_slot('{name}')"
                    )),
            ),
        }
    }
}
