//! The same work for many, at the same time.

use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

/// Calls `work` for each item on a thread of its own and returns the results in the items' order.
///
/// It lasts as long as the slowest: each call must have its own deadline. An item for which no thread can be had
/// (a limit on tasks) is worked at after the others.
pub fn in_parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    on_threads(&Builder::new, items, work)
}

fn on_threads<T: Send, R: Send>(
    thread: &dyn Fn() -> Builder,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    // A thread that could not be made gives nothing back: the items stay here until they are begun.
    let waiting: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let begin = |item: &Mutex<Option<T>>| {
        let item = item.lock().unwrap_or_else(PoisonError::into_inner).take();
        item.map(&work)
    };
    let begin = &begin;
    std::thread::scope(|scope| {
        let threads: Vec<_> = waiting
            .iter()
            .map(|item| thread().spawn_scoped(scope, move || begin(item)).map_err(|_| item))
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(item) => begin(item),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock::{self, Deadline};
    use std::time::Duration;

    #[test]
    fn results_come_in_the_order_of_the_items_and_the_waits_do_not_add_up() {
        let limit = Deadline::after(Duration::from_millis(700));
        let got = in_parallel(vec![300u64, 200, 100, 0], |ms| {
            clock::pause(Duration::from_millis(ms));
            ms * 2
        });
        assert_eq!(got, [600, 400, 200, 0]);
        assert!(!limit.passed());
        assert!(in_parallel(Vec::<u8>::new(), |n| n).is_empty());
    }

    #[test]
    fn without_threads_the_items_are_worked_at_one_after_another() {
        let impossible = || Builder::new().stack_size(1 << 62);
        assert_eq!(on_threads(&impossible, vec![1, 2, 3], |n| n * 2), [2, 4, 6]);
    }
}
