//! How far a long piece of work is: a bar on a terminal, else a line now and then.

use super::clock::{self};
use crate::domain::time::Moment;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Without a terminal a line is written this often: a log of an hour's copy stays readable.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Whether a bar may be drawn at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// A bar when stderr is a terminal, else lines.
    Auto,
    /// Neither (`--quiet`).
    Hidden,
}

/// Bytes done out of bytes in all.
pub struct Progress<'a> {
    bar: Option<ProgressBar>,
    say: Option<&'a dyn Fn(String)>,
    total: u64,
    done: u64,
    began: Moment,
    said: Moment,
}

impl<'a> Progress<'a> {
    /// Begins. `total` is in bytes; 0: not known. `say` writes a line where no bar can be drawn.
    #[must_use]
    pub fn new(total: u64, display: Display, say: &'a dyn Fn(String)) -> Self {
        let now = clock::now();
        let bar = (display == Display::Auto && std::io::stderr().is_terminal()).then(|| bar(total));
        let say = (display == Display::Auto && bar.is_none()).then_some(say);
        Self { bar, say, total, done: 0, began: now, said: now }
    }

    /// So many bytes are done in all; `total` again, since an estimate grows while it is measured.
    pub fn set(&mut self, done: u64, total: u64) {
        self.done = done;
        self.total = total.max(done);
        if let Some(bar) = &self.bar {
            bar.set_length(self.total);
            bar.set_position(done);
        }
        let now = clock::now();
        if let Some(say) = self.say
            && now.since(self.said) >= LINE_EVERY
        {
            self.said = now;
            say(line(done, self.total, now.since(self.began)));
        }
    }

    /// Ends; the bar is taken away.
    pub fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = "{bar:32} {percent:>3}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn line(done: u64, total: u64, time: Duration) -> String {
    let rate = u128::from(done) * 1000 / time.as_millis().max(1);
    let rate = size(u64::try_from(rate).unwrap_or(u64::MAX));
    match (u128::from(done) * 100).checked_div(u128::from(total)) {
        Some(percent) => format!("{percent}% done, {} of {}, {rate}/s", size(done), size(total)),
        None => format!("{} done, {rate}/s", size(done)),
    }
}

/// A size as people read it: `3 bytes`, `17 kB`, `2048 MB`, as PostgreSQL's `pg_size_pretty` writes it.
#[must_use]
pub fn size(bytes: u64) -> String {
    /// From here on the next unit is used.
    const LIMIT: u64 = 10 * 1024;
    if bytes < LIMIT {
        return format!("{bytes} bytes");
    }
    let mut halves = bytes >> 9;
    for unit in ["kB", "MB", "GB", "TB"] {
        let rounded = halves.div_ceil(2);
        if halves < LIMIT * 2 - 1 {
            return format!("{} {unit}", if halves % 2 == 1 { rounded } else { halves / 2 });
        }
        halves >>= 10;
    }
    format!("{} PB", halves.div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_postgresql_writes_them() {
        for (bytes, want) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_752, "11 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (31_457_280, "30 MB"),
            (1 << 40, "1024 GB"),
        ] {
            assert_eq!(size(bytes), want, "{bytes}");
        }
    }

    #[test]
    fn a_line_tells_share_and_rate() {
        let ten = Duration::from_secs(10);
        assert_eq!(line(50 << 20, 100 << 20, ten), "50% done, 50 MB of 100 MB, 5120 kB/s");
        assert_eq!(line(50 << 20, 0, ten), "50 MB done, 5120 kB/s");
    }
}
