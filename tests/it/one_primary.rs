//! Never two servers that take writes: looked at all the time while something else happens.

use crate::cluster::{Host, PgOptions, Solo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// From one question to the next, for each server.
const TICK: Duration = Duration::from_millis(50);

/// What one server said, in the order of its answers: when it took a write, in seconds of a clock that all
/// servers here share. `None`: it did not take one.
type Answers = Vec<Option<f64>>;

/// Does `work` while every server is asked again and again; stops the test when two of them took writes at
/// the same time. Servers that are down say nothing.
#[track_caller]
pub fn watched<T>(hosts: &[Host], work: impl FnOnce() -> T) -> T {
    let (value, doubles) = observed(hosts, work);
    assert!(doubles.is_empty(), "two servers took writes: {doubles:?}");
    value
}

/// Does `work`, and tells which pairs of servers took writes at the same time. Each server is asked from a
/// thread of its own: one that hangs keeps no other from being seen.
fn observed<T>(hosts: &[Host], work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let over = AtomicBool::new(false);
    let (value, answers) = std::thread::scope(|scope| {
        let over = &over;
        let watches: Vec<_> = hosts.iter().map(|host| scope.spawn(move || asked(host, over))).collect();
        let done = Finish(over);
        let value = work();
        drop(done);
        (value, watches.into_iter().map(|watch| watch.join().unwrap()).collect::<Vec<_>>())
    });
    assert!(answers.iter().all(|a| !a.is_empty()), "every server was asked");
    let mut doubles = Vec::new();
    for (at, one) in answers.iter().enumerate() {
        for (other, two) in answers.iter().enumerate().skip(at + 1) {
            if let Some(when) = overlap(one, two) {
                doubles.push(format!("{} and {} at {when:.3}", hosts[at].name, hosts[other].name));
            }
        }
    }
    (value, doubles)
}

fn asked(host: &Host, over: &AtomicBool) -> Answers {
    let mut answers = Vec::new();
    loop {
        // Looked at before the question: the last one comes after the end of the work.
        let last = over.load(Ordering::Relaxed);
        let began = Instant::now();
        answers.push(write(host));
        if last {
            return answers;
        }
        std::thread::sleep(TICK.saturating_sub(began.elapsed()));
    }
}

/// A moment that lies between two writes of one of them, with none refused in between, and at which the other
/// one took a write.
fn overlap(one: &Answers, two: &Answers) -> Option<f64> {
    let within = |periods: &Answers, moments: &Answers| {
        periods.windows(2).find_map(|pair| {
            let (from, to) = (pair[0]?, pair[1]?);
            moments.iter().flatten().copied().find(|&at| from <= at && at <= to)
        })
    };
    within(one, two).or_else(|| within(two, one))
}

/// Tells the watchers to end, also when the work stops the test.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Has the server write something; when it did.
fn write(host: &Host) -> Option<f64> {
    host.postmaster_pid()?;
    let out = host.try_psql(
        "SET statement_timeout = '2s';
         SELECT extract(epoch FROM clock_timestamp()) WHERE txid_current() > 0",
    );
    (out.code == 0).then(|| out.stdout.trim().parse().unwrap())
}

#[test]
fn two_primaries_made_on_purpose_are_reported_and_one_after_the_other_is_not() {
    let solo = Solo::new(2);
    let (one, two) = (solo.host(1).init_primary(&PgOptions::default()), solo.host(2));
    two.join(one);
    two.catch_up(one);
    let while_passing = || observed(solo.hosts(), || std::thread::sleep(Duration::from_millis(500))).1;
    assert_eq!(while_passing(), [""; 0], "a standby takes no writes");
    two.pg_ctl(&["-D", &two.data_directory(), "promote", "-w"]).ok();
    let doubles = while_passing();
    assert!(doubles.len() == 1 && doubles[0].starts_with("node1 and node2 at "), "{doubles:?}");
    // Neither of them alone is one too many, nor is one that begins when the other has ended.
    two.stop_pg(crate::cluster::Stop::Fast);
    let ((), doubles) = observed(solo.hosts(), || {
        std::thread::sleep(Duration::from_millis(300));
        one.stop_pg(crate::cluster::Stop::Fast);
        two.start_pg();
        std::thread::sleep(Duration::from_millis(300));
    });
    assert_eq!(doubles, [""; 0]);
}

#[test]
fn writes_overlap_when_one_lies_between_two_of_the_other() {
    for (why, one, two, want) in [
        ("one after the other", vec![Some(1.0), Some(2.0), None], vec![None, Some(3.0), Some(4.0)], None),
        ("in turns", vec![Some(1.0), Some(3.0)], vec![Some(2.0), Some(4.0)], Some(2.0)),
        ("a single write between two", vec![Some(2.0)], vec![Some(1.0), Some(3.0)], Some(2.0)),
        ("down in between", vec![Some(1.0), None, Some(3.0)], vec![Some(2.0)], None),
        ("a single write each", vec![Some(1.0)], vec![Some(2.0)], None),
    ] {
        assert_eq!(overlap(&one, &two), want, "{why}");
    }
}
