//! Never two servers that take writes: looked at all the time while something else happens.

use crate::cluster::Host;
use std::sync::atomic::{AtomicBool, Ordering};

/// Does `work` while all servers are asked again and again; stops the test when two of them take writes in
/// one round. Servers that are down say nothing.
#[track_caller]
pub fn watched<T>(hosts: &[Host], work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut rounds = 0;
            let mut worst = Vec::new();
            while !over.load(Ordering::Relaxed) || rounds == 0 {
                let writable: Vec<_> =
                    hosts.iter().filter(|h| takes_writes(h)).map(|h| h.name.clone()).collect();
                if writable.len() > worst.len() {
                    worst = writable;
                }
                rounds += 1;
            }
            (rounds, worst)
        });
        let done = Finish(&over);
        let value = work();
        drop(done);
        let (rounds, worst) = watch.join().unwrap();
        assert!(rounds > 0 && worst.len() < 2, "two servers took writes: {worst:?}");
        value
    })
}

/// Tells the watcher to end, also when the work stops the test.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn takes_writes(host: &Host) -> bool {
    if host.postmaster_pid().is_none() {
        return false;
    }
    let out = host.try_psql("SET statement_timeout = '2s'; SELECT txid_current() > 0");
    out.code == 0 && out.stdout.trim() == "t"
}
