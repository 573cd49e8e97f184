//! The clock: `CLOCK_BOOTTIME`, which counts suspended time and never steps; deadlines; waiting.

use crate::domain::time::Moment;
use std::time::Duration;

/// Now, on `CLOCK_BOOTTIME`.
#[must_use]
pub fn now() -> Moment {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let secs = u64::try_from(t.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(t.tv_nsec).unwrap_or(0);
    Moment(Duration::new(secs, nanos))
}

/// The end of somebody's patience. Handed down, never renewed: attempts divide it, they do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Moment);

impl Deadline {
    /// `patience` from now.
    #[must_use]
    pub fn after(patience: Duration) -> Self {
        Self(now() + patience)
    }

    /// What is left; zero when it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.since(now())
    }

    /// True when nothing is left.
    #[must_use]
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// The earlier of this deadline and `patience` from now.
    #[must_use]
    pub fn at_most(self, patience: Duration) -> Self {
        self.min(Self::after(patience))
    }
}

/// Asks `ready` every `step` until it gives a value or the deadline has passed (`None`). It is asked at
/// least once, and once more after the last wait.
pub fn poll_until<T>(deadline: Deadline, step: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        let left = deadline.left();
        if left.is_zero() {
            return None;
        }
        pause(step.min(left));
    }
}

/// Lets `time` pass.
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The wall clock in local time as log lines carry it: `2026-11-21 00:34:54`. For people only; it steps.
#[must_use]
pub fn local_stamp() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The wall clock in local time as syslog's datagrams carry it: `Nov 21 00:34:54`.
#[must_use]
pub fn syslog_stamp() -> String {
    jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string()
}
