//! A live connection and the runtime it runs on: the only file whose callers wait on asynchronous work.

use super::connect::Route;
use super::error::{Failure, PgError, spoken};
use super::transport::{Negotiated, Pipe};
use crate::domain::version::ServerVersion;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Connection};

/// A cancel request that takes longer than this is given up: the server is not there, or statement_timeout ends the query.
const CANCEL_PATIENCE: Duration = Duration::from_millis(500);

/// How long a goodbye may take.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(50);

/// A connection; a call that fails beyond repair closes it.
pub(super) struct Link {
    runtime: Runtime,
    client: Option<Client>,
    pump: JoinHandle<()>,
    fault: Arc<Mutex<Option<PgError>>>,
    route: Route,
    cancel: CancelToken,
    /// The server as messages name it.
    pub(super) place: String,
    /// What to tell besides: a password file that was ignored.
    pub(super) warnings: Vec<String>,
    /// From the server's greeting.
    pub(super) version: ServerVersion,
}

impl Link {
    pub(super) fn new(
        runtime: Runtime,
        client: Client,
        mut connection: Connection<Pipe, Pipe>,
        place: String,
        route: Route,
    ) -> Self {
        let version = server_version(connection.parameter("server_version").unwrap_or_default());
        let fault = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&fault);
        let cancel = client.cancel_token();
        let pump = runtime.spawn(async move {
            // Notices are dropped: nobody asked for them.
            while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let Err(e) = message {
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(PgError::of(&e));
                    return;
                }
            }
        });
        Self {
            runtime,
            client: Some(client),
            pump,
            fault,
            route,
            cancel,
            place,
            warnings: Vec::new(),
            version,
        }
    }

    /// False after a call that timed out or lost the connection.
    pub(super) fn is_usable(&self) -> bool {
        self.client.as_ref().is_some_and(|c| !c.is_closed())
    }

    /// Runs one exchange with the server within `limit`. A late one is cancelled there, and the link is closed.
    pub(super) fn call<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, PgError> {
        let Some(client) = &self.client else {
            return Err(
                self.lost(PgError::new(Failure::Lost, "the session was closed after an earlier failure"))
            );
        };
        let done = self.runtime.block_on(async { tokio::time::timeout(limit, work(client)).await });
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(e)) => Err(self.explained(&e)),
            Err(_) => {
                self.give_up();
                let why = format!("no answer from {} within {}", self.place, spoken(limit));
                Err(PgError::new(Failure::TimedOut, why)
                    .hint("check that the server is not hanging and that nothing blocks the statement"))
            }
        }
    }

    fn explained(&mut self, cause: &tokio_postgres::Error) -> PgError {
        let mut error = PgError::of(cause);
        // What reaches a live session from the network is its end.
        if error.sqlstate.is_none() && matches!(error.failure, Failure::Refused | Failure::TimedOut) {
            error.failure = Failure::Lost;
        }
        if error.failure != Failure::Lost {
            return error;
        }
        let pump = &mut self.pump;
        // The reason, if the server gave one, arrives beside the broken call.
        let _ = self.runtime.block_on(async { tokio::time::timeout(GOODBYE_PATIENCE, pump).await });
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.client = None;
        self.lost(fault.filter(|_| error.sqlstate.is_none()).unwrap_or(error))
    }

    fn lost(&self, mut error: PgError) -> PgError {
        error.failure = Failure::Lost;
        error.message = format!("connection to {} was lost: {}", self.place, error.message);
        error.hint("see the log of that server")
    }

    /// Ends what runs on the server, as far as that can be done in a moment.
    fn give_up(&mut self) {
        self.client = None;
        let (route, cancel) = (&self.route, &self.cancel);
        let request = async {
            if let Ok(pipe) = route.open().await {
                drop(cancel.cancel_query_raw(pipe, Negotiated).await);
            }
        };
        let _ = self.runtime.block_on(async { tokio::time::timeout(CANCEL_PATIENCE, request).await });
        self.pump.abort();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.client.take().is_some() && !self.pump.is_finished() {
            let pump = &mut self.pump;
            let _ = self.runtime.block_on(async { tokio::time::timeout(GOODBYE_PATIENCE, pump).await });
        }
    }
}

/// `15.18 (Debian 15.18-0+deb12u1)`, `16beta1`, `9.6.24` as server_version_num has it.
fn server_version(text: &str) -> ServerVersion {
    let mut parts = text.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..digits].parse::<u32>().unwrap_or(0)
    });
    let mut next = || parts.next().unwrap_or(0);
    let (major, minor, patch) = (next(), next(), next());
    match major {
        0..10 => ServerVersion(major * 10_000 + minor * 100 + patch),
        _ => ServerVersion(major * 10_000 + minor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_gives_the_version_number() {
        for (text, want) in [
            ("15.18 (Debian 15.18-0+deb12u1)", 150_018),
            ("10.23", 100_023),
            ("18beta1", 180_000),
            ("18devel", 180_000),
            ("9.6.24", 90_624),
            ("", 0),
        ] {
            assert_eq!(server_version(text), ServerVersion(want), "{text}");
        }
    }
}
